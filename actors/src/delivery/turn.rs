//! What governor, delivery and attempt say to each other: permits, leases and results, never bodies.
//!
//! ```text
//! HostGovernor ──Grant{permit, slot}──▶ DeliveryActor ──Work{entry} through the slot──▶ Attempt
//!      ▲  ▲                                │    ▲                                        │  │
//!      │  └────────────Picked──────────────┘    └────────Judge, Recorded, PutBack────────┘  │
//!      └───────────────────────────Finished{report, next slot}──────────────────────────────┘
//! ```

use ractor::ActorRef;
use storage::model::{QueueEntry, Sequence, StoredReply};
use storage::spool::{RecipientOutcome, Settled};
use tokio::sync::oneshot;

use super::classify::Class;
use super::delivery_actor::DeliveryMessage;
use super::dsn::Reporter;
use super::governor::{PermitId, Pick};

/// Takes one message to an attempt that waits for it.
pub type WorkSlot = oneshot::Sender<Work>;

/// The right to send one message, as a DeliveryActor gets it.
#[derive(Debug)]
pub struct Grant {
    /// To be named in the answer.
    pub permit: PermitId,
    /// Which message.
    pub pick: Pick,
    /// The destination has not proved itself since its outage: nothing permanent is believed.
    pub proving: bool,
    /// Where the message goes.
    pub slot: WorkSlot,
}

/// One message, leased to an attempt.
#[derive(Debug)]
pub struct Work {
    /// The entry.
    pub entry: QueueEntry,
    /// Indexes of its recipients that are to be tried now; at least one.
    pub recipients: Vec<usize>,
    /// See [`Grant::proving`].
    pub proving: bool,
    /// Whose lease it is.
    pub delivery: ActorRef<DeliveryMessage>,
    /// Tells senders.
    pub reporter: Reporter,
}

/// What became of a lease.
#[derive(Debug)]
pub enum LeaseEnd {
    /// It is on record.
    Recorded {
        /// What the entry is now.
        settled: Settled,
        /// Recipients that were delivered.
        delivered: u32,
        /// The DeliveryActor was asked about it.
        judged: bool,
        /// Nothing was answered: the connection broke with it.
        broke: bool,
    },
    /// Nothing is to be recorded: the entry goes back to its place.
    PutBack {
        /// As it was.
        entry: Box<QueueEntry>,
    },
}

/// What an attempt asks its DeliveryActor when a message was not simply delivered.
#[derive(Debug)]
pub struct Question {
    /// The entry's place.
    pub sequence: Sequence,
    /// The recipients in question; those that were delivered are on record already.
    pub recipients: Vec<Verdict>,
    /// How many were delivered.
    pub delivered: u32,
    /// See [`Grant::proving`].
    pub proving: bool,
    /// What to write down. A recipient without an outcome stays as it is.
    pub answer: oneshot::Sender<Vec<(usize, RecipientOutcome)>>,
}

/// What was said about one recipient.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Its index in the entry.
    pub index: usize,
    /// How often it was tried before.
    pub attempts: u32,
    /// What it means.
    pub class: Class,
    /// What was said.
    pub reply: StoredReply,
}
