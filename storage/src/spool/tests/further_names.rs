//! Further names of domains, and the answers of callouts.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::MemoryEngine;
use crate::model::{CalloutAnswer, DomainId, DomainName, VerifyMode};
use crate::spool::testing::{EPOCH, audit, clock, destination};
use crate::spool::{ChangeError, NewDomain, Resolution, Spool, SpoolOptions};

const X: DomainId = DomainId(1);

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

async fn opened(engine: &MemoryEngine) -> Spool {
    let engine = Arc::new(engine.clone());
    Spool::on_engine(engine, SpoolOptions::default(), clock())
        .await
        .unwrap()
}

async fn with_domain(engine: &MemoryEngine) -> Spool {
    let spool = opened(engine).await;
    let new = NewDomain::new(name("x.example"), vec![destination()]);
    spool.add_domain(new, audit()).await.unwrap();
    spool
}

#[tokio::test(start_paused = true)]
async fn a_further_name_leads_to_the_domain_until_it_is_removed_and_after_a_restart() {
    let engine = MemoryEngine::new();
    let spool = with_domain(&engine).await;
    let recipient = "bob@X2.example".parse().unwrap();
    let resolve = |spool: &Spool| spool.directory().resolve(&recipient);
    assert_eq!(resolve(&spool), Resolution::ForeignDomain);
    spool
        .add_domain_alias(name("x2.example"), &name("x.example"), audit())
        .await
        .unwrap();
    let expected = Resolution::Unknown {
        domain: X,
        verify: VerifyMode::Accept,
    };
    assert_eq!(resolve(&spool), expected);
    let spool = opened(&engine).await;
    assert_eq!(resolve(&spool), expected);
    let serving = spool.directory().domain_serving(&name("x2.example"));
    assert_eq!(serving.unwrap().name, name("x.example"));
    assert!(
        spool
            .directory()
            .domain_by_name(&name("x2.example"))
            .is_none()
    );
    spool
        .remove_domain_alias(&name("x2.example"), audit())
        .await
        .unwrap();
    assert_eq!(resolve(&spool), Resolution::ForeignDomain);
    assert_eq!(resolve(&opened(&engine).await), Resolution::ForeignDomain);
}

#[tokio::test(start_paused = true)]
async fn a_name_belongs_to_one_domain_only() {
    let spool = with_domain(&MemoryEngine::new()).await;
    let add = |further: &str, of: &str| {
        let (further, of) = (name(further), name(of));
        let spool = spool.clone();
        async move { spool.add_domain_alias(further, &of, audit()).await }
    };
    assert!(matches!(
        add("y.example", "nowhere.example").await,
        Err(ChangeError::Unknown(_))
    ));
    assert!(matches!(
        add("x.example", "x.example").await,
        Err(ChangeError::Exists(_))
    ));
    assert!(matches!(
        add("[192.0.2.1]", "x.example").await,
        Err(ChangeError::BadValue { .. })
    ));
    add("y.example", "x.example").await.unwrap();
    assert!(matches!(
        add("y.example", "x.example").await,
        Err(ChangeError::Exists(_))
    ));
    let new = NewDomain::new(name("y.example"), vec![destination()]);
    assert!(matches!(
        spool.add_domain(new, audit()).await,
        Err(ChangeError::Exists(_))
    ));
    let gone = spool.remove_domain_alias(&name("z.example"), audit()).await;
    assert!(matches!(gone, Err(ChangeError::Unknown(_))));
}

#[tokio::test(start_paused = true)]
async fn further_names_go_with_their_domain() {
    let engine = MemoryEngine::new();
    let spool = with_domain(&engine).await;
    spool
        .add_domain_alias(name("y.example"), &name("x.example"), audit())
        .await
        .unwrap();
    spool
        .remove_domain(&name("x.example"), false, audit())
        .await
        .unwrap();
    assert!(spool.directory().domain_aliases(None).is_empty());
    let again = opened(&engine).await;
    assert!(again.directory().domain_aliases(None).is_empty());
    let new = NewDomain::new(name("y.example"), vec![destination()]);
    spool.add_domain(new, audit()).await.unwrap();
}

/// D6: what a destination has said is remembered, and forgotten when it is too old.
#[tokio::test(start_paused = true)]
async fn d6_answers_of_callouts_are_kept_and_swept_by_age() {
    let engine = MemoryEngine::new();
    let spool = with_domain(&engine).await;
    let positive = CalloutAnswer {
        exists: true,
        at: EPOCH,
    };
    let negative = CalloutAnswer {
        exists: false,
        at: EPOCH,
    };
    for number in 0..700 {
        let local = format!("u{number}");
        spool
            .save_callout_answer(X, &local, negative)
            .await
            .unwrap();
    }
    spool
        .save_callout_answer(X, "alice", positive)
        .await
        .unwrap();
    spool
        .save_learned("route/x", b"kept"[..].into())
        .await
        .unwrap();
    let hour = Duration::from_secs(3600);
    let spool = opened(&engine).await;
    let kept = spool.callout_answer(X, "alice").await.unwrap();
    assert_eq!(kept, Some(positive));
    assert_eq!(spool.callout_answer(X, "bob").await.unwrap(), None);
    assert_eq!(
        spool.callout_answer(DomainId(2), "alice").await.unwrap(),
        None
    );
    tokio::time::advance(3 * hour).await;
    let swept = spool
        .sweep_callout_answers(4 * hour, 2 * hour)
        .await
        .unwrap();
    assert_eq!(swept, 700);
    assert!(spool.callout_answer(X, "alice").await.unwrap().is_some());
    tokio::time::advance(2 * hour).await;
    let swept = spool
        .sweep_callout_answers(4 * hour, 2 * hour)
        .await
        .unwrap();
    assert_eq!(swept, 1);
    let other = spool.load_learned("route/x").await.unwrap();
    assert_eq!(other.as_deref(), Some(&b"kept"[..]));
}
