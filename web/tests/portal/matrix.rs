//! Every route with an id of somebody else, for everybody (A10): not there, and nothing of it shown.

use axum::http::StatusCode;

use crate::browser::Browser;
use crate::compose::send;
use crate::site::{PASSWORD, Site};

const SECRET: &str = "the-secret-of-alice";

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Owner,
    Colleague,
    OtherDomain,
    Nobody,
}

async fn browser<'s>(site: &'s Site, role: Role) -> Browser<'s> {
    let mut browser = Browser::new(site);
    let (address, password) = match role {
        Role::Owner => ("alice@example.org", PASSWORD),
        Role::Colleague => ("bob@example.org", PASSWORD),
        Role::OtherDomain => ("alice@other.example", "another long passphrase here"),
        Role::Nobody => return browser,
    };
    let answer = browser.sign_in(address, password).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{address}");
    browser
}

#[tokio::test]
async fn a10_route_by_role_by_foreign_id() {
    let site = Site::with_continuity().await;
    site.set_password("bob@example.org", PASSWORD).await;
    let message = site.arrives_plain("alice@example.org", SECRET).await;
    let mut owner = browser(&site, Role::Owner).await;
    let fields = [("to", "ann@far.example"), ("text", SECRET), ("do", "save")];
    let saved = send(&mut owner, "/compose", &fields, &[]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    let draft = saved.header("location").to_owned();
    let paths = [
        format!("/m/inbox/{message}"),
        format!("/m/{message}/source"),
        format!("/m/{message}/print"),
        format!("/m/{message}/eml"),
        format!("/a/{message}/all.zip"),
        format!("/compose?reply={message}"),
        format!("/compose?reply={message}&kind=forward"),
        draft.clone(),
    ];
    for role in [
        Role::Owner,
        Role::Colleague,
        Role::OtherDomain,
        Role::Nobody,
    ] {
        let mut browser = browser(&site, role).await;
        for path in &paths {
            let answer = browser.get(path).await;
            let expected = match role {
                Role::Owner => StatusCode::OK,
                Role::Colleague | Role::OtherDomain => StatusCode::NOT_FOUND,
                Role::Nobody => StatusCode::SEE_OTHER,
            };
            // A message without files has no archive, for its owner either.
            let bare = path.ends_with("all.zip") && role == Role::Owner;
            assert!(
                answer.status == expected || bare,
                "{role:?} {path}: {}",
                answer.status
            );
            let shown = answer.text.contains(SECRET);
            assert!(!shown || role == Role::Owner, "{role:?} {path}");
        }
        if role == Role::Owner || role == Role::Nobody {
            continue;
        }
        let id = message.to_string();
        for deed in ["trash", "read", "star", "archive"] {
            let fields = [("do", deed), ("id", id.as_str())];
            browser.submit("/m/inbox", "/act", &fields).await;
        }
        let typed = [("text", "changed"), ("do", "save")];
        let changed = browser.submit("/settings/reading", &draft, &typed).await;
        assert!(changed.status.is_client_error(), "{role:?} {draft}");
    }
    let shown = owner.get("/m/inbox").await.text;
    assert!(shown.contains(SECRET), "still where it was");
    assert!(
        owner.get(&draft).await.text.contains(SECRET),
        "and so is the draft"
    );
}
