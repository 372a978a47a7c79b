//! Routes that MX records name (RFC 5321 §5.1, RFC 7505), and the smart host, through the actors.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actors::delivery::{Announced, Opener, Routing};
use actors::dns::{DnsError, Exchanger, Resolver};
use actors::status::DestinationState;
use futures_util::future::BoxFuture;
use storage::model::{Destination as Host, Domain, Recipient, TokioClock};
use storage::spool::Spool;

use crate::support::destination::{Destination, Door, Net};
use crate::support::node::{EPOCH, Node, envelope, host, manners};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// MX records by domain; `None` is SERVFAIL, and what is not listed does not exist.
#[derive(Debug, Clone, Default)]
struct Zone(
    Arc<Mutex<BTreeMap<String, Option<Vec<Exchanger>>>>>,
    /// Addresses of hosts.
    Arc<Mutex<BTreeMap<String, IpAddr>>>,
);

impl Zone {
    fn set(&self, domain: &str, records: Option<&[(u16, &str)]>) {
        let exchangers = records.map(|records| {
            let records = records.iter().map(|(preference, host)| Exchanger {
                preference: *preference,
                host: (*host).to_owned(),
            });
            records.collect()
        });
        self.0.lock().unwrap().insert(domain.to_owned(), exchangers);
    }
}

impl Resolver for Zone {
    fn addresses(&self, host: &str) -> BoxFuture<'_, Result<Vec<IpAddr>, DnsError>> {
        let host = host.to_owned();
        let known = self.1.lock().unwrap().get(&host).copied();
        let answer = known.map(|address| vec![address]);
        Box::pin(async move { answer.ok_or(DnsError::NoAddress { host }) })
    }

    fn exchangers(&self, domain: &str) -> BoxFuture<'_, Result<Vec<Exchanger>, DnsError>> {
        let host = domain.to_owned();
        let answer = match self.0.lock().unwrap().get(domain) {
            Some(Some(exchangers)) => Ok(exchangers.clone()),
            Some(None) => Err(DnsError::Unavailable {
                host,
                why: "SERVFAIL".to_owned(),
            }),
            None => Err(DnsError::NoDomain { host }),
        };
        Box::pin(async move { answer })
    }
}

struct World {
    zone: Zone,
    net: Net,
    node: Node,
    domain: Domain,
}

impl World {
    /// `example.org` goes where its MX records say.
    async fn new(smart_host: Option<&str>) -> Self {
        let (zone, net) = (Zone::default(), Net::default());
        let spool = Spool::in_memory(Arc::new(TokioClock::new(EPOCH))).await;
        let opener = Opener {
            dialer: Arc::new(net.clone()),
            manners: manners(&spool),
            announced: Announced::default(),
        };
        let routing = Routing {
            resolver: Some(Arc::new(zone.clone())),
            smart_host: smart_host.iter().map(|name| host(name)).collect(),
            names: Arc::new(["mx.example.net".to_owned()]),
            ..Routing::default()
        };
        let node = Node::start(spool, net.clone(), opener, routing).await;
        let domain = node.domain("example.org", &["unused.example"]).await;
        node.update(&domain, |domain| {
            domain.destinations = vec![Host::by_mx("example.org")];
        })
        .await;
        Self {
            zone,
            net,
            node,
            domain,
        }
    }

    fn host(&self, name: &str) -> Destination {
        let host = Destination::default();
        self.net.add(name, &host);
        host
    }

    fn records(&self, records: &[(u16, &str)]) {
        self.zone.set("example.org", Some(records));
    }

    /// Mail of ours to somebody else's domain.
    async fn write_to(&self, recipient: &str) {
        let (_, name) = recipient.rsplit_once('@').unwrap();
        let name = name.parse().unwrap();
        let recipient = Recipient::new(recipient.parse().unwrap());
        let outbound = self.node.spool.domain_for_outbound(&name).await.unwrap();
        let mut envelope = envelope(vec![recipient]);
        envelope.reverse_path = "alice@example.org".parse().unwrap();
        envelope.client.authenticated_sender = true;
        let content = b"Subject: hello\r\n\r\nfrom the portal\r\n";
        self.node.accept_envelope(outbound, envelope, content).await;
    }
}

#[tokio::test(start_paused = true)]
async fn out3_the_next_exchanger_has_the_mail_while_the_first_is_down_and_no_longer() {
    let world = World::new(None).await;
    let first = world.host("mx1.example.org");
    let second = world.host("mx2.example.org");
    world.records(&[(20, "mx2.example.org"), (10, "mx1.example.org")]);
    let (node, domain) = (&world.node, &world.domain);
    node.accept_many(domain, 10).await;
    node.until_empty(domain, 2 * MINUTE).await;
    assert_eq!((first.ledger().taken.len(), second.ledger().dials), (10, 0));
    first.crash(Door::Refused);
    tokio::time::sleep(MINUTE).await;
    node.accept_many(domain, 10).await;
    node.until_empty(domain, 2 * MINUTE).await;
    assert_eq!(
        (first.ledger().taken.len(), second.ledger().taken.len()),
        (10, 10)
    );
    first.crash(Door::Open);
    // Three canaries and a minute later it is the first again.
    for _ in 0..10 {
        tokio::time::sleep(MINUTE).await;
        node.accept_many(domain, 2).await;
    }
    node.until_empty(domain, 10 * MINUTE).await;
    let second_had = second.ledger().taken.len();
    node.accept_many(domain, 10).await;
    node.until_empty(domain, 2 * MINUTE).await;
    assert_eq!(second.ledger().taken.len(), second_had, "failed back");
    world.node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn out3_a_domain_without_mx_is_its_own_exchanger_and_servfail_is_waited_for() {
    let world = World::new(None).await;
    let itself = world.host("example.org");
    world.zone.set("example.org", None);
    let (node, domain) = (&world.node, &world.domain);
    node.accept_many(domain, 5).await;
    tokio::time::sleep(6 * HOUR).await;
    let counters = node.counters(domain);
    assert_eq!((counters.queued, counters.parked), (5, 0), "Q21");
    world.records(&[]);
    node.until_empty(domain, 5 * MINUTE).await;
    assert_eq!(itself.ledger().taken.len(), 5);
    world.node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn out3_we_ourselves_and_who_is_no_better_get_nothing() {
    let world = World::new(None).await;
    let better = world.host("better.example.org");
    let worse = world.host("worse.example.org");
    world.records(&[
        (10, "mx.example.net"),
        (5, "better.example.org"),
        (20, "worse.example.org"),
    ]);
    let (node, domain) = (&world.node, &world.domain);
    better.crash(Door::Refused);
    node.accept_many(domain, 5).await;
    tokio::time::sleep(HOUR).await;
    assert_eq!(worse.ledger().dials, 0);
    better.crash(Door::Open);
    node.until_empty(domain, 5 * MINUTE).await;
    assert_eq!(better.ledger().taken.len(), 5);
    world.node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn out4_in25_a_null_mx_of_a_protected_domain_is_held_until_somebody_repairs_it() {
    let world = World::new(None).await;
    let (node, domain) = (&world.node, &world.domain);
    let server = world.host("mx1.example.org");
    world.records(&[(0, "")]);
    node.accept_many(domain, 5).await;
    node.until_state(domain, DestinationState::Policy, MINUTE)
        .await;
    let reason = node.status(domain).reason.unwrap_or_default();
    assert!(reason.contains("takes no mail"), "{reason}");
    tokio::time::sleep(6 * HOUR).await;
    assert_eq!(node.counters(domain).queued, 5);
    world.records(&[(10, "mx1.example.org")]);
    node.until_empty(domain, 5 * MINUTE).await;
    assert_eq!(server.ledger().taken.len(), 5);
    world.node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn out4_a_null_mx_of_another_s_domain_is_told_at_once_and_its_address_is_not_tried() {
    let world = World::new(None).await;
    let own = world.host("mx1.example.org");
    let other = world.host("nomail.example");
    world.records(&[(10, "mx1.example.org")]);
    world.zone.set("nomail.example", Some(&[(0, "")]));
    world.write_to("bob@nomail.example").await;
    let told = |_: &Node| own.ledger().taken.len() == 1;
    world.node.until(&world.domain, 5 * MINUTE, told).await;
    let notice = own.ledger().taken[0].clone();
    assert_eq!(notice.recipients, ["alice@example.org"]);
    let text = String::from_utf8_lossy(&notice.message).into_owned();
    assert!(text.contains("Status: 5.1.10"), "{text}");
    assert_eq!(other.ledger().dials, 0);
    world.node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn our_own_mail_to_others_goes_by_their_mx_or_through_the_smart_host() {
    for smart in [false, true] {
        let world = World::new(smart.then_some("smart.example.net")).await;
        let smart_host = world.host("smart.example.net");
        let exchanger = world.host("mx.other.example");
        world
            .zone
            .set("other.example", Some(&[(10, "mx.other.example")]));
        world.write_to("bob@other.example").await;
        let taken =
            |_: &Node| smart_host.ledger().taken.len() + exchanger.ledger().taken.len() == 1;
        world.node.until(&world.domain, MINUTE, taken).await;
        assert_eq!(smart_host.ledger().taken.len(), usize::from(smart));
        assert_eq!(exchanger.ledger().dials, u64::from(!smart));
        world.node.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn b3_a_domain_that_moves_while_it_is_down_is_found_at_its_new_place() {
    let world = World::new(None).await;
    let old = world.host("old.example.org");
    let new = world.host("new.example.org");
    world.records(&[(10, "old.example.org")]);
    let (node, domain) = (&world.node, &world.domain);
    node.accept_many(domain, 1).await;
    node.until_empty(domain, 2 * MINUTE).await;
    old.crash(Door::Refused);
    node.accept_many(domain, 5).await;
    node.until_state(domain, DestinationState::Down, MINUTE)
        .await;
    tokio::time::sleep(HOUR).await;
    world.records(&[(10, "new.example.org")]);
    let moved = node.until_empty(domain, 10 * MINUTE).await;
    assert!(moved <= Duration::from_secs(40), "{moved:?}");
    assert_eq!(new.ledger().taken.len(), 5);
    world.node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn b3_a_host_whose_address_changes_is_asked_at_the_next_look_up() {
    let world = World::new(None).await;
    let host_of = world.host("mail.example.org");
    let (node, domain) = (&world.node, &world.domain);
    let lives_at = |address: [u8; 4]| {
        let name = "mail.example.org".to_owned();
        world.zone.1.lock().unwrap().insert(name, address.into());
    };
    lives_at([192, 0, 2, 1]);
    node.update(domain, |domain| {
        domain.destinations = vec![host("mail.example.org")];
    })
    .await;
    host_of.script(|script| script.banner = "421 4.3.2 not now".to_owned());
    node.accept_many(domain, 5).await;
    let mut waits = Vec::new();
    for round in 0..8 {
        // Long enough for the pauses to have grown to a minute.
        tokio::time::sleep(15 * MINUTE).await;
        let before = host_of.ledger().dials;
        tokio::time::sleep(MINUTE * 10).await;
        let by_itself = host_of.ledger().dials - before;
        assert!(by_itself <= 40, "{by_itself}");
        lives_at([192, 0, 2, 2 + round]);
        let before = host_of.ledger().dials;
        let asked = |_: &Node| host_of.ledger().dials > before;
        waits.push(node.until(domain, 2 * MINUTE, asked).await);
    }
    assert!(
        waits.iter().all(|wait| *wait <= Duration::from_secs(31)),
        "{waits:?}"
    );
    world.node.stop().await;
}
