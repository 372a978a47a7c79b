//! What goes into a governor and what comes out of it.
//!
//! The shell owns sockets and timers and nothing else: it turns what happens into a
//! [`GovernorEvent`] and carries out each [`GovernorEffect`] in the order given. Three promises
//! bind both sides:
//!
//! - Every [`GovernorEffect::Grant`] is answered by exactly one [`GovernorEvent::Finished`] or
//!   [`GovernorEvent::Returned`] with its permit.
//! - Every [`GovernorEffect::Probe`] is answered by exactly one [`GovernorEvent::Probed`].
//! - A connection belongs to the governor's books from the grant or the successful probe that opened
//!   it until a `Finished` or `Returned` that says it is closed, a
//!   [`GovernorEvent::ConnectionClosed`], or a [`GovernorEffect::Close`].

use std::time::Duration;

use storage::model::DomainId;

use super::super::classify::{ReplyKey, Signal};
use super::super::health::{Health, Trouble};

/// The place of an endpoint in the route's list ([`crate::delivery::RouteKey::endpoints`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointId(pub usize);

/// The right to send one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PermitId(pub u64);

/// One probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProbeId(pub u64);

/// One connection, named by the governor before it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// Which message a domain should send with a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pick {
    /// Whatever its lanes say.
    Next,
    /// A canary: the oldest small message (see [`super::CANARY_SIZE_MAX`]) that is not bulk, a
    /// different one at each try; when there is none, whatever its lanes say.
    Canary,
    /// The smallest message it knows of: the destination is short of space.
    Smallest,
}

/// What the shell does with a granted permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// Take this idle connection.
    Reuse(ConnectionId),
    /// Open a new connection and call it so. A connection that cannot be opened is
    /// [`GovernorEvent::Finished`] with [`Conveyance::Closed`]; no message is involved then.
    Open(ConnectionId),
}

/// What became of the connection that an attempt used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conveyance {
    /// It is idle and fit for another transaction.
    Kept,
    /// It is closed.
    Closed,
}

/// The result of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptReport {
    /// What it says about the destination.
    pub signal: Signal,
    /// Time the destination took to answer: MAIL/RCPT replies and the final reply, without the
    /// transfer of the body (`Sent::latency`). None when there was no complete dialogue.
    pub latency: Option<Duration>,
    /// Octets of the message; zero when none was involved.
    pub size_bytes: u64,
    /// What became of the connection.
    pub conveyance: Conveyance,
    /// The refusal came while the connection was being opened (greeting, EHLO, STARTTLS).
    pub at_opening: bool,
}

/// How a probe ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// Greeting, EHLO and, where demanded, STARTTLS: the socket is kept, idle, under the probe's
    /// connection id.
    Ready {
        /// The greeting or EHLO looks like Microsoft Exchange, which answers many connections with
        /// delays: the ramp is careful until it has proved itself.
        looks_like_exchange: bool,
    },
    /// Refused, reset, unreachable, no name, silent, broken.
    Unreachable,
    /// It answered 4yz: alive, but not willing.
    Refused(ReplyKey),
    /// It answered 5yz or talks no SMTP: a person has to look.
    Policy(ReplyKey),
    /// Encryption is demanded and fails.
    Tls,
}

/// What happens to a route.
#[derive(Debug, Clone, PartialEq)]
pub enum GovernorEvent {
    /// The time of the last [`GovernorEffect::WakeAt`] has come (or any other time).
    Tick,
    /// How many messages a domain could send now, those with a permit not counted. Replaces what it
    /// said before; zero withdraws.
    Demand {
        /// The domain.
        domain: DomainId,
        /// Messages.
        ready: u32,
        /// A small message that is not bulk is among them: a good canary.
        has_canary: bool,
    },
    /// The domain has chosen a message for a permit.
    Picked {
        /// The permit.
        permit: PermitId,
        /// Octets of the message.
        size_bytes: u64,
    },
    /// The domain had nothing to send after all. Its demand counts as zero until it speaks again.
    Returned {
        /// The permit.
        permit: PermitId,
        /// What became of the connection: `Closed` as well when it was never opened.
        conveyance: Conveyance,
    },
    /// An attempt is over; also when the task that made it died ([`Signal::Nothing`], closed).
    Finished {
        /// The permit.
        permit: PermitId,
        /// The result.
        report: AttemptReport,
    },
    /// An idle connection was closed by the peer or failed.
    ConnectionClosed {
        /// The connection.
        connection: ConnectionId,
    },
    /// A probe is over.
    Probed {
        /// The probe.
        probe: ProbeId,
        /// How it ended.
        outcome: ProbeOutcome,
    },
    /// An administrator has reason to believe that the destination is back. Probes at once.
    ProbeNow,
    /// A host that is down was seen alive, or has other addresses. Probes at once, unless the last
    /// sign was a moment ago; pauses after refusals go on afterwards.
    SignOfLife,
    /// Mail has come that has broken no connection yet. A host that breaks every transaction is asked
    /// at once: it may be the message, not the host.
    MailCame,
    /// How often a host that does not answer is asked from now on: the node's probes are few
    /// ([`crate::delivery::probe_budget`]).
    ProbePeriod {
        /// Mean time between two probes.
        mean: Duration,
    },
    /// The process stops: no new permits, no probes, idle connections are closed.
    Drain,
}

/// Something a person should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GovernorAlert {
    /// Every endpoint is down.
    Down(Trouble),
    /// The destination takes mail again.
    Up {
        /// How long it was down.
        after: Duration,
    },
    /// An endpoint refuses everybody.
    Policy {
        /// Which.
        endpoint: EndpointId,
        /// What it said.
        reply: ReplyKey,
    },
    /// Encryption is demanded and fails.
    Tls {
        /// Which.
        endpoint: EndpointId,
    },
    /// The destination is out of space.
    ResourceFull {
        /// Which.
        endpoint: EndpointId,
    },
}

/// What a governor wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum GovernorEffect {
    /// Dial the endpoint and go as far as EHLO (and STARTTLS). Never MAIL (S11).
    Probe {
        /// To be named in [`GovernorEvent::Probed`].
        probe: ProbeId,
        /// Where.
        endpoint: EndpointId,
        /// The name of the connection when it succeeds.
        connection: ConnectionId,
        /// A connection has just failed: this one is to be short.
        confirms: bool,
    },
    /// A domain may send one message.
    Grant {
        /// To be named in `Picked`, `Finished` and `Returned`.
        permit: PermitId,
        /// The domain.
        domain: DomainId,
        /// Where.
        endpoint: EndpointId,
        /// On which connection.
        via: Via,
        /// Which message.
        pick: Pick,
    },
    /// Say QUIT on an idle connection. It is out of the books.
    Close {
        /// Which.
        connection: ConnectionId,
    },
    /// Send [`GovernorEvent::Tick`] at this time; replaces the one asked for before.
    WakeAt(Duration),
    /// The route's health is another one.
    StateChanged(Health),
    /// Tell a person.
    Alert(GovernorAlert),
}
