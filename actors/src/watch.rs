//! What is looked at every second: free space, intake, outages, ledger.
//!
//! The record of intake's availability is kept in the store once a minute and at a stop; a record
//! that cannot be read begins anew.

use bytes::Bytes;
use storage::spool::{IntakeState, Spool, SpoolError};

use crate::availability::Availability;
use crate::metrics;
use crate::outages::OutageWatch;
use crate::status::StatusBoard;

/// The record's name among what is learnt.
const RECORD: &str = "intake availability";
/// Looks between two saves.
const SAVE_EVERY: u32 = 60;

pub(crate) struct Watch {
    spool: Spool,
    board: StatusBoard,
    availability: Availability,
    outages: OutageWatch,
    looks: u32,
    difference: i128,
}

impl Watch {
    pub(crate) fn new(spool: Spool, board: StatusBoard) -> Self {
        Self {
            outages: OutageWatch::new(spool.clone(), board.clone()),
            spool,
            board,
            availability: Availability::default(),
            looks: 0,
            difference: 0,
        }
    }

    /// Reads what an earlier run has noted.
    pub(crate) async fn load(&mut self) -> Result<(), SpoolError> {
        let record = self.spool.load_learned(RECORD).await?;
        let record = record.and_then(|record| postcard::from_bytes(&record).ok());
        self.availability = record.unwrap_or_default();
        Ok(())
    }

    /// One look.
    pub(crate) async fn look(&mut self) -> Result<(), SpoolError> {
        match self.spool.sample_space().await {
            Ok(space) => space.into_iter().for_each(metrics::disk),
            Err(error) => tracing::warn!(%error, "the free space cannot be sampled"),
        }
        let intake = self.spool.intake();
        let taking = matches!(intake, IntakeState::Open | IntakeState::Soft);
        self.availability.note(self.spool.clock().now(), taking);
        self.board.publish_availability(self.availability.figures());
        self.outages.look().await?;
        self.compare_ledger();
        self.looks = (self.looks + 1) % SAVE_EVERY;
        if self.looks == 0 && intake != IntakeState::Broken {
            self.save().await?;
        }
        Ok(())
    }

    /// Keeps the records.
    pub(crate) async fn save(&self) -> Result<(), SpoolError> {
        // A record of numbers can always be written.
        let record = postcard::to_stdvec(&self.availability).unwrap_or_default();
        self.spool.save_learned(RECORD, Bytes::from(record)).await?;
        self.outages.save().await
    }

    /// D7: the alarm is raised when the difference changes, the metric shows it all the time.
    fn compare_ledger(&mut self) {
        let mut total = 0;
        for domain in self.spool.directory().domains() {
            let difference = self.spool.counters(domain.id).difference();
            total += difference.abs();
            if difference != 0 && self.difference == 0 {
                tracing::error!(
                    domain.name = %domain.name,
                    ledger.difference = %difference,
                    "the ledger does not add up"
                );
            }
        }
        self.difference = total;
    }
}
