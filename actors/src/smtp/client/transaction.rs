//! One mail transaction as the client sends it, and what became of each recipient.

use storage::model::{BodyKind, DsnReturn, EnhancedStatus, Recipient, ReversePath};

use super::super::reply::Reply;
use super::phase::Phase;
use super::xforward::Origin;

/// What is to be sent (RFC 5321 §3.3). The body follows when the client asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// `MAIL FROM`.
    pub reverse_path: ReversePath,
    /// `RCPT TO`, at least one.
    pub recipients: Vec<Recipient>,
    /// Octets of the body, CRLFs counted, before dot-stuffing.
    pub size_bytes: u64,
    /// `BODY=`, sent when the peer announced 8BITMIME.
    pub body: BodyKind,
    /// The message needs SMTPUTF8: it is refused locally where the peer has none (OUT11).
    pub smtputf8: bool,
    /// `RET=`, sent when the peer announced DSN.
    pub dsn_return: Option<DsnReturn>,
    /// `ENVID=`, decoded, sent when the peer announced DSN.
    pub envelope_id: Option<String>,
    /// Told by XFORWARD before MAIL, as far as the peer announced it; none: not told (OUT22).
    pub origin: Option<Origin>,
}

/// What became of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecipientResult {
    /// The peer answered 2yz after the whole message: it is the peer's now.
    Delivered(Reply),
    /// The peer refused, in the named phase; 4yz or 5yz (or a 421 that ended the connection).
    Refused {
        /// The command that was refused: Mail, Rcpt, Data or `FinalReply` are the ordinary ones.
        phase: Phase,
        /// What it said.
        reply: Reply,
    },
    /// Not even tried: the peer's announced abilities do not permit it.
    Unsendable(Unsendable),
    /// The connection ended first. [`Phase::FinalReply`] means that the peer may have the message
    /// (RFC 1047).
    Unanswered {
        /// What the client was waiting for.
        phase: Phase,
    },
}

/// Why a message cannot be sent to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsendable {
    /// Larger than the peer's SIZE.
    TooLarge {
        /// The peer's limit in octets.
        limit: u64,
    },
    /// It needs SMTPUTF8, which the peer lacks.
    NeedsSmtpUtf8,
    /// It has eight-bit content and the peer no 8BITMIME; we do not convert (RFC 6152 §3).
    NeedsEightBitMime,
}

impl Unsendable {
    /// The reply that says so, as if the peer had given it.
    #[must_use]
    pub fn reply(self) -> Reply {
        match self {
            Self::TooLarge { limit } => Reply::new(
                552,
                (3, 4),
                format!("the message is larger than the {limit} octets the destination takes"),
            ),
            Self::NeedsSmtpUtf8 => Reply::new(
                550,
                (6, 7),
                "the destination does not support the internationalised address of this message",
            ),
            Self::NeedsEightBitMime => Reply::new(
                554,
                (6, 3),
                "the destination does not take eight-bit content and this message has some",
            ),
        }
    }

    /// Its enhanced code.
    #[must_use]
    pub const fn enhanced(self) -> EnhancedStatus {
        match self {
            Self::TooLarge { .. } => EnhancedStatus::new(5, 3, 4),
            Self::NeedsSmtpUtf8 => EnhancedStatus::new(5, 6, 7),
            Self::NeedsEightBitMime => EnhancedStatus::new(5, 6, 3),
        }
    }
}

/// What went wrong with BDAT at a peer that announces CHUNKING (OUT7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkingFault {
    /// It answered 500–504: it does not know what it announces. The message may go by DATA.
    Refused,
    /// The connection was lost while the chunk was on its way or unanswered.
    Lost,
}

/// How a transaction ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// One result per recipient of the transaction, in its order.
    pub recipients: Vec<RecipientResult>,
    /// Transactions that this connection had ended before this one.
    pub earlier_transactions: u32,
    /// The peer had answered at least one command of this transaction (a 421 that ended the
    /// connection not counted).
    pub was_answered: bool,
    /// The body had begun to go out.
    pub body_begun: bool,
    /// CHUNKING does not work with this peer: use DATA for a while.
    pub chunking_fault: Option<ChunkingFault>,
}

impl Outcome {
    /// The connection was reused and turned out to be dead at the first command: the peer had given
    /// up on an idle connection, which says nothing about its load (OUT20). Try again at once on a
    /// new connection.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        let interrupted = |result: &RecipientResult| match result {
            RecipientResult::Unanswered { .. } => true,
            RecipientResult::Refused { reply, .. } => reply.code == 421,
            _ => false,
        };
        self.earlier_transactions > 0
            && !self.was_answered
            && self.recipients.iter().all(interrupted)
    }
}
