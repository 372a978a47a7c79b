//! How long copies and bodies stay, and that nothing wanted goes with its day.

use std::time::Duration;

use super::super::testing::{account, audit, clock, destination};
use super::continuity::{
    body_of, continuity_spool, copied, copies, listed, scope, sealed_message, spool,
};
use crate::engine::{DayKind, MemoryEngine};
use crate::model::{ContinuityGap, DomainId, Folder, Scope, Sequence};
use crate::spool::{ChangeError, ContinuityWish, List, NewDomain, NewMessage, Spool};

const DAY: Duration = Duration::from_secs(86_400);

async fn expire(spool: &Spool) {
    while spool.expire_days().await.unwrap() > 0 {}
}

async fn days(spool: &Spool, kind: DayKind) -> usize {
    spool.engine().days(kind).await.unwrap().len()
}

async fn switch(spool: &Spool, domain: &str, retention_days: u16) {
    let wish = ContinuityWish::On { retention_days };
    let name = domain.parse().unwrap();
    spool.set_continuity(&name, wish, audit()).await.unwrap();
}

/// C2, C9, Q45: over forty days exactly the last thirty are visible, counts included, and what is
/// stored does not grow any more.
#[tokio::test(start_paused = true)]
async fn c9_exactly_thirty_days_are_visible_and_the_rest_is_gone() {
    let spool = spool().await;
    let mut accepted = Vec::new();
    for day in 0..40_u32 {
        for n in 0..4 {
            let at = spool.clock().now();
            copied(&spool, &format!("{day}.{n}"), "text", &["a"]).await;
            accepted.push(at);
            tokio::time::advance(DAY / 4).await;
        }
        expire(&spool).await;
        let now = spool.clock().now();
        let visible = accepted
            .iter()
            .filter(|at| now.saturating_since(**at) < DAY * 30)
            .count();
        let lines = listed(&spool, "a", List::Folder(Folder::Inbox)).await;
        assert_eq!(lines.len(), visible.min(100), "day {day}");
        let counts = spool.view_counts(&scope("a")).await.unwrap();
        assert_eq!(counts.total(), visible as u64, "day {day}");
        for line in lines.iter().rev().take(2) {
            assert_eq!(body_of(&spool, "a", line.id).await.unwrap(), b"text");
        }
    }
    assert_eq!(accepted.len(), 160);
    assert!(days(&spool, DayKind::Continuity).await <= 32);
    assert!(days(&spool, DayKind::Kept).await <= 32);
    assert_eq!(
        spool
            .queue_page(DomainId(1), None, 1_000)
            .await
            .unwrap()
            .len(),
        160
    );
    let entry = spool
        .queue_page(DomainId(1), None, 1)
        .await
        .unwrap()
        .remove(0);
    let body = spool.body(&entry).next().await.unwrap().unwrap();
    assert_eq!(body, "text", "queued mail keeps its body, whatever its day");
    assert!(spool.check().await.unwrap().problems.is_empty());
}

#[tokio::test(start_paused = true)]
async fn q45_a_copy_goes_to_the_millisecond() {
    let spool = spool().await;
    copied(&spool, "m", "text", &["a"]).await;
    let id = listed(&spool, "a", List::Folder(Folder::Inbox)).await[0].id;
    tokio::time::advance(DAY * 30 - Duration::from_millis(1)).await;
    expire(&spool).await;
    assert_eq!(body_of(&spool, "a", id).await.unwrap(), b"text");
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(body_of(&spool, "a", id).await.is_none());
    assert_eq!(spool.view_counts(&scope("a")).await.unwrap().total(), 0);
}

/// Retention that is made longer counts for what is there, bodies included.
#[tokio::test(start_paused = true)]
async fn c2_a_longer_retention_keeps_what_is_there() {
    let spool = spool().await;
    switch(&spool, "x.example", 3).await;
    spool
        .update_domain(
            &"x.example".parse().unwrap(),
            |domain| domain.hold_days = 1,
            audit(),
        )
        .await
        .unwrap();
    copied(&spool, "m", "text", &["a"]).await;
    let id = listed(&spool, "a", List::Folder(Folder::Inbox)).await[0].id;
    tokio::time::advance(DAY * 2).await;
    switch(&spool, "x.example", 60).await;
    for _ in 0..57 {
        tokio::time::advance(DAY).await;
        expire(&spool).await;
        assert_eq!(body_of(&spool, "a", id).await.unwrap(), b"text");
    }
    tokio::time::advance(DAY * 4).await;
    expire(&spool).await;
    assert!(body_of(&spool, "a", id).await.is_none());
}

/// A domain that keeps less than others loses its rows in small turns.
#[tokio::test(start_paused = true)]
async fn c2_a_shorter_retention_is_swept_in_turns() {
    let spool = spool().await;
    spool
        .put_mailboxes(vec![account(DomainId(2), "c@y.example")], audit())
        .await
        .unwrap();
    switch(&spool, "y.example", 2).await;
    copied(&spool, "long", "text", &["a"]).await;
    let mut new = sealed_message(&spool, b"short", &[(2, &["c@y.example"])]).await;
    let mut of = copies("short", "short", &["c"]);
    of.to[0].scope = Scope::new(DomainId(2), "c");
    new.copies = Some(of);
    spool.accept(new).await.unwrap();
    assert_eq!(spool.overdue_lines().await.unwrap(), []);
    tokio::time::advance(DAY * 4).await;
    let overdue = spool.overdue_lines().await.unwrap();
    assert_eq!(overdue.len(), 1);
    let (domain, day) = overdue[0];
    let mut swept = 0;
    loop {
        let turn = spool.sweep_lines(domain, day, 1).await.unwrap();
        swept += turn;
        if turn == 0 {
            break;
        }
    }
    assert_eq!(swept, 3, "counts, line and thread");
    assert_eq!(
        listed(&spool, "a", List::Folder(Folder::Inbox)).await.len(),
        1
    );
    assert_eq!(spool.domain_usage(DomainId(2)).await.unwrap().messages(), 0);
}

/// C3: switched on in the middle of an outage, continuity shows what is held; once, after a restart
/// too.
#[tokio::test(start_paused = true)]
async fn c3_mail_that_was_held_before_becomes_visible() {
    let engine = MemoryEngine::new();
    let spool = continuity_spool(engine.clone(), clock()).await;
    let name = "x.example".parse().unwrap();
    while !spool.backfills().is_empty() {
        spool.backfill(DomainId(1), Vec::new()).await.unwrap();
    }
    spool
        .set_continuity(&name, ContinuityWish::Off, audit())
        .await
        .unwrap();
    let large = vec![b'x'; 3 << 20];
    for body in [b"one".as_slice(), b"two", &large] {
        let new = sealed_message(&spool, body, &[(1, &["a@x.example"])]).await;
        spool
            .accept(NewMessage {
                copies: None,
                ..new
            })
            .await
            .unwrap();
        tokio::time::advance(Duration::from_secs(60)).await;
    }
    switch(&spool, "x.example", 30).await;
    copied(&spool, "new", "new", &["a"]).await;
    assert_eq!(spool.backfills(), [DomainId(1)]);
    loop {
        let page = spool.backfill_page(DomainId(1), 2).await.unwrap();
        let ready = page
            .into_iter()
            .map(|entry| (entry, Some(copies("old", "old", &["a"]))))
            .collect();
        if !spool.backfill(DomainId(1), ready).await.unwrap() {
            break;
        }
    }
    let lines = listed(&spool, "a", List::Folder(Folder::Inbox)).await;
    assert_eq!(lines.len(), 4);
    let entries = spool.queue_page(DomainId(1), None, 10).await.unwrap();
    for entry in entries {
        let delivered = super::settling::delivered(&entry);
        spool.settle(delivered).await.unwrap();
    }
    assert_eq!(body_of(&spool, "a", lines[1].id).await.unwrap(), large);
    assert_eq!(body_of(&spool, "a", lines[3].id).await.unwrap(), b"one");
    assert!(spool.backfills().is_empty());
    assert!(spool.check().await.unwrap().problems.is_empty());
    assert_eq!(spool.next_position(DomainId(1)), Sequence(4));
}

/// C10: the answer says what is missing, and nothing is changed.
#[tokio::test(start_paused = true)]
async fn c10_continuity_is_refused_with_what_is_missing() {
    let spool = spool().await;
    let new = NewDomain::new("z.example".parse().unwrap(), vec![destination()]);
    let domain = spool.add_domain(new, audit()).await.unwrap();
    let wish = ContinuityWish::On { retention_days: 30 };
    let switch = || spool.set_continuity(&domain.name, wish, audit());
    let Err(ChangeError::ContinuityGaps(gaps)) = switch().await else {
        panic!("nothing is there");
    };
    assert_eq!(gaps, [ContinuityGap::Mailboxes]);
    assert!(!spool.directory().has_continuity(domain.id));
    spool
        .put_mailboxes(vec![account(domain.id, "a@z.example")], audit())
        .await
        .unwrap();
    assert!(switch().await.unwrap().continuity.is_some());
    for days in [0, 91] {
        let wish = ContinuityWish::On {
            retention_days: days,
        };
        let refused = spool.set_continuity(&domain.name, wish, audit()).await;
        assert!(
            matches!(refused, Err(ChangeError::BadValue { .. })),
            "{days}"
        );
    }
}
