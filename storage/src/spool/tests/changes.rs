//! Domains, mailboxes, aliases and intents as administrators change them.

use crate::engine::MemoryEngine;
use crate::model::{
    Alias, AliasTarget, DomainId, DomainName, Mailbox, MailboxAccount, Sequence, VerifyMode,
};
use crate::spool::testing::{EPOCH, accepted, audit, clock, destination, spool};
use crate::spool::{
    AsideKind, ChangeError, Hint, IntentAction, NewDomain, Resolution, Spool, SpoolError,
    SpoolOptions,
};

const X: DomainId = DomainId(1);

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn mailbox(text: &str) -> Mailbox {
    text.parse().unwrap()
}

fn account(domain: u32, address: &str) -> MailboxAccount {
    MailboxAccount {
        domain: DomainId(domain),
        address: mailbox(address),
        name: None,
        recovery: None,
        language: None,
        enabled: true,
        created_at: EPOCH,
    }
}

fn alias(address: &str, target: &str) -> Alias {
    Alias {
        domain: X,
        address: mailbox(address),
        target: AliasTarget {
            mailbox: mailbox(target),
        },
        created_at: EPOCH,
    }
}

async fn reopened(engine: &MemoryEngine) -> Spool {
    let engine = std::sync::Arc::new(engine.clone());
    Spool::on_engine(engine, SpoolOptions::default(), clock())
        .await
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_domain_is_in_force_when_it_is_added_and_after_a_restart() {
    let engine = MemoryEngine::new();
    let spool = reopened(&engine).await;
    let mut hints = spool.feed();
    let new = NewDomain::new(name("x.example"), vec![destination()]);
    let added = spool.add_domain(new.clone(), audit()).await.unwrap();
    assert_eq!(hints.recv().await.unwrap(), Hint::DomainChanged(added.id));
    assert_eq!((added.id, added.hold_days), (X, 15));
    let again = spool.add_domain(new, audit()).await;
    assert!(matches!(again, Err(ChangeError::Exists(_))));
    spool
        .update_domain(&added.name, |domain| domain.hold_days = 60, audit())
        .await
        .unwrap();
    spool
        .put_mailboxes(vec![account(1, "Alice@x.example")], audit())
        .await
        .unwrap();
    let info = alias("info@x.example", "alice@x.example");
    spool.put_alias(info, audit()).await.unwrap();

    for spool in [spool, reopened(&engine).await] {
        let directory = spool.directory();
        let found = directory.domain_by_name(&name("X.Example")).unwrap();
        assert_eq!(found.hold_days, 60);
        let known = Resolution::Known {
            domain: X,
            mailbox_key: "alice".to_owned(),
        };
        assert_eq!(directory.resolve(&mailbox("INFO+tag@x.example")), known);
        assert_eq!(directory.effective_verify(X), Some(VerifyMode::Directory));
        let stored = spool.mailbox(&mailbox("alice@x.example")).await.unwrap();
        assert_eq!(stored.unwrap().address.to_string(), "Alice@x.example");
        let page = spool.audit_page(None, 10).await.unwrap();
        assert_eq!(page.len(), 4, "every change has its audit row");
        let older = spool.audit_page(Some(page[1].0), 10).await.unwrap();
        assert_eq!(older.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn values_out_of_bounds_are_refused_by_name() {
    let spool = spool().await;
    let good = NewDomain::new(name("z.example"), vec![destination()]);
    let with = |change: fn(&mut NewDomain)| {
        let mut new = good.clone();
        change(&mut new);
        new
    };
    let table = [
        (with(|new| new.hold_days = 0), "hold_days"),
        (with(|new| new.hold_days = 61), "hold_days"),
        (with(|new| new.destinations.clear()), "destinations"),
        (with(|new| new.destinations[0].port = 0), "destination"),
        (with(|new| new.destinations[0].weight = 0), "destination"),
        (
            with(|new| new.destinations[0].host = "a b".into()),
            "destination",
        ),
        (
            with(|new| new.name = "[192.0.2.1]".parse().unwrap()),
            "name",
        ),
    ];
    for (new, expected) in table {
        match spool.add_domain(new, audit()).await {
            Err(ChangeError::BadValue { field, .. }) => assert_eq!(field, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
    let unknown = spool
        .update_domain(&name("q.example"), |_| (), audit())
        .await;
    assert!(matches!(unknown, Err(ChangeError::Unknown(_))));
    assert_eq!(spool.directory().counts().domains, 2);
    let update = |domain: &mut crate::model::Domain| domain.hold_days = 99;
    let refused = spool
        .update_domain(&name("x.example"), update, audit())
        .await;
    assert!(refused.is_err());
    assert_eq!(spool.directory().domain(X).unwrap().hold_days, 15);
}

/// CSV and API errors: nothing is changed, every faulty row is named.
#[tokio::test(start_paused = true)]
async fn an_import_with_faults_changes_nothing_and_names_them_all() {
    let spool = spool().await;
    spool
        .put_mailboxes(vec![account(1, "alice@x.example")], audit())
        .await
        .unwrap();
    let info = alias("info@x.example", "alice@x.example");
    spool.put_alias(info, audit()).await.unwrap();
    let accounts = vec![
        account(1, "bob@x.example"),
        account(1, "bob@y.example"),
        account(9, "carol@q.example"),
        account(1, "info@x.example"),
        account(1, "BOB@x.example"),
        account(1, "alice@x.example"),
    ];
    let Err(ChangeError::Rejected(rows)) = spool.put_mailboxes(accounts, audit()).await else {
        panic!("it has faults");
    };
    let indexes: Vec<_> = rows.iter().map(|row| row.index).collect();
    assert_eq!(indexes, [1, 2, 3, 4]);
    assert_eq!(spool.directory().counts().mailboxes, 1);
}

#[tokio::test(start_paused = true)]
async fn mailboxes_and_aliases_page_by_name_and_guard_each_other() {
    let spool = spool().await;
    let accounts = ["c", "a", "b"].map(|local| account(1, &format!("{local}@x.example")));
    spool.put_mailboxes(accounts.into(), audit()).await.unwrap();
    let page = spool.mailboxes_page(X, Some("a"), 10).await.unwrap();
    let names: Vec<_> = page.iter().map(|account| account.address.key()).collect();
    assert_eq!(names, ["b", "c"]);
    let put = |address, target| spool.put_alias(alias(address, target), audit());
    put("info@x.example", "a@x.example").await.unwrap();
    let taken = put("b@x.example", "a@x.example").await;
    assert!(matches!(taken, Err(ChangeError::Exists(_))));
    let nobody = put("i@x.example", "nobody@x.example").await;
    assert!(matches!(nobody, Err(ChangeError::Unknown(_))));
    let elsewhere = put("i@x.example", "a@y.example").await;
    assert!(matches!(elsewhere, Err(ChangeError::BadValue { .. })));
    assert_eq!(spool.aliases_page(X, None, 10).await.unwrap().len(), 1);

    let a = mailbox("a@x.example");
    let wanted = spool.remove_mailbox(&a, audit()).await;
    assert!(matches!(
        wanted,
        Err(ChangeError::HasAliases { aliases: 1, .. })
    ));
    let info = mailbox("info@x.example");
    spool.remove_alias(&info, audit()).await.unwrap();
    let gone = spool.remove_alias(&info, audit()).await;
    assert!(matches!(gone, Err(ChangeError::Unknown(_))));
    spool.remove_mailbox(&a, audit()).await.unwrap();
    assert_eq!(spool.directory().mailbox_enabled(&a), None);
    assert_eq!(spool.mailboxes_page(X, None, 10).await.unwrap().len(), 2);
}

/// S20: a domain leaves only when nothing stays behind undelivered, or on purpose.
#[tokio::test(start_paused = true)]
async fn a_domain_with_mail_is_removed_only_by_force() {
    let spool = spool().await;
    let to: &[(u32, &[&str])] = &[(1, &["a@x.example"]), (2, &["b@y.example"])];
    accepted(&spool, b"x", to).await;
    accepted(&spool, b"x", &[(1, &["a@x.example"])]).await;
    let entry = spool.queue_page(X, None, 1).await.unwrap().remove(0);
    spool
        .set_aside(entry, AsideKind::Parked, "550 no")
        .await
        .unwrap();
    spool
        .put_mailboxes(vec![account(1, "a@x.example")], audit())
        .await
        .unwrap();
    let x = name("x.example");
    let refused = spool.remove_domain(&x, false, audit()).await;
    assert!(matches!(
        refused,
        Err(ChangeError::MailQueued { recipients: 2, .. })
    ));
    assert!(spool.directory().domain_by_name(&x).is_some());

    spool.remove_domain(&x, true, audit()).await.unwrap();
    assert!(spool.directory().domain_by_name(&x).is_none());
    assert_eq!(spool.queue_page(X, None, 10).await.unwrap(), []);
    assert_eq!(spool.aside_page(X, None, 10).await.unwrap(), []);
    assert_eq!(spool.mailboxes_page(X, None, 10).await.unwrap(), []);
    assert_eq!(spool.check().await.unwrap().problems, []);
    let other = spool.queue_page(DomainId(2), None, 10).await.unwrap();
    assert!(
        spool.body(&other[0]).next().await.is_ok(),
        "the other domain keeps its mail"
    );
    let new = NewDomain::new(x, vec![destination()]);
    let added = spool.add_domain(new, audit()).await.unwrap();
    assert_eq!(added.id, DomainId(3), "numbers are not given twice");
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_removal_leaves_a_domain_that_takes_mail() {
    use futures_util::FutureExt;
    let engine = MemoryEngine::new();
    let spool = reopened(&engine).await;
    let x = name("x.example");
    let new = NewDomain::new(x.clone(), vec![destination()]);
    spool.add_domain(new, audit()).await.unwrap();
    accepted(&spool, b"x", &[(1, &["a@x.example"])]).await;
    // Dropped before it begins to work: nothing happened, and the name is free for nobody else.
    drop(spool.remove_domain(&x, true, audit()));
    let again = NewDomain::new(x.clone(), vec![destination()]);
    let taken = spool.add_domain(again, audit()).await;
    assert!(matches!(taken, Err(ChangeError::Exists(_))));
    engine.fail("broken");
    let removal = spool.remove_domain(&x, true, audit()).now_or_never();
    assert!(removal.unwrap().is_err());
    assert!(spool.directory().domain_by_name(&x).is_some());
    engine.reopen();
    accepted(&spool, b"x", &[(1, &["a@x.example"])]).await;
}

#[tokio::test(start_paused = true)]
async fn intents_wait_in_the_store_until_they_are_carried_out() {
    let engine = MemoryEngine::new();
    let spool = reopened(&engine).await;
    let new = NewDomain::new(name("x.example"), vec![destination()]);
    spool.add_domain(new, audit()).await.unwrap();
    let mut hints = spool.feed();
    let wanted = vec![
        (Sequence(3), IntentAction::Retry),
        (Sequence(4), IntentAction::Remove),
    ];
    let ticket = spool.add_intents(X, wanted, audit()).await.unwrap();
    assert_eq!(hints.recv().await.unwrap(), Hint::Intents(X));
    let restarted = reopened(&engine).await;
    assert_eq!(restarted.intents(X), spool.intents(X));

    let done = tokio::join!(ticket.done(), async {
        for intent in spool.intents(X) {
            spool.finish_intent(intent.id).await.unwrap();
        }
    });
    assert_eq!(done, ((), ()));
    assert_eq!(spool.intents(X), []);
    assert_eq!(reopened(&engine).await.intents(X), []);
    let none = spool.add_intents(X, Vec::new(), audit()).await.unwrap();
    none.done().await;
    let unknown = spool.add_intents(DomainId(7), Vec::new(), audit()).await;
    assert!(matches!(unknown, Err(SpoolError::UnknownDomain(_))));
}
