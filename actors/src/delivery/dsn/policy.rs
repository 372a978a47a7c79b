//! Who may be told of a failure (D2, B8): no backscatter, so only who has proved to be the sender,
//! and only who wants to know.

use storage::model::{Mailbox, QueueEntry, Recipient, ReversePath};

/// Why nobody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// The null sender: nothing ever answers it (RFC 5321 §4.5.5).
    NullSender,
    /// Neither SPF nor DKIM says that the sender is the sender.
    NotAuthenticated,
    /// Bulk mail.
    Bulk,
    /// `NOTIFY` asks for none.
    NotWanted,
    /// The sender's address has no domain that mail could be sent to.
    NoDomain,
}

/// The address that a failure of this recipient may be reported to.
///
/// # Errors
/// Why it may not.
pub fn may_report<'a>(
    entry: &'a QueueEntry,
    recipient: &Recipient,
) -> Result<&'a Mailbox, Silence> {
    let sender = sender(entry)?;
    if entry.bulk {
        return Err(Silence::Bulk);
    }
    // Without NOTIFY a failure is reported (RFC 3461 §4.1).
    if recipient
        .notify
        .is_some_and(|notify| notify.never || !notify.failure)
    {
        return Err(Silence::NotWanted);
    }
    Ok(sender)
}

/// Whether a delivery is to be reported as relayed, when the next hop does not do it (OUT12).
#[must_use]
pub fn wants_success(entry: &QueueEntry, recipient: &Recipient) -> bool {
    let asked = recipient
        .notify
        .is_some_and(|notify| notify.success && !notify.never);
    asked && sender(entry).is_ok()
}

fn sender(entry: &QueueEntry) -> Result<&Mailbox, Silence> {
    let ReversePath::Mailbox(sender) = &entry.reverse_path else {
        return Err(Silence::NullSender);
    };
    if !entry.client.authenticated_sender {
        return Err(Silence::NotAuthenticated);
    }
    if sender.domain().is_literal() {
        return Err(Silence::NoDomain);
    }
    Ok(sender)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use storage::model::{
        BodyKind, BodyPlace, ClientFacts, DomainId, DsnNotify, MessageId, RecipientState, Sequence,
        Timestamp,
    };

    pub(in super::super) fn entry(sender: &str, recipients: &[&str]) -> QueueEntry {
        QueueEntry {
            domain: DomainId(1),
            sequence: Sequence(1),
            message: MessageId::from_parts(Timestamp::from_secs(1), 1, 1),
            size_bytes: 1,
            chunks: 1,
            place: BodyPlace::Transit,
            accepted_at: Timestamp::from_secs(1_790_000_000),
            reverse_path: sender.parse().unwrap(),
            recipients: recipients
                .iter()
                .map(|path| RecipientState::new(Recipient::new(path.parse().unwrap())))
                .collect(),
            body: BodyKind::SevenBit,
            smtputf8: false,
            dsn_return: None,
            envelope_id: None,
            client: ClientFacts {
                ip: [192, 0, 2, 1].into(),
                helo: "client.example".to_owned(),
                reverse_name: None,
                tls_version: None,
                tls_cipher: None,
                authenticated_sender: true,
            },
            authentication: None,
            bulk: false,
            shared: false,
            revision: 0,
        }
    }

    const fn notify(never: bool, success: bool, failure: bool) -> DsnNotify {
        DsnNotify {
            never,
            success,
            failure,
            delay: false,
        }
    }

    #[test]
    fn d2_only_an_authenticated_sender_who_wants_it_is_told() {
        let mut recipient: Recipient = Recipient::new("bob@example.org".parse().unwrap());
        let silence =
            |entry: &QueueEntry, recipient: &Recipient| may_report(entry, recipient).err();
        let good = entry("alice@sender.example", &[]);
        assert_eq!(silence(&good, &recipient), None);
        let null = entry("", &[]);
        assert_eq!(silence(&null, &recipient), Some(Silence::NullSender));
        let literal = entry("alice@[192.0.2.1]", &[]);
        assert_eq!(silence(&literal, &recipient), Some(Silence::NoDomain));
        let mut forged = good.clone();
        forged.client.authenticated_sender = false;
        assert_eq!(
            silence(&forged, &recipient),
            Some(Silence::NotAuthenticated)
        );
        let mut bulk = good.clone();
        bulk.bulk = true;
        assert_eq!(silence(&bulk, &recipient), Some(Silence::Bulk));
        for (wanted, silent) in [
            (notify(true, false, false), true),
            (notify(false, true, false), true),
            (notify(false, false, true), false),
        ] {
            recipient.notify = Some(wanted);
            assert_eq!(silence(&good, &recipient).is_some(), silent, "{wanted:?}");
        }
    }

    #[test]
    fn out12_relayed_is_reported_to_who_asked_for_it() {
        let mut recipient: Recipient = Recipient::new("bob@example.org".parse().unwrap());
        let good = entry("alice@sender.example", &[]);
        assert!(!wants_success(&good, &recipient));
        recipient.notify = Some(notify(false, true, true));
        assert!(wants_success(&good, &recipient));
        assert!(!wants_success(&entry("", &[]), &recipient));
    }
}
