//! The queue: seeing, exporting, acting on it.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use serde_json::json;
use storage::spool::{IntentAction, NewDisposition};

use crate::site::Site;

const ACTIONS: &str = "/api/v1/queue/actions";

#[tokio::test]
async fn s21_outages_are_listed_newest_first_for_the_domain_they_are_of() {
    let site = Site::with_domain().await;
    let at = storage::model::Timestamp::from_secs;
    let outage = |began: u64, ended: Option<u64>| actors::outages::Outage {
        kind: actors::outages::OutageKind::Outage,
        reason: "connection refused".to_owned(),
        started_at: at(began),
        noticed_at: at(began + 2),
        ended_at: ended.map(at),
        drained_at: None,
        held_max: 7,
        wait_max_millis: 61_000,
    };
    let id = site.domain_id("example.org");
    let outages = vec![outage(1_000, Some(1_060)), outage(2_000, None)];
    site.board.publish_outages(id, outages);
    let view = site.get("/api/v1/domains/example.org/outages").await.json();
    assert_eq!(view["items"][0]["started_at"], "1970-01-01T00:33:20.000Z");
    assert!(view["items"][0]["ended_at"].is_null());
    assert_eq!(view["items"][1]["lasted_seconds"], 60);
    assert_eq!(view["items"][1]["held_max"], 7);
    assert_eq!(view["items"][1]["longest_wait_seconds"], 61);
    let other = site.get("/api/v1/domains/nowhere.example/outages").await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_waits_is_listed_by_domain_sender_and_recipient_in_pages_that_meet() {
    let site = Site::with_domain().await;
    let domain = site.domain_id("example.org");
    let mut ids = BTreeSet::new();
    for number in 0..7 {
        let recipient = format!("user{number}@example.org");
        let id = site
            .accept(domain, "s@x.example", &recipient, NewDisposition::Queue)
            .await;
        ids.insert(id.to_string());
    }
    let mut found = BTreeSet::new();
    let mut after = String::new();
    loop {
        let page = site
            .get(&format!("/api/v1/queue?limit=3{after}"))
            .await
            .json();
        for item in page["items"].as_array().unwrap() {
            assert!(
                found.insert(item["id"].as_str().unwrap().to_owned()),
                "twice"
            );
        }
        let Some(next) = page["next"].as_str() else {
            break;
        };
        after = format!("&after={next}");
    }
    assert_eq!(found, ids);
    for (query, count) in [
        ("recipient=USER3", 1),
        ("sender=x.example", 7),
        ("sender=nobody", 0),
        ("domain=example.org&recipient=user", 7),
    ] {
        let page = site.get(&format!("/api/v1/queue?{query}")).await.json();
        assert_eq!(page["items"].as_array().unwrap().len(), count, "{query}");
    }
    assert_eq!(
        site.get("/api/v1/queue?domain=no.example").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        site.get("/api/v1/queue?after=x").await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn a_message_is_shown_and_exported_byte_for_byte() {
    let site = Site::with_domain().await;
    let domain = site.domain_id("example.org");
    let id = site
        .accept(
            domain,
            "s@x.example",
            "a@example.org",
            NewDisposition::Queue,
        )
        .await;
    let shown = site.get(&format!("/api/v1/queue/{id}")).await.json();
    let entry = &shown["items"][0];
    assert_eq!(entry["sender"], "s@x.example");
    assert_eq!(entry["recipients"][0]["state"], "open");
    assert_eq!(entry["lane"], "ready");
    assert_eq!(entry["client"], "192.0.2.1");
    let message = site.get(&format!("/api/v1/queue/{id}/message")).await;
    assert_eq!(message.bytes, b"Subject: x\r\n\r\nHello\r\n");
    assert_eq!(message.headers["content-type"], "message/rfc822");
    let name = message.headers["content-disposition"].to_str().unwrap();
    assert_eq!(name, format!("attachment; filename=\"{id}.eml\""));
    for path in [
        "/api/v1/queue/nonsense",
        "/api/v1/queue/00000000000000000000/message",
    ] {
        assert_eq!(site.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_action_is_written_down_with_its_audit_row_and_answered_when_it_is_done() {
    let site = Site::with_domain().await;
    let domain = site.domain_id("example.org");
    let id = site
        .accept(
            domain,
            "s@x.example",
            "a@example.org",
            NewDisposition::Queue,
        )
        .await;
    let body = json!({"action": "retry", "ids": [id.to_string()]});
    // Nobody owns the queue in this test, so it is done by hand.
    let owner = async {
        loop {
            if let Some(intent) = site.spool.intents(domain).first() {
                assert_eq!(intent.action, IntentAction::Retry);
                site.spool.finish_intent(intent.id).await.unwrap();
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let (answer, ()) = tokio::join!(site.send(Method::POST, ACTIONS, &body), owner);
    assert_eq!(
        (&answer.json()["entries"], &answer.json()["done"]),
        (&json!(1), &json!(true))
    );
    let expected = ("queue.retry".to_owned(), "example.org".to_owned());
    assert_eq!(site.audit().await[0], expected);
    let answer = site.send(Method::POST, ACTIONS, &body).await;
    assert_eq!(
        answer.json()["done"],
        false,
        "written down, not done in time"
    );
    assert_eq!(site.spool.intents(domain).len(), 1);
}

#[tokio::test]
async fn a_forgotten_filter_and_a_dry_run_touch_nothing() {
    let site = Site::with_domain().await;
    let domain = site.domain_id("example.org");
    site.accept(
        domain,
        "s@x.example",
        "a@example.org",
        NewDisposition::Queue,
    )
    .await;
    for body in [
        json!({"action": "remove"}),
        json!({"action": "remove", "sendr": "x"}),
        json!({"action": "remove", "ids": []}),
        json!({"action": "destroy", "all": true}),
        json!({"all": true}),
    ] {
        let answer = site.send(Method::POST, ACTIONS, &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    }
    let body = json!({"action": "remove", "all": true, "dry_run": true});
    let answer = site.send(Method::POST, ACTIONS, &body).await;
    assert_eq!(answer.json()["entries"], 1);
    let body = json!({"action": "remove", "ids": ["00000000000000000000"]});
    let answer = site.send(Method::POST, ACTIONS, &body).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(site.spool.intents(domain).is_empty());
    assert_eq!(site.audit().await.len(), 1);
}

#[tokio::test]
async fn s24_what_is_set_aside_is_listed_released_or_deleted_by_a_person() {
    let site = Site::with_domain().await;
    let domain = site.domain_id("example.org");
    let quarantine = || NewDisposition::Quarantine {
        reason: "a virus".to_owned(),
    };
    let first = site
        .accept(domain, "s@x.example", "a@example.org", quarantine())
        .await;
    let second = site
        .accept(domain, "s@x.example", "a@example.org", quarantine())
        .await;
    let list = site.get("/api/v1/aside?domain=example.org").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    assert_eq!(list["items"][0]["kind"], "quarantined");
    assert_eq!(list["items"][0]["reason"], "a virus");
    let queue = site.get("/api/v1/queue").await.json();
    assert!(queue["items"].as_array().unwrap().is_empty());
    let exported = site.get(&format!("/api/v1/queue/{first}/message")).await;
    assert_eq!(exported.status, StatusCode::OK);
    let released = site
        .send(
            Method::POST,
            &format!("/api/v1/aside/{first}/release"),
            &json!({}),
        )
        .await;
    assert_eq!(released.status, StatusCode::NO_CONTENT, "{released:?}");
    let deleted = site.delete(&format!("/api/v1/aside/{second}")).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    let queue = site.get("/api/v1/queue").await.json();
    assert_eq!(queue["items"][0]["id"], first.to_string());
    let gone = site.delete(&format!("/api/v1/aside/{second}")).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    let actions: Vec<String> = site
        .audit()
        .await
        .into_iter()
        .map(|(action, _)| action)
        .collect();
    assert_eq!(actions, ["aside.remove", "aside.release", "domain.add"]);
}

#[tokio::test]
async fn s20_a_domain_with_mail_is_not_removed_by_accident() {
    let site = Site::with_domain().await;
    let domain = site.domain_id("example.org");
    site.accept(
        domain,
        "s@x.example",
        "a@example.org",
        NewDisposition::Queue,
    )
    .await;
    let refused = site.delete("/api/v1/domains/example.org").await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    let status = site.get("/api/v1/status").await.json();
    assert_eq!(status["ledger"]["queued"], 1);
    assert_eq!(status["ledger"]["difference"], 0);
    let forced = site.delete("/api/v1/domains/example.org?force=true").await;
    assert_eq!(forced.status, StatusCode::NO_CONTENT, "{forced:?}");
    let expected = ("domain.remove".to_owned(), "example.org".to_owned());
    assert_eq!(site.audit().await[0], expected);
}
