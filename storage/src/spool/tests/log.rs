//! A message's life by its id, the search, and the days that go.

use std::time::Duration;

use crate::engine::{DayKind, Engine, MemoryEngine};
use crate::model::{AsideKind, DomainId, LogEvent, LogRow, RecipientChange, Timestamp};
use crate::spool::testing::{accepted, audit, clock, destination, message, reply, spool};
use crate::spool::{
    LogFilter, NewDisposition, NewDomain, RecipientOutcome, Settlement, Spool, SpoolOptions,
};

const X: DomainId = DomainId(1);
const DAY: Duration = Duration::from_secs(86_400);

/// The kinds of events, in words.
fn story(rows: &[LogRow]) -> Vec<String> {
    let words = rows.iter().map(|row| match &row.event {
        LogEvent::Accepted(accepted) => format!("accepted {}", accepted.recipients.len()),
        LogEvent::Recipients(changes) => {
            let changes = changes.iter().map(|one| match &one.change {
                RecipientChange::Delivered(reply) => format!("delivered {}", reply.code),
                RecipientChange::Deferred { reply, .. } => format!("deferred {}", reply.code),
                RecipientChange::Failed(_) => "failed".to_owned(),
                RecipientChange::Parked(reply) => format!("parked {}", reply.code),
                RecipientChange::Expired => "expired".to_owned(),
                RecipientChange::Removed => "removed".to_owned(),
            });
            changes.collect::<Vec<_>>().join(", ")
        }
        LogEvent::SetAside { kind, .. } => format!("set aside {kind:?}"),
        LogEvent::Released { kind } => format!("released {kind:?}"),
        LogEvent::Deleted { kind } => format!("deleted {kind:?}"),
        LogEvent::Dropped { kind } => format!("dropped {kind:?}"),
    });
    words.collect()
}

async fn settle(spool: &Spool, outcomes: Vec<RecipientOutcome>) {
    let mut entries = spool.queue_page(X, None, 10).await.unwrap();
    entries.extend(spool.deferred_page(X, None, 10).await.unwrap());
    let entry = entries.pop().unwrap();
    let open: Vec<usize> = entry.open_recipients().map(|(index, _)| index).collect();
    let settlement = Settlement {
        entry,
        outcomes: open.into_iter().zip(outcomes).collect(),
        notices: Vec::new(),
    };
    spool.settle(settlement).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_life_is_told_in_order_over_days_and_after_the_message_is_gone() {
    let spool = spool().await;
    let to: &[&str] = &["a@x.example", "b@x.example"];
    let id = accepted(&spool, b"body", &[(1, to)]).await;
    let due_at = spool.clock().now().saturating_add(DAY);
    let deferred = RecipientOutcome::Deferred {
        due_at,
        reply: reply(451),
        charged: true,
    };
    let delivered = RecipientOutcome::Delivered { reply: reply(250) };
    settle(&spool, vec![delivered.clone(), deferred]).await;
    tokio::time::advance(DAY * 2).await;
    settle(&spool, vec![RecipientOutcome::Parked { reply: reply(550) }]).await;
    let aside = spool.aside_page(X, None, 10).await.unwrap().remove(0);
    spool
        .release_aside(X, aside.sequence, audit())
        .await
        .unwrap();
    settle(&spool, vec![delivered]).await;
    assert_eq!(spool.message(id).await.unwrap(), None);
    let rows = spool.message_log(id).await.unwrap();
    assert_eq!(
        story(&rows),
        [
            "accepted 2",
            "delivered 250, deferred 451",
            "parked 550",
            "released Parked",
            "delivered 250"
        ]
    );
    assert!(rows.is_sorted_by_key(|row| row.at));
    assert!(rows.iter().all(|row| row.domain == X && row.message == id));
    assert_eq!(spool.check().await.unwrap().problems, []);
}

#[tokio::test(start_paused = true)]
async fn quarantine_damage_and_deletion_are_events_too() {
    let spool = spool().await;
    let mut new = message(&spool, b"body", &[(1, &["a@x.example"])]).await;
    new.entries[0].disposition = NewDisposition::Quarantine {
        reason: "looks like a trap".to_owned(),
    };
    let id = new.id;
    spool.accept(new).await.unwrap();
    let entry = spool.aside_page(X, None, 10).await.unwrap().remove(0);
    spool
        .delete_aside(X, entry.sequence, audit())
        .await
        .unwrap();
    let rows = spool.message_log(id).await.unwrap();
    assert_eq!(story(&rows), ["accepted 1", "deleted Quarantined"]);
    let LogEvent::Accepted(accepted_event) = &rows[0].event else {
        panic!("{rows:?}");
    };
    assert_eq!(
        accepted_event.quarantined.as_deref(),
        Some("looks like a trap")
    );

    let id = accepted(&spool, b"body", &[(1, &["a@x.example"])]).await;
    let entry = spool.queue_page(X, None, 1).await.unwrap().remove(0);
    let kind = AsideKind::Corrupt;
    spool.set_aside(entry, kind, "torn").await.unwrap();
    let rows = spool.message_log(id).await.unwrap();
    assert_eq!(story(&rows), ["accepted 1", "set aside Corrupt"]);
}

#[tokio::test(start_paused = true)]
async fn a_domain_sees_only_its_own_recipients_of_a_shared_message() {
    let spool = spool().await;
    let to: &[(u32, &[&str])] = &[(1, &["a@x.example"]), (2, &["b@y.example"])];
    let id = accepted(&spool, b"body", to).await;
    let rows = spool.message_log(id).await.unwrap();
    assert_eq!(story(&rows), ["accepted 1", "accepted 1"]);
    let filter = LogFilter {
        domain: Some(DomainId(2)),
        ..LogFilter::default()
    };
    let page = spool.search_log(&filter, None, 10).await.unwrap();
    assert_eq!(page.rows.len(), 1);
    assert_eq!(page.rows[0].domain, DomainId(2));
}

#[tokio::test(start_paused = true)]
async fn a_search_pages_from_the_newest_by_address_and_period() {
    let spool = spool().await;
    let mut ids = Vec::new();
    for number in 0..10 {
        let to = format!("user{}@x.example", number % 2);
        ids.push(accepted(&spool, b"body", &[(1, &[to.as_str()])]).await);
        tokio::time::advance(DAY / 4).await;
    }
    let all = |filter: LogFilter| {
        let spool = spool.clone();
        async move {
            let (mut after, mut found) = (None, Vec::new());
            loop {
                let page = spool.search_log(&filter, after, 2).await.unwrap();
                found.extend(page.rows.into_iter().map(|row| row.message));
                after = page.next;
                if after.is_none() {
                    return found;
                }
            }
        }
    };
    let newest_first: Vec<_> = ids.iter().rev().copied().collect();
    assert_eq!(all(LogFilter::default()).await, newest_first);
    let recipient = LogFilter {
        recipient: Some("USER1@".to_owned()),
        sender: Some("far.example".to_owned()),
        ..LogFilter::default()
    };
    let odd: Vec<_> = ids.iter().skip(1).step_by(2).rev().copied().collect();
    assert_eq!(all(recipient).await, odd);
    let period = LogFilter {
        from: ids[3].made_at(),
        until: Some(ids[6].made_at()),
        ..LogFilter::default()
    };
    let between: Vec<_> = ids[3..=6].iter().rev().copied().collect();
    assert_eq!(all(period).await, between);
    let nobody = LogFilter {
        sender: Some("nobody@".to_owned()),
        ..LogFilter::default()
    };
    assert_eq!(all(nobody).await, []);
}

#[tokio::test(start_paused = true)]
async fn days_go_whole_thirty_days_after_their_end() {
    let engine = MemoryEngine::new();
    let shared = std::sync::Arc::new(engine.clone());
    let spool = Spool::on_engine(shared, SpoolOptions::default(), clock())
        .await
        .unwrap();
    let new = NewDomain::new("x.example".parse().unwrap(), vec![destination()]);
    spool.add_domain(new, audit()).await.unwrap();
    let old = accepted(&spool, b"body", &[(1, &["a@x.example"])]).await;
    let began = spool.clock().now();
    tokio::time::advance(DAY).await;
    let young = accepted(&spool, b"body", &[(1, &["a@x.example"])]).await;
    let at = |days: u32| began.saturating_add(DAY * days);
    assert_eq!(spool.drop_old_logs(at(30)).await.unwrap(), 0);
    assert_eq!(spool.drop_old_logs(at(31)).await.unwrap(), 1);
    assert_eq!(spool.message_log(old).await.unwrap(), []);
    assert_eq!(spool.message_log(young).await.unwrap().len(), 1);
    // Q20: a clock that was wrong in the past drops nothing.
    assert_eq!(spool.drop_old_logs(Timestamp::default()).await.unwrap(), 0);
    assert_eq!(engine.days(DayKind::Log).await.unwrap().len(), 1);
}
