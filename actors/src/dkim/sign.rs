//! Signing one message after the other with a domain's key (RFC 6376 §5).

use std::fmt;

use mail_auth::common::crypto::{RsaKey, Sha256};
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::{DkimSigner, Done};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer};
use storage::model::DomainName;

use super::key::{DkimError, Selector};

/// What is signed (RFC 6376 §5.4.1). Fields that are absent are signed as absent, so that nobody
/// can add them on the way.
const FIELDS: [&str; 13] = [
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Reply-To",
    "Sender",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];

/// A domain's key, ready to sign.
pub struct Signer(DkimSigner<RsaKey<Sha256>, Done>);

impl fmt::Debug for Signer {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

impl Signer {
    /// A signer for `domain` with the private key that is published under `selector`, given as
    /// PKCS#1 DER.
    ///
    /// # Errors
    /// [`DkimError::Key`].
    pub fn new(
        domain: &DomainName,
        selector: &Selector,
        private: &[u8],
    ) -> Result<Self, DkimError> {
        let der = PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(private));
        let key = RsaKey::from_key_der(der).map_err(|error| DkimError::Key(error.to_string()))?;
        Ok(Self(
            DkimSigner::from_key(key)
                .domain(domain.as_str())
                .selector(selector.as_str())
                .headers(FIELDS),
        ))
    }

    /// The `DKIM-Signature` field that goes before `message`, with its line end: relaxed/relaxed,
    /// over the whole body.
    ///
    /// # Errors
    /// [`DkimError::Sign`].
    pub fn sign(&self, message: &[u8]) -> Result<String, DkimError> {
        let signature = self.0.sign(message);
        Ok(signature
            .map_err(|error| DkimError::Sign(error.to_string()))?
            .to_header())
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::KeyPair;
    use super::*;

    const MESSAGE: &[u8] =
        b"From: Bob <bob@here.test>\r\nTo: ann@far.test\r\nSubject: Yes\r\n\r\nHello\r\n";

    #[test]
    fn c27_a_signature_names_domain_selector_and_what_must_not_be_added() {
        let pair = KeyPair::generate().unwrap();
        let domain = "here.test".parse().unwrap();
        let signer = Signer::new(&domain, &"mh1".parse().unwrap(), &pair.private).unwrap();
        let header = signer.sign(MESSAGE).unwrap();
        assert!(header.starts_with("DKIM-Signature:"), "{header}");
        assert!(header.ends_with("\r\n"), "{header}");
        let flat: String = header.split_whitespace().collect();
        for tag in [
            "a=rsa-sha256;",
            "s=mh1;",
            "d=here.test;",
            "c=relaxed/relaxed;",
        ] {
            assert!(flat.contains(tag), "{tag} in {flat}");
        }
        let fields = flat.split("h=").nth(1).unwrap().split(';').next().unwrap();
        for field in FIELDS {
            assert!(
                fields.split(':').any(|name| name == field),
                "{field} in {fields}"
            );
        }
        assert!(header.lines().all(|line| line.len() < 100), "{header}");
        assert!(!flat.contains("l="));
    }

    #[test]
    fn a_key_that_is_none_is_refused() {
        let domain = "here.test".parse().unwrap();
        let refused = Signer::new(&domain, &"a".parse().unwrap(), b"nonsense");
        assert!(matches!(refused, Err(DkimError::Key(_))));
    }
}
