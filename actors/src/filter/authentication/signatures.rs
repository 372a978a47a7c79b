//! DKIM signatures (RFC 6376) and the ARC chain (RFC 8617) of a message. mail-auth verifies; here is
//! decided what is verified at all, and what its answers are called in RFC 8601.
//!
//! Ours where mail-auth is more lenient than the standards: a signature that does not cover `From`
//! (RFC 6376 §5.4) or uses SHA-1 (RFC 8301) is none; one with `l=` is not counted, since anybody
//! may append to it; expiry is judged by the node's clock; a body hash that differs is `fail`.

use mail_auth::arc::ArcError;
use mail_auth::common::crypto::{Algorithm, HashAlgorithm};
use mail_auth::dkim::{DkimError, Signature};
use mail_auth::{
    AuthenticatedMessage, DkimOutput, DkimResult, DnsError, Error, MessageAuthenticator, Parameters,
};
use storage::model::{ArcRecord, AuthResult, DkimRecord, Timestamp};

use super::keys::Keys;
use crate::filter::body_hash::FinishedHashes;
use crate::filter::limits::SIGNATURES_MAX;

/// A message's signatures, those that are worth verifying.
pub(super) struct Signed<'a> {
    pub(super) message: AuthenticatedMessage<'a>,
    refused: Vec<DkimRecord>,
    arc_is_refused: bool,
}

impl<'a> Signed<'a> {
    /// Reads the signatures of a header section whose body has these hashes.
    pub(super) fn read(section: &'a [u8], hashes: &FinishedHashes, now: Timestamp) -> Self {
        let mut message = AuthenticatedMessage::parse(section).unwrap_or_default();
        for (canonicalization, algorithm, _, hash) in &mut message.body_hashes {
            *hash = match algorithm {
                HashAlgorithm::Sha256 => hashes.of(*canonicalization).to_vec(),
                HashAlgorithm::Sha1 => Vec::new(),
            };
        }
        let mut refused = Vec::new();
        message.dkim_headers.truncate(SIGNATURES_MAX);
        message.dkim_headers.retain_mut(|field| {
            let refusal = refusal(&field.header, now);
            // Judged above, by our own clock; the signature is over the field as it came.
            field.header.x = 0;
            // Neither third-party authorisation (RFC 6541) nor reports (RFC 6651) are asked for.
            field.header.atps = None;
            field.header.r = false;
            refused.extend(refusal.map(|(result, why)| record(&field.header, result, Some(why))));
            refusal.is_none()
        });
        let now = now.as_secs();
        let mut arc_is_refused = false;
        for field in &mut message.ams_headers {
            let expired = field.header.x != 0 && field.header.x <= now;
            arc_is_refused |= expired || field.header.a == Algorithm::RsaSha1;
            field.header.x = 0;
        }
        let mut seals = message.as_headers.iter();
        arc_is_refused |= seals.any(|field| field.header.a == Algorithm::RsaSha1);
        Self {
            message,
            refused,
            arc_is_refused,
        }
    }

    /// Verifies all of them with these keys.
    pub(super) async fn verify(
        mut self,
        verifier: &MessageAuthenticator,
        keys: &Keys,
    ) -> (Vec<DkimRecord>, ArcRecord) {
        let mut records: Vec<DkimRecord> = {
            let parameters = Parameters::new(&self.message).with_txt_cache(keys);
            let outputs = verifier.verify_dkim(parameters).await;
            outputs.iter().map(named).collect()
        };
        records.append(&mut self.refused);
        records.truncate(SIGNATURES_MAX);
        let arc = self.verify_chain(verifier, keys).await;
        (records, arc)
    }

    async fn verify_chain(&self, verifier: &MessageAuthenticator, keys: &Keys) -> ArcRecord {
        let sets = self
            .message
            .as_headers
            .len()
            .max(self.message.ams_headers.len());
        let last = self.message.as_headers.last();
        let sealer = last.map(|field| field.header.d.clone()).unwrap_or_default();
        let mut record = ArcRecord {
            result: AuthResult::None,
            sealer,
            sets: u8::try_from(sets).unwrap_or(u8::MAX),
            reason: None,
        };
        if self.arc_is_refused {
            record.result = AuthResult::Fail;
            record.reason = Some("expired, or signed with SHA-1".to_owned());
            return record;
        }
        let parameters = Parameters::new(&self.message).with_txt_cache(keys);
        let output = verifier.verify_arc(parameters).await;
        let no_chain = sets == 0 && !self.message.has_arc_errors;
        (record.result, record.reason) = match output.result() {
            DkimResult::None if no_chain && self.message.aar_headers.is_empty() => {
                (AuthResult::None, None)
            }
            DkimResult::Pass => (AuthResult::Pass, None),
            DkimResult::TempError(error) => (AuthResult::TempError, Some(error.to_string())),
            DkimResult::Fail(error) | DkimResult::Neutral(error) | DkimResult::PermError(error) => {
                (AuthResult::Fail, Some(error.to_string()))
            }
            DkimResult::None => {
                let broken = Error::Arc(ArcError::BrokenChain);
                (AuthResult::Fail, Some(broken.to_string()))
            }
        };
        record.sets = record.sets.max(u8::from(record.result == AuthResult::Fail));
        record
    }
}

/// Why a signature is not verified at all.
fn refusal(signature: &Signature, now: Timestamp) -> Option<(AuthResult, &'static str)> {
    let covers_from = signature
        .h
        .iter()
        .any(|name| name.eq_ignore_ascii_case("from"));
    if !covers_from {
        return Some((AuthResult::PermError, "From is not signed"));
    }
    if signature.a == Algorithm::RsaSha1 {
        return Some((AuthResult::PermError, "SHA-1 is not accepted (RFC 8301)"));
    }
    let is_over = signature.x != 0 && (signature.x <= signature.t || signature.x <= now.as_secs());
    is_over.then_some((AuthResult::Fail, "the signature has expired"))
}

/// An answer of mail-auth in the words of RFC 8601.
fn named(output: &DkimOutput<'_>) -> DkimRecord {
    let (result, reason) = match output.result() {
        DkimResult::Pass => (AuthResult::Pass, None),
        DkimResult::None => (AuthResult::None, None),
        DkimResult::Neutral(Error::Dkim(DkimError::FailedBodyHashMatch)) => {
            (AuthResult::Fail, Some("the body was changed".to_owned()))
        }
        DkimResult::Neutral(Error::Dkim(DkimError::SignatureLength)) => {
            let why = "signatures with l= are not counted";
            (AuthResult::Policy, Some(why.to_owned()))
        }
        DkimResult::Neutral(error) => (AuthResult::Neutral, Some(error.to_string())),
        DkimResult::Fail(error) => (AuthResult::Fail, Some(error.to_string())),
        DkimResult::TempError(error) => (AuthResult::TempError, Some(error.to_string())),
        DkimResult::PermError(Error::Dns(DnsError::RecordNotFound(_))) => {
            (AuthResult::PermError, Some("there is no key".to_owned()))
        }
        DkimResult::PermError(error) => (AuthResult::PermError, Some(error.to_string())),
    };
    let reason = reason.as_deref();
    match output.signature() {
        Some(signature) => record(signature, result, reason),
        None => DkimRecord {
            result,
            domain: String::new(),
            selector: String::new(),
            signature: String::new(),
            aligned: false,
            reason: reason.map(shortened),
        },
    }
}

fn record(signature: &Signature, result: AuthResult, reason: Option<&str>) -> DkimRecord {
    DkimRecord {
        result,
        domain: signature.d.to_lowercase().chars().take(255).collect(),
        selector: signature.s.chars().take(255).collect(),
        signature: beginning(&signature.b),
        aligned: false,
        reason: reason.map(shortened),
    }
}

fn shortened(reason: &str) -> String {
    reason.chars().take(100).collect()
}

/// The first eight characters of the signature in base 64 (RFC 6008 §4).
fn beginning(signature: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let Some(bytes) = signature.first_chunk::<6>() else {
        return String::new();
    };
    let bits = bytes
        .iter()
        .fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
    let digits = (0..8).rev().map(|place| (bits >> (place * 6)) & 63);
    digits
        .filter_map(|digit| ALPHABET.get(usize::try_from(digit).ok()?))
        .map(|byte| char::from(*byte))
        .collect()
}
