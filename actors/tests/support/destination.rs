//! A scripted destination: it speaks SMTP over duplex streams, keeps a ledger of what it took, and
//! behaves as its script says at that moment.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use actors::delivery::{Connection, DialError, Dialer};
use futures_util::future::BoxFuture;
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream, DuplexStream, ReadBuf,
};
use tokio::sync::watch;

/// How the host behaves towards a new connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Door {
    /// Takes it.
    #[default]
    Open,
    /// Refuses it at once.
    Refused,
    /// Never answers.
    BlackHole,
    /// Takes it and says nothing.
    Silent,
    /// The dial itself panics: a fault of ours.
    Panic,
}

/// What the host does right now.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    /// New connections.
    pub(crate) door: Door,
    /// The greeting.
    pub(crate) banner: String,
    /// Extensions announced in EHLO.
    pub(crate) extensions: Vec<&'static str>,
    /// Knows EHLO, not only HELO.
    pub(crate) ehlo: bool,
    /// Answer to MAIL.
    pub(crate) mail: String,
    /// Answers to RCPT by recipient; 250 otherwise.
    pub(crate) rcpt: BTreeMap<String, String>,
    /// Answer to the end of the message.
    pub(crate) accept: String,
    /// What a message costs.
    pub(crate) latency: Duration,
    /// The connection is cut after the message has been taken, before the answer.
    pub(crate) cut_before_final_reply: bool,
    /// Our side panics when it has named a recipient that holds this text.
    pub(crate) panic_at: Option<String>,
    /// More connections than this get 421.
    pub(crate) connections_max: usize,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            door: Door::Open,
            banner: "220 mail.example.org ESMTP".to_owned(),
            extensions: vec!["PIPELINING", "8BITMIME", "SIZE 52428800"],
            ehlo: true,
            mail: "250 2.1.0 ok".to_owned(),
            rcpt: BTreeMap::new(),
            accept: "250 2.0.0 taken".to_owned(),
            latency: Duration::from_millis(20),
            cut_before_final_reply: false,
            panic_at: None,
            connections_max: usize::MAX,
        }
    }
}

/// One message the host has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    /// `RCPT TO` that were accepted.
    pub(crate) recipients: Vec<String>,
    /// The message as received.
    pub(crate) message: Vec<u8>,
    /// Number of the connection.
    pub(crate) connection: u64,
    /// When, since the start of the test's clock.
    pub(crate) at: tokio::time::Instant,
}

/// What happened at the host.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Messages answered with 2yz or cut before the answer.
    pub(crate) taken: Vec<Taken>,
    /// Dials, whatever came of them.
    pub(crate) dials: u64,
    /// Connections that were greeted.
    pub(crate) connections: u64,
    /// Open connections.
    pub(crate) open: usize,
    /// MAIL commands.
    pub(crate) transactions: u64,
}

impl Ledger {
    /// Messages that are on their way.
    pub(crate) fn in_flight(&self) -> usize {
        self.transactions as usize - self.taken.len()
    }

    /// How often each recipient has got a message, by message.
    pub(crate) fn copies(&self, recipient: &str) -> usize {
        self.taken
            .iter()
            .filter(|taken| taken.recipients.iter().any(|r| r == recipient))
            .count()
    }
}

/// The host. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    script: Arc<Mutex<Script>>,
    ledger: Arc<Mutex<Ledger>>,
    /// Open connections end when it changes.
    crashes: watch::Sender<u64>,
}

impl Default for Destination {
    fn default() -> Self {
        Self {
            script: Arc::default(),
            ledger: Arc::default(),
            crashes: watch::Sender::new(0),
        }
    }
}

impl Destination {
    /// Changes the script from now on.
    pub(crate) fn script(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    /// All connections end, and new ones meet this door.
    pub(crate) fn crash(&self, door: Door) {
        self.script(|script| script.door = door);
        self.crashes.send_modify(|crashes| *crashes += 1);
    }

    /// What happened so far.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    fn now(&self) -> Script {
        self.script.lock().unwrap().clone()
    }

    fn note_transaction(&self) {
        self.ledger().transactions += 1;
    }

    async fn serve(self, stream: DuplexStream, number: u64) {
        let open = {
            let mut ledger = self.ledger();
            ledger.connections += 1;
            ledger.open += 1;
            ledger.open
        };
        let mut session = Session {
            host: &self,
            stream: BufStream::new(stream),
            number,
        };
        let mut crashes = self.crashes.subscribe();
        tokio::select! {
            // An error is the peer's end of the connection.
            _ = session.run(open) => {}
            _ = crashes.changed() => {}
        }
        self.ledger().open -= 1;
    }
}

struct Session<'a> {
    host: &'a Destination,
    stream: BufStream<DuplexStream>,
    number: u64,
}

impl Session<'_> {
    async fn run(&mut self, open: usize) -> std::io::Result<()> {
        let script = self.host.now();
        if script.door == Door::Silent {
            return std::future::pending().await;
        }
        if open > script.connections_max {
            return self.say("421 4.7.0 too many connections").await;
        }
        self.say(&script.banner).await?;
        if !script.banner.starts_with("220") {
            return Ok(());
        }
        let mut recipients = Vec::new();
        loop {
            let Some(line) = self.line().await? else {
                return Ok(());
            };
            let script = self.host.now();
            let verb = line
                .split([' ', ':'])
                .next()
                .unwrap_or("")
                .to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" if script.ehlo => self.ehlo(&script).await?,
                "HELO" => self.say("250 mail.example.org").await?,
                "MAIL" => {
                    recipients.clear();
                    self.host.note_transaction();
                    self.say(&script.mail).await?;
                }
                "RCPT" => {
                    let recipient = between(&line, '<', '>');
                    let answer = script.rcpt.get(&recipient).cloned();
                    let answer = answer.unwrap_or_else(|| "250 2.1.5 ok".to_owned());
                    if answer.starts_with('2') {
                        recipients.push(recipient);
                    }
                    self.say(&answer).await?;
                }
                "DATA" if recipients.is_empty() => self.say("554 5.5.1 no recipients").await?,
                "DATA" => {
                    self.say("354 go ahead").await?;
                    let message = self.dotted().await?;
                    let taken = std::mem::take(&mut recipients);
                    if !self.take(message, taken).await? {
                        return Ok(());
                    }
                }
                "STARTTLS" => {
                    self.say("220 2.0.0 go ahead").await?;
                    return self.say("this is no TLS record").await;
                }
                "RSET" => self.say("250 2.0.0 ok").await?,
                "QUIT" => return self.say("221 2.0.0 bye").await,
                _ => self.say("500 5.5.2 what?").await?,
            }
        }
    }

    async fn ehlo(&mut self, script: &Script) -> std::io::Result<()> {
        let mut lines = vec!["mail.example.org"];
        lines.extend(&script.extensions);
        let last = lines.len() - 1;
        for (index, line) in lines.into_iter().enumerate() {
            let separator = if index == last { ' ' } else { '-' };
            self.say(&format!("250{separator}{line}")).await?;
        }
        Ok(())
    }

    /// The end of a message; false when the connection ends with it.
    async fn take(&mut self, message: Vec<u8>, recipients: Vec<String>) -> std::io::Result<bool> {
        tokio::time::sleep(self.host.now().latency).await;
        let script = self.host.now();
        if script.accept.starts_with('2') {
            self.host.ledger().taken.push(Taken {
                recipients,
                message,
                connection: self.number,
                at: now(),
            });
        }
        if script.cut_before_final_reply {
            return Ok(false);
        }
        self.say(&script.accept).await?;
        Ok(!script.accept.starts_with("421"))
    }

    async fn dotted(&mut self) -> std::io::Result<Vec<u8>> {
        let mut message = Vec::new();
        loop {
            let mut line = Vec::new();
            if self.stream.read_until(b'\n', &mut line).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if line == b".\r\n" {
                return Ok(message);
            }
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
    }

    async fn line(&mut self) -> std::io::Result<Option<String>> {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line).await?;
        Ok((read > 0).then(|| line.trim_end().to_owned()))
    }

    async fn say(&mut self, reply: &str) -> std::io::Result<()> {
        self.stream.write_all(reply.as_bytes()).await?;
        self.stream.write_all(b"\r\n").await?;
        self.stream.flush().await
    }
}

fn between(line: &str, open: char, close: char) -> String {
    let rest = line.split_once(open).map_or("", |(_, rest)| rest);
    rest.split_once(close)
        .map_or(rest, |(path, _)| path)
        .to_owned()
}

#[expect(clippy::disallowed_methods, reason = "the test's own clock")]
fn now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// Dials the destinations of a test by host name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Net {
    hosts: Arc<Mutex<BTreeMap<String, Destination>>>,
}

impl Net {
    /// A net with one host.
    pub(crate) fn with(name: &str, destination: &Destination) -> Self {
        let net = Self::default();
        net.add(name, destination);
        net
    }

    /// Adds a host.
    pub(crate) fn add(&self, name: &str, destination: &Destination) {
        let mut hosts = self.hosts.lock().unwrap();
        hosts.insert(name.to_owned(), destination.clone());
    }
}

impl Dialer for Net {
    #[expect(
        clippy::disallowed_methods,
        reason = "the peer is not part of the tree"
    )]
    fn dial(&self, host: &str, port: u16) -> BoxFuture<'static, Result<Connection, DialError>> {
        let failed = |why: &str| DialError::Failed {
            host: host.to_owned(),
            port,
            why: why.to_owned(),
        };
        let unknown = failed("no such host");
        let refused = failed("Connection refused");
        let timed_out = DialError::TimedOut {
            host: host.to_owned(),
            port,
            within: Duration::from_secs(5),
        };
        let destination = self.hosts.lock().unwrap().get(host).cloned();
        Box::pin(async move {
            let destination = destination.ok_or(unknown)?;
            let number = {
                let mut ledger = destination.ledger();
                ledger.dials += 1;
                ledger.dials
            };
            let door = destination.now().door;
            match door {
                Door::Refused => Err(refused),
                Door::BlackHole => {
                    tokio::time::sleep(Duration::from_secs(5)).await;
                    Err(timed_out)
                }
                Door::Panic => panic!("the dialer falls over"),
                Door::Open | Door::Silent => {
                    let (ours, theirs) = tokio::io::duplex(64 * 1024);
                    let host = destination.clone();
                    tokio::spawn(destination.serve(theirs, number));
                    let stream = Brittle { inner: ours, host };
                    Ok(Connection {
                        stream: Box::new(stream),
                        peer: None,
                        local: None,
                    })
                }
            }
        })
    }
}

/// Our end of a connection, which panics when the script says so.
struct Brittle {
    inner: DuplexStream,
    host: Destination,
}

impl AsyncRead for Brittle {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Brittle {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        if let Some(text) = self.host.now().panic_at {
            let sent = String::from_utf8_lossy(bytes);
            assert!(!sent.contains(&text), "a fault while {text} is sent");
        }
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
