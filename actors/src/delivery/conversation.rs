//! The SMTP client's machine on a real stream: deadlines, STARTTLS, the body as it streams by.
//!
//! Output is written before the next read, a phase's deadline counts from its beginning whatever
//! trickles in (Q22), and a peer that answers in the middle of a body is heard although it has
//! stopped reading.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use storage::model::{Clock, Destination, ForwardPath, HostRole, TlsPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadBuf};

use super::dialer::{ByteStream, Connection};
use crate::smtp::Reply;
use crate::smtp::client::{
    Capabilities, Cause, Client, Ending, Event, Options, Outcome, Phase, StartTls, Timeouts,
    Transaction,
};
use crate::tls::ClientTls;

/// Octets read at once: replies are short.
const READ_MAX: usize = 4096;
/// Octets of a body that are collected before they are written.
const WRITE_MIN: usize = 64 * 1024;

/// How to speak to a host.
#[derive(Debug, Clone)]
pub struct Manners {
    /// The name of this node, in notifications.
    pub hostname: Arc<str>,
    /// Our name in EHLO.
    pub helo_name: Arc<str>,
    /// For STARTTLS.
    pub tls: ClientTls,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// Where we listen ourselves: a destination that is there is no destination (OUT24).
    pub listeners: Arc<[SocketAddr]>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// What has been learnt about a host that changes how we speak to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Avoid {
    /// Opportunistic STARTTLS failed lately.
    pub starttls: bool,
    /// BDAT failed lately (OUT7).
    pub chunking: bool,
}

/// Where a body comes from, piece by piece.
pub trait BodySource: Send {
    /// Why there is no next piece.
    type Error: Send;
    /// The next piece; none at the end.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>, Self::Error>> + Send;
}

/// How a transaction went.
#[derive(Debug)]
pub struct Sent<E> {
    /// Per recipient.
    pub outcome: Outcome,
    /// How the connection ended, when it did.
    pub ending: Option<Ending>,
    /// What the peer took to answer, without the transfer of the body (delivery.md B5.9).
    pub latency: Duration,
    /// Why the body could not be read to its end, when it could not.
    pub body_error: Option<E>,
}

/// An open connection to one host.
pub struct Conversation {
    client: Client,
    stream: Box<dyn ByteStream>,
    clock: Arc<dyn Clock>,
    read: Box<[u8; READ_MAX]>,
    phase: Phase,
    phase_since: Duration,
    timeouts: Timeouts,
}

impl Conversation {
    /// Takes a fresh connection through greeting, EHLO and STARTTLS until it is ready for a
    /// transaction. The greeting is awaited for at most `banner_timeout`.
    ///
    /// # Errors
    /// How the connection ended instead.
    pub async fn open(
        connection: Connection,
        host: &Destination,
        manners: &Manners,
        avoid: Avoid,
        banner_timeout: Duration,
    ) -> Result<Self, Ending> {
        let starttls = match host.tls {
            _ if host.login.is_some() => StartTls::Always,
            TlsPolicy::None => StartTls::Never,
            TlsPolicy::Opportunistic if avoid.starttls => StartTls::Never,
            TlsPolicy::Opportunistic => StartTls::WhenOffered,
            TlsPolicy::Required
            | TlsPolicy::Verified
            | TlsPolicy::Pinned(_)
            | TlsPolicy::Dane(_) => StartTls::Always,
        };
        let options = Options {
            helo_name: manners.helo_name.to_string(),
            starttls,
            chunking: !avoid.chunking,
            pipelining: true,
            login: host.login.clone(),
            // A customer's own server gets what was sent to it, so that signatures survive.
            eight_bit_only_where_offered: host.role == HostRole::Exchanger,
        };
        let mut conversation = Self {
            client: Client::new(options),
            stream: connection.stream,
            clock: Arc::clone(&manners.clock),
            read: Box::new([0; READ_MAX]),
            phase: Phase::Banner,
            phase_since: manners.clock.monotonic(),
            timeouts: Timeouts {
                banner: banner_timeout,
                ..manners.timeouts
            },
        };
        loop {
            match conversation.next_event().await {
                Event::Ready => return Ok(conversation),
                Event::StartTls => conversation.handshake(host, &manners.tls).await,
                Event::Ended(ending) => return Err(ending),
                Event::BodyWanted | Event::Finished(_) | Event::Enquired(_) => {}
            }
        }
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.client.is_encrypted()
    }

    /// What the peer announced.
    #[must_use]
    pub const fn capabilities(&self) -> &Capabilities {
        self.client.capabilities()
    }

    /// The name by which the peer introduced itself.
    #[must_use]
    pub fn peer_name(&self) -> Option<&str> {
        self.client.peer_name()
    }

    /// The text of its greeting.
    #[must_use]
    pub fn greeting(&self) -> &str {
        self.client.greeting()
    }

    /// Transactions that ended on this connection.
    #[must_use]
    pub const fn transactions(&self) -> u32 {
        self.client.transactions()
    }

    /// Sends one message.
    pub async fn send<B: BodySource>(
        &mut self,
        transaction: Transaction,
        mut body: B,
    ) -> Sent<B::Error> {
        let begun = self.clock.monotonic();
        let mut transfer = Duration::ZERO;
        let mut body_error = None;
        let mut outcome = None;
        self.client.begin(transaction);
        let ending = loop {
            match self.next_event().await {
                Event::BodyWanted => {
                    let from = self.clock.monotonic();
                    body_error = self.send_body(&mut body).await.err();
                    transfer = self.clock.monotonic().saturating_sub(from);
                }
                Event::Finished(finished) => outcome = Some(finished),
                Event::Enquired(_) => {}
                Event::Ready => break None,
                Event::Ended(ending) => break Some(ending),
                Event::StartTls => self.client.interrupt(Cause::PlaintextInjected),
            }
        };
        let elapsed = self.clock.monotonic().saturating_sub(begun);
        Sent {
            // The machine reports an outcome before it is ready or ends.
            outcome: outcome.unwrap_or_else(|| Outcome {
                recipients: Vec::new(),
                earlier_transactions: self.client.transactions(),
                was_answered: false,
                body_begun: false,
                chunking_fault: None,
            }),
            ending,
            latency: elapsed.saturating_sub(transfer),
            body_error,
        }
    }

    /// Asks whether the peer takes mail for a recipient, without sending any. Answers the reply to
    /// RCPT, or none when the peer did not let it come so far.
    ///
    /// # Errors
    /// How the connection ended instead.
    pub async fn enquire(&mut self, path: &ForwardPath) -> Result<Option<Reply>, Ending> {
        self.client.enquire(path);
        let mut answer = None;
        loop {
            match self.next_event().await {
                Event::Enquired(reply) => answer = reply,
                Event::Ready => return Ok(answer),
                Event::Ended(ending) => return Err(ending),
                Event::StartTls => self.client.interrupt(Cause::PlaintextInjected),
                Event::BodyWanted | Event::Finished(_) => {}
            }
        }
    }

    /// Waits until the peer ends the idle connection or says something. Cancel-safe.
    pub async fn idle(&mut self) -> Ending {
        loop {
            if let Some(Event::Ended(ending)) = self.client.next_event() {
                return ending;
            }
            if self.client.phase() == Phase::Closed {
                return self.closed();
            }
            self.receive().await;
        }
    }

    /// Says QUIT and waits a moment for the answer (OUT21).
    pub async fn quit(mut self) {
        self.client.quit();
        while !matches!(self.next_event().await, Event::Ended(_)) {}
        let _ = tokio::time::timeout(self.timeouts.quit, self.stream.shutdown()).await;
    }

    async fn next_event(&mut self) -> Event {
        loop {
            if let Some(event) = self.client.next_event() {
                return event;
            }
            if self.client.phase() == Phase::Closed {
                return Event::Ended(self.closed());
            }
            if let Err(cause) = self.write_output().await {
                self.client.interrupt(cause);
                continue;
            }
            self.note_phase();
            let timeout = self.timeout();
            if tokio::time::timeout(timeout, self.receive()).await.is_err() {
                self.client.interrupt(Cause::TimedOut);
            }
        }
    }

    const fn closed(&self) -> Ending {
        Ending {
            phase: Phase::Closed,
            cause: Cause::Quit,
            transactions: self.client.transactions(),
        }
    }

    /// One read, handed to the machine. Cancel-safe.
    async fn receive(&mut self) {
        match self.stream.read(self.read.as_mut_slice()).await {
            Ok(0) => self.client.interrupt(end_of_stream()),
            Ok(count) => {
                let bytes = self.read.get(..count).unwrap_or_default();
                if self.phase == Phase::Rcpt && bytes.contains(&b'\n') {
                    // Each recipient has a deadline of its own.
                    self.phase_since = self.clock.monotonic();
                }
                self.client.receive(bytes);
            }
            Err(error) => self.client.interrupt(Cause::Lost(error.to_string())),
        }
    }

    fn note_phase(&mut self) {
        let phase = self.client.phase();
        if phase != self.phase {
            self.phase = phase;
            self.phase_since = self.clock.monotonic();
        }
    }

    fn timeout(&self) -> Duration {
        let whole = self.timeouts.of(self.phase);
        let spent = self.clock.monotonic().saturating_sub(self.phase_since);
        whole.saturating_sub(spent)
    }

    async fn handshake(&mut self, host: &Destination, tls: &ClientTls) {
        let clear = std::mem::replace(&mut self.stream, Box::new(tokio::io::empty()));
        let handshake = tls.connect(&host.tls, &host.host, clear);
        match tokio::time::timeout(self.timeouts.tls_handshake, handshake).await {
            Ok(Ok(encrypted)) => {
                self.stream = Box::new(encrypted);
                self.client.tls_established();
            }
            Ok(Err(error)) => self.client.interrupt(Cause::TlsFailed(error.to_string())),
            Err(_) => self
                .client
                .interrupt(Cause::TlsFailed("timed out".to_owned())),
        }
    }

    /// Streams the body; whatever stands before it in the output shares its first write.
    async fn send_body<B: BodySource>(&mut self, body: &mut B) -> Result<(), B::Error> {
        let mut collected = 0;
        while self.client.is_sending_body() {
            match body.next().await {
                Ok(Some(chunk)) => {
                    collected += chunk.len();
                    // A refusal by the machine is the connection's end, which it reports itself.
                    if self.client.body(chunk).is_err() {
                        break;
                    }
                }
                Ok(None) => {
                    let _ = self.client.end_body();
                    break;
                }
                Err(error) => {
                    // The peer must never see an end of this message.
                    self.client
                        .interrupt(Cause::Lost("the stored body is not readable".to_owned()));
                    return Err(error);
                }
            }
            if collected >= WRITE_MIN {
                collected = 0;
                if let Err(cause) = self.write_output().await {
                    self.client.interrupt(cause);
                }
            }
        }
        if let Err(cause) = self.write_output().await {
            self.client.interrupt(cause);
        }
        Ok(())
    }

    async fn write_output(&mut self) -> Result<(), Cause> {
        let mut wrote = false;
        while let Some(bytes) = self.client.take_output() {
            let write = WriteAndListen {
                client: &mut self.client,
                stream: self.stream.as_mut(),
                read: self.read.as_mut_slice(),
                bytes,
            };
            tokio::time::timeout(self.timeouts.block, write)
                .await
                .map_err(|_| Cause::TimedOut)??;
            wrote = true;
        }
        if wrote {
            tokio::time::timeout(self.timeouts.block, self.stream.flush())
                .await
                .map_err(|_| Cause::TimedOut)?
                .map_err(|error| Cause::Lost(error.to_string()))?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Conversation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conversation")
            .field("phase", &self.client.phase())
            .field("transactions", &self.client.transactions())
            .finish_non_exhaustive()
    }
}

fn end_of_stream() -> Cause {
    Cause::Lost("closed by the peer".to_owned())
}

/// Writes all bytes; reads only while the peer takes none, so that a refusal is heard.
struct WriteAndListen<'a> {
    client: &'a mut Client,
    stream: &'a mut dyn ByteStream,
    read: &'a mut [u8],
    bytes: Bytes,
}

impl Future for WriteAndListen<'_> {
    type Output = Result<(), Cause>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        while !this.bytes.is_empty() {
            match Pin::new(&mut *this.stream).poll_write(cx, &this.bytes) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(end_of_stream())),
                Poll::Ready(Ok(count)) => this.bytes.advance(count),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Cause::Lost(error.to_string()))),
                Poll::Pending => {
                    ready!(this.poll_listen(cx))?;
                    if this.client.phase() == Phase::Closed {
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl WriteAndListen<'_> {
    fn poll_listen(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        let mut buffer = ReadBuf::new(self.read);
        let read = ready!(Pin::new(&mut *self.stream).poll_read(cx, &mut buffer));
        Poll::Ready(match read {
            Ok(()) if buffer.filled().is_empty() => Err(end_of_stream()),
            Ok(()) => {
                self.client.receive(buffer.filled());
                Ok(())
            }
            Err(error) => Err(Cause::Lost(error.to_string())),
        })
    }
}
