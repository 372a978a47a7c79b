//! What a peer does, as lines of text.
//!
//! ```text
//! PHASE[ WHICH]: WHAT
//! offers: EXTENSION, EXTENSION …
//! ```
//! `PHASE` is what the peer would answer next. `WHICH` narrows it: the beginning of an address at
//! `rcpt`, `again` everywhere else for connections that have carried a message. `WHAT` is a reply,
//! or one of `<silence>`, `<close>`, `<reset>`, `<drip> REPLY` (an octet a second), `<endless line>`,
//! `<endless lines>`, `<garbage>`, `<leave 221>`; a reply may go on with ` <close>` or ` <reset>`. A
//! 421 ends the connection. What no line speaks of is answered politely.

use std::str::FromStr;

/// The moments at which a peer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    Banner,
    Ehlo,
    Helo,
    StartTls,
    Handshake,
    Auth,
    Xforward,
    Mail,
    Rcpt,
    Data,
    Bdat,
    /// In the middle of the body.
    Body,
    /// The message is complete.
    End,
    /// The message was answered, and nothing was said since.
    Idle,
    Rset,
    Quit,
}

/// What it does then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Say(&'static str),
    SayAndClose(&'static str),
    SayAndReset(&'static str),
    Silence,
    Close,
    Reset,
    Drip(&'static str),
    EndlessLine,
    EndlessLines,
    Garbage,
}

#[derive(Debug, Clone)]
struct Rule {
    at: At,
    which: &'static str,
    act: Act,
}

/// A script.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    rules: Vec<Rule>,
    /// Extensions announced in clear.
    pub(crate) offers: Vec<&'static str>,
}

/// What a usual server announces.
pub(crate) const USUAL: [&str; 5] = [
    "PIPELINING",
    "STARTTLS",
    "8BITMIME",
    "SIZE 52428800",
    "ENHANCEDSTATUSCODES",
];

impl Default for Script {
    /// A polite server.
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            offers: USUAL.to_vec(),
        }
    }
}

impl Script {
    /// Reads the lines of a script; a line that is none fails the test.
    pub(crate) fn read(lines: &[&'static str]) -> Self {
        let mut script = Self::default();
        for line in lines {
            let (head, what) = line.split_once(": ").expect(line);
            if head == "offers" {
                script.offers = what.split(", ").filter(|word| !word.is_empty()).collect();
                continue;
            }
            let (phase, which) = head.split_once(' ').unwrap_or((head, ""));
            script.rules.push(Rule {
                at: phase.parse().expect(line),
                which,
                act: Act::read(what),
            });
        }
        script
    }

    /// Takes an extension out of what is announced.
    pub(crate) fn without(mut self, extension: &str) -> Self {
        self.offers.retain(|offer| *offer != extension);
        self
    }

    /// What to do now, if anything special.
    pub(crate) fn act(&self, at: At, which: &str) -> Option<Act> {
        let rule = self
            .rules
            .iter()
            .find(|rule| rule.at == at && which.starts_with(rule.which))?;
        Some(rule.act)
    }
}

impl Act {
    fn read(what: &'static str) -> Self {
        match what {
            "<silence>" => return Self::Silence,
            "<close>" => return Self::Close,
            "<reset>" => return Self::Reset,
            "<endless line>" => return Self::EndlessLine,
            "<endless lines>" => return Self::EndlessLines,
            "<garbage>" => return Self::Garbage,
            _ => {}
        }
        if let Some(reply) = what.strip_prefix("<drip> ") {
            Self::Drip(reply)
        } else if let Some(reply) = what.strip_suffix(" <close>") {
            Self::SayAndClose(reply)
        } else if let Some(reply) = what.strip_suffix(" <reset>") {
            Self::SayAndReset(reply)
        } else {
            assert!(!what.starts_with('<'), "{what}?");
            Self::Say(what)
        }
    }
}

impl FromStr for At {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Ok(match word {
            "banner" => Self::Banner,
            "ehlo" => Self::Ehlo,
            "helo" => Self::Helo,
            "starttls" => Self::StartTls,
            "handshake" => Self::Handshake,
            "auth" => Self::Auth,
            "xforward" => Self::Xforward,
            "mail" => Self::Mail,
            "rcpt" => Self::Rcpt,
            "data" => Self::Data,
            "bdat" => Self::Bdat,
            "body" => Self::Body,
            "end" => Self::End,
            "idle" => Self::Idle,
            "rset" => Self::Rset,
            "quit" => Self::Quit,
            other => return Err(format!("{other} is no phase")),
        })
    }
}
