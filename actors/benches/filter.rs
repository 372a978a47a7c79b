//! What the filter costs for one message of 4 KiB, on one core: the engine with what it always does,
//! and sender authentication with answers from memory, as from a warm cache.
//!
//! ```text
//! cargo bench -p mailhold-actors --bench filter -- [seconds=2]
//! ```
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what it shares with the tests fails by panicking"
)]

#[path = "../tests/support/dns/mod.rs"]
mod dns;

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actors::filter::body_hash::BodyHashes;
use actors::filter::parts::PartScanner;
use actors::filter::results_field::{results_field, without_forged};
use actors::filter::{
    AuthenticationInput, Authenticator, FilterInput, FilterPolicy, HeaderSummary, judge,
};
use mail_auth::common::crypto::{Ed25519Key, RsaKey, Sha256, SigningKey};
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::DkimSigner;
use mail_auth::dkim::generate::DkimKeyPair;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer};
use storage::model::{BodyKind, ClientFacts, Envelope, Recipient, Timestamp};

use dns::zone::Zone;

type Failure = Box<dyn Error + Send + Sync>;

const HOST: &str = "mx.example.net";

fn main() -> Result<(), Failure> {
    let mut seconds = 2;
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some(("seconds", value)) => seconds = value.parse()?,
            // What cargo adds.
            _ if argument == "--bench" => {}
            _ => return Err(format!("{argument}: not known").into()),
        }
    }
    let time = Duration::from_secs(seconds);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let envelope = envelope()?;
    let plain = message();
    let pair = DkimKeyPair::generate_ed25519()?;
    let ed25519 = sign(Ed25519Key::from_pkcs8_der(pair.private_key())?, &plain)?;
    let key = include_bytes!("../tests/filter/signing_key.pem");
    let key = PrivatePkcs1KeyDer::from_pem_slice(key)?;
    let rsa_key = RsaKey::<Sha256>::from_key_der(PrivateKeyDer::Pkcs1(key))?;
    let public = include_str!("../tests/filter/signing_key.pub");
    let rsa_record = format!("v=DKIM1; p={public}");
    let rsa = sign(rsa_key, &plain)?;
    let zone = |record: &str| {
        let mut zone = Zone::parse(
            "far.example TXT v=spf1 include:a.example include:b.example -all\n\
             a.example TXT v=spf1 ip4:198.51.100.0/24 a:h.a.example ~all\n\
             h.a.example A 198.51.100.9\n\
             b.example TXT v=spf1 ip4:192.0.2.0/24 ~all\n\
             _dmarc.far.example TXT v=DMARC1; p=reject",
        );
        zone.txt("s._domainkey.far.example", record);
        zone
    };
    let ed25519_record = format!("v=DKIM1; k=ed25519; p={}", pair.encoded_public_key());
    let rate = repeat(time, || judged(&envelope, &plain));
    println!("without authentication          {:>8.1} µs", rate);
    for (name, message, record) in [
        ("SPF and DMARC, no signature", &plain, ""),
        ("and DKIM, Ed25519", &ed25519, ed25519_record.as_str()),
        ("and DKIM, RSA 2048", &rsa, rsa_record.as_str()),
    ] {
        let authenticator = Authenticator::new(Arc::new(zone(record)))?;
        let rate = repeat(time, || {
            runtime.block_on(authenticated(&authenticator, &envelope, message));
        });
        println!("{name:<31} {rate:>8.1} µs");
    }
    Ok(())
}

/// Microseconds of one call.
fn repeat(time: Duration, mut work: impl FnMut()) -> f64 {
    let begun = Instant::now();
    let mut count = 0_u32;
    while begun.elapsed() < time {
        for _ in 0..16 {
            work();
        }
        count += 16;
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(count)
}

fn parts(message: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memmem::find(message, b"\r\n\r\n").map_or(message.len(), |at| at + 2);
    message.split_at(end)
}

fn judged(envelope: &Envelope, message: &[u8]) {
    let (section, body) = parts(message);
    let mut scanner = PartScanner::default();
    scanner.push(section);
    scanner.push(body);
    let header = HeaderSummary::read(section);
    let judgement = judge(&FilterInput {
        envelope,
        header: &header,
        parts: scanner.summary(),
        size_bytes: message.len() as u64,
        authentication: None,
        rules: &[None],
        policy: &FilterPolicy::default(),
    });
    black_box((judgement, without_forged(section, HOST)));
}

async fn authenticated(authenticator: &Authenticator, envelope: &Envelope, message: &[u8]) {
    let (section, body) = parts(message);
    let mut hashes = BodyHashes::for_header(section);
    hashes.push(&body[2..]);
    let header = HeaderSummary::read(section);
    let hashes = hashes.finish();
    let input = AuthenticationInput {
        envelope,
        section,
        header: &header,
        hashes: &hashes,
        host: HOST,
        now: Timestamp::from_secs(1_790_000_000),
    };
    let found = authenticator.evaluate(input).await;
    black_box(results_field(&found, HOST));
    judged(envelope, message);
}

fn message() -> Vec<u8> {
    let mut text = b"Received: from a.example by b.example; Tue, 24 Nov 2026 10:00:00 +0000\r\n\
        From: Ann <ann@far.example>\r\nTo: alice@x.example\r\nSubject: a message\r\n\
        Date: Tue, 24 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@far.example>\r\n\
        MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        .to_vec();
    while text.len() < 4 << 10 {
        text.extend_from_slice(b"The quick brown fox jumps over the lazy dog; 0123456789.\r\n");
    }
    text
}

fn sign<K: SigningKey>(key: K, message: &[u8]) -> Result<Vec<u8>, Failure> {
    let signer = DkimSigner::from_key(key)
        .domain("far.example")
        .selector("s")
        .headers(["From", "To", "Subject", "Date", "Message-ID"]);
    let signature = signer.sign(message)?.to_header();
    Ok([signature.as_bytes(), message].concat())
}

fn envelope() -> Result<Envelope, Failure> {
    Ok(Envelope {
        reverse_path: "ann@far.example".parse()?,
        recipients: vec![Recipient::new("alice@x.example".parse()?)],
        body: BodyKind::SevenBit,
        smtputf8: false,
        dsn_return: None,
        envelope_id: None,
        client: ClientFacts {
            ip: "192.0.2.1".parse()?,
            helo: "mail.far.example".to_owned(),
            reverse_name: None,
            tls_version: None,
            tls_cipher: None,
            authenticated_sender: false,
        },
        authentication: None,
    })
}
