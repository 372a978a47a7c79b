//! A whole relay: a listener, a store, delivery; and a client that speaks to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actors::delivery::{Announced, Opener, Routing, TcpDialer};
use actors::dns::{DnsError, Exchanger, Resolver};
use actors::session::{Intake, ListenerOptions, ListeningSocket, Policy, SmtpListener};
use actors::supervision::{Intensity, Supervisor, SupervisorArguments};
use futures_util::future::BoxFuture;
use ractor::{Actor, ActorCell};
use storage::model::{Destination, Domain, TlsPolicy, TokioClock};
use storage::spool::Spool;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::loopback;
use super::support::destination::Net;
use super::support::node::{EPOCH, Node, manners};

/// No name has an address.
#[derive(Debug)]
struct Nowhere;

impl Resolver for Nowhere {
    fn addresses(&self, host: &str) -> BoxFuture<'_, Result<Vec<std::net::IpAddr>, DnsError>> {
        let host = host.to_owned();
        Box::pin(async move { Err(DnsError::NoAddress { host }) })
    }

    fn exchangers(&self, _: &str) -> BoxFuture<'_, Result<Vec<Exchanger>, DnsError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// The relay.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    pub(crate) node: Node,
    listeners: ActorCell,
}

impl Relay {
    /// A relay of this name whose mail to others goes to `world`.
    pub(crate) async fn new(name: &str, world: SocketAddr) -> Self {
        let clock = Arc::new(TokioClock::new(EPOCH));
        let spool = Spool::in_memory(clock.clone()).await;
        let policy = Policy {
            greeting_pause: Duration::ZERO,
            exempt: Arc::new(|_| true),
            ..Policy::new(name)
        };
        let intake = Intake::new(spool.clone(), None, policy);
        let socket = ListeningSocket::bind(loopback::address()).unwrap();
        let address = socket.address();
        let arguments = SupervisorArguments {
            name: "smtp".into(),
            children: vec![SmtpListener::child_spec(
                socket,
                ListenerOptions::default(),
                intake,
            )],
            intensity: Intensity::new(3, Duration::from_secs(300)),
            clock,
            exit: None,
        };
        let (listeners, _) = Supervisor::spawn(None, Supervisor, arguments)
            .await
            .unwrap();
        let mut manners = manners(&spool);
        manners.hostname = name.into();
        manners.helo_name = name.into();
        let opener = Opener {
            dialer: Arc::new(TcpDialer::new(Arc::new(Nowhere))),
            manners,
            announced: Announced::default(),
        };
        let routing = Routing {
            smart_host: Arc::new([at(world)]),
            ..Routing::default()
        };
        Self {
            address,
            node: Node::start(spool, Net::default(), opener, routing).await,
            listeners: listeners.get_cell(),
        }
    }

    /// A domain whose mail goes to an address.
    pub(crate) async fn domain(&self, name: &str, to: SocketAddr) -> Domain {
        let domain = self.node.domain(name, &["127.0.0.1"]).await;
        self.node
            .update(&domain, |domain| domain.destinations = vec![at(to)])
            .await;
        domain
    }

    /// It is over at once.
    pub(crate) fn kill(self) {
        self.listeners.kill();
        self.node.delivery.kill();
    }
}

fn at(address: SocketAddr) -> Destination {
    Destination {
        host: address.ip().to_string(),
        port: address.port(),
        tls: TlsPolicy::None,
        ..Destination::default()
    }
}

/// A client at its socket.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    /// Connects and introduces itself.
    pub(crate) async fn at(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut client = Self(BufReader::new(stream));
        assert_eq!(client.reply().await[..3], *"220");
        assert_eq!(client.say("HELO client.example").await[..3], *"250");
        client
    }

    /// Says a line and hears the reply.
    pub(crate) async fn say(&mut self, line: &str) -> String {
        let line = format!("{line}\r\n");
        self.0.get_mut().write_all(line.as_bytes()).await.unwrap();
        self.reply().await
    }

    async fn reply(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    /// Hands in one message; the last reply.
    pub(crate) async fn send(&mut self, sender: &str, recipient: &str) -> String {
        self.say(&format!("MAIL FROM:<{sender}>")).await;
        let reply = self.say(&format!("RCPT TO:<{recipient}>")).await;
        if !reply.starts_with('2') {
            self.say("RSET").await;
            return reply;
        }
        self.say("DATA").await;
        self.say("Subject: x\r\n\r\nhello\r\n.").await
    }
}
