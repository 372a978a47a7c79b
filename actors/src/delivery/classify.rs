//! What a result means: for the message or the recipient, and for the destination.
//!
//! One table from what was seen (a reply in a phase, the end of a connection) to a [`Class`], and
//! from the class to what becomes of the recipient ([`Treatment`]) and to what the route's governor
//! hears ([`Signal`]). What invites a wrong conclusion is decided here once: a 5xx greeting is about
//! the host and never bounces mail, an unknown user says nothing about the host's health, a 421 on a
//! connection that had lain idle is no overload, and nothing that a destination does because it is
//! full or busy is charged to a message (RFC 5321 §4.2.2, §4.5.3.1.10; RFC 3463).

mod wording;

use serde::{Deserialize, Serialize};
use storage::model::EnhancedStatus;

use self::wording::{is_greylisting, overload};
use super::governor::ProbeOutcome;
use super::retry::RetryTable;
use crate::smtp::Reply;
use crate::smtp::client::{Cause, ChunkingFault, Ending, Outcome, Phase, RecipientResult};

/// What one result is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// 2yz after the whole message.
    Delivered,
    /// Refused, reset, timed out or unreachable, before or in the middle of a transaction.
    Connection,
    /// A reused connection turned out to be dead at its first command (OUT20).
    Stale,
    /// The destination has too much to do or no room.
    Overload(Overload),
    /// The host refuses everybody: 5yz at the greeting, EHLO or STARTTLS, authentication wanted.
    HostPolicy,
    /// Encryption is demanded and does not come about.
    Tls,
    /// 4yz to MAIL, DATA or the message.
    MessageTransient(ReplyKey),
    /// 5yz to MAIL, DATA or the message.
    MessagePermanent,
    /// 4yz to RCPT from greylisting.
    Greylisted,
    /// Another 4yz to RCPT.
    RecipientTransient,
    /// 4.2.2 to RCPT.
    MailboxFull,
    /// 5yz to RCPT.
    RecipientPermanent,
    /// More recipients than the destination takes in one transaction (RFC 5321 §4.5.3.1.10).
    Split,
    /// The connection ended between the final dot and its reply (RFC 1047).
    Uncertain,
    /// We could not send the body. The destination has nothing to do with it.
    Unsent,
}

/// What there is too much of, as far as the reply says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Overload {
    /// Connections or sessions.
    Concurrency,
    /// Messages per time.
    Rate,
    /// Storage (452 4.3.1).
    Resource,
    /// It does not say.
    Unspecified,
}

/// A reply without its text: two results with the same key are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReplyKey {
    /// Three digits.
    pub code: u16,
    /// Enhanced code as (class, subject, detail), when there was one.
    pub enhanced: Option<(u8, u16, u16)>,
}

impl ReplyKey {
    /// The key of a reply.
    #[must_use]
    pub fn of(reply: &Reply) -> Self {
        Self {
            code: reply.code,
            enhanced: reply
                .enhanced
                .map(|status| (status.class, status.subject, status.detail)),
        }
    }
}

/// What becomes of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// Settled: the destination has it.
    Done,
    /// Back to the head of its lane; no attempt is charged.
    Untouched,
    /// The same message at once on a fresh connection; no attempt is charged.
    Again,
    /// Due again by a table; the attempt is charged.
    Retry(RetryTable),
    /// Permanent, if the bounce breaker believes it.
    Permanent,
}

/// What the governor of the route hears about an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// At least one recipient was delivered.
    Delivered,
    /// The destination answered sensibly, about a recipient or a message (unknown user,
    /// greylisting, permanent failure of one message).
    Answered,
    /// It deferred the message: three alike in a row are an overload.
    Deferred(ReplyKey),
    /// It has too much to do or no room.
    Overloaded(Overload),
    /// The connection failed or broke.
    Connection,
    /// An idle connection had gone; nothing is known.
    Stale,
    /// It refuses everybody.
    Policy,
    /// Encryption is demanded and fails.
    Tls,
    /// The attempt ended for a reason of ours; nothing is known.
    Nothing,
}

/// What an attempt means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptVerdict {
    /// One class per recipient of the transaction, in its order.
    pub recipients: Vec<Class>,
    /// For the governor.
    pub signal: Signal,
}

impl Class {
    /// The meaning of a refusal (4yz, 5yz) in a phase. `reply` may also be a 421 that ended the
    /// connection.
    #[must_use]
    pub fn of_refusal(phase: Phase, reply: &Reply) -> Self {
        match phase {
            Phase::Banner
            | Phase::Ehlo
            | Phase::Helo
            | Phase::StartTls
            | Phase::TlsHandshake
            | Phase::Auth => {
                if reply.is_permanent() {
                    Self::HostPolicy
                } else {
                    Self::Overload(Overload::Concurrency)
                }
            }
            _ if matches!(reply.code, 530 | 534 | 535 | 538) => Self::HostPolicy,
            Phase::Rcpt if reply.is_permanent() => permanent_recipient(reply),
            _ if reply.is_permanent() => Self::MessagePermanent,
            Phase::Rcpt => transient_recipient(reply),
            _ => transient_message(reply),
        }
    }

    /// The meaning of the end of a connection for what had not been answered by then.
    #[must_use]
    pub fn of_ending(ending: &Ending) -> Self {
        match &ending.cause {
            Cause::Refused(reply) => Self::of_refusal(ending.phase, reply),
            Cause::TlsNotOffered | Cause::TlsFailed(_) | Cause::PlaintextInjected => Self::Tls,
            Cause::AuthNotOffered | Cause::Ourselves(_) => Self::HostPolicy,
            Cause::Body(_) => Self::Unsent,
            Cause::Malformed(_) | Cause::Unexpected(_) if is_opening(ending.phase) => {
                Self::HostPolicy
            }
            Cause::Malformed(_)
            | Cause::Unexpected(_)
            | Cause::Lost(_)
            | Cause::TimedOut
            | Cause::Quit => {
                if ending.phase == Phase::FinalReply {
                    Self::Uncertain
                } else {
                    Self::Connection
                }
            }
        }
    }

    /// What becomes of the recipient.
    #[must_use]
    pub const fn treatment(self) -> Treatment {
        match self {
            Self::Delivered => Treatment::Done,
            Self::Stale => Treatment::Again,
            Self::Connection
            | Self::Overload(_)
            | Self::HostPolicy
            | Self::Tls
            | Self::Split
            | Self::Unsent => Treatment::Untouched,
            Self::MessageTransient(_) | Self::RecipientTransient => {
                Treatment::Retry(RetryTable::Ordinary)
            }
            Self::Greylisted => Treatment::Retry(RetryTable::Greylisted),
            Self::MailboxFull => Treatment::Retry(RetryTable::MailboxFull),
            Self::Uncertain => Treatment::Retry(RetryTable::Uncertain),
            Self::MessagePermanent | Self::RecipientPermanent => Treatment::Permanent,
        }
    }

    /// What the governor hears.
    #[must_use]
    pub const fn signal(self) -> Signal {
        match self {
            Self::Delivered => Signal::Delivered,
            Self::Connection | Self::Uncertain => Signal::Connection,
            Self::Stale => Signal::Stale,
            Self::Overload(kind) => Signal::Overloaded(kind),
            Self::HostPolicy => Signal::Policy,
            Self::Tls => Signal::Tls,
            Self::MessageTransient(key) => Signal::Deferred(key),
            Self::MessagePermanent
            | Self::Greylisted
            | Self::RecipientTransient
            | Self::MailboxFull
            | Self::RecipientPermanent
            | Self::Split => Signal::Answered,
            Self::Unsent => Signal::Nothing,
        }
    }
}

/// The meaning of a finished transaction and, when the connection ended with it, of its end.
#[must_use]
pub fn attempt(outcome: &Outcome, ending: Option<&Ending>) -> AttemptVerdict {
    if outcome.is_stale() {
        return AttemptVerdict {
            recipients: vec![Class::Stale; outcome.recipients.len()],
            signal: Signal::Stale,
        };
    }
    if outcome.chunking_fault == Some(ChunkingFault::Refused) {
        return bdat_refused(outcome);
    }
    let mut recipients: Vec<Class> = outcome
        .recipients
        .iter()
        .map(|result| of_result(result, ending))
        .collect();
    // A limit on recipients that leaves none is no limit on recipients: without this the message
    // would come back to the head of its lane for ever.
    if !recipients.contains(&Class::Delivered) {
        for class in recipients
            .iter_mut()
            .filter(|class| **class == Class::Split)
        {
            *class = Class::RecipientTransient;
        }
    }
    let mut signal = strongest(recipients.iter().map(|class| class.signal()));
    // Without a transaction's result there is still how the connection ended.
    if recipients.is_empty()
        && let Some(ending) = ending
    {
        signal = Class::of_ending(ending).signal();
    }
    AttemptVerdict { recipients, signal }
}

/// The peer does not know the BDAT that it announced: what it did not refuse before goes again, by
/// DATA this time (OUT7). It says nothing about its health.
fn bdat_refused(outcome: &Outcome) -> AttemptVerdict {
    let class = |result: &RecipientResult| match result {
        RecipientResult::Refused { phase, reply } if *phase == Phase::Rcpt => {
            Class::of_refusal(*phase, reply)
        }
        _ => Class::Stale,
    };
    AttemptVerdict {
        recipients: outcome.recipients.iter().map(class).collect(),
        signal: Signal::Nothing,
    }
}

/// What a probe that reached the host but not a session means.
#[must_use]
pub fn probe(ending: &Ending) -> ProbeOutcome {
    let key = match &ending.cause {
        Cause::Refused(reply) => ReplyKey::of(reply),
        Cause::Ourselves(_) => ReplyKey {
            code: 554,
            enhanced: Some((5, 4, 6)),
        },
        _ => ReplyKey {
            code: 0,
            enhanced: None,
        },
    };
    match Class::of_ending(ending) {
        Class::HostPolicy => ProbeOutcome::Policy(key),
        Class::Tls => ProbeOutcome::Tls,
        Class::Connection | Class::Uncertain | Class::Stale | Class::Unsent => {
            ProbeOutcome::Unreachable
        }
        _ => ProbeOutcome::Refused(key),
    }
}

fn of_result(result: &RecipientResult, ending: Option<&Ending>) -> Class {
    match result {
        RecipientResult::Delivered(_) => Class::Delivered,
        RecipientResult::Refused { phase, reply } => Class::of_refusal(*phase, reply),
        RecipientResult::Unsendable(_) => Class::MessagePermanent,
        RecipientResult::Unanswered { phase } => match ending.map(Class::of_ending) {
            _ if *phase == Phase::FinalReply => Class::Uncertain,
            Some(class @ (Class::Unsent | Class::Tls | Class::HostPolicy)) => class,
            Some(class @ Class::Overload(_)) => class,
            _ => Class::Connection,
        },
    }
}

/// What says most about the destination. A delivery outweighs what was said about other recipients
/// of the message, but not what was said about the host.
fn strongest(signals: impl Iterator<Item = Signal>) -> Signal {
    let rank = |signal: &Signal| match signal {
        Signal::Nothing => 0,
        Signal::Stale => 1,
        Signal::Answered => 2,
        Signal::Deferred(_) => 3,
        Signal::Delivered => 4,
        Signal::Overloaded(_) => 5,
        Signal::Tls => 6,
        Signal::Policy => 7,
        Signal::Connection => 8,
    };
    signals.max_by_key(rank).unwrap_or(Signal::Nothing)
}

const fn is_opening(phase: Phase) -> bool {
    matches!(
        phase,
        Phase::Banner
            | Phase::Ehlo
            | Phase::Helo
            | Phase::StartTls
            | Phase::TlsHandshake
            | Phase::Auth
    )
}

fn permanent_recipient(reply: &Reply) -> Class {
    let enhanced = reply.enhanced.map(|status| (status.subject, status.detail));
    match (reply.code, enhanced) {
        // RFC 5321 §4.5.3.1.10: a client treats 552 to RCPT as 452. With a code that speaks of the
        // mailbox or of the message's size it is what it says.
        (552, None | Some((5, 3))) => Class::Split,
        _ => Class::RecipientPermanent,
    }
}

fn transient_recipient(reply: &Reply) -> Class {
    if is_greylisting(reply) {
        return Class::Greylisted;
    }
    match reply.enhanced.map(|status| (status.subject, status.detail)) {
        Some((5, 3)) => Class::Split,
        Some((2, 2)) => Class::MailboxFull,
        Some((2, 0)) => Class::Greylisted,
        Some((2, _)) => Class::RecipientTransient,
        _ => match overload(reply) {
            Some(kind) => Class::Overload(kind),
            None if is_enhanced(reply, 7, 1) => Class::Greylisted,
            None => Class::RecipientTransient,
        },
    }
}

fn transient_message(reply: &Reply) -> Class {
    if is_greylisting(reply) {
        return Class::Greylisted;
    }
    match overload(reply) {
        Some(kind) => Class::Overload(kind),
        None => Class::MessageTransient(ReplyKey::of(reply)),
    }
}

fn is_enhanced(reply: &Reply, subject: u16, detail: u16) -> bool {
    reply.enhanced == Some(EnhancedStatus::new(4, subject, detail))
}

#[cfg(test)]
mod tests;
