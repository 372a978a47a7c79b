//! What users send: undone while it waits, gone from outbox and drafts when it leaves, once.

use bytes::Bytes;

use super::super::testing::audit;
use super::continuity::{copies, scope, sealed_message, spool};
use crate::limits::{OUTBOX_MAX, SENT_RECIPIENTS_MAX};
use crate::model::{DkimKey, Folder, Mailbox, OutboxEntry, Timestamp};
use crate::spool::{
    DraftId, DraftSaved, List, NewCopy, NewMessage, OUTGOING_PART, SendLater, Spool, Toward,
};

async fn draft(spool: &Spool) -> DraftId {
    let id = DraftId(spool.next_id());
    let text = Bytes::from_static(b"text");
    let scope = scope("a");
    let saved = spool.save_draft(&scope, id, None, Bytes::new(), text);
    let DraftSaved::Saved(revision) = saved.await.unwrap() else {
        panic!("not saved");
    };
    let finished = Some(Bytes::from_static(b"From: a@x.example\r\n\r\nhello\r\n"));
    let part = spool.put_draft_part(&scope, id, revision, OUTGOING_PART, finished);
    assert!(matches!(part.await.unwrap(), DraftSaved::Saved(_)));
    id
}

async fn sent(spool: &Spool, leaves_at: u64, recipients: usize) -> (OutboxEntry, SendLater) {
    let recipient = |n| -> Mailbox { format!("r{n}@far.example").parse().unwrap() };
    let entry = OutboxEntry {
        id: spool.next_id(),
        domain: scope("a").domain(),
        mailbox: "a".to_owned(),
        draft: draft(spool).await.0,
        leaves_at: Timestamp::from_secs(leaves_at),
        from: "a@x.example".parse().unwrap(),
        recipients: (0..recipients).map(recipient).collect(),
        attempts: 0,
        fault: None,
    };
    let outcome = spool.send_later(&entry).await.unwrap();
    (entry, outcome)
}

async fn message(spool: &Spool, entry: &OutboxEntry) -> NewMessage {
    let mut message = sealed_message(
        spool,
        b"From: a@x.example\r\n\r\nhello\r\n",
        &[(2, &["r@y.example"])],
    )
    .await;
    let mut sent = copies("hello", "hello", &[]);
    sent.to = vec![NewCopy {
        scope: entry.scope(),
        folder: Folder::Sent,
        came_to: entry.from.to_string(),
    }];
    message.copies = Some(sent);
    message
}

#[tokio::test]
async fn c27_a_message_leaves_once_and_takes_its_draft_along() {
    let spool = spool().await;
    let (entry, outcome) = sent(&spool, 10, 1).await;
    assert_eq!(outcome, SendLater::Queued);
    spool.outbox_changed().await;
    assert_eq!(
        spool.outbox_of(&scope("a")).await.unwrap(),
        std::slice::from_ref(&entry)
    );
    assert_eq!(spool.outbox_of(&scope("b")).await.unwrap(), []);

    let first = message(&spool, &entry).await;
    let home = sealed_message(&spool, b"X-Copy: 1\r\n\r\n", &[(1, &["a@x.example"])]).await;
    let before = spool.counters_total();
    assert!(spool.leave(&entry, vec![first, home]).await.unwrap());
    let after = spool.counters_total();
    assert_eq!(
        after.queued,
        before.queued + 2,
        "the message and the copy home"
    );
    assert_eq!(spool.outbox_of(&scope("a")).await.unwrap(), []);
    assert_eq!(spool.drafts(&scope("a")).await.unwrap(), []);
    let draft = DraftId(entry.draft);
    let part = spool.draft_part(&scope("a"), draft, OUTGOING_PART).await;
    assert_eq!(part.unwrap(), None);
    let list = List::Folder(Folder::Sent);
    let page = spool
        .list(&scope("a"), list, Toward::Newest, 10)
        .await
        .unwrap();
    assert_eq!(page.lines.len(), 1);

    let again = message(&spool, &entry).await;
    assert!(!spool.leave(&entry, vec![again]).await.unwrap());
    assert_eq!(spool.counters_total().queued, after.queued);
}

#[tokio::test]
async fn c14_sending_can_be_undone_until_the_message_leaves() {
    let spool = spool().await;
    let (entry, _) = sent(&spool, 10, 1).await;
    let other = spool.undo_sending(&scope("b"), entry.id).await.unwrap();
    assert_eq!(other, None, "another's message is nobody's business");
    let draft = spool.undo_sending(&scope("a"), entry.id).await.unwrap();
    assert_eq!(draft, Some(DraftId(entry.draft)));
    assert_eq!(spool.drafts(&scope("a")).await.unwrap().len(), 1);
    let late = message(&spool, &entry).await;
    assert!(!spool.leave(&entry, vec![late]).await.unwrap());
    assert_eq!(
        spool.undo_sending(&scope("a"), entry.id).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn c27_messages_leave_in_their_order_and_faults_put_them_off() {
    let spool = spool().await;
    let (late, _) = sent(&spool, 30, 1).await;
    let (early, _) = sent(&spool, 10, 1).await;
    let at = |secs| Timestamp::from_secs(secs);
    assert_eq!(
        spool.outbox_due(at(5)).await.unwrap(),
        (vec![], Some(at(10)))
    );
    let due = spool.outbox_due(at(10)).await.unwrap();
    assert_eq!(due, (vec![early.clone()], Some(at(30))));
    spool
        .send_again(&early, "no route".to_owned(), at(60))
        .await
        .unwrap();
    let (due, next) = spool.outbox_due(at(30)).await.unwrap();
    assert_eq!((due, next), (vec![late], Some(at(60))));
    let waiting = spool.outbox_of(&scope("a")).await.unwrap();
    assert_eq!(waiting[1].fault.as_deref(), Some("no route"));
    assert_eq!(waiting[1].attempts, 1);
    assert_eq!(waiting[1].id, early.id);
}

#[tokio::test]
async fn c27_a_stolen_account_cannot_write_to_the_whole_world() {
    let spool = spool().await;
    let half = SENT_RECIPIENTS_MAX as usize / 2 + 1;
    assert_eq!(sent(&spool, 10, half).await.1, SendLater::Queued);
    assert_eq!(sent(&spool, 10, half).await.1, SendLater::Limit);
    assert_eq!(sent(&spool, 10, 1).await.1, SendLater::Queued);
    let more = OUTBOX_MAX - 2;
    for _ in 0..more {
        assert_eq!(sent(&spool, 10, 1).await.1, SendLater::Queued);
    }
    assert_eq!(
        sent(&spool, 10, 1).await.1,
        SendLater::Limit,
        "the outbox is full"
    );
}

#[tokio::test]
async fn c27_the_signing_key_is_sealed_and_goes_with_the_domains_key() {
    let spool = spool().await;
    let name = "x.example".parse().unwrap();
    let domain = scope("a").domain();
    assert_eq!(spool.dkim_key(domain).await.unwrap(), None);
    let key = DkimKey {
        selector: "mh1".to_owned(),
        record: "v=DKIM1".to_owned(),
        created_at: Timestamp::from_secs(1),
        private: b"secret".to_vec(),
    };
    spool
        .put_dkim_key(&name, key.clone(), audit())
        .await
        .unwrap();
    assert_eq!(spool.dkim_key(domain).await.unwrap(), Some(key));
    spool.destroy_domain_key(&name, audit()).await.unwrap();
    assert_eq!(spool.dkim_key(domain).await.unwrap(), None);
}
