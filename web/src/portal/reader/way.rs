//! Where a message stands that was written here: who still waits for it, and whether its copy has
//! reached the author's own server (C27).

use maud::{Markup, html};
use storage::model::{Companion, ForwardPath, MessageId};
use storage::spool::Spool;

use super::words;
use crate::portal::refusal::Refusal;
use crate::portal::user::User;

/// Recipients that are named.
const NAMED_MAX: usize = 10;

/// The way of a sent message.
#[derive(Debug)]
pub(super) struct Way {
    /// Whether the copy for the author's own server still waits.
    is_home_waiting: bool,
    /// Who still waits for it.
    waiting: Vec<String>,
}

impl Way {
    /// Of the message that a line of *Sent* refers to.
    pub(super) async fn of(user: &User, line: MessageId) -> Result<Self, Refusal> {
        let spool = &user.portal.spool;
        let message = line.companion(Companion::Home);
        let mut waiting = open(spool, message).await?;
        waiting.extend(open(spool, message.companion(Companion::World)).await?);
        Ok(Self {
            is_home_waiting: spool.message(line).await?.is_some(),
            waiting,
        })
    }

    /// In words.
    pub(super) fn draw(&self, user: &User) -> Markup {
        let language = user.language;
        let named: Vec<&str> = self
            .waiting
            .iter()
            .take(NAMED_MAX)
            .map(String::as_str)
            .collect();
        html! {
            p.bar {
                @if named.is_empty() { (words::way_done(language)) }
                @else { (words::way_open(language, named.join(", "))) }
                " "
                @if self.is_home_waiting { (words::home_waits(language)) }
                @else { (words::home_reached(language)) }
            }
        }
    }
}

/// Who has not got a message yet.
async fn open(spool: &Spool, message: MessageId) -> Result<Vec<String>, Refusal> {
    let Some(row) = spool.message(message).await? else {
        return Ok(Vec::new());
    };
    let mut waiting = Vec::new();
    for (domain, sequence) in row.open {
        let Some(entry) = spool.entry(domain, sequence).await? else {
            continue;
        };
        let open = entry.recipients.iter().filter(|one| one.settled.is_none());
        waiting.extend(open.filter_map(|one| match &one.recipient.path {
            ForwardPath::Mailbox(mailbox) => Some(mailbox.to_string()),
            ForwardPath::Postmaster => None,
        }));
    }
    Ok(waiting)
}
