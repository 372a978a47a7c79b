//! CSV import: all rows or none, every faulty one named, a dry run that changes nothing.

use axum::http::StatusCode;
use serde_json::json;

use crate::site::Site;

const PATH: &str = "/api/v1/mailboxes/import";

#[tokio::test]
async fn a_dry_run_names_every_faulty_row_and_changes_nothing() {
    let site = Site::with_domain().await;
    site.upload(PATH, "address\ntaken@example.org\n").await;
    let before = site.audit().await;
    let csv = "address,enabled,aliases\n\
               good@example.org,yes,\n\
               nonsense,yes,\n\
               stranger@elsewhere.example,yes,\n\
               two@example.org,perhaps,taken@example.org\n";
    for query in ["?dry_run=true", ""] {
        let answer = site.upload(&format!("{PATH}{query}"), csv).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{answer:?}"
        );
        let lines: Vec<u64> = answer.json()["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["line"].as_u64().unwrap())
            .collect();
        assert_eq!(lines, [3, 5], "what the file itself shows");
    }
    let csv = "address,aliases\n\
               stranger@elsewhere.example,\n\
               good@example.org,\n\
               two@example.org,taken@example.org\n";
    let answer = site.upload(&format!("{PATH}?dry_run=true"), csv).await;
    let lines: Vec<u64> = answer.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [2, 4], "what only the store knows");
    let list = site
        .get("/api/v1/mailboxes?domain=example.org")
        .await
        .json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(site.audit().await, before);
}

#[tokio::test]
async fn a_sound_file_is_one_change_with_one_audit_row_and_can_be_repeated() {
    let site = Site::with_domain().await;
    let csv = "address,name,aliases\n\
               alice@example.org,Alice,a@example.org al@example.org\n\
               bob@example.org,Bob,\n";
    let tried = site
        .upload(&format!("{PATH}?dry_run=true"), csv)
        .await
        .json();
    assert_eq!(tried["added"], 2);
    assert_eq!(site.audit().await.len(), 1);
    let done = site.upload(PATH, csv).await.json();
    assert_eq!(
        done,
        json!({"dry_run": false, "rows": 2, "added": 2, "changed": 0, "unchanged": 0, "aliases_added": 2, "passwords_set": 0})
    );
    assert_eq!(
        site.audit().await[0],
        ("mailbox.import".to_owned(), "example.org".to_owned())
    );
    let again = site.upload(PATH, csv).await.json();
    assert_eq!(
        (&again["unchanged"], &again["aliases_added"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(
        site.audit().await.len(),
        2,
        "nothing changed, nothing to tell"
    );
    let changed = site
        .upload(PATH, "address,name\nbob@example.org,Robert\n")
        .await
        .json();
    assert_eq!(changed["changed"], 1);
    let view = site.get("/api/v1/domains/example.org").await.json();
    assert_eq!(
        (&view["mailboxes"], &view["aliases"]),
        (&json!(2), &json!(2))
    );
}

#[tokio::test]
async fn what_is_no_csv_is_refused() {
    let site = Site::with_domain().await;
    let answer = site
        .send(
            axum::http::Method::POST,
            PATH,
            &json!({"address": "a@example.org"}),
        )
        .await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let answer = site.upload(PATH, &"x".repeat(11 << 20)).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

/// More than the ordinary bound on bodies: a file of many rows.
#[tokio::test]
async fn a_file_of_thousands_fits() {
    let site = Site::with_domain().await;
    let mut csv = "address,name\n".to_owned();
    for number in 0..30_000 {
        csv.push_str(&format!("user{number}@example.org,User number {number}\n"));
    }
    assert!(csv.len() > 1 << 20);
    let done = site.upload(PATH, &csv).await;
    assert_eq!(done.status, StatusCode::OK);
    assert_eq!(done.json()["added"], 30_000);
}
