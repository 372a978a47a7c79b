//! The supervision tree: what starts, in which order, and what its end means.
//!
//! ```text
//! Root (one_for_one; 3 deaths of direct children in 5 min → orderly stop, exit 70)   start ↓  stop ↑
//! ├─ store watch      the store's failure stops the tree, exit 74
//! ├─ space            samples the free space every second
//! ├─ delivery         DeliverySupervisor
//! ├─ callouts         asks destinations for recipients
//! ├─ retention        RetentionActor
//! ├─ backfill         BackfillActor: copies of mail held before continuity was switched on
//! ├─ outbox           lets what users have written leave when its time has come
//! ├─ web              portal, admin, operations
//! └─ smtp             listeners and sessions
//! ```

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorRef, SpawnErr};
use storage::spool::Spool;
use tokio::sync::watch;

use crate::callout::{self, CalloutContext};
use crate::continuity::BackfillActor;
use crate::delivery::probe_budget::ProbeBudget;
use crate::delivery::{DeliveryContext, DeliverySupervisor, Dialer, Manners, Opener, Routing};
use crate::outbox::{self, Departure};
use crate::retention::RetentionActor;
use crate::session::Destinations;
use crate::status::StatusBoard;
use crate::supervision::{
    ChildSpec, Exit, Intensity, Restart, ServiceError, Stopping, Supervisor, SupervisorArguments,
    SupervisorMessage,
};
use crate::watch::Watch;

/// Deaths of direct children of the root that are too many.
const ROOT_DEATHS_MAX: usize = 3;
/// In this time.
const ROOT_DEATHS_WITHIN: Duration = Duration::from_secs(300);
/// How often the free space is looked at.
const SPACE_INTERVAL: Duration = Duration::from_secs(1);
/// How long delivery may take to finish what is on its way.
const DELIVERY_SHUTDOWN: Duration = Duration::from_secs(28);

/// What the tree is made of.
#[derive(Debug)]
pub struct TreeConfig {
    /// The store, open.
    pub spool: Spool,
    /// Where the live state is shown.
    pub board: StatusBoard,
    /// Our name, in the trace of what users send.
    pub hostname: String,
    /// For connections to destinations.
    pub dialer: Arc<dyn Dialer>,
    /// How we introduce ourselves to destinations.
    pub manners: Manners,
    /// For the way of a domain's mail.
    pub routing: Routing,
    /// What is known about destinations, shared with intake.
    pub destinations: Destinations,
    /// Seed of everything random.
    pub seed: u64,
    /// Listeners of portal, admin and operations, in the order of their start.
    pub web: Vec<ChildSpec>,
    /// SMTP listeners, in the order of their start. They start last and stop first.
    pub smtp: Vec<ChildSpec>,
}

/// A running tree.
#[derive(Debug)]
pub struct Tree {
    root: ActorRef<SupervisorMessage>,
    exit: watch::Receiver<Option<Exit>>,
}

/// Starts everything, in order, and answers when all parts have started.
///
/// # Errors
/// The part that did not start, and why; what had started before is stopped again.
pub async fn start(config: TreeConfig) -> Result<Tree, SpawnErr> {
    let clock = Arc::clone(config.spool.clock());
    let Destinations {
        announced,
        callouts,
    } = config.destinations;
    let opener = Opener {
        dialer: config.dialer,
        manners: config.manners,
        announced,
    };
    let mut children = vec![
        store_watch(config.spool.clone()),
        space(config.spool.clone(), config.board.clone()),
        delivery(DeliveryContext {
            spool: config.spool.clone(),
            board: config.board.clone(),
            opener: opener.clone(),
            routing: config.routing,
            probes: ProbeBudget::default(),
            seed: config.seed,
        }),
        callout::child_spec(CalloutContext {
            spool: config.spool.clone(),
            board: config.board,
            opener,
            callouts,
        }),
        RetentionActor::child_spec(config.spool.clone()),
        BackfillActor::child_spec(config.spool.clone()),
        outbox::child_spec(Departure::new(config.spool, &config.hostname)),
    ];
    let group = |name, parts| {
        let intensity = Intensity::new(ROOT_DEATHS_MAX, ROOT_DEATHS_WITHIN);
        Supervisor::child_spec(name, parts, intensity, Arc::clone(&clock))
    };
    if !config.web.is_empty() {
        children.push(group("web", config.web));
    }
    if !config.smtp.is_empty() {
        children.push(group("smtp", config.smtp));
    }
    let (sender, exit) = watch::channel(None);
    let arguments = SupervisorArguments {
        name: "root".into(),
        children,
        intensity: Intensity::new(ROOT_DEATHS_MAX, ROOT_DEATHS_WITHIN),
        clock,
        exit: Some(sender),
    };
    let (root, _) = Supervisor::spawn(None, Supervisor, arguments).await?;
    Ok(Tree { root, exit })
}

impl Tree {
    /// Resolves when the tree decides to end by itself, and says why. Call [`Tree::stop`] then: it
    /// waits for the rest. Cancel-safe.
    pub async fn ending(&mut self) -> Exit {
        match self.exit.wait_for(Option::is_some).await {
            Ok(exit) => exit.clone().unwrap_or(Exit::Requested),
            // The root died without a word, which only a fault of its own can do.
            Err(_) => Exit::Software("the root of the supervision tree died".to_owned()),
        }
    }

    /// The root's children, for tests that end one of them.
    #[must_use]
    pub fn children(&self) -> Vec<ActorCell> {
        self.root.get_children()
    }

    /// Stops everything in reverse order of the start, within `grace`, and says why the tree has
    /// ended.
    pub async fn stop(mut self, grace: Duration) -> Exit {
        self.root.stop(None);
        if self.root.wait(Some(grace)).await.is_err() {
            tracing::warn!(grace_s = grace.as_secs(), "not everything stopped in time");
            self.root.kill();
        }
        self.exit
            .borrow_and_update()
            .clone()
            .unwrap_or(Exit::Requested)
    }
}

/// Ends the tree when the store cannot be trusted any more: a poisoned store is recovered by a
/// restart of the process.
fn store_watch(spool: Spool) -> ChildSpec {
    ChildSpec::service("store watch", move |mut stopping: Stopping| {
        let mut failed = spool.failed();
        async move {
            tokio::select! {
                biased;
                () = stopping.requested() => Ok(()),
                failure = failed.wait_for(Option::is_some) => match failure {
                    Ok(why) => Err(ServiceError::from(why.clone().unwrap_or_default())),
                    Err(_) => Err(ServiceError::from("the committer has ended")),
                },
            }
        }
    })
    .with_restart(Restart::Fatal(Exit::Storage))
}

/// Every second: how much space is free, whether mail is taken in, whether the books add up.
fn space(spool: Spool, board: StatusBoard) -> ChildSpec {
    ChildSpec::service("space", move |mut stopping: Stopping| {
        let mut watch = Watch::new(spool.clone(), board.clone());
        async move {
            watch.load().await?;
            loop {
                watch.look().await?;
                tokio::select! {
                    biased;
                    () = stopping.requested() => return Ok(watch.save().await?),
                    () = tokio::time::sleep(SPACE_INTERVAL) => {}
                }
            }
        }
    })
}

fn delivery(context: DeliveryContext) -> ChildSpec {
    ChildSpec::actor("delivery", move |supervisor| {
        let context = context.clone();
        async move {
            let (actor, _) =
                DeliverySupervisor::spawn_linked(None, DeliverySupervisor, context, supervisor)
                    .await?;
            Ok(actor.get_cell())
        }
    })
    .with_shutdown(DELIVERY_SHUTDOWN)
}
