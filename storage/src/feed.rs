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
}

/// Where hints come from.
#[derive(Debug)]
pub(crate) struct Feed {
    sender: broadcast::Sender<Hint>,
}

impl Feed {
    pub(crate) fn new() -> Self {
        Self {
            sender: broadcast::Sender::new(HINTS_WAITING_MAX),
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
}
