//! From the outcomes of an entry to its settlement: where a sender may be told, the recipient has
//! failed and the notification is queued in the same commit; everywhere else it is parked where an
//! administrator sees it (D2, B8). Nothing is discarded silently.

use std::sync::Arc;

use storage::model::{
    EnhancedStatus, Mailbox, QueueEntry, RecipientState, ReversePath, StoredReply,
};
use storage::spool::{NewMessage, RecipientOutcome, Settlement, Spool, SpoolError};

use super::limit::DsnLimit;
use super::policy::{may_report, wants_success};
use super::report::{Action, RecipientReport, Report};
use crate::metrics;
use crate::own_mail::own_message;
use crate::smtp::header::HeaderSection;

/// `X.4.7`: the time for delivery is over (RFC 3463 §3.5).
const EXPIRED: EnhancedStatus = EnhancedStatus::new(5, 4, 7);

/// Reports for one destination domain. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reporter {
    spool: Spool,
    hostname: Arc<str>,
    limit: Arc<DsnLimit>,
}

impl Reporter {
    /// One that signs as `hostname`.
    #[must_use]
    pub fn new(spool: Spool, hostname: Arc<str>) -> Self {
        Self {
            spool,
            hostname,
            limit: Arc::default(),
        }
    }

    /// What is to be written for these outcomes. `peer_reports` says that the next hop has DSN and
    /// reports successes itself.
    pub async fn settlement(
        &self,
        entry: QueueEntry,
        mut outcomes: Vec<(usize, RecipientOutcome)>,
        peer_reports: bool,
    ) -> Settlement {
        let reports: Vec<RecipientReport> = outcomes
            .iter()
            .filter_map(|(index, outcome)| {
                let state = entry.recipients.get(*index)?;
                report(&entry, *index, state, outcome, peer_reports)
            })
            .collect();
        let notice = self.notice(&entry, &reports).await;
        let told = |index: usize| notice.is_some() && reports.iter().any(|one| one.index == index);
        for (index, outcome) in &mut outcomes {
            // Nobody looks after what is set aside in another's domain.
            if told(*index) || (entry.domain.is_outbound() && is_refusal(outcome)) {
                *outcome = reported(outcome.clone());
            }
        }
        for (_, outcome) in &outcomes {
            count(outcome);
        }
        Settlement {
            entry,
            outcomes,
            notices: notice.into_iter().collect(),
        }
    }

    /// What is to be written when an administrator gives up on an entry: it is removed, and whoever
    /// may be told is told.
    pub async fn bounced(&self, entry: QueueEntry) -> Settlement {
        let open = entry.open_recipients();
        let reports: Vec<RecipientReport> = open
            .filter(|(_, state)| may_report(&entry, &state.recipient).is_ok())
            .map(|(index, state)| RecipientReport {
                index,
                action: Action::Failed,
                status: permanent(state.last_reply.as_ref()),
                because: "the administrator of the mail system has given it up".to_owned(),
                reply: state.last_reply.clone(),
            })
            .collect();
        let notice = self.notice(&entry, &reports).await;
        let open = entry.open_recipients();
        let outcomes: Vec<_> = open
            .map(|(index, _)| (index, RecipientOutcome::Removed))
            .collect();
        metrics::recipients("removed", outcomes.len() as u64);
        Settlement {
            entry,
            outcomes,
            notices: notice.into_iter().collect(),
        }
    }

    /// The notification, when there is something to tell and the sender has not been told lately.
    /// One that cannot be made is reported in the log, and nothing counts as told.
    async fn notice(&self, entry: &QueueEntry, reports: &[RecipientReport]) -> Option<NewMessage> {
        let ReversePath::Mailbox(sender) = &entry.reverse_path else {
            return None;
        };
        if reports.is_empty() {
            return None;
        }
        // What somebody wrote in the portal is always answered: it was not forged.
        let now = self.spool.clock().now();
        if !entry.domain.is_outbound() && !self.limit.take(sender, now) {
            return None;
        }
        match self.compose(entry, sender, reports).await {
            Ok(notice) => {
                tracing::info!(queue.id = %entry.message, dsn.id = %notice.id, recipients = reports.len(), "a notification goes to the sender");
                Some(notice)
            }
            Err(error) => {
                tracing::warn!(queue.id = %entry.message, %error, "a notification could not be made");
                None
            }
        }
    }

    async fn compose(
        &self,
        entry: &QueueEntry,
        sender: &Mailbox,
        reports: &[RecipientReport],
    ) -> Result<NewMessage, SpoolError> {
        let headers = self.headers(entry).await?;
        let id = self.spool.next_id();
        let at = self.spool.clock().now();
        let text = Report {
            id,
            at,
            hostname: &self.hostname,
            sender,
            entry,
            recipients: reports,
            headers: &headers,
        }
        .render();
        own_message(&self.spool, &self.hostname, id, sender, text).await
    }

    /// The header section of the stored message.
    async fn headers(&self, entry: &QueueEntry) -> Result<bytes::Bytes, SpoolError> {
        let mut reader = self.spool.body(entry);
        let mut section = HeaderSection::default();
        while let Some(chunk) = reader.next().await? {
            // Intake has refused larger ones; what there is of such a one is enough.
            if section.push(&chunk).is_err() || section.is_complete() {
                break;
            }
        }
        Ok(section.into_bytes())
    }
}

/// What would be told about one outcome, if the sender may be told.
fn report(
    entry: &QueueEntry,
    index: usize,
    state: &RecipientState,
    outcome: &RecipientOutcome,
    peer_reports: bool,
) -> Option<RecipientReport> {
    let recipient = &state.recipient;
    let failed = |status, because: String, reply| {
        may_report(entry, recipient).ok()?;
        Some(RecipientReport {
            index,
            action: Action::Failed,
            status,
            because,
            reply,
        })
    };
    match outcome {
        RecipientOutcome::Parked { reply } if reply.code >= 500 => failed(
            permanent(Some(reply)),
            "the server has refused it for good".to_owned(),
            Some(reply.clone()),
        ),
        RecipientOutcome::Expired => failed(
            EXPIRED,
            "it was held as long as it may be and could not be delivered".to_owned(),
            state.last_reply.clone(),
        ),
        RecipientOutcome::Delivered { reply }
            if !peer_reports && wants_success(entry, recipient) =>
        {
            Some(RecipientReport {
                index,
                action: Action::Relayed,
                status: EnhancedStatus::new(2, 0, 0),
                because: "it was passed on to a server that does not report any further".to_owned(),
                reply: Some(reply.clone()),
            })
        }
        _ => None,
    }
}

/// The code of a failure: that of the reply as far as it has one, permanent in any case.
fn permanent(reply: Option<&StoredReply>) -> EnhancedStatus {
    let said = reply.and_then(|reply| reply.enhanced);
    let general = EnhancedStatus::new(5, 0, 0);
    said.map_or(general, |status| EnhancedStatus { class: 5, ..status })
}

const fn is_refusal(outcome: &RecipientOutcome) -> bool {
    matches!(
        outcome,
        RecipientOutcome::Parked { .. } | RecipientOutcome::Expired
    )
}

fn reported(outcome: RecipientOutcome) -> RecipientOutcome {
    match outcome {
        RecipientOutcome::Parked { reply } => RecipientOutcome::Failed { reply },
        RecipientOutcome::Expired => RecipientOutcome::ExpiredReported,
        other => other,
    }
}

fn count(outcome: &RecipientOutcome) {
    let word = match outcome {
        RecipientOutcome::Parked { .. } => "parked",
        RecipientOutcome::Failed { .. } => "failed",
        RecipientOutcome::Expired | RecipientOutcome::ExpiredReported => "expired",
        // Counted where they are decided.
        RecipientOutcome::Delivered { .. }
        | RecipientOutcome::Removed
        | RecipientOutcome::Deferred { .. } => return,
    };
    metrics::recipients(word, 1);
}
