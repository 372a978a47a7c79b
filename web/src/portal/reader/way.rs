//! Where a message stands that was written here: who has it, who still waits for it, whom it did not
//! reach, and the same of its copy for the author's own server (C27).
//!
//! The queue knows who waits; the log of messages knows how it ended for everybody else. An expired
//! or removed message has not arrived, and is not shown as if it had.

use std::collections::BTreeMap;

use maud::{Markup, html};
use storage::model::{Companion, ForwardPath, LogEvent, MessageId, RecipientChange};
use storage::spool::Spool;

use super::words;
use crate::portal::refusal::Refusal;
use crate::portal::user::User;

/// Recipients that are named.
const NAMED_MAX: usize = 10;

/// How it stands with one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Waiting,
    Arrived,
    /// Refused, expired, set aside or removed.
    Failed,
}

/// The way of a sent message.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// The copy for the author's own server; none when nothing is recorded any more.
    home: Option<Standing>,
    /// Everybody else, by address; empty when nothing is recorded any more.
    others: BTreeMap<String, Standing>,
}

impl Way {
    /// Of the message that a line of *Sent* refers to.
    pub(super) async fn of(user: &User, line: MessageId) -> Result<Self, Refusal> {
        let spool = &user.portal.spool;
        let message = line.companion(Companion::Home);
        let mut others = standings(spool, message).await?;
        others.extend(standings(spool, message.companion(Companion::World)).await?);
        let home = standings(spool, line).await?.into_values().next();
        Ok(Self { home, others })
    }

    /// In words.
    pub(super) fn draw(&self, user: &User) -> Markup {
        let language = user.language;
        let (waiting, failed) = (self.named(Standing::Waiting), self.named(Standing::Failed));
        let has_failed = !failed.is_empty() || self.home == Some(Standing::Failed);
        html! {
            p.bar.warn[has_failed] {
                @if !waiting.is_empty() { (words::way_open(language, &waiting)) " " }
                @if !failed.is_empty() { (words::way_failed(language, &failed)) " " }
                @if self.others.is_empty() { (words::way_unknown(language)) " " }
                @else if waiting.is_empty() && failed.is_empty() { (words::way_done(language)) " " }
                @match self.home {
                    Some(Standing::Waiting) => (words::home_waits(language)),
                    Some(Standing::Arrived) => (words::home_reached(language)),
                    Some(Standing::Failed) => (words::home_failed(language)),
                    None => "",
                }
            }
        }
    }

    fn named(&self, standing: Standing) -> String {
        let of_these = self.others.iter().filter(|(_, its)| **its == standing);
        let names: Vec<&str> = of_these
            .take(NAMED_MAX)
            .map(|(name, _)| name.as_str())
            .collect();
        names.join(", ")
    }
}

/// How it stands with each recipient of a message.
async fn standings(
    spool: &Spool,
    message: MessageId,
) -> Result<BTreeMap<String, Standing>, Refusal> {
    let mut standings = BTreeMap::new();
    for row in spool.message_log(message).await? {
        match row.event {
            LogEvent::Recipients(events) => {
                for event in events {
                    if let Some(name) = name(&event.recipient) {
                        standings.insert(name, after(&event.change));
                    }
                }
            }
            LogEvent::SetAside { .. } | LogEvent::Deleted { .. } | LogEvent::Dropped { .. } => {
                let open = standings.values_mut();
                open.filter(|its| **its == Standing::Waiting)
                    .for_each(|its| *its = Standing::Failed);
            }
            LogEvent::Accepted(accepted) => {
                for name in accepted.recipients.iter().filter_map(name) {
                    standings.entry(name).or_insert(Standing::Waiting);
                }
            }
            LogEvent::Released { .. } => {}
        }
    }
    // Whoever is in the queue waits, whatever was before.
    for (domain, sequence) in spool
        .message(message)
        .await?
        .map(|row| row.open)
        .unwrap_or_default()
    {
        if let Some(entry) = spool.entry(domain, sequence).await? {
            let open = entry.recipients.iter().filter(|one| one.settled.is_none());
            let names = open.filter_map(|one| name(&one.recipient.path));
            standings.extend(names.map(|name| (name, Standing::Waiting)));
        }
    }
    Ok(standings)
}

fn name(path: &ForwardPath) -> Option<String> {
    match path {
        ForwardPath::Mailbox(mailbox) => Some(mailbox.to_string()),
        ForwardPath::Postmaster => None,
    }
}

const fn after(change: &RecipientChange) -> Standing {
    match change {
        RecipientChange::Delivered(_) => Standing::Arrived,
        RecipientChange::Deferred { .. } => Standing::Waiting,
        RecipientChange::Failed(_)
        | RecipientChange::Parked(_)
        | RecipientChange::Expired
        | RecipientChange::Removed => Standing::Failed,
    }
}
