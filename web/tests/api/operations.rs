//! The operations listener, and the store's figures.

use std::sync::Arc;

use actors::status::StatusBoard;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::json;
use tower::ServiceExt as _;
use web::operations::{OperationsSite, router};

use crate::site::Site;

#[tokio::test]
async fn health_readiness_and_metrics_need_no_login_and_change_nothing() {
    let site = Site::with_domain().await;
    let operations = router(OperationsSite {
        spool: site.spool.clone(),
        status: StatusBoard::default(),
        domain_labels: true,
        render: Arc::new(|| "mailhold_x 1\n".to_owned()),
    });
    for (path, text) in [
        ("/healthz", "ok\n"),
        ("/readyz", "ready\n"),
        ("/metrics", "mailhold_x 1\n"),
    ] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = operations.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, text, "{path}");
    }
    let request = Request::post("/metrics").body(Body::empty()).unwrap();
    let response = operations.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_store_tells_its_sizes_and_refuses_a_backup_into_what_exists() {
    let site = Site::with_domain().await;
    let stats = site.get("/api/v1/store").await.json();
    assert!(stats["keyspaces"].is_array(), "{stats}");
    for directory in ["relative/path", "/"] {
        let body = json!({"directory": directory});
        let answer = site.send(Method::POST, "/api/v1/store/backup", &body).await;
        assert_eq!(answer.fields(), ["directory"], "{directory}");
    }
}
