//! Small makers of records, for the tests of this crate.

use std::sync::Arc;

use bytes::Bytes;

use super::{NewDisposition, NewDomain, NewEntry, NewMessage, Spool};
use crate::model::domain::HOLD_DAYS_DEFAULT;
use crate::model::{
    Actor, AuditRow, BodyKind, BodyPlace, ClientFacts, Clock, Destination, Domain, DomainId,
    Envelope, MailboxAccount, MessageId, QueueEntry, Recipient, RecipientState, ReversePath,
    Sequence, StoredReply, Timestamp, TlsPolicy, TokioClock,
};

/// Where the clocks of tests begin.
pub(crate) const EPOCH: Timestamp = Timestamp::from_secs(1_790_000_000);

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(TokioClock::new(EPOCH))
}

pub(crate) fn audit() -> AuditRow {
    AuditRow {
        at: EPOCH,
        actor: Actor::System {
            part: "test".to_owned(),
        },
        action: "test.change".to_owned(),
        subject: "x.example".to_owned(),
        detail: String::new(),
    }
}

pub(crate) fn destination() -> Destination {
    Destination {
        host: "mail.x.example".to_owned(),
        port: 25,
        priority: 10,
        weight: 1,
        tls: TlsPolicy::Opportunistic,
        ..Destination::default()
    }
}

pub(crate) fn domain(id: u32, name: &str) -> Domain {
    Domain {
        id: DomainId(id),
        name: name.parse().unwrap(),
        destinations: vec![destination()],
        verify: None,
        catch_all: false,
        hold_days: HOLD_DAYS_DEFAULT,
        hold: None,
        continuity: None,
        created_at: EPOCH,
    }
}

pub(crate) fn account(domain: DomainId, address: &str) -> MailboxAccount {
    MailboxAccount {
        domain,
        address: address.parse().unwrap(),
        name: None,
        recovery: None,
        language: None,
        enabled: true,
        created_at: EPOCH,
    }
}

pub(crate) fn recipients(paths: &[&str]) -> Vec<Recipient> {
    let paths = paths.iter().map(|path| path.parse().unwrap());
    paths.map(Recipient::new).collect()
}

pub(crate) fn envelope() -> Envelope {
    Envelope {
        reverse_path: ReversePath::Mailbox("sender@far.example".parse().unwrap()),
        recipients: recipients(&["a@x.example"]),
        body: BodyKind::EightBitMime,
        smtputf8: false,
        dsn_return: None,
        envelope_id: None,
        client: ClientFacts {
            ip: "192.0.2.7".parse().unwrap(),
            helo: "far.example".to_owned(),
            reverse_name: None,
            tls_version: None,
            tls_cipher: None,
            authenticated_sender: false,
        },
        authentication: None,
    }
}

pub(crate) fn entry(paths: &[&str]) -> QueueEntry {
    let envelope = envelope();
    QueueEntry {
        domain: DomainId(1),
        sequence: Sequence(0),
        message: MessageId::from_parts(EPOCH, 0, 1),
        size_bytes: 4_096,
        chunks: 1,
        place: BodyPlace::Transit,
        accepted_at: EPOCH,
        reverse_path: envelope.reverse_path,
        recipients: recipients(paths)
            .into_iter()
            .map(RecipientState::new)
            .collect(),
        body: envelope.body,
        smtputf8: false,
        dsn_return: None,
        envelope_id: None,
        client: envelope.client,
        authentication: None,
        bulk: false,
        shared: false,
        revision: 0,
    }
}

pub(crate) fn reply(code: u16) -> StoredReply {
    StoredReply {
        code,
        enhanced: None,
        text: format!("{code} said the destination"),
        host: Some("mail.x.example:25".to_owned()),
    }
}

/// An empty spool with domains 1 and 2, `x.example` and `y.example`.
pub(crate) async fn spool() -> Spool {
    let spool = Spool::in_memory(clock()).await;
    for name in ["x.example", "y.example"] {
        let new = NewDomain::new(name.parse().unwrap(), vec![destination()]);
        spool.add_domain(new, audit()).await.unwrap();
    }
    spool
}

/// A message with this body for these recipients, by domain.
pub(crate) async fn message(spool: &Spool, body: &[u8], to: &[(u32, &[&str])]) -> NewMessage {
    let id = spool.next_id();
    let mut writer = spool.begin_body(id);
    writer.write(Bytes::copy_from_slice(body)).await.unwrap();
    NewMessage {
        id,
        accepted_at: spool.clock().now(),
        envelope: envelope(),
        body: writer.finish().await.unwrap(),
        entries: to
            .iter()
            .map(|(domain, paths)| NewEntry {
                domain: DomainId(*domain),
                recipients: recipients(paths),
                disposition: NewDisposition::Queue,
            })
            .collect(),
        bulk: false,
        copies: None,
    }
}

/// Accepts such a message and answers its id.
pub(crate) async fn accepted(spool: &Spool, body: &[u8], to: &[(u32, &[&str])]) -> MessageId {
    let message = message(spool, body, to).await;
    let id = message.id;
    spool.accept(message).await.unwrap();
    id
}
