//! MTA-STS (RFC 8461): policies are kept through their time, and mail goes where they permit.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actors::delivery::{Announced, Opener, Routing};
use actors::dns::{DnsError, Exchanger, Lookup, LookupError, MailExchanger, Resolver};
use actors::status::DestinationState;
use actors::sts::{FetchError, Mode, PolicyFetcher, StsKeeper};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use storage::model::{Destination as Host, Domain, TokioClock};
use storage::spool::Spool;

use crate::support::destination::{Destination, Net};
use crate::support::node::{EPOCH, Node, manners};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What `example.org` publishes.
#[derive(Debug, Default)]
struct Published {
    /// None: DNS does not answer.
    record: Option<&'static str>,
    /// None: the web server is away.
    policy: Option<&'static str>,
    fetches: u32,
}

#[derive(Debug, Clone, Default)]
struct World(Arc<Mutex<Published>>);

impl World {
    fn publish(&self, record: Option<&'static str>, policy: Option<&'static str>) {
        let mut published = self.0.lock().unwrap();
        published.record = record;
        published.policy = policy;
    }

    fn fetches(&self) -> u32 {
        self.0.lock().unwrap().fetches
    }

    fn keeper(&self, spool: &Spool) -> StsKeeper {
        StsKeeper::new(
            Arc::new(self.clone()),
            Arc::new(self.clone()),
            spool.clone(),
        )
    }
}

impl PolicyFetcher for World {
    fn fetch(&self, domain: &str) -> BoxFuture<'_, Result<Bytes, FetchError>> {
        assert_eq!(domain, "example.org");
        let mut published = self.0.lock().unwrap();
        published.fetches += 1;
        let text = published
            .policy
            .map(|text| Bytes::from_static(text.as_bytes()));
        let text = text.ok_or_else(|| FetchError::TimedOut("mta-sts.example.org".to_owned()));
        Box::pin(async move { text })
    }
}

impl Lookup for World {
    fn txt(&self, name: &str) -> BoxFuture<'_, Result<Vec<Vec<u8>>, LookupError>> {
        assert_eq!(name, "_mta-sts.example.org");
        let record = self.0.lock().unwrap().record;
        let record = record.map(|text| vec![text.as_bytes().to_vec()]);
        let record = record.ok_or_else(|| LookupError::Unavailable("SERVFAIL".to_owned()));
        Box::pin(async move { record })
    }

    fn ipv4(&self, _: &str) -> BoxFuture<'_, Result<Vec<Ipv4Addr>, LookupError>> {
        Box::pin(async { Err(LookupError::NoRecords) })
    }

    fn ipv6(&self, _: &str) -> BoxFuture<'_, Result<Vec<Ipv6Addr>, LookupError>> {
        Box::pin(async { Err(LookupError::NoRecords) })
    }

    fn mx(&self, _: &str) -> BoxFuture<'_, Result<Vec<MailExchanger>, LookupError>> {
        Box::pin(async { Err(LookupError::NoRecords) })
    }

    fn ptr(&self, _: IpAddr) -> BoxFuture<'_, Result<Vec<String>, LookupError>> {
        Box::pin(async { Err(LookupError::NoRecords) })
    }
}

impl Resolver for World {
    fn addresses(&self, host: &str) -> BoxFuture<'_, Result<Vec<IpAddr>, DnsError>> {
        let host = host.to_owned();
        Box::pin(async move { Err(DnsError::NoAddress { host }) })
    }

    fn exchangers(&self, _: &str) -> BoxFuture<'_, Result<Vec<Exchanger>, DnsError>> {
        let host = "mx1.example.org".to_owned();
        Box::pin(async move {
            Ok(vec![Exchanger {
                preference: 10,
                host,
            }])
        })
    }
}

const ENFORCE: &str = "version: STSv1\nmode: enforce\nmx: mx1.example.org\nmax_age: 604800\n";
const OTHERS: &str = "version: STSv1\nmode: enforce\nmx: mx2.example.org\nmax_age: 604800\n";
const TESTING: &str = "version: STSv1\nmode: testing\nmx: mx2.example.org\nmax_age: 604800\n";
const NONE: &str = "version: STSv1\nmode: none\nmax_age: 604800\n";

async fn spool() -> Spool {
    Spool::in_memory(Arc::new(TokioClock::new(EPOCH))).await
}

#[tokio::test(start_paused = true)]
async fn out15_a_policy_is_kept_through_its_time_whoever_blocks_dns_or_the_web_server() {
    let (world, spool) = (World::default(), spool().await);
    world.publish(Some("v=STSv1; id=1;"), Some(ENFORCE));
    let mode = async |keeper: &StsKeeper| {
        let policy = keeper.policy("Example.org.").await;
        policy.map(|policy| policy.mode)
    };
    let keeper = world.keeper(&spool);
    assert_eq!(mode(&keeper).await, Some(Mode::Enforce));
    assert_eq!(mode(&keeper).await, Some(Mode::Enforce));
    assert_eq!(world.fetches(), 1, "the id has not changed");
    // A new keeper is what a restart makes of it.
    let keeper = world.keeper(&spool);
    for blocked in [
        (None, None),
        (Some("v=STSv1; id=2;"), None),
        (Some("v=STSv1; id=2;"), Some("<html>")),
        (Some("no record"), Some(NONE)),
    ] {
        world.publish(blocked.0, blocked.1);
        assert_eq!(mode(&keeper).await, Some(Mode::Enforce), "{blocked:?}");
    }
    tokio::time::advance(7 * DAY + MINUTE).await;
    assert_eq!(mode(&keeper).await, None, "its time is over");
    world.publish(Some("v=STSv1; id=2;"), Some(ENFORCE));
    assert_eq!(mode(&keeper).await, Some(Mode::Enforce));
    // How a domain takes its policy back.
    world.publish(Some("v=STSv1; id=3;"), Some(NONE));
    assert_eq!(mode(&keeper).await, None);
}

#[tokio::test(start_paused = true)]
async fn out15_a_policy_is_fetched_anew_before_its_time_ends() {
    let (world, spool) = (World::default(), spool().await);
    world.publish(Some("v=STSv1; id=1;"), Some(ENFORCE));
    let keeper = world.keeper(&spool);
    for _ in 0..10 {
        assert!(keeper.policy("example.org").await.is_some());
        tokio::time::advance(DAY + MINUTE).await;
    }
    assert_eq!(world.fetches(), 10);
}

/// A node in front of `mx1.example.org`, which has no TLS.
async fn in_clear(policy: &'static str) -> (Node, Domain, Destination, World) {
    let (world, net, spool) = (World::default(), Net::default(), spool().await);
    world.publish(Some("v=STSv1; id=1;"), Some(policy));
    let opener = Opener {
        dialer: Arc::new(net.clone()),
        manners: manners(&spool),
        announced: Announced::default(),
    };
    let routing = Routing {
        resolver: Some(Arc::new(world.clone())),
        sts: Some(Arc::new(world.keeper(&spool))),
        ..Routing::default()
    };
    let node = Node::start(spool, net.clone(), opener, routing).await;
    let domain = node.domain("example.org", &["unused.example"]).await;
    node.update(&domain, |domain| {
        domain.destinations = vec![Host::by_mx("example.org")];
    })
    .await;
    let host = Destination::default();
    net.add("mx1.example.org", &host);
    (node, domain, host, world)
}

#[tokio::test(start_paused = true)]
async fn out15_enforce_holds_mail_rather_than_sending_it_in_clear_and_goes_on_when_it_is_over() {
    for (policy, permitted) in [(ENFORCE, true), (OTHERS, false)] {
        let (node, domain, host, world) = in_clear(policy).await;
        node.accept_many(&domain, 3).await;
        tokio::time::sleep(60 * MINUTE).await;
        assert_eq!(host.ledger().taken.len(), 0);
        assert_eq!(host.ledger().dials > 0, permitted, "{policy}");
        assert_eq!(node.counters(&domain).queued, 3);
        let status = node.status(&domain);
        assert_eq!(status.state, DestinationState::Policy);
        let reason = status.reason.unwrap_or_default();
        let expected = if permitted { "STARTTLS" } else { "MTA-STS" };
        assert!(reason.contains(expected), "{reason}");
        world.publish(Some("v=STSv1; id=2;"), Some(TESTING));
        node.until_empty(&domain, 30 * MINUTE).await;
        assert_eq!(host.ledger().taken.len(), 3);
        node.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn out15_testing_and_none_hinder_nothing() {
    for policy in [TESTING, NONE, "nonsense"] {
        let (node, domain, host, _) = in_clear(policy).await;
        node.accept_many(&domain, 3).await;
        node.until_empty(&domain, 5 * MINUTE).await;
        assert_eq!(host.ledger().taken.len(), 3);
        node.stop().await;
    }
}
