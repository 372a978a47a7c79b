//! `GET /ac?q=`: whom somebody may be writing to, as JSON for the script of the form for writing.
//!
//! Suggested are colleagues, by the beginning of their address, and those with whom one has
//! exchanged mail lately, by any part of name or address. Nothing of another mailbox is looked at,
//! and what is read for an answer is bounded whatever the size of the mailbox.

mod limit;

use axum::Json;
use axum::extract::Query;
use serde::{Deserialize, Serialize};
use storage::model::{Correspondent, Folder};
use storage::spool::{List, Toward};

use super::refusal::Refusal;
use super::user::User;

pub(super) use limit::AskLimit;

/// Suggestions in an answer.
const SUGGESTED_MAX: usize = 8;
/// Lines of each folder that are looked through for correspondents.
const LINES_READ: usize = 200;
/// Characters of what is asked.
const QUERY_CHARS_MAX: usize = 100;

/// What was typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    q: String,
}

/// Somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Suggestion {
    /// Empty when none is known.
    pub(super) name: String,
    pub(super) address: String,
}

/// The suggestions for what was typed.
pub(super) async fn show(
    user: User,
    Query(asked): Query<Asked>,
) -> Result<Json<Vec<Suggestion>>, Refusal> {
    if let Some(wait) = user.portal.reading.asked.note(&user.account, user.now) {
        return Err(Refusal::TooMany(wait));
    }
    let typed: String = asked.q.trim().chars().take(QUERY_CHARS_MAX).collect();
    let typed = typed.to_lowercase();
    if typed.is_empty() {
        return Ok(Json(Vec::new()));
    }
    let mut found = colleagues(&user, &typed).await?;
    for one in correspondents(&user).await? {
        let matches =
            one.name.to_lowercase().contains(&typed) || one.address.to_lowercase().contains(&typed);
        if matches && found.len() < SUGGESTED_MAX {
            add(&mut found, one);
        }
    }
    Ok(Json(found))
}

/// Colleagues whose address begins so.
async fn colleagues(user: &User, typed: &str) -> Result<Vec<Suggestion>, Refusal> {
    let local = typed.split('@').next().unwrap_or_default();
    let spool = &user.portal.spool;
    let mut found = Vec::new();
    // Behind the key just before: a key begins with itself.
    let exact = format!("{local}@{}", user.domain.name).parse();
    if let Ok(exact) = exact
        && let Some(account) = spool.mailbox(&exact).await?
    {
        push(&mut found, account, typed);
    }
    let page = spool
        .mailboxes_page(user.domain.id, Some(local), SUGGESTED_MAX)
        .await?;
    for account in page {
        push(&mut found, account, typed);
    }
    Ok(found)
}

fn push(found: &mut Vec<Suggestion>, account: storage::model::MailboxAccount, typed: &str) {
    let address = account.address.to_string();
    if account.enabled && address.to_lowercase().starts_with(typed) {
        let name = account.name.unwrap_or_default();
        add(found, Suggestion { name, address });
    }
}

fn add(found: &mut Vec<Suggestion>, one: Suggestion) {
    let is_known = |known: &Suggestion| known.address.eq_ignore_ascii_case(&one.address);
    if found.len() < SUGGESTED_MAX && !found.iter().any(is_known) {
        found.push(one);
    }
}

/// Whom one has written to, and who has written, the latest first; each once.
pub(super) async fn correspondents(user: &User) -> Result<Vec<Suggestion>, Refusal> {
    let mut found: Vec<Suggestion> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for folder in [Folder::Sent, Folder::Inbox] {
        let list = List::Folder(folder);
        let spool = &user.portal.spool;
        let page = spool
            .list(&user.scope, list, Toward::Newest, LINES_READ)
            .await?;
        for line in page.lines {
            let people = match folder {
                Folder::Sent => line.summary.to,
                _ => vec![line.summary.from],
            };
            for Correspondent { name, address } in people {
                let is_address = address.parse::<storage::model::Mailbox>().is_ok();
                if is_address && seen.insert(address.to_lowercase()) {
                    found.push(Suggestion { name, address });
                }
            }
        }
    }
    Ok(found)
}
