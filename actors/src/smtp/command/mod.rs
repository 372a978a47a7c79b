//! Commands (RFC 5321 §4.1.1) from complete, clean lines.
//!
//! The raw path is handed to `storage::model::address`, the only place that knows what an address
//! is; whatever a line holds, what comes out of here prints back without becoming protocol.

mod parameter;
mod path;

use storage::model::{AddressError, BodyKind, DsnReturn, Recipient, ReversePath};

/// A command and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `EHLO name`.
    Ehlo(String),
    /// `HELO name`.
    Helo(String),
    /// `MAIL FROM:<path> parameters`.
    Mail(Mail),
    /// `RCPT TO:<path> parameters`.
    Rcpt(Recipient),
    /// `DATA`.
    Data,
    /// `BDAT size [LAST]` (RFC 3030).
    Bdat {
        /// Octets that follow.
        size_bytes: u64,
        /// It is the last chunk.
        is_last: bool,
    },
    /// `RSET`.
    Rset,
    /// `NOOP`, with anything behind it.
    Noop,
    /// `HELP`, with anything behind it.
    Help,
    /// `VRFY something`.
    Vrfy,
    /// `STARTTLS`.
    StartTls,
    /// `QUIT`.
    Quit,
}

/// `MAIL FROM` with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The path.
    pub reverse_path: ReversePath,
    /// `SIZE=` (RFC 1870).
    pub size_bytes: Option<u64>,
    /// `BODY=` (RFC 6152).
    pub body: BodyKind,
    /// `SMTPUTF8` (RFC 6531).
    pub smtputf8: bool,
    /// `RET=` (RFC 3461).
    pub dsn_return: Option<DsnReturn>,
    /// `ENVID=`, decoded (RFC 3461).
    pub envelope_id: Option<String>,
}

/// Why a line is no command of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// Nothing known.
    #[error("command not recognised")]
    Unknown,
    /// Known, but not here.
    #[error("command not implemented")]
    NotImplemented,
    /// A browser or worse.
    #[error("this is not a web server")]
    Http,
    /// The line is not UTF-8.
    #[error("the command is not valid UTF-8")]
    NotUtf8,
    /// The arguments are not what the command takes.
    #[error("syntax: {0}")]
    Syntax(&'static str),
    /// A parameter that we do not know (RFC 5321 §4.1.1.11).
    #[error("parameter not recognised")]
    UnknownParameter,
    /// A parameter that we know, with a value that it cannot have or given twice.
    #[error("parameter {0} has a wrong value or is repeated")]
    Parameter(&'static str),
    /// The reverse path is no address.
    #[error("sender: {0}")]
    Sender(AddressError),
    /// The forward path is no address.
    #[error("recipient: {0}")]
    Recipient(AddressError),
    /// `<@a,@b:c@d>`: nobody is relayed along a route of the sender's choice (RFC 5321 appendix C).
    #[error("source routes are not accepted")]
    SourceRoute,
}

const HTTP_VERBS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
];

impl Command {
    /// Reads a line without its CRLF. Spaces at its end are tolerated (RFC 5321 §4.1.1).
    ///
    /// # Errors
    /// When it is no command of ours; see [`CommandError`] for what to answer.
    pub fn parse(line: &[u8]) -> Result<Self, CommandError> {
        let line = std::str::from_utf8(line).map_err(|_| CommandError::NotUtf8)?;
        let line = line.trim_end_matches([' ', '\t']);
        let (verb, arguments) = line.split_once(' ').unwrap_or((line, ""));
        let arguments = arguments.trim_start_matches(' ');
        let verb = verb.to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => Ok(Self::Ehlo(name(arguments, "EHLO name")?)),
            "HELO" => Ok(Self::Helo(name(arguments, "HELO name")?)),
            "MAIL" => parameter::mail(arguments).map(Self::Mail),
            "RCPT" => parameter::rcpt(arguments).map(Self::Rcpt),
            "DATA" => bare(arguments, Self::Data),
            "BDAT" => bdat(arguments),
            "RSET" => bare(arguments, Self::Rset),
            "NOOP" => Ok(Self::Noop),
            "HELP" => Ok(Self::Help),
            "VRFY" if arguments.is_empty() => Err(CommandError::Syntax("VRFY address")),
            "VRFY" => Ok(Self::Vrfy),
            "STARTTLS" => bare(arguments, Self::StartTls),
            "QUIT" => bare(arguments, Self::Quit),
            "EXPN" | "ETRN" | "ATRN" | "TURN" | "AUTH" | "SEND" | "SOML" | "SAML" | "BURL"
            | "LHLO" | "XCLIENT" | "XFORWARD" => Err(CommandError::NotImplemented),
            verb if HTTP_VERBS.contains(&verb) => Err(CommandError::Http),
            _ => Err(CommandError::Unknown),
        }
    }
}

fn bare(arguments: &str, command: Command) -> Result<Command, CommandError> {
    if arguments.is_empty() {
        Ok(command)
    } else {
        Err(CommandError::Syntax("the command takes no argument"))
    }
}

/// The peer's name is taken as it is, as long as it is one word of printable ASCII: a wrong name is
/// no reason to refuse mail (IN2).
fn name(arguments: &str, syntax: &'static str) -> Result<String, CommandError> {
    let sound = (1..=255).contains(&arguments.len())
        && arguments.bytes().all(|byte| byte.is_ascii_graphic());
    if sound {
        Ok(arguments.to_owned())
    } else {
        Err(CommandError::Syntax(syntax))
    }
}

fn bdat(arguments: &str) -> Result<Command, CommandError> {
    const SYNTAX: CommandError = CommandError::Syntax("BDAT size [LAST]");
    let mut words = arguments.split_ascii_whitespace();
    let size_bytes = words.next().and_then(decimal).ok_or(SYNTAX)?;
    let is_last = match words.next() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case("LAST") => true,
        Some(_) => return Err(SYNTAX),
    };
    if words.next().is_some() {
        return Err(SYNTAX);
    }
    Ok(Command::Bdat {
        size_bytes,
        is_last,
    })
}

/// Up to 20 digits (RFC 1870 §5) and nothing else.
fn decimal(text: &str) -> Option<u64> {
    let digits = (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
