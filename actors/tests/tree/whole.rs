//! The whole tree: what its parts' ends mean, and in which order it stops.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actors::delivery::Routing;
use actors::retention::retention_actor::RetentionMessage;
use actors::session::Destinations;
use actors::status::StatusBoard;
use actors::supervision::{ChildSpec, Exit, Stopping};
use actors::tree::{self, Tree, TreeConfig};
use ractor::ActorCell;
use storage::engine::MemoryEngine;
use storage::model::{AsideKind, TokioClock};
use storage::spool::{Spool, SpoolOptions};

use crate::support::destination::{Destination, Net};
use crate::support::node::{EPOCH, HOST, Intake, hours, manners};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

async fn start(spool: &Spool, net: Net, smtp: Vec<ChildSpec>) -> Tree {
    let config = TreeConfig {
        spool: spool.clone(),
        board: StatusBoard::default(),
        hostname: "mx.test".to_owned(),
        dialer: Arc::new(net),
        manners: manners(spool),
        routing: Routing::default(),
        destinations: Destinations::new(spool.clone()),
        seed: 1,
        web: Vec::new(),
        smtp,
    };
    tree::start(config).await.unwrap()
}

fn logged(name: &'static str, log: &Arc<Mutex<Vec<&'static str>>>) -> ChildSpec {
    let log = Arc::clone(log);
    ChildSpec::service(name, move |mut stopping: Stopping| {
        let log = Arc::clone(&log);
        async move {
            stopping.requested().await;
            log.lock().unwrap().push(name);
            Ok(())
        }
    })
}

#[tokio::test(start_paused = true)]
async fn q15_a_failed_store_stops_the_tree_in_order_with_status_74() {
    let engine = Arc::new(MemoryEngine::new());
    let clock = Arc::new(TokioClock::new(EPOCH));
    let spool = Spool::on_engine(engine.clone(), SpoolOptions::default(), clock)
        .await
        .unwrap();
    let log = Arc::default();
    let mut tree = start(&spool, Net::default(), vec![logged("smtp", &log)]).await;
    assert!(
        tokio::time::timeout(HOUR, tree.ending()).await.is_err(),
        "it runs"
    );
    engine.fail("no space left on device");
    let exit = tokio::time::timeout(SECOND, tree.ending()).await.unwrap();
    assert!(matches!(exit, Exit::Storage(_)), "{exit}");
    assert_eq!(exit.status(), 74);
    assert_eq!(tree.stop(30 * SECOND).await, exit);
    assert_eq!(*log.lock().unwrap(), ["smtp"], "an orderly stop");
}

#[tokio::test(start_paused = true)]
async fn a_stop_as_asked_delivers_what_is_on_its_way_and_exits_with_0() {
    let destination = Destination::default();
    destination.script(|script| script.latency = 2 * SECOND);
    let spool = Spool::in_memory(Arc::new(TokioClock::new(EPOCH))).await;
    let net = Net::with(HOST, &destination);
    let tree = start(&spool, net, Vec::new()).await;
    let helper = Intake {
        spool: spool.clone(),
    };
    let domain = helper.domain("example.org", &[HOST]).await;
    helper.accept_many(&domain, 1).await;
    tokio::time::sleep(SECOND).await;
    assert_eq!(destination.ledger().transactions, 1);
    assert_eq!(tree.stop(30 * SECOND).await, Exit::Requested);
    assert_eq!(spool.counters(domain.id).delivered, 1);
}

#[tokio::test(start_paused = true)]
async fn a_retention_actor_that_crashes_comes_back_and_sweeps() {
    let destination = Destination::default();
    let spool = Spool::in_memory(Arc::new(TokioClock::new(EPOCH))).await;
    let net = Net::with(HOST, &destination);
    let tree = start(&spool, net, Vec::new()).await;
    let helper = Intake {
        spool: spool.clone(),
    };
    let domain = helper.domain("example.org", &[HOST]).await;
    helper.hold(&domain).await;
    helper.accept_many(&domain, 300).await;
    for entry in spool.queue_page(domain.id, None, 512).await.unwrap() {
        let kind = AsideKind::Parked;
        spool.set_aside(entry, kind, "550 no").await.unwrap();
    }
    retention(&tree).kill();
    hours(29 * 24).await;
    assert_eq!(spool.counters(domain.id).parked, 300, "kept for 30 days");
    hours(2 * 24).await;
    let counters = spool.counters(domain.id);
    assert_eq!((counters.parked, counters.failed), (0, 300));
    assert_eq!(tree.stop(30 * SECOND).await, Exit::Requested);
}

fn retention(tree: &Tree) -> ActorCell {
    let children = tree.children();
    let mut found = children
        .into_iter()
        .filter(|child| child.is_message_type_of::<RetentionMessage>() == Some(true));
    found.next().unwrap()
}
