//! The envelope of one mail transaction (RFC 5321 §3.3) and what was known about its sender.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::address::{ForwardPath, ReversePath};
use super::authentication::Authentication;

/// What `BODY=` announced (RFC 6152).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub enum BodyKind {
    /// Nothing announced, or `7BIT`.
    #[default]
    SevenBit,
    /// `8BITMIME`.
    EightBitMime,
}

/// `RET=` of RFC 3461 §4.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DsnReturn {
    /// The whole message was asked for; we return headers all the same (no backscatter of bodies).
    Full,
    /// Headers only.
    Headers,
}

/// `NOTIFY=` of RFC 3461 §4.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DsnNotify {
    /// `NEVER`: no notification whatsoever. The other fields are false then.
    pub never: bool,
    /// Tell when delivered.
    pub success: bool,
    /// Tell when failed.
    pub failure: bool,
    /// Tell when delayed.
    pub delay: bool,
}

/// One `RCPT TO` that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The path as the sender wrote it (alias and plus-address unresolved), which is what the
    /// destination gets to see.
    pub path: ForwardPath,
    /// `NOTIFY=`, when given.
    pub notify: Option<DsnNotify>,
    /// `ORCPT=` in its decoded form `type;address`, when given (RFC 3461 §4.2).
    pub original: Option<String>,
}

impl Recipient {
    /// A recipient without DSN parameters.
    #[must_use]
    pub const fn new(path: ForwardPath) -> Self {
        Self {
            path,
            notify: None,
            original: None,
        }
    }
}

/// Facts about the peer that handed the message in, kept because DSN decisions, the log and
/// XFORWARD need them later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientFacts {
    /// The peer's address (from the PROXY header where a listener demands one).
    pub ip: IpAddr,
    /// What EHLO or HELO said, as given.
    pub helo: String,
    /// The name the address resolves to and back, when known.
    pub reverse_name: Option<String>,
    /// The negotiated protocol version, e.g. `TLSv1.3`; none in clear.
    pub tls_version: Option<String>,
    /// The negotiated cipher suite.
    pub tls_cipher: Option<String>,
    /// SPF pass or aligned DKIM pass for the reverse path's domain: the only senders that may get a
    /// DSN (requirement D2).
    pub authenticated_sender: bool,
}

/// One accepted mail transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// `MAIL FROM`.
    pub reverse_path: ReversePath,
    /// Every accepted `RCPT TO`, in order, at least one, without repetitions.
    pub recipients: Vec<Recipient>,
    /// What the content turned out to be, whatever `BODY=` said.
    pub body: BodyKind,
    /// Whether the message needs SMTPUTF8 (RFC 6531): the sender asked for it, and an address or the
    /// header section is not ASCII.
    pub smtputf8: bool,
    /// `RET=`.
    pub dsn_return: Option<DsnReturn>,
    /// `ENVID=`, decoded from xtext (RFC 3461 §4.4).
    pub envelope_id: Option<String>,
    /// Who handed it in.
    pub client: ClientFacts,
    /// What sender authentication found out; none when it was not asked.
    pub authentication: Option<Authentication>,
}
