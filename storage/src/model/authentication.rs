//! What sender authentication found out about a message, kept with its envelope: the decision about
//! notifications (D2), the queue's view and the portal read it later.
//!
//! Words are those of RFC 8601 §2.7. Everything in it was bounded when it was evaluated.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A result as RFC 8601 names it. New ones are added at the end: numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum AuthResult {
    /// Nothing to evaluate.
    #[default]
    None,
    /// Authentic.
    Pass,
    /// Not authentic.
    Fail,
    /// Probably not authentic (SPF).
    SoftFail,
    /// No statement.
    Neutral,
    /// Could not be evaluated now: DNS did not answer.
    TempError,
    /// Cannot be evaluated: a record or signature is faulty.
    PermError,
    /// A valid signature that our own rules do not count.
    Policy,
}

impl AuthResult {
    /// The word of RFC 8601.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::SoftFail => "softfail",
            Self::Neutral => "neutral",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
            Self::Policy => "policy",
        }
    }
}

impl fmt::Display for AuthResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// SPF (RFC 7208) of the envelope's sender, or of the HELO name when the reverse path is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct SpfRecord {
    /// The result.
    pub result: AuthResult,
    /// The domain that was asked.
    pub domain: String,
    /// Whether that is the HELO name's.
    pub helo: bool,
    /// Why, in a few words, when that is of use.
    pub reason: Option<String>,
}

/// One DKIM signature (RFC 6376).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DkimRecord {
    /// The result.
    pub result: AuthResult,
    /// `d=`; empty when the signature could not be read.
    pub domain: String,
    /// `s=`.
    pub selector: String,
    /// The first eight characters of `b=`, which tell signatures of one domain apart (RFC 6008).
    pub signature: String,
    /// Whether the domain is aligned with that of `From` (RFC 9989 §4.4.1).
    pub aligned: bool,
    /// Why, in a few words, when it did not pass.
    pub reason: Option<String>,
}

/// What a domain wants done with mail that fails DMARC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default,
)]
#[serde(rename_all = "lowercase")]
pub enum DmarcPolicy {
    /// Nothing.
    #[default]
    None,
    /// Put it aside.
    Quarantine,
    /// Refuse it.
    Reject,
}

impl DmarcPolicy {
    /// The word in a record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }
}

/// DMARC (RFC 9989).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct DmarcRecord {
    /// The result.
    pub result: AuthResult,
    /// The domain of `From`; empty when there is none or more than one.
    pub from_domain: String,
    /// Where the record stands that applied; empty without one.
    pub policy_domain: String,
    /// What the domain wants, test mode and subdomains considered.
    pub policy: DmarcPolicy,
    /// Whether SPF passed for an aligned domain.
    pub spf_aligned: bool,
    /// Whether a signature of an aligned domain passed.
    pub dkim_aligned: bool,
}

/// ARC (RFC 8617).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct ArcRecord {
    /// State of the chain: none, pass or fail; `temperror` when a key was not to be had.
    pub result: AuthResult,
    /// Domain of the last seal.
    pub sealer: String,
    /// Sets in the chain.
    pub sets: u8,
    /// Why, in a few words, when it did not pass.
    pub reason: Option<String>,
}

/// Everything about one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Authentication {
    /// Who may send for the envelope's sender.
    pub spf: SpfRecord,
    /// Who signed, at most ten.
    pub dkim: Vec<DkimRecord>,
    /// Whether `From` is authentic.
    pub dmarc: DmarcRecord,
    /// What forwarders vouch for.
    pub arc: ArcRecord,
}
