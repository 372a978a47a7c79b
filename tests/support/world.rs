//! A world of one node and one destination for a story, with a common check of both books.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mailhold::demo::destination::{Destination, DestinationOptions, Totals};
use mailhold::demo::sender::{Plan, Record, Report, Sender};
use storage::model::{Clock, SystemClock, Timestamp};

use super::node::Node;
use super::postfix::{Postfix, PostfixOptions};

/// The protected domain of the stories.
pub const DOMAIN: &str = "example.test";
/// Its mailboxes.
pub const MAILBOXES: [&str; 3] = [
    "alice@example.test",
    "bob@example.test",
    "carol@example.test",
];
/// Longest wait for anything that has to happen; a story that waits so long has failed.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// Waits for something that has to happen.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("did not happen within {DEADLINE:?}: {what}"),
    }
}

/// The real clock.
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new(Timestamp::default()))
}

/// A Postfix that takes the domain's mail and relays it to a destination of ours; it is up.
pub fn postfix_before(destination: &Destination) -> Postfix {
    Postfix::start(&PostfixOptions {
        domain: DOMAIN.to_owned(),
        recipients: MAILBOXES.map(str::to_owned).to_vec(),
        destination: destination.address(),
        keeps_log: true,
        is_hurried: true,
    })
    .unwrap()
}

/// A node that relays one domain to one destination of ours.
#[derive(Debug)]
pub struct World {
    /// The node; it runs.
    pub node: Node,
    /// The customer's server; it is up.
    pub destination: Destination,
    /// The clock of senders and destination.
    pub clock: Arc<dyn Clock>,
}

impl World {
    /// A world with an ordinary destination.
    pub fn new(binary: &Path) -> Self {
        Self::with(binary, "", DestinationOptions::default())
    }

    /// A world with further configuration and a destination of its own kind.
    pub fn with(binary: &Path, config: &str, options: DestinationOptions) -> Self {
        let clock = clock();
        let destination = Destination::start(options, Arc::clone(&clock)).unwrap();
        let mut node = Node::prepared(binary, config).unwrap();
        node.resume().unwrap();
        node.add_domain(DOMAIN, destination.address(), &MAILBOXES)
            .unwrap();
        Self {
            node,
            destination,
            clock,
        }
    }

    /// A plan for `messages` messages to the mailboxes in turn, with ids beginning with `prefix`.
    pub fn plan(&self, prefix: &str, messages: u64) -> Plan {
        let mut plan = Plan::new(self.node.smtp(), MAILBOXES[0], messages);
        plan.recipients = MAILBOXES.map(str::to_owned).to_vec();
        plan.sessions = 4;
        prefix.clone_into(&mut plan.id_prefix);
        plan
    }

    /// Sends messages, all of which have to be accepted (S16).
    pub async fn send(&self, prefix: &str, messages: u64) -> Report {
        let report = Sender::run(self.plan(prefix, messages), Arc::clone(&self.clock)).await;
        assert_eq!(report.accepted_count(), messages, "{:?}", report.refusals());
        report
    }

    /// Waits until the destination has this many different (message, recipient).
    pub async fn delivered(&self, distinct: u64) -> Totals {
        let ledger = self.destination.ledger();
        let all = ledger.wait_for(|totals| totals.distinct >= distinct);
        match tokio::time::timeout(DEADLINE, all).await {
            Ok(totals) => totals,
            Err(_) => panic!(
                "{distinct} were not delivered within {DEADLINE:?}: {:?} {:?}\n{}\n{}",
                ledger.totals(),
                ledger.violations(),
                self.node.cli(&["status", "--json"]).unwrap_or_default(),
                self.node
                    .cli(&["queue", "list", "--limit", "5", "--json"])
                    .unwrap_or_default(),
            ),
        }
    }

    /// Everything accepted arrived, and nothing of it twice.
    pub fn assert_delivered_once<'run>(&self, accepted: impl IntoIterator<Item = &'run Record>) {
        let ledger = self.destination.ledger();
        for record in accepted {
            for recipient in &record.recipients {
                let copies = ledger.copies(&record.id, recipient);
                assert_eq!(copies, 1, "{} to {recipient}", record.id);
            }
        }
        assert_eq!(ledger.violations(), Vec::<String>::new());
    }
}
