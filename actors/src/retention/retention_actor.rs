//! The actor that deletes what nobody needs any more, in small turns.
//!
//! It keeps no state that matters: after a crash it looks again (crash table: later expiry, rescan).

use std::collections::BTreeSet;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use storage::model::DomainId;
use storage::spool::{IntakeState, Spool};

use super::reclaim::{Reclaim, Sight};
use crate::metrics;
use crate::supervision::ChildSpec;

/// Entries or bodies per turn, so that other work gets in between.
const TURN_MAX: usize = 256;
/// Pause between two turns of the same sweep.
const TURN_PAUSE: Duration = Duration::from_millis(50);
/// How often set-aside entries are looked through.
const ASIDE_INTERVAL: Duration = Duration::from_secs(60);
/// How often sessions and one-time tokens are looked through.
const ACCESS_INTERVAL: Duration = Duration::from_secs(600);
/// How often it is looked whether space is to be given back.
const SPACE_INTERVAL: Duration = Duration::from_secs(5);
/// How often days that are over are looked for; with it, how late one may go.
const DAYS_INTERVAL: Duration = Duration::from_secs(600);
/// How often days of the log are looked through.
const LOGS_INTERVAL: Duration = Duration::from_secs(3600);
/// How often bodies without a message are looked for.
const ORPHANS_INTERVAL: Duration = Duration::from_secs(3600);

/// The actor.
#[derive(Debug)]
pub struct RetentionActor;

/// Its turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetentionMessage {
    /// Set-aside entries whose 30 days are over.
    Aside,
    /// Sessions and one-time tokens whose time is over.
    Access,
    /// Bodies whose message was never accepted.
    Orphans,
    /// Space of mail that has gone.
    Space,
    /// Days of continuity that are over, and what can be taken back no more.
    Days,
    /// Days of the log that nobody may look up any more.
    Logs,
}

/// What it works with.
#[derive(Debug)]
pub struct RetentionState {
    spool: Spool,
    reclaim: Reclaim,
    /// Domains and days of which nothing is left.
    swept: BTreeSet<(DomainId, u32)>,
}

impl RetentionActor {
    /// The actor as a child of the tree.
    #[must_use]
    pub fn child_spec(spool: Spool) -> ChildSpec {
        ChildSpec::actor("retention", move |supervisor| {
            let spool = spool.clone();
            async move {
                let (actor, _) = Self::spawn_linked(None, Self, spool, supervisor).await?;
                Ok(actor.get_cell())
            }
        })
    }
}

impl Actor for RetentionActor {
    type Msg = RetentionMessage;
    type State = RetentionState;
    type Arguments = Spool;

    async fn pre_start(
        &self,
        myself: ActorRef<RetentionMessage>,
        spool: Spool,
    ) -> Result<RetentionState, ActorProcessingErr> {
        myself.send_message(RetentionMessage::Orphans)?;
        myself.send_message(RetentionMessage::Aside)?;
        myself.send_message(RetentionMessage::Access)?;
        myself.send_message(RetentionMessage::Space)?;
        myself.send_message(RetentionMessage::Days)?;
        myself.send_message(RetentionMessage::Logs)?;
        Ok(RetentionState {
            spool,
            reclaim: Reclaim::default(),
            swept: BTreeSet::new(),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<RetentionMessage>,
        message: RetentionMessage,
        state: &mut RetentionState,
    ) -> Result<(), ActorProcessingErr> {
        let (done, interval) = match message {
            RetentionMessage::Aside => {
                let now = state.spool.clock().now();
                let done = state.spool.sweep_aside(now, TURN_MAX).await?;
                (done, ASIDE_INTERVAL)
            }
            RetentionMessage::Access => {
                state.spool.count_users().await?;
                let done = state.spool.sweep_access(TURN_MAX).await?;
                (done, ACCESS_INTERVAL)
            }
            RetentionMessage::Orphans => {
                let done = state.spool.sweep_orphans(TURN_MAX).await?;
                (done, ORPHANS_INTERVAL)
            }
            RetentionMessage::Space => {
                state.reclaim().await?;
                (0, SPACE_INTERVAL)
            }
            RetentionMessage::Days => (state.days().await?, DAYS_INTERVAL),
            RetentionMessage::Logs => {
                let now = state.spool.clock().now();
                let done = state.spool.drop_old_logs(now).await?;
                (done, LOGS_INTERVAL)
            }
        };
        if done > 0 {
            tracing::info!(what = ?message, count = done, "deleted what is no longer needed");
        }
        if message == RetentionMessage::Aside && done < TURN_MAX {
            metrics::retention_complete(state.spool.clock().wall());
        }
        let pause = if done < TURN_MAX {
            interval
        } else {
            TURN_PAUSE
        };
        // Armed after the work, so turns never pile up behind a slow store.
        myself.send_after(pause, move || message);
        Ok(())
    }
}

impl RetentionState {
    /// Drops one day of lines and one of bodies, or deletes a turn of what one domain does not show
    /// any more while others do.
    async fn days(&mut self) -> Result<usize, ActorProcessingErr> {
        let mut done = self.spool.sweep_undo(TURN_MAX).await?;
        if self.spool.expire_days().await? > 0 {
            return Ok(TURN_MAX);
        }
        let overdue = self.spool.overdue_lines().await?;
        self.swept.retain(|of| overdue.contains(of));
        let next = overdue.into_iter().find(|of| !self.swept.contains(of));
        if let Some((domain, day)) = next {
            let swept = self.spool.sweep_lines(domain, day, TURN_MAX).await?;
            if swept < TURN_MAX {
                self.swept.insert((domain, day));
            }
            // There may be another domain or day.
            done = TURN_MAX;
        }
        Ok(done)
    }

    async fn reclaim(&mut self) -> Result<(), ActorProcessingErr> {
        let counters = self.spool.counters_total();
        let here = counters.queued + counters.parked + counters.quarantined;
        let sight = Sight {
            queued_bytes: counters.queued_bytes,
            gone: counters.accepted.saturating_sub(here),
            is_short: match self.spool.intake() {
                IntakeState::Open | IntakeState::Broken => false,
                IntakeState::Soft | IntakeState::Full | IntakeState::Critical => true,
            },
        };
        if self.reclaim.on(sight, self.spool.clock().monotonic()) {
            let report = self.spool.reclaim().await?;
            tracing::info!(
                disk.bytes_before = report.disk_bytes_before,
                disk.bytes_after = report.disk_bytes_after,
                "gave the space of delivered mail back"
            );
        }
        Ok(())
    }
}
