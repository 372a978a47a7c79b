//! TLSA records of a mail server (RFC 6698, RFC 7672), and what a certificate has to be for them.

use serde::{Deserialize, Serialize};

/// What of a certificate a record speaks of (RFC 6698 §2.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TlsaSelector {
    /// 0: the whole certificate.
    Certificate,
    /// 1: its SubjectPublicKeyInfo.
    PublicKey,
}

/// How the record shows it (RFC 6698 §2.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TlsaMatching {
    /// 0: as it is.
    Exact,
    /// 1: its SHA-256.
    Sha256,
    /// 2: its SHA-512.
    Sha512,
}

/// A record that can be used for mail: DANE-TA(2) or DANE-EE(3); the PKIX usages cannot (RFC 7672
/// §3.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tlsa {
    /// DANE-TA(2): an issuer of the server's certificate. Otherwise DANE-EE(3): the certificate itself.
    pub is_anchor: bool,
    /// Of what.
    pub selector: TlsaSelector,
    /// How.
    pub matching: TlsaMatching,
    /// It, or its digest.
    pub data: Vec<u8>,
}

impl Tlsa {
    /// Reads a record by its numbers; none when it cannot be used for mail.
    #[must_use]
    pub fn usable(usage: u8, selector: u8, matching: u8, data: &[u8]) -> Option<Self> {
        let is_anchor = match usage {
            2 => true,
            3 => false,
            _ => return None,
        };
        let selector = match selector {
            0 => TlsaSelector::Certificate,
            1 => TlsaSelector::PublicKey,
            _ => return None,
        };
        let (matching, sound) = match matching {
            0 => (TlsaMatching::Exact, !data.is_empty()),
            1 => (TlsaMatching::Sha256, data.len() == 32),
            2 => (TlsaMatching::Sha512, data.len() == 64),
            _ => return None,
        };
        sound.then(|| Self {
            is_anchor,
            selector,
            matching,
            data: data.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out15_only_records_that_mail_can_use_are_used() {
        for (usage, selector, matching, length, usable) in [
            (3, 1, 1, 32, true),
            (3, 0, 2, 64, true),
            (2, 0, 0, 700, true),
            (2, 1, 1, 32, true),
            (0, 1, 1, 32, false),
            (1, 1, 1, 32, false),
            (255, 1, 1, 32, false),
            (3, 2, 1, 32, false),
            (3, 1, 3, 32, false),
            (3, 1, 1, 31, false),
            (3, 1, 2, 32, false),
            (3, 0, 0, 0, false),
        ] {
            let read = Tlsa::usable(usage, selector, matching, &vec![7; length]);
            assert_eq!(read.is_some(), usable, "{usage} {selector} {matching}");
        }
    }
}
