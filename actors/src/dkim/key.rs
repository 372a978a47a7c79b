//! A domain's signing key and the DNS record that goes with it (RFC 6376 §3.6.1).
//!
//! RSA with 2,048 bits: what every receiver verifies (RFC 8301 §3.2). Ed25519 (RFC 8463) is still
//! ignored by many, and a message that only some can verify is no help in an outage.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_auth::dkim::generate::DkimKeyPair;
use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::pkcs8::EncodePublicKey;
use storage::model::DomainName;

/// Bits of the modulus.
const MODULUS_BITS: usize = 2_048;
/// Octets of a selector: one DNS label.
const SELECTOR_BYTES_MAX: usize = 63;

/// Why a key cannot be made or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DkimError {
    /// The stored key is none.
    #[error("the DKIM key cannot be read: {0}")]
    Key(String),
    /// No key could be made.
    #[error("no DKIM key could be made: {0}")]
    Generate(String),
    /// The message could not be signed.
    #[error("the message cannot be signed: {0}")]
    Sign(String),
    /// The selector is no DNS label.
    #[error("a selector is one DNS label of letters, digits and hyphens")]
    Selector,
}

/// The name under which a key is published: one DNS label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector(Box<str>);

impl Selector {
    /// The label.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Selector {
    type Err = DkimError;

    fn from_str(text: &str) -> Result<Self, DkimError> {
        let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let is_label = (1..=SELECTOR_BYTES_MAX).contains(&text.len())
            && text.chars().all(is_inner)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if is_label {
            Ok(Self(text.into()))
        } else {
            Err(DkimError::Selector)
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key pair that was just made.
pub struct KeyPair {
    /// The private half as PKCS#1 DER, to be stored sealed.
    pub private: Vec<u8>,
    /// The text of the DNS record with the public half. Strings in DNS end at 255 octets, so a zone
    /// file may have to cut it.
    pub record: String,
}

impl fmt::Debug for KeyPair {
    /// Without the private half.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair")
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}

impl KeyPair {
    /// Makes a key. Takes about a second: not on a thread that others wait for.
    ///
    /// # Errors
    /// [`DkimError::Generate`].
    pub fn generate() -> Result<Self, DkimError> {
        let failed = |error: &dyn fmt::Display| DkimError::Generate(error.to_string());
        let pair =
            DkimKeyPair::generate_rsa(MODULUS_BITS).map_err(|error| failed(&error.to_string()))?;
        // Verifiers expect the SubjectPublicKeyInfo form that everybody publishes, not the bare key.
        let public =
            rsa::RsaPublicKey::from_pkcs1_der(pair.public_key()).map_err(|error| failed(&error))?;
        let info = public.to_public_key_der().map_err(|error| failed(&error))?;
        Ok(Self {
            private: pair.private_key().to_vec(),
            record: format!("v=DKIM1; k=rsa; p={}", STANDARD.encode(info.as_bytes())),
        })
    }
}

/// Where the record of a key stands: `<selector>._domainkey.<domain>`.
#[must_use]
pub fn record_name(selector: &str, domain: &DomainName) -> String {
    format!("{selector}._domainkey.{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c27_a_key_is_made_in_place_and_its_record_is_shown() {
        let pair = KeyPair::generate().unwrap();
        let domain = "example.test".parse().unwrap();
        assert_eq!(record_name("mh1", &domain), "mh1._domainkey.example.test");
        // The prefix of every RSA key of 2,048 bits in that form.
        let prefix = "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A";
        assert!(pair.record.starts_with(prefix), "{}", pair.record);
        assert!(!format!("{pair:?}").contains("private"));
        let other = KeyPair::generate().unwrap();
        assert_ne!(pair.private, other.private);
    }

    #[test]
    fn selectors_are_single_labels() {
        for text in ["", "-a", "a-", "a.b", "A", "a_b", &"a".repeat(64)] {
            assert_eq!(text.parse::<Selector>(), Err(DkimError::Selector), "{text}");
        }
        assert_eq!(
            "mailhold-2026".parse::<Selector>().unwrap().as_str(),
            "mailhold-2026"
        );
    }
}
