//! The description of the API is made from its handlers and leaves none out.

use axum::http::{Method, StatusCode};

use crate::access::operations;
use crate::site::Site;

/// Every route there is. A new one has to be added here and then is described, too.
const ROUTES: &[&str] = &[
    "DELETE /api/v1/admin/second-factor",
    "DELETE /api/v1/alias",
    "DELETE /api/v1/aside/{id}",
    "DELETE /api/v1/domain-alias",
    "DELETE /api/v1/domains/{name}",
    "DELETE /api/v1/domains/{name}/continuity",
    "DELETE /api/v1/domains/{name}/hold",
    "DELETE /api/v1/domains/{name}/key",
    "DELETE /api/v1/mailbox",
    "DELETE /api/v1/mailbox/second-factor",
    "DELETE /api/v1/mailbox/sessions",
    "DELETE /api/v1/quarantine/{id}",
    "DELETE /api/v1/rule",
    "GET /api/v1/aliases",
    "GET /api/v1/aside",
    "GET /api/v1/audit",
    "GET /api/v1/domain-aliases",
    "GET /api/v1/domains",
    "GET /api/v1/domains/{name}",
    "GET /api/v1/domains/{name}/continuity",
    "GET /api/v1/domains/{name}/dkim",
    "GET /api/v1/domains/{name}/dns",
    "GET /api/v1/domains/{name}/outages",
    "GET /api/v1/domains/{name}/readiness",
    "GET /api/v1/domains/{name}/users",
    "GET /api/v1/log",
    "GET /api/v1/log/{id}",
    "GET /api/v1/mailbox",
    "GET /api/v1/mailboxes",
    "GET /api/v1/quarantine",
    "GET /api/v1/quarantine/{id}",
    "GET /api/v1/queue",
    "GET /api/v1/queue/{id}",
    "GET /api/v1/queue/{id}/message",
    "GET /api/v1/rules",
    "GET /api/v1/status",
    "GET /api/v1/store",
    "PATCH /api/v1/domains/{name}",
    "PATCH /api/v1/mailbox",
    "POST /api/v1/admins",
    "POST /api/v1/aliases",
    "POST /api/v1/aside/{id}/release",
    "POST /api/v1/domain-aliases",
    "POST /api/v1/domains",
    "POST /api/v1/domains/{name}/codes",
    "POST /api/v1/domains/{name}/dkim",
    "POST /api/v1/domains/{name}/key",
    "POST /api/v1/domains/{name}/probe",
    "POST /api/v1/mailbox/code",
    "POST /api/v1/mailboxes",
    "POST /api/v1/mailboxes/import",
    "POST /api/v1/quarantine/{id}/release",
    "POST /api/v1/queue/actions",
    "POST /api/v1/rules",
    "POST /api/v1/store/backup",
    "PUT /api/v1/domains/{name}/continuity",
    "PUT /api/v1/domains/{name}/hold",
    "PUT /api/v1/mailbox/password",
];

#[tokio::test]
async fn the_description_lists_every_route() {
    let site = Site::new().await;
    let description = site.get("/api/openapi.json").await.json();
    let mut listed: Vec<String> = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            listed.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    listed.sort();
    assert_eq!(listed, ROUTES);
}

#[tokio::test]
async fn every_operation_has_a_summary_a_tag_and_needs_the_token() {
    let site = Site::new().await;
    let description = site.get("/api/openapi.json").await.json();
    assert_eq!(
        description["security"][0]["operator"],
        serde_json::json!([])
    );
    assert_eq!(
        description["components"]["securitySchemes"]["operator"]["scheme"],
        "bearer"
    );
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path}");
            assert!(operation["tags"][0].is_string(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn every_described_operation_is_there() {
    let site = Site::with_domain().await;
    let description = site.get("/api/openapi.json").await.json();
    for (method, path) in operations(&description) {
        let answer = site
            .send(method.clone(), &path, &serde_json::json!({}))
            .await;
        assert_ne!(
            answer.status,
            StatusCode::METHOD_NOT_ALLOWED,
            "{method} {path}"
        );
        let unrouted = String::from_utf8_lossy(&answer.bytes).contains("there is nothing here");
        assert!(!unrouted, "{method} {path}");
    }
    let answer = site
        .send(Method::PATCH, "/api/v1/status", &serde_json::json!({}))
        .await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}
