//! Copies of mail that was held already when continuity was switched on (C3).
//!
//! The store says how far it has come, in the same commit that makes the copies: after a crash it
//! goes on there. Small turns, so that delivery and intake do not notice.

use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use storage::model::{DomainId, QueueEntry};
use storage::spool::{Spool, SpoolError};

use super::copies::copies;
use super::sample::Sample;
use crate::supervision::ChildSpec;

/// Entries of one turn.
const TURN_MAX: usize = 64;
/// Pause between two turns.
const TURN_PAUSE: Duration = Duration::from_millis(20);
/// How often domains that were switched on are looked for.
const INTERVAL: Duration = Duration::from_millis(500);

/// The actor.
#[derive(Debug)]
pub struct BackfillActor;

impl BackfillActor {
    /// The actor as a child of the tree.
    #[must_use]
    pub fn child_spec(spool: Spool) -> ChildSpec {
        ChildSpec::actor("continuity backfill", move |supervisor| {
            let spool = spool.clone();
            async move {
                let (actor, _) = Self::spawn_linked(None, Self, spool, supervisor).await?;
                Ok(actor.get_cell())
            }
        })
    }
}

impl Actor for BackfillActor {
    type Msg = ();
    type State = Spool;
    type Arguments = Spool;

    async fn pre_start(
        &self,
        myself: ActorRef<()>,
        spool: Spool,
    ) -> Result<Spool, ActorProcessingErr> {
        myself.send_message(())?;
        Ok(spool)
    }

    async fn handle(
        &self,
        myself: ActorRef<()>,
        (): (),
        spool: &mut Spool,
    ) -> Result<(), ActorProcessingErr> {
        let mut pause = INTERVAL;
        for domain in spool.backfills() {
            if turn(spool, domain).await? {
                pause = TURN_PAUSE;
            }
        }
        // Armed after the work, so turns never pile up behind a slow store.
        myself.send_after(pause, || ());
        Ok(())
    }
}

/// One turn of a domain; whether there is more.
async fn turn(spool: &Spool, domain: DomainId) -> Result<bool, SpoolError> {
    let entries = spool.backfill_page(domain, TURN_MAX).await?;
    let mut ready = Vec::with_capacity(entries.len());
    for entry in entries {
        let copies = match of_entry(spool, &entry).await {
            Ok(copies) => copies,
            // Delivered meanwhile, or damaged, which delivery reports.
            Err(SpoolError::CorruptBody { .. }) => None,
            Err(error) => return Err(error),
        };
        ready.push((entry, copies));
    }
    spool.backfill(domain, ready).await
}

async fn of_entry(
    spool: &Spool,
    entry: &QueueEntry,
) -> Result<Option<storage::spool::NewCopies>, SpoolError> {
    let mut sample = Sample::default();
    if let Some(piece) = spool.body(entry).next().await? {
        sample.push(&piece);
    }
    let recipients = entry.recipients.iter().map(|state| &state.recipient);
    Ok(copies(&spool.directory(), recipients, || sample.head()))
}
