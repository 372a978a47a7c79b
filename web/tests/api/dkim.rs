//! The key that signs what users write (C27).

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::site::Site;

const PATH: &str = "/api/v1/domains/example.org/dkim";

#[tokio::test]
async fn c27_a_key_is_made_in_place_shown_as_a_record_and_replaced() {
    let site = Site::with_domain().await;
    assert_eq!(site.get(PATH).await.status, StatusCode::NOT_FOUND);
    let wrong = json!({"selector": "not a label", "x": 1});
    let refused = site.send(Method::POST, PATH, &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let wish = json!({"selector": "mh1"});
    let made = site.send(Method::POST, PATH, &wish).await.json();
    assert_eq!(made["record_name"], "mh1._domainkey.example.org");
    let record = made["record"].as_str().unwrap();
    assert!(record.starts_with("v=DKIM1; k=rsa; p="), "{record}");
    assert_eq!(site.get(PATH).await.json(), made);
    assert!(!made.to_string().contains("private"));
    let next = site.send(Method::POST, PATH, &json!({})).await.json();
    assert_ne!(next["record"], made["record"]);
    assert!(next["selector"].as_str().unwrap().starts_with("mailhold-"));
    let audit = site.audit().await;
    let made = audit.iter().filter(|(action, _)| action == "dkim.make");
    assert_eq!(made.count(), 2);
}

/// RFC 7672 §3.1.1: the certificate's own key, and the signing key once there is one.
#[tokio::test]
async fn in21_in22_a_domain_is_told_what_to_publish() {
    let site = Site::with_domain().await;
    let path = "/api/v1/domains/example.org/dns";
    let unknown = site.get("/api/v1/domains/other.example/dns").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let advice = site.get(path).await.json();
    let kinds = |advice: &serde_json::Value| -> Vec<String> {
        let records = advice["records"].as_array().unwrap();
        let names = records.iter().map(|one| (&one["type"], &one["name"]));
        names
            .map(|(kind, name)| format!("{kind} {name}").replace('"', ""))
            .collect()
    };
    let expected = [
        "MX example.org.",
        "TLSA _25._tcp.mx.example.net.",
        "TXT _mta-sts.example.org.",
        "TXT _smtp._tls.example.org.",
    ];
    assert_eq!(kinds(&advice), expected);
    let tlsa = advice["records"][1]["value"].as_str().unwrap();
    assert!(tlsa.starts_with("3 1 1 ") && tlsa.len() == 6 + 64, "{tlsa}");
    site.send(Method::POST, PATH, &json!({"selector": "mh1"}))
        .await;
    let advice = site.get(path).await.json();
    let last = kinds(&advice).pop().unwrap();
    assert_eq!(last, "TXT mh1._domainkey.example.org.");
}
