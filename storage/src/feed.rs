//! Hints that something changed. They may be lost; who needs the truth reads the store.

use tokio::sync::broadcast;

use crate::limits::HINTS_WAITING_MAX;
use crate::model::DomainId;

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hint {
    /// Mail was added to the ready lane of a domain.
    Queued(DomainId),
    /// A domain was added, changed or removed.
    DomainChanged(DomainId),
    /// An administrator wants something done with mail of a domain.
    Intents(DomainId),
    /// Somebody says that a domain's destination is back.
    Probe(DomainId),
}

/// Mail has arrived in a continuity mailbox, or something in it has changed. A feed of its own,
/// because every message makes one and delivery does not care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Arrived {
    /// The domain.
    pub domain: DomainId,
    /// The mailbox, see `Scope::tag`.
    pub mailbox: u64,
}

/// Where hints come from.
#[derive(Debug)]
pub(crate) struct Feed {
    sender: broadcast::Sender<Hint>,
    arrivals: broadcast::Sender<Arrived>,
}

impl Feed {
    pub(crate) fn new() -> Self {
        Self {
            sender: broadcast::Sender::new(HINTS_WAITING_MAX),
            arrivals: broadcast::Sender::new(HINTS_WAITING_MAX),
        }
    }

    /// A listener that hears everything from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Hint> {
        self.sender.subscribe()
    }

    /// Tells everybody who listens.
    pub(crate) fn tell(&self, hint: Hint) {
        // Nobody listening is no error: the store is the truth.
        let _ = self.sender.send(hint);
    }

    /// A listener that hears of every mailbox from now on.
    pub(crate) fn listen_for_arrivals(&self) -> broadcast::Receiver<Arrived> {
        self.arrivals.subscribe()
    }

    /// Tells of a mailbox in which something has changed.
    pub(crate) fn tell_arrived(&self, arrived: Arrived) {
        let _ = self.arrivals.send(arrived);
    }
}
