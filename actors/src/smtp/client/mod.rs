//! The client's side of a connection (RFC 5321 §4): greeting, EHLO, STARTTLS, any number of
//! transactions, QUIT. A machine without I/O.
//!
//! The shell hands over what it read ([`Client::receive`]), writes what [`Client::take_output`]
//! gives, and follows the [`Event`]s. It waits at most [`Timeouts::of`] the current
//! [`Client::phase`] and reports an end of the connection or a deadline by [`Client::interrupt`].
//! Always: write all output before the next read; never write after [`Event::Ended`].
//!
//! What leaves is lines ended by CRLF and a body without bare CR, LF or NUL (OUT8).

mod auth;
mod body;
mod capabilities;
mod enquiry;
mod envelope;
mod flow;
mod phase;
mod timeouts;
mod transaction;
mod xforward;

use std::collections::VecDeque;

use bytes::Bytes;
use storage::model::Login;

pub use body::BodyError;
pub use capabilities::Capabilities;
pub use phase::Phase;
pub use timeouts::Timeouts;
pub use transaction::{ChunkingFault, Outcome, RecipientResult, Transaction, Unsendable};
pub use xforward::{Attribute, Origin};

use self::body::{Framing, OutgoingBody};
use self::flow::{Delivery, Expected};
use super::outbox::Outbox;
use super::reply::Reply;
use super::reply_parser::{ReplyError, ReplyParser};

/// When to ask for STARTTLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartTls {
    /// Never, e.g. because a handshake with this peer has failed lately.
    Never,
    /// When the peer announces it; in clear when it does not or refuses.
    WhenOffered,
    /// Always; a peer without it is left.
    Always,
}

/// How to speak to one peer.
#[derive(Debug, Clone)]
pub struct Options {
    /// Our name in EHLO.
    pub helo_name: String,
    /// Encryption.
    pub starttls: StartTls,
    /// Use BDAT where offered. False after a peer has failed with it (OUT7).
    pub chunking: bool,
    /// Send several commands in one flight where offered.
    pub pipelining: bool,
    /// As whom to sign in; only ever done inside TLS (OUT18).
    pub login: Option<Login>,
    /// Refuse eight-bit content locally when the peer has no 8BITMIME, instead of sending it as it
    /// is (OUT10).
    pub eight_bit_only_where_offered: bool,
}

/// What the shell has to know or do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The connection is free: call [`Client::begin`] or [`Client::quit`]. Comes after the
    /// greeting and after every transaction on a connection that goes on.
    Ready,
    /// Make a TLS handshake on the stream, then call [`Client::tls_established`], or
    /// [`Client::interrupt`] with [`Cause::TlsFailed`].
    StartTls,
    /// Send the body: [`Client::body`] for each piece, then [`Client::end_body`].
    BodyWanted,
    /// The answer to the RCPT of [`Client::enquire`]; none when the peer did not let it come so far.
    Enquired(Option<Reply>),
    /// The transaction is over. [`Event::Ready`] or [`Event::Ended`] follows.
    Finished(Outcome),
    /// The connection is of no further use: close it.
    Ended(Ending),
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// What the client was waiting for.
    pub phase: Phase,
    /// Why it ended.
    pub cause: Cause,
    /// Transactions that were completed before.
    pub transactions: u32,
}

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The peer refused the session (greeting, EHLO, STARTTLS when it is demanded) or said 421.
    #[error("{} {}", .0.code, .0.text())]
    Refused(Reply),
    /// STARTTLS is demanded and was not offered.
    #[error("STARTTLS is required and the peer does not offer it")]
    TlsNotOffered,
    /// We were to sign in, and no mechanism that we have is offered.
    #[error("a password is configured and the peer offers neither AUTH PLAIN nor AUTH LOGIN")]
    AuthNotOffered,
    /// The peer has our own name, or our own address: mail would come back to us (OUT24).
    #[error("5.4.6 the destination is this node itself ({0}): mail would loop")]
    Ourselves(String),
    /// The handshake failed.
    #[error("TLS handshake failed: {0}")]
    TlsFailed(String),
    /// Plaintext came along with the answer to STARTTLS: somebody injects (Q29).
    #[error("plaintext was injected before the TLS handshake")]
    PlaintextInjected,
    /// The peer does not speak SMTP.
    #[error(transparent)]
    Malformed(#[from] ReplyError),
    /// A reply that nothing asked for.
    #[error("unexpected reply {} {}", .0.code, .0.text())]
    Unexpected(Reply),
    /// The body could not be sent as announced.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The peer closed the connection or it was reset.
    #[error("connection lost: {0}")]
    Lost(String),
    /// The phase's deadline passed.
    #[error("timed out")]
    TimedOut,
    /// We said QUIT.
    #[error("closed")]
    Quit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Greeting, EHLO, STARTTLS.
    Opening,
    /// Between the 220 of STARTTLS and the end of the handshake.
    Handshake,
    /// Free or in a transaction.
    Open,
    /// QUIT was sent.
    Leaving,
    Closed,
}

/// One connection to a peer.
#[derive(Debug)]
pub struct Client {
    options: Options,
    standing: Standing,
    parser: ReplyParser,
    outbox: Outbox,
    events: VecDeque<Event>,
    expected: VecDeque<Expected>,
    capabilities: Capabilities,
    greeting: String,
    peer_name: Option<String>,
    is_encrypted: bool,
    signed_in: bool,
    reset_needed: bool,
    transactions: u32,
    delivery: Option<Delivery>,
    /// The RCPT line of an enquiry, until its sender was accepted.
    enquiry: Option<String>,
}

impl Client {
    /// A client on a fresh connection, waiting for the greeting.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            standing: Standing::Opening,
            parser: ReplyParser::default(),
            outbox: Outbox::default(),
            events: VecDeque::new(),
            expected: VecDeque::from([Expected::Banner]),
            capabilities: Capabilities::default(),
            greeting: String::new(),
            peer_name: None,
            is_encrypted: false,
            signed_in: false,
            reset_needed: false,
            transactions: 0,
            delivery: None,
            enquiry: None,
        }
    }

    /// What the client is waiting for right now.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.standing {
            Standing::Closed => return Phase::Closed,
            Standing::Handshake => return Phase::TlsHandshake,
            _ => {}
        }
        match self.expected.front() {
            None => Phase::Idle,
            Some(Expected::FinalReply) if self.is_sending_body() => Phase::Body,
            Some(expected) => expected.phase(),
        }
    }

    /// What the peer announced last.
    #[must_use]
    pub const fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// The name by which the peer introduced itself: compare it with our own to find loops (OUT24).
    #[must_use]
    pub fn peer_name(&self) -> Option<&str> {
        self.peer_name.as_deref()
    }

    /// The text of the greeting; empty before it has come.
    #[must_use]
    pub fn greeting(&self) -> &str {
        &self.greeting
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// Transactions that ended on this connection, whatever became of them.
    #[must_use]
    pub const fn transactions(&self) -> u32 {
        self.transactions
    }

    /// The next thing to do or to know, if there is one.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next bytes to write, if there are any. Each is meant for one write.
    pub fn take_output(&mut self) -> Option<Bytes> {
        self.outbox.take()
    }

    /// Takes what was read from the peer.
    pub fn receive(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.standing {
                Standing::Closed => return,
                Standing::Handshake => return self.end(Cause::PlaintextInjected),
                _ => {}
            }
            match self.parser.push(&mut bytes) {
                Ok(Some(reply)) => self.on_reply(reply),
                Ok(None) => {}
                Err(error) => return self.end(Cause::Malformed(error)),
            }
        }
    }

    /// The handshake is done: everything learnt in clear is forgotten (RFC 3207 §4.2).
    pub fn tls_established(&mut self) {
        if self.standing == Standing::Handshake {
            self.standing = Standing::Opening;
            self.is_encrypted = true;
            self.capabilities = Capabilities::default();
            self.send_ehlo();
        }
    }

    /// Sends QUIT; [`Event::Ended`] follows with the answer, or without one by
    /// [`Client::interrupt`]. Nothing happens in the middle of a transaction.
    pub fn quit(&mut self) {
        if self.standing == Standing::Open && self.expected.is_empty() {
            self.standing = Standing::Leaving;
            self.send("QUIT\r\n", Expected::Quit);
        }
    }

    /// The connection ended or a deadline passed. A transaction in progress is finished with what
    /// is known by now.
    pub fn interrupt(&mut self, cause: Cause) {
        if self.standing != Standing::Closed {
            self.end(cause);
        }
    }

    /// Starts a transaction. Call it only after [`Event::Ready`]; otherwise nothing is sent and the
    /// outcome says that no recipient was answered.
    pub fn begin(&mut self, transaction: Transaction) {
        let delivery = Delivery::new(transaction, self.transactions);
        if self.standing != Standing::Open || self.delivery.is_some() {
            let outcome = delivery.unanswered(self.phase());
            self.events.push_back(Event::Finished(outcome));
            return;
        }
        self.start(delivery);
    }

    /// Hands over the next piece of the body.
    ///
    /// # Errors
    /// When the piece holds a bare CR, LF or NUL, or exceeds the announced size. The connection has
    /// ended then, see [`Event::Ended`].
    pub fn body(&mut self, chunk: Bytes) -> Result<(), BodyError> {
        let outbox = &mut self.outbox;
        let pushed = match self.delivery.as_mut().and_then(|d| d.body.as_mut()) {
            Some(body) => body.push(chunk, outbox),
            None => Err(BodyError::NotExpected),
        };
        pushed.inspect_err(|error| self.end(Cause::Body(*error)))
    }

    /// Ends the body: the final dot, or the end of the counted octets.
    ///
    /// # Errors
    /// When the body is shorter than announced. The connection has ended then.
    pub fn end_body(&mut self) -> Result<(), BodyError> {
        let outbox = &mut self.outbox;
        let ended = match self.delivery.as_mut().and_then(|d| d.body.take()) {
            Some(body) => body.end(outbox),
            None => Err(BodyError::NotExpected),
        };
        ended.inspect_err(|error| self.end(Cause::Body(*error)))
    }

    /// Whether [`Event::BodyWanted`] has come and [`Client::end_body`] has not been called. It turns
    /// false by itself when the peer ends the transaction early: stop sending then.
    #[must_use]
    pub fn is_sending_body(&self) -> bool {
        self.delivery
            .as_ref()
            .is_some_and(|delivery| delivery.body.is_some())
    }

    fn send(&mut self, line: &str, expected: Expected) {
        self.outbox.push_slice(line.as_bytes());
        self.expected.push_back(expected);
    }

    fn open_body(&mut self, framing: Framing) {
        if let Some(delivery) = self.delivery.as_mut() {
            let size = delivery.transaction.size_bytes;
            delivery.body = Some(OutgoingBody::new(framing, size));
            delivery.chunked = framing == Framing::Counted;
            delivery.body_begun = true;
            self.expected.push_back(Expected::FinalReply);
            self.events.push_back(Event::BodyWanted);
        }
    }

    fn end(&mut self, cause: Cause) {
        let phase = self.phase();
        if let Some(delivery) = self.delivery.take() {
            let reply = match &cause {
                Cause::Refused(reply) => Some(reply.clone()),
                _ => None,
            };
            let lost = matches!(cause, Cause::Lost(_));
            let outcome = delivery.interrupted(phase, reply, lost);
            self.events.push_back(Event::Finished(outcome));
        }
        self.standing = Standing::Closed;
        self.expected.clear();
        self.outbox = Outbox::default();
        self.events.push_back(Event::Ended(Ending {
            phase,
            cause,
            transactions: self.transactions,
        }));
    }
}

#[cfg(test)]
mod tests;
