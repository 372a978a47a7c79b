//! Copies and what their readers see and do.

use std::sync::Arc;

use bytes::Bytes;

use super::super::testing::{account, audit, clock, destination, message, recipients};
use crate::engine::MemoryEngine;
use crate::model::{
    Clock, Correspondent, DomainId, Folder, Line, LineId, MessageId, Scope, Summary,
};
use crate::seal::KeySource;
use crate::spool::{
    ContinuityWish, DraftId, DraftSaved, List, NewCopies, NewCopy, NewDisposition, NewDomain,
    NewMessage, SearchQuery, Selection, Spool, SpoolOptions, Toward, ViewChange, search_text,
};

pub(super) const ON: ContinuityWish = ContinuityWish::On { retention_days: 30 };

pub(super) fn scope(local: &str) -> Scope {
    Scope::new(DomainId(1), local)
}

pub(super) fn summary(subject: &str) -> Summary {
    Summary {
        from: Correspondent {
            name: "Jürgen Weiß".to_owned(),
            address: "juergen@far.example".to_owned(),
        },
        to: vec![Correspondent {
            name: String::new(),
            address: "a@x.example".to_owned(),
        }],
        subject: subject.to_owned(),
        preview: format!("preview of {subject}"),
        threads: vec![7],
        ..Summary::default()
    }
}

pub(super) fn copies(subject: &str, text: &str, to: &[&str]) -> NewCopies {
    let summary = summary(subject);
    NewCopies {
        text: search_text(&summary, text),
        to: to
            .iter()
            .map(|local| NewCopy {
                scope: scope(local),
                folder: Folder::Inbox,
                came_to: format!("{local}@x.example"),
            })
            .collect(),
        summary,
    }
}

/// A sealed spool over this engine with the domains of [`testing::spool`], continuity on in the
/// first one.
pub(super) async fn continuity_spool(engine: MemoryEngine, clock: Arc<dyn Clock>) -> Spool {
    let options = SpoolOptions {
        keys: KeySource::InMemory,
        ..SpoolOptions::default()
    };
    let spool = Spool::on_engine(Arc::new(engine), options, clock)
        .await
        .unwrap();
    for name in ["x.example", "y.example"] {
        let new = NewDomain::new(name.parse().unwrap(), vec![destination()]);
        spool.add_domain(new, audit()).await.unwrap();
    }
    spool
        .put_mailboxes(
            ["a", "b"]
                .map(|local| account(DomainId(1), &format!("{local}@x.example")))
                .to_vec(),
            audit(),
        )
        .await
        .unwrap();
    let name = "x.example".parse().unwrap();
    spool.set_continuity(&name, ON, audit()).await.unwrap();
    spool
}

pub(super) async fn spool() -> Spool {
    continuity_spool(MemoryEngine::new(), clock()).await
}

/// A message with a sealed body.
pub(super) async fn sealed_message(
    spool: &Spool,
    body: &[u8],
    to: &[(u32, &[&str])],
) -> NewMessage {
    let plain = message(spool, b"", to).await;
    let domains: Vec<_> = plain.entries.iter().map(|entry| entry.domain).collect();
    let mut writer = spool.begin_body_for(plain.id, &domains).unwrap();
    writer.write(Bytes::copy_from_slice(body)).await.unwrap();
    NewMessage {
        body: writer.finish().await.unwrap(),
        ..plain
    }
}

/// Accepts a message with copies for these mailboxes of the first domain.
pub(super) async fn copied(spool: &Spool, subject: &str, text: &str, to: &[&str]) -> MessageId {
    let paths: Vec<_> = to
        .iter()
        .map(|local| format!("{local}@x.example"))
        .collect();
    let mut new = sealed_message(spool, text.as_bytes(), &[(1, &[])]).await;
    new.entries[0].recipients = recipients(&paths.iter().map(String::as_str).collect::<Vec<_>>());
    new.copies = Some(copies(subject, text, to));
    let id = new.id;
    spool.accept(new).await.unwrap();
    id
}

pub(super) async fn listed(spool: &Spool, local: &str, list: List) -> Vec<Line> {
    let page = spool.list(&scope(local), list, Toward::Newest, 100).await;
    page.unwrap().lines
}

async fn inbox(spool: &Spool, local: &str) -> Vec<Line> {
    listed(spool, local, List::Folder(Folder::Inbox)).await
}

pub(super) async fn body_of(spool: &Spool, local: &str, id: LineId) -> Option<Vec<u8>> {
    let mut reader = spool.line_body(&scope(local), id).await.unwrap()?;
    let mut body = Vec::new();
    while let Some(piece) = reader.next().await.unwrap() {
        body.extend_from_slice(&piece);
    }
    Some(body)
}

/// C3, C11, C16: with the 250 the copy is there, in every mailbox the mail is for, from one body.
#[tokio::test(start_paused = true)]
async fn c11_a_copy_is_there_with_the_250_and_delivery_changes_nothing() {
    let spool = spool().await;
    let mut feed = spool.arrivals();
    let id = copied(&spool, "hello", "the text", &["a", "b"]).await;
    let arrived = std::iter::from_fn(|| feed.try_recv().ok()).count();
    assert_eq!(arrived, 2);
    for local in ["a", "b"] {
        let lines = inbox(&spool, local).await;
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].id.message, id);
        assert_eq!(lines[0].summary, summary("hello"));
        assert_eq!(lines[0].came_to, format!("{local}@x.example"));
        assert_eq!(
            body_of(&spool, local, lines[0].id).await.unwrap(),
            b"the text"
        );
    }
    let entry = spool
        .queue_page(DomainId(1), None, 10)
        .await
        .unwrap()
        .remove(0);
    let queued = spool.body(&entry).next().await.unwrap().unwrap();
    assert_eq!(queued, "the text");
    spool
        .settle(super::settling::delivered(&entry))
        .await
        .unwrap();
    assert_eq!(spool.message(id).await.unwrap(), None);
    let line = inbox(&spool, "a").await.remove(0);
    assert_eq!(body_of(&spool, "a", line.id).await.unwrap(), b"the text");
}

/// A10, C5: nothing is found in another mailbox, by whatever name.
#[tokio::test(start_paused = true)]
async fn c5_a_message_of_another_mailbox_is_not_there() {
    let spool = spool().await;
    copied(&spool, "private", "secret", &["a"]).await;
    let line = inbox(&spool, "a").await.remove(0);
    assert!(inbox(&spool, "b").await.is_empty());
    for foreign in [scope("b"), scope("A"), Scope::new(DomainId(2), "a")] {
        assert_eq!(spool.line(&foreign, line.id).await.unwrap(), None);
        assert!(spool.line_body(&foreign, line.id).await.unwrap().is_none());
        assert!(
            spool
                .conversation(&foreign, line.id)
                .await
                .unwrap()
                .is_empty()
        );
        let change = ViewChange::read(true);
        let changed = spool.change_lines(&foreign, &[line.id], change).await;
        assert_eq!(changed.unwrap(), []);
        let query = SearchQuery::parse("secret");
        let found = spool.search(&foreign, &query, None, 10).await.unwrap();
        assert!(found.lines.is_empty());
    }
}

/// C12: what is in quarantine is not copied; released, it is.
#[tokio::test(start_paused = true)]
async fn c12_a_quarantined_message_is_copied_when_it_is_released() {
    let spool = spool().await;
    let mut new = sealed_message(&spool, b"dubious", &[(1, &["a@x.example"])]).await;
    new.entries[0].disposition = NewDisposition::Quarantine {
        reason: "looks like spam".to_owned(),
    };
    new.copies = Some(copies("dubious", "dubious", &["a"]));
    spool.accept(new).await.unwrap();
    assert!(inbox(&spool, "a").await.is_empty());
    let aside = spool
        .aside_page(DomainId(1), None, 10)
        .await
        .unwrap()
        .remove(0);
    tokio::time::advance(std::time::Duration::from_secs(20 * 86_400)).await;
    spool
        .release_aside(DomainId(1), aside.sequence, audit())
        .await
        .unwrap();
    let line = inbox(&spool, "a").await.remove(0);
    assert_eq!(line.summary.subject, "dubious");
    assert_eq!(body_of(&spool, "a", line.id).await.unwrap(), b"dubious");
    assert!(spool.check().await.unwrap().problems.is_empty());
    // The body was stored for the day that its first copy would have needed.
    tokio::time::advance(std::time::Duration::from_secs(29 * 86_400)).await;
    while spool.expire_days().await.unwrap() > 0 {}
    assert_eq!(body_of(&spool, "a", line.id).await.unwrap(), b"dubious");
}

/// C12: one recipient's quarantine takes no other one's copy.
#[tokio::test(start_paused = true)]
async fn c12_copies_are_withheld_by_recipient() {
    let spool = spool().await;
    let to: [(u32, &[&str]); 2] = [(1, &["a@x.example"]), (1, &["b@x.example"])];
    let mut new = sealed_message(&spool, b"dubious", &to).await;
    new.entries[0].disposition = NewDisposition::Quarantine {
        reason: "blocked by a's rule".to_owned(),
    };
    new.copies = Some(copies("dubious", "dubious", &["a", "b"]));
    spool.accept(new).await.unwrap();
    assert!(inbox(&spool, "a").await.is_empty(), "withheld");
    let line = inbox(&spool, "b").await.remove(0);
    assert_eq!(body_of(&spool, "b", line.id).await.unwrap(), b"dubious");
    let aside = spool.aside_page(DomainId(1), None, 10).await.unwrap();
    assert_eq!(aside.len(), 1);
    spool
        .release_aside(DomainId(1), aside[0].sequence, audit())
        .await
        .unwrap();
    assert_eq!(inbox(&spool, "a").await.len(), 1, "released");
    assert_eq!(inbox(&spool, "b").await.len(), 1, "and not twice");
    assert!(spool.check().await.unwrap().problems.is_empty());
}

#[tokio::test(start_paused = true)]
async fn lists_go_on_in_both_directions_over_days() {
    let spool = spool().await;
    let mut ids = Vec::new();
    for n in 0..10 {
        ids.push(copied(&spool, &format!("m{n}"), "x", &["a"]).await);
        tokio::time::advance(std::time::Duration::from_secs(9 * 3_600)).await;
    }
    ids.reverse();
    let list = List::Folder(Folder::Inbox);
    let mut toward = Toward::Newest;
    let mut seen: Vec<LineId> = Vec::new();
    loop {
        let page = spool.list(&scope("a"), list, toward, 3).await.unwrap();
        seen.extend(page.lines.iter().map(|line| line.id));
        let Some(next) = page.next else { break };
        toward = Toward::OlderThan(next);
    }
    assert_eq!(seen.iter().map(|id| id.message).collect::<Vec<_>>(), ids);
    let page = spool
        .list(&scope("a"), list, Toward::NewerThan(seen[7]), 3)
        .await
        .unwrap();
    assert_eq!(
        page.lines.iter().map(|line| line.id).collect::<Vec<_>>(),
        seen[4..7]
    );
    let page = spool
        .list(&scope("a"), list, Toward::NewerThan(seen[1]), 3)
        .await
        .unwrap();
    assert_eq!(
        page.lines.iter().map(|line| line.id).collect::<Vec<_>>(),
        seen[..1]
    );
    assert_eq!(page.next, None);
}

/// C14, D3: flags and folders change what is listed and counted, and nothing in the queue.
#[tokio::test(start_paused = true)]
async fn d3_flags_and_folders_change_the_view_and_never_the_queue() {
    let spool = spool().await;
    for n in 0..4 {
        copied(&spool, &format!("m{n}"), "x", &["a"]).await;
        tokio::time::advance(std::time::Duration::from_secs(60)).await;
    }
    let queue = spool.queue_page(DomainId(1), None, 10).await.unwrap();
    let ledger = spool.counters(DomainId(1));
    let (a, lines) = (scope("a"), inbox(&spool, "a").await);
    let id = |n: usize| lines[n].id;
    spool
        .change_lines(&a, &[id(0)], ViewChange::read(true))
        .await
        .unwrap();
    let star = ViewChange {
        starred: Some(true),
        ..ViewChange::default()
    };
    spool.change_lines(&a, &[id(1), id(2)], star).await.unwrap();
    spool
        .change_lines(&a, &[id(2)], ViewChange::into(Folder::Archive))
        .await
        .unwrap();
    let delete = ViewChange {
        delete: true,
        ..ViewChange::default()
    };
    spool.change_lines(&a, &[id(3)], delete).await.unwrap();
    let counts = spool.view_counts(&a).await.unwrap();
    let of = |folder| (counts.folder(folder).total, counts.folder(folder).unread);
    assert_eq!(
        (of(Folder::Inbox), of(Folder::Archive), of(Folder::Trash)),
        ((2, 1), (1, 1), (0, 0))
    );
    let starred = listed(&spool, "a", List::Starred).await;
    assert_eq!(
        starred
            .iter()
            .map(|line| (line.id, line.folder))
            .collect::<Vec<_>>(),
        [(id(1), Folder::Inbox), (id(2), Folder::Archive)]
    );
    let unread = listed(&spool, "a", List::Unread(Folder::Inbox)).await;
    assert_eq!(
        unread.iter().map(|line| line.id).collect::<Vec<_>>(),
        [id(1)]
    );
    assert_eq!(spool.line(&a, id(3)).await.unwrap(), None);
    assert_eq!(
        spool.queue_page(DomainId(1), None, 10).await.unwrap(),
        queue
    );
    assert_eq!(spool.counters(DomainId(1)), ledger);
    let usage = spool.domain_usage(DomainId(1)).await.unwrap();
    assert_eq!((usage.messages(), usage.days.len()), (3, 1));
    assert!(spool.check().await.unwrap().problems.is_empty());
}

#[tokio::test(start_paused = true)]
async fn c14_a_change_of_many_is_taken_back_as_a_whole_and_once() {
    let spool = spool().await;
    for n in 0..5 {
        copied(&spool, &format!("m{n}"), "x", &["a"]).await;
        tokio::time::advance(std::time::Duration::from_secs(60)).await;
    }
    let a = scope("a");
    let before = inbox(&spool, "a").await;
    spool
        .change_lines(&a, &[before[2].id], ViewChange::read(true))
        .await
        .unwrap();
    let before = inbox(&spool, "a").await;
    let all = Selection::All(List::Folder(Folder::Inbox));
    let change = ViewChange {
        read: Some(true),
        ..ViewChange::into(Folder::Trash)
    };
    let done = spool.change_selection(&a, all, change).await.unwrap();
    assert_eq!((done.changed, done.more), (5, false));
    assert!(inbox(&spool, "a").await.is_empty());
    assert_eq!(
        spool.undo(&scope("b"), done.undo.unwrap()).await.unwrap(),
        0
    );
    assert_eq!(spool.undo(&a, done.undo.unwrap()).await.unwrap(), 5);
    assert_eq!(inbox(&spool, "a").await, before);
    assert_eq!(spool.undo(&a, done.undo.unwrap()).await.unwrap(), 0);
    let done = spool.change_selection(&a, all, change).await.unwrap();
    tokio::time::advance(std::time::Duration::from_secs(3_700)).await;
    assert_eq!(spool.undo(&a, done.undo.unwrap()).await.unwrap(), 0);
    assert_eq!(spool.sweep_undo(10).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn c14_search_finds_words_phrases_and_fields() {
    let spool = spool().await;
    copied(
        &spool,
        "Invoice March",
        "please pay the open amount",
        &["a"],
    )
    .await;
    tokio::time::advance(std::time::Duration::from_secs(86_400)).await;
    copied(&spool, "Straße gesperrt", "Umleitung über Köln", &["a"]).await;
    let found = async |query: &str| {
        let query = SearchQuery::parse(query);
        let page = spool.search(&scope("a"), &query, None, 10).await.unwrap();
        page.lines
            .into_iter()
            .map(|line| line.summary.subject)
            .collect::<Vec<_>>()
    };
    let (invoice, street) = ("Invoice March".to_owned(), "Straße gesperrt".to_owned());
    for (query, expected) in [
        ("INVOICE", vec![&invoice]),
        ("inv", vec![&invoice]),
        ("voice", vec![]),
        ("\"open amount\"", vec![&invoice]),
        ("\"amount open\"", vec![]),
        ("amount open", vec![&invoice]),
        ("koln strasse", vec![&street]),
        ("from:weiss", vec![&street, &invoice]),
        ("from:juergen subject:invoice", vec![&invoice]),
        ("subject:pay", vec![]),
        ("to:a@x.example", vec![&street, &invoice]),
        ("has:attachment", vec![]),
        ("is:unread", vec![&street, &invoice]),
        ("is:starred", vec![]),
        ("larger:1k", vec![]),
        ("in:trash", vec![]),
        ("after:2026-09-22", vec![&street]),
        ("before:2026-09-22", vec![&invoice]),
    ] {
        let subjects = found(query).await;
        assert_eq!(subjects.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    let query = SearchQuery::parse("from:weiss");
    let page = spool.search(&scope("a"), &query, None, 1).await.unwrap();
    let next = spool
        .search(&scope("a"), &query, page.next, 1)
        .await
        .unwrap();
    assert_eq!(
        (
            page.lines[0].summary.subject.as_str(),
            next.lines[0].summary.subject.as_str()
        ),
        ("Straße gesperrt", "Invoice March")
    );
    assert_eq!(next.next, None);
}

/// RFC 8621 §3: messages that share a name belong together, also by way of a third.
#[tokio::test(start_paused = true)]
async fn c14_a_conversation_is_everything_that_shares_a_name() {
    let spool = spool().await;
    for (subject, names) in [
        ("one", vec![1, 2]),
        ("other", vec![9]),
        ("two", vec![2, 3]),
        ("three", vec![3]),
    ] {
        let mut new = sealed_message(&spool, b"x", &[(1, &["a@x.example"])]).await;
        let mut of = copies(subject, "x", &["a"]);
        of.summary.threads = names;
        new.copies = Some(of);
        spool.accept(new).await.unwrap();
        tokio::time::advance(std::time::Duration::from_secs(86_400)).await;
    }
    let newest = inbox(&spool, "a").await.remove(0);
    let conversation = spool.conversation(&scope("a"), newest.id).await.unwrap();
    let subjects: Vec<_> = conversation
        .iter()
        .map(|line| line.summary.subject.as_str())
        .collect();
    assert_eq!(subjects, ["one", "two", "three"]);
}

#[tokio::test(start_paused = true)]
async fn c14_two_writers_of_a_draft_notice_each_other() {
    let spool = spool().await;
    let (a, id) = (scope("a"), DraftId(spool.next_id()));
    let (label, text) = (Bytes::from("label"), Bytes::from(vec![7; 3 << 20]));
    let save = async |expected, label: &Bytes, text: &Bytes| {
        let saved = spool.save_draft(&a, id, expected, label.clone(), text.clone());
        saved.await.unwrap()
    };
    assert_eq!(save(None, &label, &text).await, DraftSaved::Saved(1));
    assert_eq!(save(None, &label, &text).await, DraftSaved::Conflict(1));
    let attachment = Some(Bytes::from("attached"));
    let put = spool
        .put_draft_part(&a, id, 1, 2, attachment)
        .await
        .unwrap();
    assert_eq!(put, DraftSaved::Saved(2));
    assert_eq!(save(Some(1), &label, &text).await, DraftSaved::Conflict(2));
    assert_eq!(
        save(Some(2), &label, &Bytes::from("new")).await,
        DraftSaved::Saved(3)
    );
    assert_eq!(spool.draft_part(&a, id, 1).await.unwrap().unwrap(), "new");
    assert_eq!(
        spool.draft_part(&a, id, 2).await.unwrap().unwrap(),
        "attached"
    );
    let drafts = spool.drafts(&a).await.unwrap();
    assert_eq!(drafts.len(), 1);
    assert_eq!((drafts[0].size_bytes, &drafts[0].label), (11, &label));
    assert!(spool.drafts(&scope("b")).await.unwrap().is_empty());
    let full = Bytes::from(vec![0; crate::limits::DRAFT_BYTES_MAX]);
    assert_eq!(save(Some(3), &label, &full).await, DraftSaved::Full);
    assert!(spool.delete_draft(&a, id).await.unwrap());
    assert_eq!(save(Some(3), &label, &text).await, DraftSaved::Gone);
    assert!(!spool.delete_draft(&a, id).await.unwrap());
}
