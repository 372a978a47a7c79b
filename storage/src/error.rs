//! What can go wrong with the spool, said so that an operator knows what and where.

use crate::codec::RowError;
use crate::engine::EngineError;
use crate::model::{DomainId, MessageId, Sequence};

/// Why the spool did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The engine refused or failed. After a failed write every later one fails too: see
    /// `Spool::failed`.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A stored row is not what it should be.
    #[error("a stored record is damaged: {0}")]
    Row(#[from] RowError),
    /// Something cannot be sealed or opened.
    #[error(transparent)]
    Seal(#[from] crate::seal::SealError),
    /// A domain's keys cannot be read or written.
    #[error(transparent)]
    Keys(#[from] crate::seal::KeyError),
    /// A part of a body is missing or not what was stored.
    #[error("chunk {chunk} of the body of {message} cannot be used: {reason}")]
    CorruptBody {
        /// The message.
        message: MessageId,
        /// Which part, counted from 0.
        chunk: u32,
        /// What is wrong with it.
        reason: String,
    },
    /// The entry was settled, released or deleted meanwhile, or never existed.
    #[error("there is no entry {} of domain {} (any more)", .sequence.0, .domain.0)]
    UnknownEntry {
        /// The domain.
        domain: DomainId,
        /// The position.
        sequence: Sequence,
    },
    /// The domain was removed meanwhile: nothing was accepted for it.
    #[error("domain {} does not exist (any more)", .0.0)]
    UnknownDomain(DomainId),
    /// A settlement or a message contradicts itself: a fault of the caller.
    #[error("not a sound request: {0}")]
    Invalid(&'static str),
    /// The row cannot be decoded, so it cannot be delivered either.
    #[error("the entry's row is damaged; it can be exported or deleted, not released")]
    NotReleasable,
}

/// Why a data directory could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The engine could not open its files, or another process has them.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The keys that seal stored mail cannot be used.
    #[error(transparent)]
    Keys(#[from] crate::seal::KeyError),
    /// A row without which the store cannot be used is damaged.
    #[error("the store's {what} is damaged: {source}")]
    Damaged {
        /// Which one.
        what: &'static str,
        /// In which way.
        source: RowError,
    },
    /// The domains of a restored backup could not be put on hold.
    #[error("the domains of a restored backup could not be put on hold: {0}")]
    Restored(#[from] ChangeError),
}

/// Why an administrator's change was not made. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// It exists already.
    #[error("{0} exists already")]
    Exists(String),
    /// It does not exist.
    #[error("{0} does not exist")]
    Unknown(String),
    /// Continuity cannot be switched on yet (C10).
    #[error("continuity cannot be switched on: {}", listed(.0))]
    ContinuityGaps(Vec<crate::model::ContinuityGap>),
    /// A value is out of its bounds.
    #[error("{field}: {reason}")]
    BadValue {
        /// Which value.
        field: &'static str,
        /// What is wrong with it and what is expected.
        reason: String,
    },
    /// The domain still has mail: it would be lost.
    #[error("{name} still has mail of {recipients} recipient(s): queued, parked or in quarantine")]
    MailQueued {
        /// The domain.
        name: String,
        /// Recipients whose mail is still here.
        recipients: u64,
    },
    /// Aliases lead to the mailbox.
    #[error("{mailbox} is the target of {aliases} alias(es); remove them first")]
    HasAliases {
        /// The mailbox.
        mailbox: String,
        /// How many.
        aliases: usize,
    },
    /// Rows of an import that cannot be stored; all of them are named.
    #[error("{} row(s) cannot be stored, first: {}", .0.len(), first_reason(.0))]
    Rejected(Vec<RejectedRow>),
    /// The store failed.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// One row of an import that cannot be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// Its place in the list, from 0.
    pub index: usize,
    /// The address it is about.
    pub address: String,
    /// What is wrong with it.
    pub reason: String,
}

fn listed(gaps: &[crate::model::ContinuityGap]) -> String {
    let gaps: Vec<_> = gaps.iter().map(ToString::to_string).collect();
    gaps.join("; ")
}

fn first_reason(rows: &[RejectedRow]) -> String {
    rows.first().map_or_else(String::new, |row| {
        format!("{}: {}", row.address, row.reason)
    })
}

impl From<EngineError> for ChangeError {
    fn from(error: EngineError) -> Self {
        Self::Spool(error.into())
    }
}

impl From<RowError> for ChangeError {
    fn from(error: RowError) -> Self {
        Self::Spool(error.into())
    }
}
