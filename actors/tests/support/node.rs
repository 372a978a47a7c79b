//! A node in memory: the store, delivery, and a net of scripted destinations, all on virtual time.

use std::sync::Arc;
use std::time::Duration;

use actors::delivery::delivery_actor::DeliveryMessage;
use actors::delivery::delivery_supervisor::{DeliverySupervisor, SupervisorMessage};
use actors::delivery::host_governor::GovernorMessage;
use actors::delivery::{Announced, DeliveryContext, Manners, Opener, Routing};
use actors::smtp::client::Timeouts;
use actors::status::{DestinationState, DomainStatus, StatusBoard};
use actors::tls::ClientTls;
use bytes::Bytes;
use ractor::{Actor, ActorCell, ActorRef};
use storage::model::{
    Actor as Person, AuditRow, BodyKind, ClientFacts, Counters, Destination as Host, Domain,
    DomainId, Envelope, ForwardPath, Hold, MessageId, Recipient, ReversePath, Timestamp, TlsPolicy,
    TokioClock,
};
use storage::spool::{NewDisposition, NewDomain, NewEntry, NewMessage, Spool};

use super::destination::{Destination, Net};

/// The start of all tests.
pub(crate) const EPOCH: Timestamp = Timestamp::from_secs(1_790_000_000);
/// The host most tests deliver to.
pub(crate) const HOST: &str = "mail.example.org";

/// What intake and administrators do with a store.
pub(crate) struct Intake {
    pub(crate) spool: Spool,
}

/// The node.
pub(crate) struct Node {
    pub(crate) intake: Intake,
    pub(crate) spool: Spool,
    pub(crate) board: StatusBoard,
    pub(crate) net: Net,
    pub(crate) delivery: ActorRef<SupervisorMessage>,
}

impl std::ops::Deref for Node {
    type Target = Intake;

    fn deref(&self) -> &Intake {
        &self.intake
    }
}

impl Node {
    /// A node whose only destination is `HOST`.
    pub(crate) async fn with(destination: &Destination) -> Self {
        let spool = Spool::in_memory(Arc::new(TokioClock::new(EPOCH))).await;
        Self::on(spool, Net::with(HOST, destination)).await
    }

    /// A node on a store that is there already.
    pub(crate) async fn on(spool: Spool, net: Net) -> Self {
        let opener = Opener {
            dialer: Arc::new(net.clone()),
            manners: manners(&spool),
            announced: Announced::default(),
        };
        Self::start(spool, net, opener, Routing::default()).await
    }

    /// A node that opens its connections in this way.
    pub(crate) async fn start(spool: Spool, net: Net, opener: Opener, routing: Routing) -> Self {
        let board = StatusBoard::default();
        let context = DeliveryContext {
            spool: spool.clone(),
            board: board.clone(),
            opener,
            routing,
            probes: actors::delivery::probe_budget::ProbeBudget::default(),
            seed: 7,
        };
        let (delivery, _) = DeliverySupervisor::spawn(None, DeliverySupervisor, context)
            .await
            .unwrap();
        Self {
            intake: Intake {
                spool: spool.clone(),
            },
            spool,
            board,
            net,
            delivery,
        }
    }
}

impl Intake {
    /// A domain that is delivered to `hosts`.
    pub(crate) async fn domain(&self, name: &str, hosts: &[&str]) -> Domain {
        let hosts = hosts.iter().map(|name| host(name)).collect();
        let new = NewDomain::new(name.parse().unwrap(), hosts);
        self.spool.add_domain(new, audit()).await.unwrap()
    }

    /// Takes a message over as intake does.
    pub(crate) async fn accept(&self, domain: DomainId, recipients: &[&str]) -> MessageId {
        self.accept_body(domain, recipients, b"Subject: test\r\n\r\nhello\r\n")
            .await
    }

    /// The same with a body.
    pub(crate) async fn accept_body(
        &self,
        domain: DomainId,
        recipients: &[&str],
        content: &'static [u8],
    ) -> MessageId {
        let recipients = recipients
            .iter()
            .map(|text| Recipient::new(ForwardPath::Mailbox(text.parse().unwrap())))
            .collect();
        self.accept_envelope(domain, envelope(recipients), content)
            .await
    }

    /// The same with an envelope.
    pub(crate) async fn accept_envelope(
        &self,
        domain: DomainId,
        envelope: Envelope,
        content: &'static [u8],
    ) -> MessageId {
        let id = self.spool.next_id();
        let mut body = self.spool.begin_body(id);
        body.write(Bytes::from_static(content)).await.unwrap();
        let recipients = envelope.recipients.clone();
        let message = NewMessage {
            id,
            accepted_at: self.spool.clock().now(),
            envelope,
            body: body.finish().await.unwrap(),
            entries: vec![NewEntry {
                domain,
                recipients,
                disposition: NewDisposition::Queue,
            }],
            bulk: false,
            copies: None,
        };
        self.spool.accept(message).await.unwrap();
        id
    }

    /// `count` messages to one recipient each.
    pub(crate) async fn accept_many(&self, domain: &Domain, count: usize) {
        for n in 0..count {
            let recipient = format!("user{n}@{}", domain.name);
            self.accept(domain.id, &[&recipient]).await;
        }
    }

    /// Sets a domain's settings as an administrator does.
    pub(crate) async fn update(&self, domain: &Domain, update: impl FnOnce(&mut Domain) + Send) {
        self.spool
            .update_domain(&domain.name, update, audit())
            .await
            .unwrap();
    }

    /// A manual hold without an end.
    pub(crate) async fn hold(&self, domain: &Domain) {
        let hold = Hold {
            reason: "maintenance".to_owned(),
            by: "operator".to_owned(),
            since: EPOCH,
            until: None,
        };
        self.update(domain, |domain| domain.hold = Some(hold)).await;
    }
}

impl Node {
    pub(crate) fn counters(&self, domain: &Domain) -> Counters {
        let counters = self.spool.counters(domain.id);
        assert_eq!(
            counters.difference(),
            0,
            "D7: the ledger adds up: {counters:?}"
        );
        counters
    }

    /// The live state, with the settings as they are now.
    pub(crate) fn status(&self, domain: &Domain) -> DomainStatus {
        let domain = self.spool.directory().domain(domain.id).unwrap();
        self.board.domain(
            &domain,
            &self.spool.counters(domain.id),
            self.spool.clock().now(),
        )
    }

    pub(crate) fn state(&self, domain: &Domain) -> DestinationState {
        self.status(domain).state
    }

    /// Lets virtual time pass until `done`; fails with the state after `within`.
    pub(crate) async fn until(
        &self,
        domain: &Domain,
        within: Duration,
        done: impl Fn(&Self) -> bool,
    ) -> Duration {
        let clock = self.spool.clock();
        let begun = clock.monotonic();
        loop {
            let elapsed = clock.monotonic() - begun;
            if done(self) {
                return elapsed;
            }
            assert!(
                elapsed < within,
                "not within {within:?}: {:#?} {:?}",
                self.status(domain),
                self.counters(domain)
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn until_empty(&self, domain: &Domain, within: Duration) -> Duration {
        self.until(domain, within, |node| node.counters(domain).queued == 0)
            .await
    }

    pub(crate) async fn until_state(
        &self,
        domain: &Domain,
        state: DestinationState,
        within: Duration,
    ) -> Duration {
        self.until(domain, within, |node| node.state(domain) == state)
            .await
    }

    /// The DeliveryActors that run now.
    pub(crate) fn delivery_actors(&self) -> Vec<ActorCell> {
        self.children::<DeliveryMessage>()
    }

    /// The HostGovernors that run now.
    pub(crate) fn governors(&self) -> Vec<ActorCell> {
        self.children::<GovernorMessage>()
    }

    fn children<M: ractor::Message>(&self) -> Vec<ActorCell> {
        let mut children = self.delivery.get_children();
        children.retain(|child| child.is_message_type_of::<M>() == Some(true));
        children
    }

    /// An orderly stop.
    pub(crate) async fn stop(self) {
        self.delivery.stop_and_wait(None, None).await.unwrap();
    }
}

pub(crate) fn manners(spool: &Spool) -> Manners {
    Manners {
        hostname: "mx.example.net".into(),
        helo_name: "mx.example.net".into(),
        timeouts: Timeouts::default(),
        listeners: Arc::new([]),
        tls: ClientTls::new().unwrap(),
        clock: Arc::clone(spool.clock()),
    }
}

pub(crate) fn host(name: &str) -> Host {
    Host {
        host: name.to_owned(),
        port: 25,
        priority: 0,
        weight: 1,
        tls: TlsPolicy::Opportunistic,
        ..Host::default()
    }
}

pub(crate) fn audit() -> AuditRow {
    AuditRow {
        at: EPOCH,
        actor: Person::System {
            part: "test".to_owned(),
        },
        action: "test".to_owned(),
        subject: String::new(),
        detail: String::new(),
    }
}

pub(crate) fn envelope(recipients: Vec<Recipient>) -> Envelope {
    Envelope {
        reverse_path: ReversePath::Mailbox("sender@example.com".parse().unwrap()),
        recipients,
        body: BodyKind::SevenBit,
        smtputf8: false,
        dsn_return: None,
        envelope_id: None,
        client: ClientFacts {
            ip: [192, 0, 2, 1].into(),
            helo: "client.example.com".to_owned(),
            reverse_name: None,
            tls_version: None,
            tls_cipher: None,
            authenticated_sender: false,
        },
        authentication: None,
    }
}

/// Lets many hours pass: of each, ten seconds in small steps and the rest in one leap. What happens
/// every few seconds happens less often, what happens at a time happens within its hour.
pub(crate) async fn hours(count: u32) {
    const LOOK: Duration = Duration::from_secs(10);
    for _ in 0..count {
        tokio::time::advance(Duration::from_secs(3600) - LOOK).await;
        tokio::time::sleep(LOOK).await;
    }
}
