//! Domains that only our own mail goes to, and entries that change their domain.

use crate::model::{DomainId, DomainName};
use crate::spool::testing::{accepted, audit, message, spool};
use crate::spool::{Hint, Resolution, SpoolError};

const X: DomainId = DomainId(1);

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn in9_a_domain_of_others_gets_a_queue_and_is_never_taken_in_for() {
    let spool = spool().await;
    let protected = spool.domain_for_outbound(&name("x.example")).await.unwrap();
    assert_eq!(protected, X);
    let other = spool
        .domain_for_outbound(&name("far.example"))
        .await
        .unwrap();
    assert!(other.is_outbound());
    let again = spool
        .domain_for_outbound(&name("FAR.example"))
        .await
        .unwrap();
    assert_eq!(again, other);
    let directory = spool.directory();
    let recipient = "who@far.example".parse().unwrap();
    assert_eq!(directory.resolve(&recipient), Resolution::ForeignDomain);
    let names: Vec<String> = directory
        .domains()
        .iter()
        .map(|domain| domain.name.to_string())
        .collect();
    assert!(!names.contains(&"far.example".to_owned()), "{names:?}");
    let id = accepted(&spool, b"x", &[(other.0, &["who@far.example"])]).await;
    assert_eq!(spool.message(id).await.unwrap().unwrap().open.len(), 1);
    assert_eq!(spool.domains_with_mail(), [other]);
    assert!(!spool.forget_outbound(other).await.unwrap(), "mail waits");
    assert_eq!(spool.counters(other).difference(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_empty_one_is_forgotten_and_mail_for_it_is_refused_then() {
    let spool = spool().await;
    let other = spool
        .domain_for_outbound(&name("far.example"))
        .await
        .unwrap();
    assert!(
        !spool.forget_outbound(X).await.unwrap(),
        "never a customer's"
    );
    assert!(spool.forget_outbound(other).await.unwrap());
    let late = message(&spool, b"x", &[(other.0, &["who@far.example"])]).await;
    let refused = spool.accept(late).await;
    assert!(matches!(refused, Err(SpoolError::UnknownDomain(_))));
    let next = spool
        .domain_for_outbound(&name("far.example"))
        .await
        .unwrap();
    assert_ne!(next, other);
}

#[tokio::test(start_paused = true)]
async fn a_wish_for_a_probe_is_audited_and_told() {
    let spool = spool().await;
    let mut hints = spool.feed();
    spool.ask_probe(X, audit()).await.unwrap();
    assert_eq!(hints.recv().await.unwrap(), Hint::Probe(X));
    assert!(spool.ask_probe(DomainId(99), audit()).await.is_err());
}
