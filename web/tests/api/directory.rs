//! Domains, mailboxes and aliases: in force when answered, audited, refused as a whole.

use axum::http::{Method, StatusCode};
use serde_json::json;
use storage::model::VerifyMode;
use storage::spool::Resolution;

use crate::site::{Site, domain};

#[tokio::test]
async fn s19_a_domain_is_in_force_when_the_answer_comes_and_leaves_an_audit_row() {
    let site = Site::new().await;
    let answer = site
        .send(Method::POST, "/api/v1/domains", &domain("Example.ORG"))
        .await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let view = answer.json();
    assert_eq!(view["name"], "example.org");
    assert_eq!(view["verify"], "accept");
    assert_eq!(view["verify_note"], "nobody is refused yet");
    assert_eq!(view["hold_days"], 15);
    assert_eq!(view["destinations"][0]["tls"], "opportunistic");
    let address = "anybody@example.org".parse().unwrap();
    assert_ne!(
        site.spool.directory().resolve(&address),
        Resolution::ForeignDomain
    );
    assert_eq!(
        site.audit().await,
        [("domain.add".to_owned(), "example.org".to_owned())]
    );
    let again = site
        .send(Method::POST, "/api/v1/domains", &domain("example.org"))
        .await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert_eq!(site.audit().await.len(), 1, "what was refused is no change");
}

#[tokio::test]
async fn bad_input_names_every_faulty_field_and_changes_nothing() {
    let site = Site::new().await;
    let body =
        json!({"name": 7, "destinations": [{"host": "?", "port": 0}], "hold_days": 0, "x": 1});
    let answer = site.send(Method::POST, "/api/v1/domains", &body).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut fields = answer.fields();
    fields.sort();
    let expected = [
        "destinations[0].host",
        "destinations[0].port",
        "hold_days",
        "name",
        "x",
    ];
    assert_eq!(fields, expected);
    assert!(site.spool.directory().domains().is_empty());
    assert!(site.audit().await.is_empty());
}

#[tokio::test]
async fn a_body_that_is_no_json_and_an_unknown_parameter_are_refused() {
    let site = Site::with_domain().await;
    let answer = site.upload("/api/v1/domains", "name").await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let answer = site
        .send(Method::POST, "/api/v1/domains", &json!([1]))
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    for path in [
        "/api/v1/domains?limt=1",
        "/api/v1/queue?domian=x",
        "/api/v1/domains?limit=x",
    ] {
        assert_eq!(
            site.get(path).await.status,
            StatusCode::BAD_REQUEST,
            "{path}"
        );
    }
    let answer = site.delete("/api/v1/domains/example.org?forse=true").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_change_keeps_the_rest_and_tells_before_and_after() {
    let site = Site::with_domain().await;
    let body = json!({"hold_days": 30, "verify": "directory"});
    let answer = site
        .send(Method::PATCH, "/api/v1/domains/example.org", &body)
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let view = answer.json();
    assert_eq!(view["hold_days"], 30);
    assert_eq!(view["destinations"][0]["host"], "mail.example.org");
    let id = site.domain_id("example.org");
    let effective = site.spool.directory().effective_verify(id);
    assert_eq!(effective, Some(VerifyMode::Directory));
    let audit = site.get("/api/v1/audit").await.json();
    let row = &audit["items"][0];
    assert_eq!(row["action"], "domain.set");
    assert_eq!(row["actor"], "operator");
    assert_eq!(row["detail"]["before"]["hold_days"], 15);
    assert_eq!(row["detail"]["changed"]["hold_days"], 30);
    let back = json!({"verify": null});
    let answer = site
        .send(Method::PATCH, "/api/v1/domains/example.org", &back)
        .await;
    assert_eq!(answer.json()["verify"], "accept");
}

#[tokio::test]
async fn s3_a_hold_and_its_release_are_changes_with_a_reason() {
    let site = Site::with_domain().await;
    let path = "/api/v1/domains/example.org/hold";
    let refused = site
        .send(
            Method::PUT,
            path,
            &json!({"reason": " ", "until": "2001-01-01T00:00:00Z"}),
        )
        .await;
    assert_eq!(refused.fields(), ["reason", "until"]);
    let held = site
        .send(Method::PUT, path, &json!({"reason": "move"}))
        .await;
    assert_eq!(held.json()["hold"]["reason"], "move");
    assert_eq!(
        site.get("/api/v1/status").await.json()["domains"][0]["state"],
        "held"
    );
    let released = site.delete(path).await;
    assert_eq!(released.json().get("hold"), None);
    assert_eq!(site.delete(path).await.status, StatusCode::CONFLICT);
    let actions: Vec<String> = site
        .audit()
        .await
        .into_iter()
        .map(|(action, _)| action)
        .collect();
    assert_eq!(actions, ["domain.release", "domain.hold", "domain.add"]);
}

#[tokio::test]
async fn lists_come_in_pages_that_meet() {
    let site = Site::new().await;
    for number in 0..5 {
        let name = format!("d{number}.example");
        site.send(Method::POST, "/api/v1/domains", &domain(&name))
            .await;
    }
    let mut names = Vec::new();
    let mut after = String::new();
    loop {
        let page = site
            .get(&format!("/api/v1/domains?limit=2{after}"))
            .await
            .json();
        let items = page["items"].as_array().unwrap().clone();
        names.extend(
            items
                .iter()
                .map(|item| item["name"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        after = format!("&after={next}");
    }
    assert_eq!(
        names,
        [
            "d0.example",
            "d1.example",
            "d2.example",
            "d3.example",
            "d4.example"
        ]
    );
}

#[tokio::test]
async fn d6_the_first_mailbox_makes_the_domain_refuse_strangers() {
    let site = Site::with_domain().await;
    let body =
        json!({"address": "Alice@example.org", "name": "Alice", "recovery": "a@home.example"});
    let answer = site.send(Method::POST, "/api/v1/mailboxes", &body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let shown = site
        .get("/api/v1/mailbox?address=alice%40example.org")
        .await
        .json();
    assert_eq!(shown["name"], "Alice");
    assert_eq!(shown["has_password"], false);
    let view = site.get("/api/v1/domains/example.org").await.json();
    assert_eq!(
        (&view["verify"], &view["mailboxes"]),
        (&json!("directory"), &json!(1))
    );
    let again = site.send(Method::POST, "/api/v1/mailboxes", &body).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let foreign = json!({"address": "a@other.example"});
    let answer = site.send(Method::POST, "/api/v1/mailboxes", &foreign).await;
    assert_eq!(answer.fields(), ["address"]);
}

/// C25: no route lets the operator set a password.
#[tokio::test]
async fn c25_the_operator_sets_nobodys_password() {
    let site = Site::with_domain().await;
    site.send(
        Method::POST,
        "/api/v1/mailboxes",
        &json!({"address": "a@example.org"}),
    )
    .await;
    let body = json!({"address": "b@example.org", "password": "correct horse battery"});
    let answer = site.send(Method::POST, "/api/v1/mailboxes", &body).await;
    assert!(
        answer.fields().contains(&"password".to_owned()),
        "{answer:?}"
    );
    let path = "/api/v1/mailbox?address=a%40example.org";
    let answer = site
        .send(Method::PATCH, path, &json!({"password": "correct horse"}))
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let csv = "address,password\nc@example.org,correct horse battery\n";
    let answer = site.upload("/api/v1/mailboxes/import", csv).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("administrator of the domain"), "{detail}");
    let list = site
        .get("/api/v1/mailboxes?domain=example.org")
        .await
        .json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["has_password"], false);
    let audit = site.get("/api/v1/audit").await;
    assert!(
        !String::from_utf8(audit.bytes)
            .unwrap()
            .contains("correct horse")
    );
}

#[tokio::test]
async fn c16_aliases_lead_to_mailboxes_of_their_own_domain() {
    let site = Site::with_domain().await;
    site.send(
        Method::POST,
        "/api/v1/mailboxes",
        &json!({"address": "a@example.org"}),
    )
    .await;
    let alias = json!({"address": "sales@example.org", "mailbox": "a@example.org"});
    let added = site.send(Method::POST, "/api/v1/aliases", &alias).await;
    assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
    let again = site.send(Method::POST, "/api/v1/aliases", &alias).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let foreign = json!({"address": "x@example.org", "mailbox": "a@other.example"});
    let answer = site.send(Method::POST, "/api/v1/aliases", &foreign).await;
    assert_eq!(answer.fields(), ["mailbox"]);
    let nobody = json!({"address": "x@example.org", "mailbox": "nobody@example.org"});
    let answer = site.send(Method::POST, "/api/v1/aliases", &nobody).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let answer = site.delete("/api/v1/mailbox?address=a%40example.org").await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "an alias leads there");
    let answer = site
        .delete("/api/v1/alias?address=sales%40example.org")
        .await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let answer = site.delete("/api/v1/mailbox?address=a%40example.org").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let actions: Vec<String> = site
        .audit()
        .await
        .into_iter()
        .map(|(action, _)| action)
        .collect();
    let expected = [
        "mailbox.remove",
        "alias.remove",
        "alias.add",
        "mailbox.add",
        "domain.add",
    ];
    assert_eq!(actions, expected);
}

#[tokio::test]
async fn an_address_with_a_slash_can_be_managed() {
    let site = Site::with_domain().await;
    let body = json!({"address": "a/b@example.org"});
    let answer = site.send(Method::POST, "/api/v1/mailboxes", &body).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let answer = site
        .delete("/api/v1/mailbox?address=a%2Fb%40example.org")
        .await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_further_name_of_a_domain_is_in_force_when_answered_audited_and_removed() {
    let site = Site::new().await;
    site.send(Method::POST, "/api/v1/domains", &domain("example.org"))
        .await;
    let further = json!({"name": "Example.NET", "domain": "example.org"});
    let path = "/api/v1/domain-aliases";
    let added = site.send(Method::POST, path, &further).await;
    assert_eq!(added.status, StatusCode::CREATED);
    assert_eq!(added.json()["name"], "example.net");
    let address = "anybody@example.net".parse().unwrap();
    let resolved = site.spool.directory().resolve(&address);
    assert_ne!(resolved, Resolution::ForeignDomain);
    let again = site.send(Method::POST, path, &further).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let nobody = json!({"name": "example.com", "domain": "nowhere.example"});
    let answer = site.send(Method::POST, path, &nobody).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let listed = site.get("/api/v1/domain-aliases?domain=example.org").await;
    assert_eq!(listed.json()["items"][0]["domain"], "example.org");
    let shown = site.get("/api/v1/domains/example.org").await;
    assert_eq!(shown.json()["further_names"][0], "example.net");
    let gone = "/api/v1/domain-alias?name=example.net";
    let removed = site.send(Method::DELETE, gone, &json!({})).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    let resolved = site.spool.directory().resolve(&address);
    assert_eq!(resolved, Resolution::ForeignDomain);
    let audit: Vec<String> = site.audit().await.into_iter().map(|row| row.0).collect();
    assert_eq!(
        audit,
        ["domain_alias.remove", "domain_alias.add", "domain.add"]
    );
}
