//! A node in front of a peer: the store in memory, everything between it and the socket as it ships.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actors::delivery::{Announced, Dialer, Opener, Routing, TcpDialer};
use actors::dns::{DnsError, Exchanger, Resolver};
use actors::status::DestinationState;
use actors::tls::ClientTls;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rustls::RootCertStore;
use storage::model::{
    Destination, Disposition, Domain, Envelope, QueueEntry, Recipient, TlsPolicy, TokioClock,
};
use storage::spool::Spool;

use super::peer::{NAME, Peer};
use super::still::Still;
use super::support::destination::Net;
use super::support::node::{EPOCH, Node, envelope, manners};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// The smart host that mail to others goes through.
pub(crate) const SMART_HOST: &str = "smart.example.net";

/// The smart host's name leads there, every other one to the peer.
#[derive(Debug)]
struct Names {
    peer: IpAddr,
    smart_host: IpAddr,
}

impl Resolver for Names {
    fn addresses(&self, host: &str) -> BoxFuture<'_, Result<Vec<IpAddr>, DnsError>> {
        let address = if host == SMART_HOST {
            self.smart_host
        } else {
            self.peer
        };
        Box::pin(async move { Ok(vec![address]) })
    }

    fn exchangers(&self, _: &str) -> BoxFuture<'_, Result<Vec<Exchanger>, DnsError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// Where a recipient stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Not charged with anything, and ready to go.
    Ready,
    /// Charged, and due after a time.
    Deferred {
        attempts: u32,
        after: Duration,
    },
    Delivered,
    Parked,
    Elsewhere,
}

/// All of it.
pub(crate) struct Stage {
    pub(crate) still: Still,
    pub(crate) peer: Peer,
    /// Everybody else: what goes out to others arrives here.
    pub(crate) world: Peer,
    pub(crate) node: Node,
    pub(crate) domain: Domain,
    pub(crate) announced: Announced,
}

impl Stage {
    /// A domain behind a polite peer that nobody knows yet.
    pub(crate) async fn new(tls: TlsPolicy) -> Self {
        Self::with(|destination| destination.tls = tls).await
    }

    /// The same with a destination that is set up by the test.
    pub(crate) async fn with(set_up: impl FnOnce(&mut Destination)) -> Self {
        let still = Still::new().await;
        let peer = Peer::new(still.activity()).await;
        let world = Peer::new(still.activity()).await;
        let spool = Spool::in_memory(Arc::new(TokioClock::new(EPOCH))).await;
        let names = Arc::new(Names {
            peer: peer.address.ip(),
            smart_host: world.address.ip(),
        });
        let dialer: Arc<dyn Dialer> = Arc::new(TcpDialer::new(names.clone()));
        let mut roots = RootCertStore::empty();
        roots.add(peer.certificate.clone()).unwrap();
        let mut manners = manners(&spool);
        manners.tls = ClientTls::with_roots(roots).unwrap();
        let announced = Announced::default();
        let opener = Opener {
            dialer,
            manners,
            announced: announced.clone(),
        };
        let routing = Routing {
            smart_host: Arc::new([Destination {
                host: SMART_HOST.to_owned(),
                port: world.address.port(),
                ..Destination::default()
            }]),
            resolver: Some(names),
            ..Routing::default()
        };
        let node = Node::start(spool, Net::default(), opener, routing).await;
        let mut destination = Destination {
            host: NAME.to_owned(),
            port: peer.address.port(),
            ..Destination::default()
        };
        set_up(&mut destination);
        let domain = node.domain("example.org", &[NAME]).await;
        let destinations = vec![destination];
        node.update(&domain, |domain| domain.destinations = destinations)
            .await;
        let stage = Self {
            still,
            peer,
            world,
            node,
            domain,
            announced,
        };
        stage.still.settle().await;
        stage
    }

    /// The peer has proved itself, and its connections have been closed again.
    pub(crate) async fn prove(&self) {
        let healthy = || self.state() == DestinationState::Healthy;
        self.node.accept_many(&self.domain, 4).await;
        self.until(5 * MINUTE, healthy).await;
        self.until(MINUTE, || self.peer.ledger().open == 0).await;
    }

    /// Takes over a message from a sender who has proved to be one.
    pub(crate) async fn accept_from(&self, sender: &str, recipients: &[&str]) {
        self.accept_as(sender, recipients, |_| {}).await;
    }

    /// The same with an envelope that the test changes.
    pub(crate) async fn accept_as(
        &self,
        sender: &str,
        recipients: &[&str],
        change: impl FnOnce(&mut Envelope),
    ) {
        let recipients = recipients
            .iter()
            .map(|text| Recipient::new(text.parse().unwrap()));
        let mut envelope = envelope(recipients.collect());
        envelope.reverse_path = sender.parse().unwrap();
        envelope.client.authenticated_sender = true;
        change(&mut envelope);
        let content = b"Subject: test\r\n\r\nhello\r\n";
        self.node
            .accept_envelope(self.domain.id, envelope, content)
            .await;
    }

    /// Where the domain's mail goes, as it is configured.
    pub(crate) fn destinations(&self) -> Vec<Destination> {
        let domain = self.node.spool.directory().domain(self.domain.id);
        domain.unwrap().destinations.clone()
    }

    pub(crate) fn state(&self) -> DestinationState {
        self.node.state(&self.domain)
    }

    /// Lets time pass until `done`.
    pub(crate) async fn until(&self, within: Duration, done: impl Fn() -> bool) -> Duration {
        self.still.until(within, done, || self.explain()).await
    }

    /// Everything about the moment, for who has to find out why a test failed.
    pub(crate) fn explain(&self) -> String {
        let status = self.node.status(&self.domain);
        let heard = self.peer.ledger().heard.clone();
        let last = heard.len().saturating_sub(12);
        format!(
            "{:?} ({:?}) {:?}\n{} connections, the last: {:#?}",
            status.state,
            status.reason,
            self.node.counters(&self.domain),
            heard.len(),
            &heard[last..]
        )
    }

    /// An orderly stop, which takes its time.
    pub(crate) async fn stop(self) {
        let stopping = self.node.stop();
        tokio::pin!(stopping);
        loop {
            tokio::select! {
                biased;
                () = &mut stopping => return,
                () = self.still.pass(SECOND) => {}
            }
        }
    }

    /// Everything has left the queue.
    pub(crate) async fn until_empty(&self, within: Duration) {
        let empty = || self.node.counters(&self.domain).queued == 0;
        self.until(within, empty).await;
    }

    /// What waits, ready first.
    pub(crate) fn queue(&self) -> Vec<QueueEntry> {
        // The store in memory answers at once.
        let spool = &self.node.spool;
        let ready = spool.queue_page(self.domain.id, None, 1000);
        let deferred = spool.deferred_page(self.domain.id, None, 1000);
        let mut entries = ready.now_or_never().unwrap().unwrap();
        entries.extend(deferred.now_or_never().unwrap().unwrap());
        entries
    }

    /// Where a recipient of the one message that waits, or waited, stands.
    pub(crate) fn standing(&self, recipient: &str) -> Standing {
        let now = self.node.spool.clock().now();
        for entry in self.queue() {
            let all = entry.recipients.iter();
            let mut named = all.filter(|one| one.recipient.path.to_string() == recipient);
            let Some(state) = named.next() else { continue };
            return match state.settled {
                Some(Disposition::Delivered) => Standing::Delivered,
                Some(Disposition::Parked) => Standing::Parked,
                Some(_) => Standing::Elsewhere,
                None if state.attempts == 0 => Standing::Ready,
                None => Standing::Deferred {
                    attempts: state.attempts,
                    after: state.due_at.saturating_since(now),
                },
            };
        }
        let aside = self.node.spool.aside_page(self.domain.id, None, 1000);
        let aside = aside.now_or_never().unwrap().unwrap();
        let listed = aside.iter().filter_map(|one| one.entry.as_ref());
        let mut listed = listed.flat_map(|entry| &entry.recipients);
        if listed.any(|one| {
            one.settled != Some(Disposition::Delivered)
                && one.recipient.path.to_string() == recipient
        }) {
            Standing::Parked
        } else if self.peer.ledger().copies(recipient) > 0 {
            Standing::Delivered
        } else {
            Standing::Elsewhere
        }
    }
}
