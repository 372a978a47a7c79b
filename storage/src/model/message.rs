//! Rows of the spool: the message and its entries, one per destination domain.

use serde::{Deserialize, Serialize};

use super::address::ReversePath;
use super::authentication::Authentication;
use super::disposition::{Disposition, StoredReply};
use super::envelope::{BodyKind, ClientFacts, DsnReturn, Recipient};
use super::id::{DomainId, MessageId, Sequence};
use super::time::Timestamp;

/// Where the chunks of a body lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum BodyPlace {
    /// `transit`: it goes with the last open entry.
    #[default]
    Transit,
    /// `kept/<day>`: it goes with its day, the last on which anyone may need it.
    Kept {
        /// Days since 1970-01-01, as it was accepted; a body that is wanted longer moves on.
        day: u32,
    },
}

/// What all entries of a message share, and which of them are still open. The commit that closes
/// the last open entry deletes the row and the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRow {
    /// Bytes of the stored body, our trace header included.
    pub size_bytes: u64,
    /// Number of chunks of the stored body.
    pub chunks: u32,
    /// Where the body lies.
    pub place: BodyPlace,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// Entries that still need the body.
    pub open: Vec<(DomainId, Sequence)>,
}

/// Where one recipient of an entry stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientState {
    /// The recipient as accepted.
    pub recipient: Recipient,
    /// Attempts that ended in a reply about this recipient.
    pub attempts: u32,
    /// Not before this time; zero means as soon as the destination permits.
    pub due_at: Timestamp,
    /// What the destination said last.
    pub last_reply: Option<StoredReply>,
    /// Set when the recipient is settled (delivered, failed, …) while others of the entry are open,
    /// so that a partial success is never sent again.
    pub settled: Option<Disposition>,
}

impl RecipientState {
    /// A recipient nobody has tried yet.
    #[must_use]
    pub const fn new(recipient: Recipient) -> Self {
        Self {
            recipient,
            attempts: 0,
            due_at: Timestamp::from_millis(0),
            last_reply: None,
            settled: None,
        }
    }
}

/// One message for one destination domain: all that delivery needs besides the body.
///
/// The route and the policy are looked up when sending, never frozen here (OUT25).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueEntry {
    /// The destination domain.
    pub domain: DomainId,
    /// Its place in the domain's queue.
    pub sequence: Sequence,
    /// The message whose body is sent.
    pub message: MessageId,
    /// Bytes of the stored body.
    pub size_bytes: u64,
    /// Number of chunks of the stored body.
    pub chunks: u32,
    /// Where they lie.
    pub place: BodyPlace,
    /// The 250's time; the hold period counts from here.
    pub accepted_at: Timestamp,
    /// `MAIL FROM`.
    pub reverse_path: ReversePath,
    /// This domain's recipients.
    pub recipients: Vec<RecipientState>,
    /// `BODY=`.
    pub body: BodyKind,
    /// Whether the sender asked for SMTPUTF8.
    pub smtputf8: bool,
    /// `RET=`.
    pub dsn_return: Option<DsnReturn>,
    /// `ENVID=`, decoded.
    pub envelope_id: Option<String>,
    /// Who handed it in.
    pub client: ClientFacts,
    /// What sender authentication found out; none when it was not asked.
    pub authentication: Option<Authentication>,
    /// List-Id, Precedence: bulk or null sender: half the weight in the backlog (delivery B6).
    pub bulk: bool,
    /// Whether other entries refer to the same message. Kept by the spool.
    pub shared: bool,
    /// How often the row was rewritten; tells an old copy from the current one. Kept by the spool.
    pub revision: u32,
}

impl QueueEntry {
    /// Recipients that are not settled yet.
    pub fn open_recipients(&self) -> impl Iterator<Item = (usize, &RecipientState)> {
        self.recipients
            .iter()
            .enumerate()
            .filter(|(_, state)| state.settled.is_none())
    }

    /// When the entry has something to do: the earliest due time of its open recipients.
    #[must_use]
    pub fn due_at(&self) -> Timestamp {
        self.open_recipients()
            .map(|(_, state)| state.due_at)
            .min()
            .unwrap_or_default()
    }
}
