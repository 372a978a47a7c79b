//! The domain and the mail that benchmarks and tests of the whole spool use.

use std::error::Error;

use bytes::Bytes;
use rand::{RngCore, SeedableRng};
use storage::model::{
    Actor, AuditRow, BodyKind, ClientFacts, Destination, Envelope, Recipient, ReversePath,
    StoredReply, Timestamp, TlsPolicy,
};
use storage::spool::NewDomain;

/// Whatever stops a run.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// x.example, with one destination.
pub(crate) fn domain() -> Result<NewDomain, Failure> {
    let destination = Destination {
        host: "mail.x.example".to_owned(),
        port: 25,
        priority: 10,
        weight: 1,
        tls: TlsPolicy::None,
        ..Destination::default()
    };
    Ok(NewDomain::new("x.example".parse()?, vec![destination]))
}

/// Who added the domain.
pub(crate) fn audit() -> AuditRow {
    AuditRow {
        at: Timestamp::default(),
        actor: Actor::System {
            part: "benchmark".to_owned(),
        },
        action: "domain.add".to_owned(),
        subject: "x.example".to_owned(),
        detail: String::new(),
    }
}

/// A transaction with one recipient at x.example.
pub(crate) fn envelope() -> Result<Envelope, Failure> {
    Ok(Envelope {
        reverse_path: ReversePath::Mailbox("sender@far.example".parse()?),
        recipients: vec![Recipient::new("alice@x.example".parse()?)],
        body: BodyKind::EightBitMime,
        smtputf8: false,
        dsn_return: None,
        envelope_id: None,
        client: ClientFacts {
            ip: "192.0.2.7".parse()?,
            helo: "mail.far.example".to_owned(),
            reverse_name: None,
            tls_version: None,
            tls_cipher: None,
            authenticated_sender: false,
        },
        authentication: None,
    })
}

/// What a destination says that has taken a message.
pub(crate) fn taken() -> StoredReply {
    StoredReply {
        code: 250,
        enhanced: None,
        text: "2.0.0 Ok".to_owned(),
        host: None,
    }
}

/// Content that does not compress.
pub(crate) fn random(length: usize, seed: u64) -> Bytes {
    let mut content = vec![0; length];
    rand_chacha::ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut content);
    content.into()
}
