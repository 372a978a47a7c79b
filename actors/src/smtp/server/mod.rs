//! The server's side of a connection (RFC 5321 §3 and §4) as a machine without I/O.
//!
//! The shell keeps an input buffer and calls [`Server::step`] until it wants nothing more; each
//! [`Effect`] is carried out in its order. Three effects are questions; the machine stands still
//! until the answer is given. Replies are printed in the order of the commands, and the shell writes
//! them when `step` returns nothing, so pipelined commands are answered in one write (RFC 2920).
//!
//! What always holds: a 250 to the end of the data comes only after [`Server::committed`] was told
//! [`Commit::Stored`]; a message with a bare CR, LF or NUL, too large, or looping is never offered
//! for a commit; nothing in clear survives STARTTLS.

mod basic;
mod bdat;
mod content;
mod data;
mod ehlo;
mod mail;
mod rcpt;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use storage::model::{
    ClientFacts, DsnReturn, Envelope, ForwardPath, MessageId, Recipient, ReversePath, Timestamp,
};

use self::content::Content;
use super::command::{Command, CommandError};
use super::header::HeaderFacts;
use super::limits::{
    ERRORS_MAX, ERRORS_MAX_STRESS, IDLE_COMMANDS_MAX, MESSAGE_SIZE_MAX, UNKNOWN_RECIPIENTS_MAX,
};
use super::line::{Found, Line, LineReader};
use super::reply::Reply;
use super::sloppy::Newlines;

/// What all sessions of a listener share.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Our name in the greeting, EHLO and `Received`.
    pub hostname: String,
    /// Octets of a message (RFC 1870).
    pub message_size_max: u64,
    /// STARTTLS is offered.
    pub starttls: bool,
    /// What becomes of bare CR and LF in messages (IN5).
    pub newlines: Newlines,
    /// A null sender may name one recipient only: no notification has more (IN11).
    pub null_sender_is_single: bool,
}

impl ServerConfig {
    /// The defaults.
    #[must_use]
    pub fn new(hostname: impl Into<String>) -> Self {
        Self {
            hostname: hostname.into(),
            message_size_max: MESSAGE_SIZE_MAX,
            starttls: false,
            newlines: Newlines::Reject,
            null_sender_is_single: false,
        }
    }
}

/// What the shell has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Print this reply.
    Send(Reply),
    /// May a transaction begin? Answer with [`Server::sender_checked`].
    CheckSender {
        /// `SIZE=`, when it was declared.
        size_bytes: Option<u64>,
    },
    /// Is this recipient ours? Answer with [`Server::recipient_checked`].
    CheckRecipient(RecipientQuery),
    /// A message begins. Answer with [`Server::body_opened`]; exactly one [`Effect::Commit`] or
    /// [`Effect::DropBody`] follows, unless the connection is lost.
    OpenBody,
    /// The next piece of the body.
    Body(Bytes),
    /// Forget the body; nothing of it is kept.
    DropBody,
    /// Make this message durable. Answer with [`Server::committed`].
    Commit(Box<Submission>),
    /// Write all replies, make a TLS handshake, then call [`Server::tls_established`].
    StartTls,
    /// Write all replies, then close.
    Close,
}

/// A message that is complete and acceptable by protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// Its queue id.
    pub id: MessageId,
    /// Who sent it to whom.
    pub envelope: Envelope,
    /// Its header section as received, without our trace field.
    pub header: Bytes,
    /// What the header section tells.
    pub facts: HeaderFacts,
}

/// What has to be known about a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientQuery {
    /// Who.
    pub path: ForwardPath,
    /// An address of the transaction is not ASCII, so that the way there needs SMTPUTF8 (IN17).
    pub needs_utf8: bool,
    /// `SIZE=`, when it was declared (IN13).
    pub size_bytes: Option<u64>,
}

/// Whether a transaction may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Yes.
    Open,
    /// No room: 452 4.3.1.
    Full,
    /// Hardly any room: 421 4.3.2 and close.
    Critical,
    /// The store is broken: 451 4.3.0.
    Broken,
}

/// Whether a recipient is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecipientVerdict {
    /// Yes.
    Accepted,
    /// The domain is none of ours: 550 5.7.1.
    ForeignDomain,
    /// The domain is ours, the mailbox does not exist: 550 5.1.1.
    Unknown,
    /// The mailbox exists and takes no mail: 550 5.2.1.
    Disabled,
    /// It cannot be known now: 451 4.3.0.
    Unavailable,
    /// The destination takes no message of the declared size: 552 5.3.4.
    TooLarge {
        /// What it takes, in octets.
        limit: u64,
    },
    /// The destination does not take internationalised addresses: 550 5.6.7.
    NoUtf8,
    /// The client has tried too many that do not exist: 421 4.7.0 and close, whoever this one is.
    Harvesting,
}

/// What became of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commit {
    /// It is on disk.
    Stored,
    /// It is not: 451 4.3.0.
    Failed,
    /// There was no room: 452 4.3.1.
    Full,
    /// Policy refuses it with this reply.
    Refused(Reply),
}

/// What a TLS handshake brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFacts {
    /// E.g. `TLSv1.3`.
    pub version: String,
    /// The cipher suite.
    pub cipher: String,
}

/// How the peer introduced itself; its name stands in the client facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// By HELO.
    Smtp,
    /// By EHLO.
    Esmtp,
}

#[derive(Debug)]
struct Transaction {
    reverse_path: ReversePath,
    recipients: Vec<Recipient>,
    smtputf8: bool,
    size_bytes: Option<u64>,
    dsn_return: Option<DsnReturn>,
    envelope_id: Option<String>,
    /// A RCPT was tried, whatever came of it.
    has_tried_recipients: bool,
    /// BDAT has begun: only BDAT and RSET may follow (RFC 3030 §2).
    chunks: Option<Chunks>,
}

#[derive(Debug)]
enum Chunks {
    Open(Box<Content>),
    /// A chunk was refused; the rest is swallowed until RSET.
    Refused,
}

/// What the machine is at.
#[derive(Debug)]
enum State {
    /// Before the greeting.
    New,
    /// Waiting for a command.
    Command,
    /// A question was asked.
    Asked(Question),
    /// Inside DATA.
    Data(Box<Content>),
    /// Inside a BDAT chunk.
    Chunk {
        remaining: u64,
        is_last: bool,
    },
    /// Inside a BDAT chunk that is refused with this reply.
    Swallow {
        remaining: u64,
        reply: Reply,
    },
    Closed,
}

#[derive(Debug)]
enum Question {
    Sender(Box<Transaction>),
    Recipient(Box<Recipient>),
    Data,
    Chunk { size_bytes: u64, is_last: bool },
    Commit(MessageId),
    Tls,
}

/// One connection.
#[derive(Debug)]
pub struct Server {
    config: Arc<ServerConfig>,
    client: ClientFacts,
    state: State,
    lines: LineReader,
    effects: VecDeque<Effect>,
    dialect: Option<Dialect>,
    transaction: Option<Box<Transaction>>,
    errors: u32,
    /// Commands since the last message that bring none nearer.
    idle_commands: u32,
    /// Recipients that do not exist, on this connection.
    unknown_recipients: u32,
    commands: u64,
    messages: u32,
    is_under_stress: bool,
    is_draining: bool,
}

impl Server {
    /// A session for a peer of whom only the address and perhaps the name are known.
    #[must_use]
    pub fn new(config: Arc<ServerConfig>, client: ClientFacts) -> Self {
        Self {
            config,
            client,
            state: State::New,
            lines: LineReader::default(),
            effects: VecDeque::new(),
            dialect: None,
            transaction: None,
            errors: 0,
            idle_commands: 0,
            unknown_recipients: 0,
            commands: 0,
            messages: 0,
            is_under_stress: false,
            is_draining: false,
        }
    }

    /// Recipients of the transaction so far.
    #[must_use]
    pub fn recipients(&self) -> &[Recipient] {
        let transaction = self.transaction.as_deref();
        transaction.map_or(&[], |transaction| &transaction.recipients)
    }

    /// Who the peer is.
    #[must_use]
    pub const fn client(&self) -> &ClientFacts {
        &self.client
    }

    /// Puts another address in place of the peer's: the one that a proxy has named (IN28).
    pub const fn set_client_address(&mut self, address: IpAddr) {
        self.client.ip = address;
    }

    /// The name of the client's address, for the trace field (IN7).
    pub fn set_client_name(&mut self, name: String) {
        self.client.reverse_name = Some(name);
    }

    /// Command lines that were read to their end.
    #[must_use]
    pub const fn commands(&self) -> u64 {
        self.commands
    }

    /// Messages that were taken over on this connection.
    #[must_use]
    pub const fn messages(&self) -> u32 {
        self.messages
    }

    /// Whether a transaction is under way (from MAIL on).
    #[must_use]
    pub fn is_in_transaction(&self) -> bool {
        self.transaction.is_some() || !matches!(self.state, State::Command | State::New)
    }

    /// Goes on with what is in `input`, taking off its front what it used. Nothing means: write what
    /// was printed and read more, or answer the question that was asked.
    pub fn step(&mut self, input: &mut BytesMut) -> Option<Effect> {
        loop {
            if let Some(effect) = self.effects.pop_front() {
                return Some(effect);
            }
            let went_on = match self.state {
                State::New | State::Asked(_) | State::Closed => false,
                State::Command => self.read_command(input),
                State::Data(_) => self.read_data(input),
                State::Chunk { .. } => self.read_chunk(input),
                State::Swallow { .. } => self.swallow(input),
            };
            if !went_on && self.effects.is_empty() {
                return None;
            }
        }
    }

    /// The peer was silent for too long (IN4): 421 and close.
    pub fn idle_timeout(&mut self) {
        self.abandon();
        self.close_with(Reply::new(421, (4, 2), "idle for too long"));
    }

    /// Says whether the node is short of connections: it has less patience with errors then (IN4).
    pub const fn set_stress(&mut self, is_under_stress: bool) {
        self.is_under_stress = is_under_stress;
    }

    /// The node stops: an idle session ends now, a transaction may still finish (IN30).
    pub fn drain(&mut self) {
        self.is_draining = true;
        if !self.is_in_transaction() && !matches!(self.state, State::Closed) {
            self.close_for_shutdown();
        }
    }

    /// The node stops now, whatever is under way: 421 and close.
    pub fn shut_down(&mut self) {
        self.close_for_shutdown();
    }

    /// The handshake is done: everything said in clear is forgotten (RFC 3207 §4.2).
    pub fn tls_established(&mut self, tls: TlsFacts) {
        if matches!(self.state, State::Asked(Question::Tls)) {
            self.client.tls_version = Some(tls.version);
            self.client.tls_cipher = Some(tls.cipher);
            self.client.helo.clear();
            self.dialect = None;
            self.transaction = None;
            self.state = State::Command;
        }
    }

    fn read_command(&mut self, input: &mut BytesMut) -> bool {
        if self.is_draining && self.transaction.is_none() {
            self.close_for_shutdown();
            return true;
        }
        let (line, taken) = match self.lines.next(input) {
            Found::Nothing(taken) => {
                input.advance(taken);
                return false;
            }
            Found::Line(Line::Clean(line), taken) => (Ok(Command::parse(line)), taken),
            Found::Line(Line::Faulty(fault), taken) => {
                let text = format!("{fault} in a command");
                (Err(Reply::new(500, (5, 2), text)), taken)
            }
            Found::Line(Line::TooLong, taken) => {
                (Err(Reply::new(500, (5, 2), "line too long")), taken)
            }
        };
        input.advance(taken);
        self.commands += 1;
        match line {
            Ok(Ok(command)) => self.on_command(command, input),
            Ok(Err(error)) => self.on_command_error(error),
            Err(reply) => self.answer(reply),
        }
        true
    }

    fn on_command(&mut self, command: Command, input: &BytesMut) {
        match command {
            Command::Ehlo(name) => self.on_helo(name, true, input),
            Command::Helo(name) => self.on_helo(name, false, input),
            Command::StartTls => self.on_starttls(input),
            Command::Mail(mail) => self.on_mail(mail),
            Command::Rcpt(recipient) => self.on_rcpt(recipient),
            Command::Data => self.on_data(),
            Command::Bdat {
                size_bytes,
                is_last,
            } => self.on_bdat(size_bytes, is_last),
            Command::Rset => self.on_rset(),
            Command::Noop => self.on_noop(),
            Command::Help => self.on_help(),
            Command::Vrfy => self.on_vrfy(),
            Command::Quit => self.on_quit(),
        }
    }

    fn on_command_error(&mut self, error: CommandError) {
        let text = error.to_string();
        let reply = match error {
            CommandError::Http => {
                return self.close_with(Reply::new(221, (7, 0), text));
            }
            CommandError::Unknown => Reply::new(500, (5, 1), text),
            CommandError::NotImplemented => Reply::new(502, (5, 1), text),
            CommandError::NotUtf8 => Reply::new(500, (5, 2), text),
            CommandError::Syntax(_) | CommandError::Parameter(_) => Reply::new(501, (5, 4), text),
            CommandError::UnknownParameter => Reply::new(555, (5, 4), text),
            CommandError::Sender(_) => Reply::new(501, (1, 7), text),
            CommandError::Recipient(_) => Reply::new(501, (1, 3), text),
            CommandError::SourceRoute => Reply::new(550, (7, 1), text),
        };
        self.answer(reply);
    }

    fn send(&mut self, reply: Reply) {
        self.effects.push_back(Effect::Send(reply));
    }

    /// Sends a reply; permanent refusals are counted and too many of them end the session.
    fn answer(&mut self, reply: Reply) {
        let counts = reply.is_permanent();
        self.send(reply);
        if counts {
            self.errors += 1;
            self.end_if_hopeless();
        }
    }

    /// Counts a command that brings no mail; a peer that has nothing else to say is sent away.
    fn count_idle_command(&mut self) {
        self.idle_commands += 1;
        if self.idle_commands > IDLE_COMMANDS_MAX {
            self.give_up("too many commands without mail");
        }
    }

    fn end_if_hopeless(&mut self) {
        let errors_max = if self.is_under_stress {
            ERRORS_MAX_STRESS
        } else {
            ERRORS_MAX
        };
        if self.errors >= errors_max {
            self.give_up("too many errors");
        } else if self.unknown_recipients >= UNKNOWN_RECIPIENTS_MAX {
            self.give_up("too many recipients that do not exist");
        }
    }

    fn give_up(&mut self, text: &'static str) {
        self.abandon();
        self.close_with(Reply::new(421, (7, 0), text));
    }

    fn out_of_order(&mut self, text: &'static str) {
        self.answer(Reply::new(503, (5, 1), text));
    }

    fn close_with(&mut self, reply: Reply) {
        if matches!(self.state, State::Closed) {
            return;
        }
        self.send(reply);
        self.effects.push_back(Effect::Close);
        self.state = State::Closed;
        self.transaction = None;
    }

    fn close_for_shutdown(&mut self) {
        self.abandon();
        self.close_with(Reply::new(421, (3, 2), "shutting down"));
    }

    /// Drops what was received of a message.
    fn abandon(&mut self) {
        let in_body = match &mut self.state {
            State::Data(content) => content.take_open(),
            _ => match self.transaction.as_mut().and_then(|t| t.chunks.as_mut()) {
                Some(Chunks::Open(content)) => content.take_open(),
                _ => false,
            },
        };
        if in_body {
            self.effects.push_back(Effect::DropBody);
        }
        self.transaction = None;
    }
}

/// Answers to the questions.
impl Server {
    /// Answers [`Effect::CheckSender`].
    pub fn sender_checked(&mut self, admission: Admission) {
        if let State::Asked(Question::Sender(transaction)) = self.ready() {
            self.on_sender_checked(transaction, admission);
        }
    }

    /// Answers [`Effect::CheckRecipient`].
    pub fn recipient_checked(&mut self, verdict: &RecipientVerdict) {
        if let State::Asked(Question::Recipient(recipient)) = self.ready() {
            self.on_recipient_checked(*recipient, verdict);
        }
    }

    /// Answers [`Effect::OpenBody`]: the message's queue id and the time of its `Received` field.
    pub fn body_opened(&mut self, id: MessageId, at: Timestamp) {
        match self.ready() {
            State::Asked(Question::Data) => self.on_data_opened(id, at),
            State::Asked(Question::Chunk {
                size_bytes,
                is_last,
            }) => self.on_chunks_opened(id, at, size_bytes, is_last),
            _ => {}
        }
    }

    /// Answers [`Effect::Commit`].
    pub fn committed(&mut self, commit: Commit) {
        if let State::Asked(Question::Commit(id)) = self.ready() {
            self.on_committed(id, commit);
        }
    }

    /// Takes the question out; commands go on unless the answer says otherwise. In any other state
    /// nothing changes.
    fn ready(&mut self) -> State {
        if matches!(self.state, State::Asked(_)) {
            std::mem::replace(&mut self.state, State::Command)
        } else {
            State::Closed
        }
    }
}

#[cfg(test)]
mod tests;
