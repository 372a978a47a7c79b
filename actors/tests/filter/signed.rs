//! Messages signed for tests, and what the authenticator makes of them.

use std::net::IpAddr;
use std::sync::Arc;

use actors::filter::body_hash::BodyHashes;
use actors::filter::{AuthenticationInput, Authenticator, HeaderSummary};
use mail_auth::arc::{ArcSealer, Set};
use mail_auth::common::crypto::{Ed25519Key, RsaKey, Sha256};
use mail_auth::common::headers::{Header, HeaderWriter};
use mail_auth::dkim::generate::DkimKeyPair;
use mail_auth::dkim::{Canonicalization, DkimSigner};
use mail_auth::{ArcOutput, AuthenticatedMessage, AuthenticationResults, DkimResult};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer};
use storage::model::{Authentication, BodyKind, ClientFacts, Envelope, Recipient, Timestamp};

use crate::dns::zone::Zone;

/// A message whose header and body every canonicalisation treats differently.
pub(crate) const MESSAGE: &str = "From: Ann <ann@far.example>\r\n\
    To:  alice@x.example\r\n\
    Subject: two\r\n  words \r\n\
    \r\n\
    One  line \r\nand another\r\n\r\n\r\n";

/// A key pair of Ed25519 and its record.
pub(crate) struct Signer {
    pair: DkimKeyPair,
    /// The record for the DNS.
    pub(crate) record: String,
}

impl Signer {
    pub(crate) fn new() -> Self {
        let pair = DkimKeyPair::generate_ed25519().unwrap();
        let record = format!("v=DKIM1; k=ed25519; p={}", pair.encoded_public_key());
        Self { pair, record }
    }

    fn key(&self) -> Ed25519Key {
        Ed25519Key::from_pkcs8_der(self.pair.private_key()).unwrap()
    }

    /// The message behind a signature of `s._domainkey.domain`.
    pub(crate) fn sign(&self, message: &str, domain: &str, change: &SignAs) -> String {
        let mut signer = DkimSigner::from_key(self.key())
            .domain(domain)
            .selector("s")
            .headers(change.headers.iter().copied())
            .header_canonicalization(change.header)
            .body_canonicalization(change.body)
            .expiration(change.expiration)
            .body_length(change.length);
        if let Some(identity) = change.identity {
            signer = signer.agent_user_identifier(identity);
        }
        let signature = signer.sign(message.as_bytes()).unwrap();
        format!("{}{message}", signature.to_header())
    }

    /// The message behind another ARC set.
    pub(crate) fn seal(&self, message: &str, domain: &str) -> String {
        let parsed = AuthenticatedMessage::parse(message.as_bytes()).unwrap();
        let mut before = ArcOutput::default();
        if !parsed.as_headers.is_empty() {
            before = before.with_result(DkimResult::Pass);
        }
        let seals = parsed.as_headers.iter().zip(&parsed.ams_headers);
        for ((seal, signature), results) in seals.zip(&parsed.aar_headers) {
            before = before.with_set(Set {
                signature: Header::new(signature.name, signature.value, &signature.header),
                seal: Header::new(seal.name, seal.value, &seal.header),
                results: Header::new(results.name, results.value, &results.header),
            });
        }
        let results = AuthenticationResults::new(domain);
        let set = ArcSealer::from_key(self.key())
            .domain(domain)
            .selector("s")
            .headers(["From", "To", "Subject"])
            .seal(&parsed, &results, &before)
            .unwrap();
        format!("{}{message}", set.to_header())
    }
}

/// How to sign.
pub(crate) struct SignAs {
    pub(crate) headers: Vec<&'static str>,
    pub(crate) header: Canonicalization,
    pub(crate) body: Canonicalization,
    pub(crate) expiration: u64,
    pub(crate) length: bool,
    pub(crate) identity: Option<&'static str>,
}

impl Default for SignAs {
    fn default() -> Self {
        Self {
            headers: vec!["From", "To", "Subject"],
            header: Canonicalization::Relaxed,
            body: Canonicalization::Relaxed,
            expiration: 0,
            length: false,
            identity: None,
        }
    }
}

/// Signs with RSA; the record stands behind it.
pub(crate) fn sign_rsa(message: &str, domain: &str) -> (String, String) {
    let key = PrivatePkcs1KeyDer::from_pem_slice(include_bytes!("signing_key.pem")).unwrap();
    let key = RsaKey::<Sha256>::from_key_der(PrivateKeyDer::Pkcs1(key)).unwrap();
    let public = include_str!("signing_key.pub");
    let signer = DkimSigner::from_key(key)
        .domain(domain)
        .selector("s")
        .headers(["From", "To", "Subject"]);
    let signature = signer.sign(message.as_bytes()).unwrap();
    let record = format!("v=DKIM1; h=sha256; s=email; p={public}");
    (format!("{}{message}", signature.to_header()), record)
}

pub(crate) fn envelope(sender: &str, client: &str) -> Envelope {
    Envelope {
        reverse_path: sender.parse().unwrap(),
        recipients: vec![Recipient::new("alice@x.example".parse().unwrap())],
        body: BodyKind::SevenBit,
        smtputf8: false,
        dsn_return: None,
        envelope_id: None,
        client: ClientFacts {
            ip: client.parse::<IpAddr>().unwrap(),
            helo: "helo.example".to_owned(),
            reverse_name: None,
            tls_version: None,
            tls_cipher: None,
            authenticated_sender: false,
        },
        authentication: None,
    }
}

/// What the authenticator says about a message from 192.0.2.1, on the day its signatures were made.
pub(crate) async fn evaluate(zone: &Zone, sender: &str, message: &str) -> Authentication {
    evaluate_at(zone, sender, message, Timestamp::from_secs(1_790_000_000)).await
}

pub(crate) async fn evaluate_at(
    zone: &Zone,
    sender: &str,
    message: &str,
    now: Timestamp,
) -> Authentication {
    let end = message.find("\r\n\r\n").unwrap() + 2;
    let (section, body) = message.as_bytes().split_at(end);
    let mut hashes = BodyHashes::for_header(section);
    for piece in body[2..].chunks(7) {
        hashes.push(piece);
    }
    let authenticator = Authenticator::new(Arc::new(zone.clone())).unwrap();
    let (envelope, header) = (envelope(sender, "192.0.2.1"), HeaderSummary::read(section));
    let input = AuthenticationInput {
        envelope: &envelope,
        section,
        header: &header,
        hashes: &hashes.finish(),
        host: "mx.example.net",
        now,
    };
    authenticator.evaluate(input).await
}
