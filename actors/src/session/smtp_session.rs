//! One SMTP session: an actor whose turns it orders itself.
//!
//! A turn answers everything that has been read, writes the replies in one go and waits for more;
//! then the session sends itself the next turn, so at most one message of it is ever in a mailbox.
//! What it holds (permit, body, socket) is given back by dropping it, after a panic too.

use std::io;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use storage::model::ClientFacts;
use storage::spool::IntakeState;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::gate::Permit;
use super::intake::{InForce, Intake};
use super::listener::ListenerOptions;
use super::patience::{Awaited, Patience};
use super::proxy::{self, Proxied};
use super::wire::Wire;
use super::{recipients, submission};
use crate::continuity::Sample;
use crate::filter::IncomingBody;
use crate::metrics;
use crate::smtp::limits;
use crate::smtp::server::{Admission, Commit, Effect, RecipientQuery, RecipientVerdict, Server};

/// The actor, for connections over `S`.
#[derive(Debug)]
pub struct SmtpSession<S>(PhantomData<fn() -> S>);

impl<S> Default for SmtpSession<S> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// What a session says to itself.
#[derive(Debug, Clone, Copy)]
pub enum SessionMessage {
    /// Greet the peer.
    Greet,
    /// Answer what was read, then read.
    Turn,
}

/// What a session starts with.
#[derive(Debug)]
pub struct Connection<S> {
    /// The stream, accepted just now.
    pub stream: S,
    /// The peer's address.
    pub peer: IpAddr,
    /// How its listener takes connections.
    pub options: ListenerOptions,
    /// Counts the connection.
    pub permit: Permit,
    /// Turns true when the node stops.
    pub stopping: watch::Receiver<bool>,
    /// Dropped when the session is over.
    pub alive: mpsc::Sender<()>,
    /// The rest of the world.
    pub intake: Arc<Intake>,
}

/// A session under way.
#[derive(Debug)]
pub struct Session<S> {
    id: u64,
    wire: Wire<S>,
    server: Server,
    intake: Arc<Intake>,
    in_force: Arc<InForce>,
    body: Option<IncomingBody>,
    /// The beginning of the message, for continuity copies.
    sample: Option<Sample>,
    is_proxied: bool,
    /// The name of the client's address was asked for.
    is_name_known: bool,
    patience: Patience,
    stress: watch::Receiver<bool>,
    stopping: watch::Receiver<bool>,
    /// When the grace period of a stop is over, by the monotonic clock.
    stop_at: Option<Duration>,
    _open: Open,
    permit: Permit,
    _alive: mpsc::Sender<()>,
}

/// Counts an open session in the metrics.
#[derive(Debug)]
struct Open;

impl Open {
    fn new() -> Self {
        metrics::session_opened();
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::session_closed();
    }
}

/// What ended a wait.
enum Came {
    Stop,
    /// A read, or the end of the patience.
    Read(Result<io::Result<usize>, Elapsed>),
}

/// Whether the session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    End,
}

impl<S> Actor for SmtpSession<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Msg = SessionMessage;
    /// None once the session has ended: ractor sends an ended actor's state to its parent, and what
    /// the session holds must not wait in the parent's mailbox.
    type State = Option<Session<S>>;
    type Arguments = Connection<S>;

    async fn pre_start(
        &self,
        myself: ActorRef<SessionMessage>,
        connection: Connection<S>,
    ) -> Result<Self::State, ActorProcessingErr> {
        myself.cast(SessionMessage::Greet)?;
        Ok(Some(Session::new(connection)))
    }

    async fn handle(
        &self,
        myself: ActorRef<SessionMessage>,
        message: SessionMessage,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let Some(session) = state else {
            return Ok(());
        };
        let flow = match message {
            SessionMessage::Greet => session.greet().await,
            SessionMessage::Turn => session.turn().await,
        };
        match flow {
            Ok(Flow::On) => myself.cast(SessionMessage::Turn)?,
            Ok(Flow::End) => myself.stop(None),
            Err(error) => {
                tracing::debug!(session.id = session.id, %error, "connection lost");
                myself.stop(None);
            }
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<SessionMessage>,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        *state = None;
        Ok(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    fn new(connection: Connection<S>) -> Self {
        let in_force = connection.intake.in_force();
        let client = ClientFacts {
            ip: connection.peer,
            helo: String::new(),
            reverse_name: None,
            tls_version: None,
            tls_cipher: None,
            authenticated_sender: false,
        };
        let id = connection.intake.next_session();
        tracing::debug!(session.id = id, client.ip = %connection.peer, "session opened");
        Self {
            id,
            wire: Wire::new(connection.stream),
            server: Server::new(in_force.server(connection.options), client),
            is_proxied: connection.options.is_proxied,
            is_name_known: false,
            patience: Patience::new(connection.intake.clock().monotonic()),
            stress: connection.intake.gate().stress(),
            intake: connection.intake,
            in_force,
            body: None,
            sample: None,
            stopping: connection.stopping,
            stop_at: None,
            _open: Open::new(),
            permit: connection.permit,
            _alive: connection.alive,
        }
    }

    /// Waits a moment for a peer that cannot wait, then greets (IN1). A client that has behaved
    /// lately is not kept waiting.
    async fn greet(&mut self) -> io::Result<Flow> {
        if self.is_proxied && self.meet_proxy().await? == Flow::End {
            return Ok(Flow::End);
        }
        if !self.wire.input.is_empty() {
            self.server.greet(true);
            return Ok(Flow::On);
        }
        let now = self.intake.clock().monotonic();
        let client = self.server.client().ip;
        let pause = if self.intake.acquaintances().knows(client, now) {
            Duration::ZERO
        } else {
            self.in_force.policy.greeting_pause
        };
        let spoke_first = match timeout(pause, self.wire.read(false)).await {
            Ok(Ok(0)) => return Ok(Flow::End),
            Ok(Ok(_)) => true,
            Ok(Err(error)) => return Err(error),
            Err(_) => false,
        };
        if spoke_first {
            self.intake.acquaintances().forget(client);
        }
        self.server.greet(spoke_first);
        Ok(Flow::On)
    }

    /// Reads the PROXY header, which has 5 s to come. Without one nothing is said (IN28).
    async fn meet_proxy(&mut self) -> io::Result<Flow> {
        let wire = &mut self.wire;
        let header = timeout(limits::PROXY_HEADER_TIMEOUT, async {
            loop {
                match proxy::read(&wire.input) {
                    Proxied::Header { length, client } => {
                        wire.input.advance(length);
                        return io::Result::Ok(Some(client));
                    }
                    Proxied::Broken => return Ok(None),
                    Proxied::Incomplete if wire.read(false).await? == 0 => return Ok(None),
                    Proxied::Incomplete => {}
                }
            }
        });
        let Some(client) = header.await.unwrap_or(Ok(None))? else {
            tracing::info!(session.id = self.id, proxy.ip = %self.server.client().ip, "no PROXY header");
            return Ok(Flow::End);
        };
        let Some(address) = client.map(|client| client.to_canonical()) else {
            return Ok(Flow::On);
        };
        self.server.set_client_address(address);
        self.intake.saw(address);
        let now = self.intake.clock().monotonic();
        let policy = &self.in_force.policy;
        if let Err(refusal) = self.permit.identify(address, policy, now) {
            metrics::connection(Some(refusal));
            refusal.reply().write_to(&mut self.wire.output);
            self.wire.flush().await?;
            self.wire.close().await;
            return Ok(Flow::End);
        }
        Ok(Flow::On)
    }

    /// Answers what was read, then waits for more.
    async fn turn(&mut self) -> io::Result<Flow> {
        let is_under_stress = *self.stress.borrow();
        self.server.set_stress(is_under_stress);
        let has_asked = !self.wire.input.is_empty();
        while let Some(effect) = self.server.step(&mut self.wire.input) {
            if self.carry_out(effect).await? == Flow::End {
                return Ok(Flow::End);
            }
        }
        if has_asked && !self.wire.output.is_empty() {
            self.wire.flush().await?;
            self.patience.restart(self.intake.clock().monotonic());
        }
        self.wire.flush().await?;
        self.read().await
    }

    async fn read(&mut self) -> io::Result<Flow> {
        let wait = self.read_timeout();
        let awaited = if self.body.is_some() {
            Awaited::Body
        } else {
            Awaited::Command
        };
        let is_draining = self.stop_at.is_some();
        let (wire, stopping, stress) = (&mut self.wire, &mut self.stopping, &mut self.stress);
        let came = tokio::select! {
            biased;
            // An error means that the listener is gone, which is a reason to stop as well.
            _ = stopping.wait_for(|stopping| *stopping), if !is_draining => Came::Stop,
            read = timeout(wait, wire.read(awaited == Awaited::Body)) => Came::Read(read),
            // There is less patience now, or more: wait anew with what is left of it.
            Ok(()) = stress.changed() => return Ok(Flow::On),
        };
        match came {
            Came::Stop => {
                let grace = limits::SHUTDOWN_GRACE;
                self.stop_at = Some(self.intake.clock().monotonic().saturating_add(grace));
                self.server.drain();
            }
            Came::Read(Ok(Ok(0))) => return Ok(Flow::End),
            Came::Read(Ok(Ok(octets))) => self.note_read(octets, awaited),
            Came::Read(Ok(Err(error))) => return Err(error),
            Came::Read(Err(_)) if is_draining => self.server.shut_down(),
            Came::Read(Err(_)) => self.server.idle_timeout(),
        }
        Ok(Flow::On)
    }

    fn note_read(&mut self, octets: usize, awaited: Awaited) {
        let now = self.intake.clock().monotonic();
        let is_under_stress = *self.stress.borrow();
        let commands = self.server.commands();
        self.patience
            .on_read(octets, commands, awaited, is_under_stress, now);
    }

    /// How long the peer may be silent (IN4), and not longer than a stop can wait (IN30).
    fn read_timeout(&self) -> Duration {
        let now = self.intake.clock().monotonic();
        let left = self.patience.left(*self.stress.borrow(), now);
        match self.stop_at {
            Some(stop_at) => left.min(stop_at.saturating_sub(now)),
            None => left,
        }
    }

    /// Who is ours, as slowly as a client deserves that keeps guessing (Q32).
    async fn check_recipient(&mut self, query: &RecipientQuery) -> RecipientVerdict {
        let policy = &self.in_force.policy;
        let client = self.server.client().ip;
        let is_exempt = (policy.exempt)(client);
        let now = || self.intake.clock().monotonic();
        if !is_exempt && self.intake.harvest().is_exhausted(client, now()) {
            return RecipientVerdict::Harvesting;
        }
        let verdict = recipients::check(&self.intake, policy, query).await;
        if verdict == RecipientVerdict::Unknown && !is_exempt {
            let delay = self.intake.harvest().note(client, now());
            let mut stopping = self.stopping.clone();
            // A node that stops waits for nobody's guesses.
            let stopped = async { drop(stopping.wait_for(|stopping| *stopping).await) };
            let _ = timeout(delay, stopped).await;
        }
        verdict
    }

    async fn carry_out(&mut self, effect: Effect) -> io::Result<Flow> {
        match effect {
            Effect::Send(reply) => {
                metrics::reply(&reply);
                reply.write_to(&mut self.wire.output);
            }
            Effect::CheckSender { .. } => {
                let admission = admission(self.intake.spool().intake());
                self.server.sender_checked(admission);
            }
            Effect::CheckRecipient(query) => {
                let verdict = self.check_recipient(&query).await;
                self.server.recipient_checked(&verdict);
            }
            Effect::OpenBody => self.open_body().await,
            Effect::Body(bytes) => self.write_body(bytes).await,
            Effect::DropBody => {
                self.body = None;
                self.sample = None;
            }
            Effect::Commit(submission) => {
                let body = self.body.take();
                let sample = self.sample.take();
                // Boxed: it is large, and ten thousand idle sessions wait for commands.
                let commit = submission::commit(&self.intake, self.id, *submission, body, sample);
                let commit = Box::pin(commit).await;
                if matches!(commit, Commit::Stored) {
                    let now = self.intake.clock().monotonic();
                    let client = self.server.client().ip;
                    self.intake.acquaintances().meet(client, now);
                }
                self.server.committed(commit);
            }
            Effect::StartTls => return self.start_tls().await,
            Effect::Close => {
                self.wire.flush().await?;
                self.body = None;
                self.wire.close().await;
                return Ok(Flow::End);
            }
        }
        Ok(Flow::On)
    }

    /// Begins to store a message. The client's name is asked for once, when it has a message at
    /// last: who only knocks costs no look-up.
    async fn open_body(&mut self) {
        let client = self.server.client().ip;
        let authenticator = self
            .in_force
            .policy
            .filter
            .authenticator_for(client)
            .cloned();
        if let Some(authenticator) = &authenticator
            && !self.is_name_known
        {
            self.is_name_known = true;
            // Boxed: it is large, and most sessions never hold one.
            if let Some(name) = Box::pin(authenticator.client_name(client)).await {
                self.server.set_client_name(name);
            }
        }
        let spool = self.intake.spool();
        let id = spool.next_id();
        let directory = spool.directory();
        let host = &self.in_force.policy.hostname;
        let domains = recipients::domains(&directory, self.server.recipients(), host);
        let begun = spool.begin_body_for(id, &domains);
        // The end of the data is answered 451 then.
        let begun = begun
            .inspect_err(|error| tracing::error!(session.id = self.id, %error, "body not sealed"))
            .ok();
        self.body = begun.map(|body| IncomingBody::new(body, authenticator.is_some()));
        let copied = domains
            .iter()
            .any(|domain| directory.has_continuity(*domain));
        self.sample = copied.then(Sample::default);
        self.server.body_opened(id, self.intake.clock().wall());
    }

    /// A body that cannot be written is given up; the end of the data is answered 451 then.
    async fn write_body(&mut self, bytes: bytes::Bytes) {
        if let Some(sample) = &mut self.sample {
            sample.push(&bytes);
        }
        if let Some(body) = self.body.as_mut()
            && let Err(error) = body.write(bytes).await
        {
            tracing::error!(session.id = self.id, %error, "body not stored");
            self.body = None;
        }
    }

    async fn start_tls(&mut self) -> io::Result<Flow> {
        self.wire.flush().await?;
        let Some(tls) = self.intake.tls() else {
            return Ok(Flow::End);
        };
        let handshake = self.wire.start_tls(tls.config()).await;
        metrics::tls_handshake(handshake.is_ok());
        self.server.tls_established(handshake?);
        Ok(Flow::On)
    }
}

const fn admission(state: IntakeState) -> Admission {
    match state {
        IntakeState::Open | IntakeState::Soft => Admission::Open,
        IntakeState::Full => Admission::Full,
        IntakeState::Critical => Admission::Critical,
        IntakeState::Broken => Admission::Broken,
    }
}
