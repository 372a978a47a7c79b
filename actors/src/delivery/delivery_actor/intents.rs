//! What an administrator wants: retry, bounce, remove, and the end of a hold.

use ractor::ActorProcessingErr;
use storage::model::{Actor as Person, AuditRow, QueueEntry, StoredReply, Timestamp};
use storage::spool::{Intent, IntentAction, RecipientOutcome, Settled, Settlement};

use super::super::stored_reply::stored_event;
use super::{DeliveryState, relocate};
use crate::metrics;

impl DeliveryState {
    /// Carries out what can be carried out now; a message on its way is waited for.
    pub(super) async fn carry_out_intents(&mut self) -> Result<(), ActorProcessingErr> {
        self.intents_wait = false;
        for intent in self.context.spool.intents(self.domain.id) {
            if self.window.is_leased(intent.sequence) {
                self.intents_wait = true;
                continue;
            }
            self.carry_out(intent).await?;
            self.context.spool.finish_intent(intent.id).await?;
        }
        Ok(())
    }

    async fn carry_out(&mut self, intent: Intent) -> Result<(), ActorProcessingErr> {
        let spool = self.context.spool.clone();
        let Some(entry) = spool.entry(self.domain.id, intent.sequence).await? else {
            return Ok(());
        };
        tracing::info!(
            domain.name = %self.domain.name, queue.id = %entry.message, action = ?intent.action,
            "an administrator's wish is carried out"
        );
        if intent.action == IntentAction::Retry {
            // Who asks for a retry has reason to believe that the destination is back.
            self.probe_now();
        }
        let settlement = match intent.action {
            IntentAction::Retry if entry.due_at() == Timestamp::default() => return Ok(()),
            IntentAction::Retry => silent(retried(&entry), entry),
            IntentAction::Bounce => self.reporter.bounced(entry).await,
            IntentAction::Remove => silent(removed(&entry), entry),
            IntentAction::Move(to) => match relocate::moved(&spool, entry, to).await? {
                Some(settlement) => settlement,
                None => return Ok(()),
            },
        };
        self.window.remove(intent.sequence);
        if let Settled::Open(entry) = spool.settle(settlement).await? {
            self.still_open(*entry);
        }
        Ok(())
    }

    /// A hold that was to end by itself has come to its end.
    pub(super) async fn release_hold_in_time(
        &mut self,
        now: Timestamp,
    ) -> Result<(), ActorProcessingErr> {
        let until = self.domain.hold.as_ref().and_then(|hold| hold.until);
        if until.is_none_or(|until| until > now) {
            return Ok(());
        }
        let audit = AuditRow {
            at: now,
            actor: Person::System {
                part: "delivery".to_owned(),
            },
            action: "domain.release".to_owned(),
            subject: self.domain.name.to_string(),
            detail: "the hold was set to end now".to_owned(),
        };
        let name = self.domain.name.clone();
        let over = |until: Option<Timestamp>| until.is_some_and(|until| until <= now);
        let release = move |domain: &mut storage::model::Domain| {
            // An administrator may have set another one meanwhile.
            if domain.hold.as_ref().is_some_and(|hold| over(hold.until)) {
                domain.hold = None;
            }
        };
        let domain = self
            .context
            .spool
            .update_domain(&name, release, audit)
            .await?;
        self.domain = std::sync::Arc::new(domain);
        Ok(())
    }
}

const fn silent(outcomes: Vec<(usize, RecipientOutcome)>, entry: QueueEntry) -> Settlement {
    Settlement {
        entry,
        outcomes,
        notices: Vec::new(),
    }
}

/// Every open recipient is due at once; nothing is charged.
fn retried(entry: &QueueEntry) -> Vec<(usize, RecipientOutcome)> {
    let asked = || stored_event("retry asked for by an administrator", None);
    let outcome = |reply: &Option<StoredReply>| RecipientOutcome::Deferred {
        due_at: Timestamp::default(),
        reply: reply.clone().unwrap_or_else(asked),
        charged: false,
    };
    let open = entry.open_recipients();
    open.map(|(index, state)| (index, outcome(&state.last_reply)))
        .collect()
}

pub(super) fn removed(entry: &QueueEntry) -> Vec<(usize, RecipientOutcome)> {
    let open = entry.open_recipients();
    metrics::recipients("removed", entry.open_recipients().count() as u64);
    open.map(|(index, _)| (index, RecipientOutcome::Removed))
        .collect()
}
