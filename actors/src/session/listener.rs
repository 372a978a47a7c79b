//! One address that takes mail: accepts, turns away what is over a limit, parents the sessions.
//!
//! Accepting runs as a service of its own. Should it crash, it is started again and the sessions
//! notice nothing. A stop ends accepting first, then tells the sessions, then waits for them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use super::gate::{Permit, Refusal};
use super::intake::Intake;
use super::smtp_session::{Connection, SmtpSession};
use super::socket::ListeningSocket;
use crate::metrics;
use crate::smtp::limits::SHUTDOWN_GRACE;
use crate::smtp::sloppy::Newlines;
use crate::supervision::{ChildSpec, ServiceError, Stopping, spawn_service, stop_child};

/// Pause after the operating system refused a connection, doubling up to the longest.
const ACCEPT_PAUSE_FIRST: Duration = Duration::from_millis(50);
/// Longest such pause: file descriptors come back when sessions end (Q18).
const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);
/// Pause before accepting is started again after a crash.
const RESTART_PAUSE: Duration = Duration::from_millis(100);
/// How long accepting may take to stop.
const ACCEPT_STOP: Duration = Duration::from_secs(1);
/// What a stop may take beyond the grace of the transactions: last replies and closes.
const STOP_MARGIN: Duration = Duration::from_secs(5);

/// The actor.
#[derive(Debug)]
pub struct SmtpListener;

/// What is particular to one listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ListenerOptions {
    /// Only proxies call here, and each connection begins with a PROXY header (IN28).
    pub is_proxied: bool,
    /// What becomes of bare CR and LF in messages.
    pub newlines: Newlines,
    /// A null sender may name one recipient only.
    pub null_sender_is_single: bool,
}

/// What a listener starts with.
#[derive(Debug, Clone)]
pub struct ListenerArguments {
    /// Where.
    pub socket: ListeningSocket,
    /// In which way.
    pub options: ListenerOptions,
    /// For whom.
    pub intake: Arc<Intake>,
}

/// What a listener is told by its own service and timer. Each accepted connection holds a permit, so
/// the mailbox is bounded by the limit on connections.
#[derive(Debug)]
pub enum ListenerMessage {
    /// A connection was accepted.
    Accepted(TcpStream, std::net::SocketAddr, Permit),
    /// Start accepting again.
    Accept,
}

/// A listener at work.
#[derive(Debug)]
pub struct ListenerState {
    listener: Arc<TcpListener>,
    options: ListenerOptions,
    intake: Arc<Intake>,
    accepting: Option<ActorCell>,
    stopping: watch::Sender<bool>,
    alive: mpsc::Sender<()>,
    sessions_over: mpsc::Receiver<()>,
}

impl SmtpListener {
    /// The listener as a child of a supervisor.
    #[must_use]
    pub fn child_spec(
        socket: ListeningSocket,
        options: ListenerOptions,
        intake: Arc<Intake>,
    ) -> ChildSpec {
        let name = format!("smtp listener {}", socket.address());
        ChildSpec::actor(&name, move |supervisor| {
            let arguments = ListenerArguments {
                socket: socket.clone(),
                options,
                intake: Arc::clone(&intake),
            };
            async move {
                let (actor, _) = Self::spawn_linked(None, Self, arguments, supervisor).await?;
                Ok(actor.get_cell())
            }
        })
        .with_shutdown(SHUTDOWN_GRACE + STOP_MARGIN)
    }
}

impl Actor for SmtpListener {
    type Msg = ListenerMessage;
    type State = ListenerState;
    type Arguments = ListenerArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<ListenerMessage>,
        arguments: ListenerArguments,
    ) -> Result<ListenerState, ActorProcessingErr> {
        let listener = Arc::new(arguments.socket.listener()?);
        let (alive, sessions_over) = mpsc::channel(1);
        tracing::info!(listener.address = %arguments.socket.address(), "listening for SMTP");
        let mut state = ListenerState {
            listener,
            options: arguments.options,
            intake: arguments.intake,
            accepting: None,
            stopping: watch::Sender::new(false),
            alive,
            sessions_over,
        };
        state.start_accepting(&myself).await?;
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<ListenerMessage>,
        message: ListenerMessage,
        state: &mut ListenerState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ListenerMessage::Accepted(stream, peer, permit) => {
                let connection = Connection {
                    stream,
                    peer: peer.ip().to_canonical(),
                    options: state.options,
                    permit,
                    stopping: state.stopping.subscribe(),
                    alive: state.alive.clone(),
                    intake: Arc::clone(&state.intake),
                };
                let session = SmtpSession::<TcpStream>::default();
                SmtpSession::spawn_linked(None, session, connection, myself.get_cell()).await?;
            }
            ListenerMessage::Accept => state.start_accepting(&myself).await?,
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<ListenerMessage>,
        event: SupervisionEvent,
        state: &mut ListenerState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(cell, error) if state.is_accepting(cell.get_id()) => {
                tracing::error!(%error, "accepting failed and is started again");
                state.accepting = None;
                myself.send_after(RESTART_PAUSE, || ListenerMessage::Accept);
            }
            SupervisionEvent::ActorFailed(_, error) => {
                metrics::session_failed();
                tracing::error!(%error, "a session failed");
            }
            _ => {}
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<ListenerMessage>,
        state: &mut ListenerState,
    ) -> Result<(), ActorProcessingErr> {
        if let Some(accepting) = state.accepting.take() {
            stop_child(&accepting, "accepting", ACCEPT_STOP).await;
        }
        state.stopping.send_replace(true);
        // The channel closes when the last session has dropped its end; ours goes here.
        let (unused, _) = mpsc::channel(1);
        drop(std::mem::replace(&mut state.alive, unused));
        let _ = state.sessions_over.recv().await;
        Ok(())
    }
}

impl ListenerState {
    async fn start_accepting(
        &mut self,
        myself: &ActorRef<ListenerMessage>,
    ) -> Result<(), ActorProcessingErr> {
        let (listener, intake) = (Arc::clone(&self.listener), Arc::clone(&self.intake));
        let (to, options) = (myself.clone(), self.options);
        let cell = spawn_service(myself.get_cell(), move |stopping| {
            accept(listener, options, intake, to, stopping)
        });
        self.accepting = Some(cell.await?);
        Ok(())
    }

    fn is_accepting(&self, id: ActorId) -> bool {
        self.accepting
            .as_ref()
            .is_some_and(|cell| cell.get_id() == id)
    }
}

/// How long to leave a system alone that has no file descriptor or no memory for us.
#[derive(Debug)]
struct AcceptPause(Duration);

impl Default for AcceptPause {
    fn default() -> Self {
        Self(ACCEPT_PAUSE_FIRST)
    }
}

impl AcceptPause {
    /// The pause now; the next one is twice as long.
    fn lengthen(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(ACCEPT_PAUSE_MAX);
        pause
    }
}

async fn accept(
    listener: Arc<TcpListener>,
    options: ListenerOptions,
    intake: Arc<Intake>,
    to: ActorRef<ListenerMessage>,
    mut stopping: Stopping,
) -> Result<(), ServiceError> {
    let mut pause = AcceptPause::default();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopping.requested() => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                pause = AcceptPause::default();
                match admit(&intake, options, &stream, peer.ip()) {
                    Ok(permit) => to.cast(ListenerMessage::Accepted(stream, peer, permit))?,
                    // A stranger is not told what is listening here.
                    Err(Refusal::NotAProxy) => {}
                    Err(refusal) => turn_away(&stream, refusal),
                }
            }
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => {
                // No file descriptors or no memory: accepting at once again would only burn time.
                metrics::accept_error();
                let wait = pause.lengthen();
                tracing::warn!(%error, pause_ms = wait.as_millis(), "cannot accept");
                tokio::select! {
                    () = stopping.requested() => return Ok(()),
                    () = tokio::time::sleep(wait) => {}
                }
            }
        }
    }
}

fn admit(
    intake: &Intake,
    options: ListenerOptions,
    stream: &TcpStream,
    address: std::net::IpAddr,
) -> Result<Permit, Refusal> {
    let in_force = intake.in_force();
    let policy = &in_force.policy;
    let admitted = if options.is_proxied && !(policy.proxies)(address) {
        Err(Refusal::NotAProxy)
    } else if intake.spool().intake() == storage::spool::IntakeState::Critical {
        Err(Refusal::NoSpace)
    } else if options.is_proxied {
        intake.gate().admit_unnamed(policy)
    } else {
        let now = intake.clock().monotonic();
        intake.gate().admit(address, policy, now)
    };
    metrics::connection(admitted.as_ref().err().copied());
    if !options.is_proxied {
        intake.saw(address);
    }
    // Replies are short and awaited; a connection without the option is only slower.
    let _ = stream.set_nodelay(true);
    admitted
}

/// Says why and closes. The line fits into any fresh socket's buffer, so nobody waits here.
fn turn_away(stream: &TcpStream, refusal: Refusal) {
    let mut line = Vec::new();
    refusal.reply().write_to(&mut line);
    // A peer that is gone already needs no answer.
    let _ = stream.try_write(&line);
}

/// The peer gave up while it waited; the next one is as good as ever.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q18_pauses_grow_to_one_second_and_begin_anew_after_a_connection() {
        let mut pause = AcceptPause::default();
        let pauses: Vec<u128> = (0..7).map(|_| pause.lengthen().as_millis()).collect();
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1000, 1000]);
        pause = AcceptPause::default();
        assert_eq!(pause.lengthen(), ACCEPT_PAUSE_FIRST);
    }

    #[test]
    fn q18_a_peer_that_gave_up_is_no_reason_to_pause() {
        let aborted = io::Error::from(io::ErrorKind::ConnectionAborted);
        assert!(is_of_the_connection(&aborted));
        let no_descriptors = io::Error::from_raw_os_error(24);
        assert!(!is_of_the_connection(&no_descriptors));
    }
}
