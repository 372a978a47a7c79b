//! A tiny language for SMTP dialogues: `> line` is said with CRLF, `< code` expects a reply that
//! begins so (its last line, when it has several), `# end` expects the peer to close.

use std::net::IpAddr;
use std::sync::Arc;

use actors::session::{
    Connection, Destinations, Gate, Intake, ListenerOptions, Permit, Policy, SmtpSession,
};
use actors::smtp::client::Capabilities;
use actors::tls::ServerTls;
use ractor::Actor;
use storage::engine::MemoryEngine;
use storage::model::{
    AuditRow, Clock, Destination, DomainId, MailboxAccount, QueueEntry, Timestamp, TlsPolicy,
    TokioClock,
};
use storage::spool::{NewDomain, Spool, SpoolOptions};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

pub(crate) const HOST: &str = "mx.example.net";

/// A node's intake with one domain that has a directory (`x.example`: alice, bob) and one that has
/// none (`open.example`).
pub(crate) struct World {
    pub(crate) spool: Spool,
    pub(crate) engine: MemoryEngine,
    pub(crate) intake: Arc<Intake>,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) checked: DomainId,
    pub(crate) open: DomainId,
    pub(crate) destinations: Destinations,
    /// How its listener takes connections.
    pub(crate) options: ListenerOptions,
    gate: Arc<Gate>,
    alive: mpsc::Sender<()>,
    over: mpsc::Receiver<()>,
}

pub(crate) fn audit() -> AuditRow {
    AuditRow {
        at: Timestamp::default(),
        actor: storage::model::Actor::System {
            part: "test".to_owned(),
        },
        action: "test".to_owned(),
        subject: String::new(),
        detail: String::new(),
    }
}

async fn add_domain(spool: &Spool, name: &str) -> DomainId {
    let destination = Destination {
        host: "mail.x.example".to_owned(),
        port: 25,
        priority: 10,
        weight: 1,
        tls: TlsPolicy::None,
        ..Destination::default()
    };
    let new = NewDomain::new(name.parse().unwrap(), vec![destination]);
    spool.add_domain(new, audit()).await.unwrap().id
}

fn account(domain: DomainId, address: &str, enabled: bool) -> MailboxAccount {
    MailboxAccount {
        domain,
        address: address.parse().unwrap(),
        name: None,
        recovery: None,
        language: None,
        enabled,
        created_at: Timestamp::default(),
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_tls(None).await
    }

    pub(crate) async fn with_tls(tls: Option<Arc<ServerTls>>) -> Self {
        let clock: Arc<dyn Clock> =
            Arc::new(TokioClock::new(Timestamp::from_millis(1_795_325_696_007)));
        let engine = MemoryEngine::new();
        let spool = Spool::on_engine(Arc::new(engine.clone()), SpoolOptions::default(), clock)
            .await
            .unwrap();
        let checked = add_domain(&spool, "x.example").await;
        let open = add_domain(&spool, "open.example").await;
        let accounts = vec![
            account(checked, "alice@x.example", true),
            account(checked, "bob@x.example", true),
            account(checked, "gone@x.example", false),
        ];
        spool.put_mailboxes(accounts, audit()).await.unwrap();
        let policy = Policy {
            message_size_max: 8 << 20,
            ..Policy::new(HOST)
        };
        let destinations = Destinations::new(spool.clone());
        let intake = Intake::asking(spool.clone(), tls, policy, destinations.clone());
        let gate = Arc::clone(intake.gate());
        let (alive, over) = mpsc::channel(1);
        Self {
            spool,
            engine,
            intake,
            stop: watch::Sender::new(false),
            checked,
            open,
            destinations,
            options: ListenerOptions::default(),
            gate,
            alive,
            over,
        }
    }

    pub(crate) fn permit(&self) -> Permit {
        let now = self.spool.clock().monotonic();
        let address = IpAddr::from([192, 0, 2, 7]);
        let policy = Policy {
            connections_per_client: 10_000,
            connections_per_minute: 10_000,
            ..Policy::new(HOST)
        };
        self.gate.admit(address, &policy, now).unwrap()
    }

    pub(crate) fn connection<S>(&self, stream: S) -> Connection<S> {
        Connection {
            stream,
            peer: IpAddr::from([192, 0, 2, 7]),
            options: self.options,
            permit: self.permit(),
            stopping: self.stop.subscribe(),
            alive: self.alive.clone(),
            intake: Arc::clone(&self.intake),
        }
    }

    /// Counts one more connection, as a listener does.
    pub(crate) fn admit(&self, policy: &Policy) -> Permit {
        let now = self.spool.clock().monotonic();
        let address = IpAddr::from([192, 0, 2, 8]);
        self.gate.admit(address, policy, now).unwrap()
    }

    /// What the hosts of the domain with a directory announce.
    pub(crate) fn announce(&self, capabilities: &Capabilities) {
        let domain = self.spool.directory().domain(self.checked).unwrap();
        for host in &domain.destinations {
            self.destinations.announced.learn(host, capabilities);
        }
    }

    /// A session over a duplex and our end of it.
    pub(crate) async fn connect(&self) -> Peer<DuplexStream> {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let session = SmtpSession::<DuplexStream>::default();
        let started = SmtpSession::spawn(None, session, self.connection(far)).await;
        let (actor, task) = started.unwrap();
        Peer {
            stream: near,
            unread: Vec::new(),
            _actor: actor.get_cell(),
            _task: task,
        }
    }

    /// A session that is greeted and introduced.
    pub(crate) async fn introduced(&self) -> Peer<DuplexStream> {
        let mut peer = self.connect().await;
        peer.play("< 220\n> EHLO sender.example\n< 250").await;
        peer
    }

    pub(crate) async fn queue(&self, domain: DomainId) -> Vec<QueueEntry> {
        self.spool.queue_page(domain, None, 100).await.unwrap()
    }

    pub(crate) async fn body(&self, entry: &QueueEntry) -> Vec<u8> {
        let mut reader = self.spool.body(entry);
        let mut body = Vec::new();
        while let Some(chunk) = reader.next().await.unwrap() {
            body.extend_from_slice(&chunk);
        }
        body
    }

    /// The only message in the queue of the domain with a directory, without our trace field.
    pub(crate) async fn content(&self) -> Vec<u8> {
        let entries = self.queue(self.checked).await;
        assert_eq!(entries.len(), 1, "{entries:?}");
        without_trace(&self.body(&entries[0]).await)
    }

    /// Waits until every session is over, then checks that none left anything behind.
    pub(crate) async fn all_over(self) -> Spool {
        drop(self.alive);
        let mut over = self.over;
        assert!(over.recv().await.is_none());
        assert_eq!(self.gate.total(), 0, "a permit was not given back");
        self.spool
    }
}

pub(crate) fn without_trace(body: &[u8]) -> Vec<u8> {
    assert!(body.starts_with(b"Received: from "));
    let end = memchr::memmem::find(body, b" +0000\r\n").unwrap();
    body[end + 8..].to_vec()
}

/// The far side of a session.
pub(crate) struct Peer<S> {
    pub(crate) stream: S,
    unread: Vec<u8>,
    _actor: ractor::ActorCell,
    _task: JoinHandle<()>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    /// Plays a dialogue.
    pub(crate) async fn play(&mut self, script: &str) {
        for line in script
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
        {
            match line.split_at(1) {
                (">", said) => {
                    self.say(format!("{}\r\n", said.trim_start()).as_bytes())
                        .await
                }
                ("<", expected) => {
                    let expected = expected.trim_start();
                    let reply = self.reply().await;
                    assert!(
                        reply.starts_with(expected),
                        "expected {expected}, got {reply}"
                    );
                }
                ("#", _) => self.ends().await,
                _ => panic!("not a line of a dialogue: {line}"),
            }
        }
    }

    pub(crate) async fn say(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The last line of the next reply.
    pub(crate) async fn reply(&mut self) -> String {
        loop {
            let line = self.line().await;
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }

    async fn line(&mut self) -> String {
        loop {
            if let Some(end) = memchr::memmem::find(&self.unread, b"\r\n") {
                let rest = self.unread.split_off(end + 2);
                let mut line = std::mem::replace(&mut self.unread, rest);
                line.truncate(end);
                return String::from_utf8(line).unwrap();
            }
            let count = self.stream.read_buf(&mut self.unread).await.unwrap();
            assert!(count > 0, "the session ended instead of answering");
        }
    }

    /// Expects the end and nothing before it.
    pub(crate) async fn ends(&mut self) {
        let count = self.stream.read_buf(&mut self.unread).await.unwrap_or(0);
        assert_eq!((count, self.unread.len()), (0, 0), "more was said");
    }

    /// The same peer with another stream, after a handshake.
    pub(crate) async fn over<T, F>(self, wrap: impl FnOnce(S) -> F) -> Peer<T>
    where
        F: Future<Output = T>,
    {
        assert!(self.unread.is_empty());
        Peer {
            stream: wrap(self.stream).await,
            unread: Vec::new(),
            _actor: self._actor,
            _task: self._task,
        }
    }
}
