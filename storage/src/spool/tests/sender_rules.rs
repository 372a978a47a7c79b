//! Allow and block rules: stored, listed, in force again after a restart, gone with their domain.

use std::net::Ipv4Addr;

use crate::engine::MemoryEngine;
use crate::error::ChangeError;
use crate::model::{DomainId, Mailbox, MailboxAccount, RuleAction, SenderRule};
use crate::spool::testing::{EPOCH, audit, clock, destination};
use crate::spool::{NewDomain, SenderFacts, Spool, SpoolOptions};

const X: DomainId = DomainId(1);

async fn open(engine: &MemoryEngine) -> Spool {
    let engine = std::sync::Arc::new(engine.clone());
    Spool::on_engine(engine, SpoolOptions::default(), clock())
        .await
        .unwrap()
}

fn rule(mailbox: Option<&str>, subject: &str, action: RuleAction) -> SenderRule {
    SenderRule {
        domain: X,
        mailbox: mailbox.map(|mailbox| mailbox.parse().unwrap()),
        subject: subject.parse().unwrap(),
        action,
        comment: None,
        created_at: EPOCH,
    }
}

fn decided(spool: &Spool, sender: &str) -> Option<RuleAction> {
    let addresses: [Mailbox; 1] = [sender.parse().unwrap()];
    let sender = SenderFacts {
        addresses: &addresses,
        client: Ipv4Addr::LOCALHOST.into(),
    };
    let found = spool.sender_rules().decide(X, Some("alice"), sender);
    found.map(|found| found.action)
}

#[tokio::test(start_paused = true)]
async fn rules_survive_a_restart_and_leave_with_their_domain() {
    let engine = MemoryEngine::new();
    let spool = open(&engine).await;
    let new = NewDomain::new("x.example".parse().unwrap(), vec![destination()]);
    spool.add_domain(new, audit()).await.unwrap();
    let alice = MailboxAccount {
        domain: X,
        address: "alice@x.example".parse().unwrap(),
        name: None,
        recovery: None,
        language: None,
        enabled: true,
        created_at: EPOCH,
    };
    spool.put_mailboxes(vec![alice], audit()).await.unwrap();
    let unknown = rule(Some("bob@x.example"), "far.example", RuleAction::Block);
    let refused = spool.put_sender_rule(unknown, audit()).await;
    assert!(matches!(refused, Err(ChangeError::Unknown(_))));

    for rule in [
        rule(None, "far.example", RuleAction::Allow),
        rule(None, "far.example", RuleAction::Block),
        rule(
            Some("Alice@x.example"),
            "boss@far.example",
            RuleAction::Allow,
        ),
        rule(None, "192.0.2.0/24", RuleAction::Block),
    ] {
        spool.put_sender_rule(rule, audit()).await.unwrap();
    }
    drop(spool);
    let spool = open(&engine).await;
    assert_eq!(decided(&spool, "x@far.example"), Some(RuleAction::Block));
    assert_eq!(decided(&spool, "boss@far.example"), Some(RuleAction::Allow));
    let page = spool.sender_rules_page(X, None, 2).await.unwrap();
    let rest = spool.sender_rules_page(X, Some(&page[1].0), 10).await;
    let listed: Vec<_> = page.into_iter().chain(rest.unwrap()).collect();
    let subjects: Vec<_> = listed
        .iter()
        .map(|(_, rule)| rule.subject.to_string())
        .collect();
    assert_eq!(
        subjects,
        ["192.0.2.0/24", "far.example", "boss@far.example"]
    );

    let subject = "far.example".parse().unwrap();
    let removed = spool.remove_sender_rule(X, None, &subject, audit()).await;
    removed.unwrap();
    assert_eq!(decided(&spool, "x@far.example"), None);
    let again = spool.remove_sender_rule(X, None, &subject, audit()).await;
    assert!(matches!(again, Err(ChangeError::Unknown(_))));

    let name = "x.example".parse().unwrap();
    spool.remove_domain(&name, false, audit()).await.unwrap();
    assert!(!spool.sender_rules().has_any(X));
    assert!(
        spool
            .sender_rules_page(X, None, 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(spool.check().await.unwrap().problems, []);
}
