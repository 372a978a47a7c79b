//! The parameters of MAIL and RCPT (RFC 5321 §4.1.2 `esmtp-param`).

use storage::model::{
    AddressError, BodyKind, DsnNotify, DsnReturn, ForwardPath, Recipient, ReversePath,
};

use super::super::xtext;
use super::{CommandError, Mail, decimal, path};

/// Octets of an ENVID, encoded (RFC 3461 §4.4).
const ENVELOPE_ID_MAX: usize = 100;
/// Octets of an ORCPT, encoded (RFC 3461 §4.2).
const ORIGINAL_MAX: usize = 500;

pub(super) fn mail(arguments: &str) -> Result<Mail, CommandError> {
    let (path, rest) = path::split(arguments, "FROM", "MAIL FROM:<address>")?;
    let reverse_path: ReversePath = path.parse().map_err(CommandError::Sender)?;
    let mut mail = Mail {
        reverse_path,
        size_bytes: None,
        body: BodyKind::SevenBit,
        smtputf8: false,
        dsn_return: None,
        envelope_id: None,
    };
    let mut seen = Seen::default();
    for (key, value) in parameters(rest) {
        match (key.to_ascii_uppercase().as_str(), value) {
            ("SIZE", value) => {
                seen.once("SIZE")?;
                mail.size_bytes = Some(value.and_then(decimal).ok_or(wrong("SIZE"))?);
            }
            ("BODY", value) => {
                seen.once("BODY")?;
                mail.body = body_kind(value).ok_or(wrong("BODY"))?;
            }
            ("SMTPUTF8", None) => {
                seen.once("SMTPUTF8")?;
                mail.smtputf8 = true;
            }
            ("SMTPUTF8", Some(_)) => return Err(wrong("SMTPUTF8")),
            ("RET", value) => {
                seen.once("RET")?;
                mail.dsn_return = Some(dsn_return(value).ok_or(wrong("RET"))?);
            }
            ("ENVID", value) => {
                seen.once("ENVID")?;
                let encoded = value.filter(|text| text.len() <= ENVELOPE_ID_MAX);
                let decoded = encoded.and_then(xtext::decode);
                mail.envelope_id = Some(decoded.ok_or(wrong("ENVID"))?);
            }
            _ => return Err(CommandError::UnknownParameter),
        }
    }
    Ok(mail)
}

pub(super) fn rcpt(arguments: &str) -> Result<Recipient, CommandError> {
    let (path, rest) = path::split(arguments, "TO", "RCPT TO:<address>")?;
    if path.is_empty() {
        return Err(CommandError::Recipient(AddressError::Shape));
    }
    let path: ForwardPath = path.parse().map_err(CommandError::Recipient)?;
    let mut recipient = Recipient::new(path);
    let mut seen = Seen::default();
    for (key, value) in parameters(rest) {
        match key.to_ascii_uppercase().as_str() {
            "NOTIFY" => {
                seen.once("NOTIFY")?;
                let notify = value.and_then(notify).ok_or(wrong("NOTIFY"))?;
                recipient.notify = Some(notify);
            }
            "ORCPT" => {
                seen.once("ORCPT")?;
                let original = value.and_then(original).ok_or(wrong("ORCPT"))?;
                recipient.original = Some(original);
            }
            _ => return Err(CommandError::UnknownParameter),
        }
    }
    Ok(recipient)
}

fn parameters(rest: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let words = rest.split(' ').filter(|word| !word.is_empty());
    words.map(|word| match word.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None => (word, None),
    })
}

const fn wrong(parameter: &'static str) -> CommandError {
    CommandError::Parameter(parameter)
}

fn body_kind(value: Option<&str>) -> Option<BodyKind> {
    match value?.to_ascii_uppercase().as_str() {
        "7BIT" => Some(BodyKind::SevenBit),
        "8BITMIME" => Some(BodyKind::EightBitMime),
        _ => None,
    }
}

fn dsn_return(value: Option<&str>) -> Option<DsnReturn> {
    match value?.to_ascii_uppercase().as_str() {
        "FULL" => Some(DsnReturn::Full),
        "HDRS" => Some(DsnReturn::Headers),
        _ => None,
    }
}

/// `NEVER`, or a list of the others (RFC 3461 §4.1).
fn notify(value: &str) -> Option<DsnNotify> {
    let mut notify = DsnNotify {
        never: false,
        success: false,
        failure: false,
        delay: false,
    };
    if value.eq_ignore_ascii_case("NEVER") {
        notify.never = true;
        return Some(notify);
    }
    for word in value.split(',') {
        match word.to_ascii_uppercase().as_str() {
            "SUCCESS" => notify.success = true,
            "FAILURE" => notify.failure = true,
            "DELAY" => notify.delay = true,
            _ => return None,
        }
    }
    Some(notify)
}

/// `type;xtext`, kept as `type;text` (RFC 3461 §4.2).
fn original(value: &str) -> Option<String> {
    if value.len() > ORIGINAL_MAX {
        return None;
    }
    let (kind, address) = value.split_once(';')?;
    let sound = !kind.is_empty()
        && !address.is_empty()
        && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let address = xtext::decode(address)?;
    sound.then(|| format!("{};{address}", kind.to_ascii_lowercase()))
}

/// Parameters may not be repeated (RFC 5321 §4.1.1.11).
#[derive(Default)]
struct Seen(Vec<&'static str>);

impl Seen {
    fn once(&mut self, parameter: &'static str) -> Result<(), CommandError> {
        if self.0.contains(&parameter) {
            return Err(wrong(parameter));
        }
        self.0.push(parameter);
        Ok(())
    }
}
