//! The shell of one domain's delivery: its queue, its leases, its clock.
//!
//! It owns the cursor over the domain's queue, the lanes, the back-off of recipients, hold, breaker,
//! intents and expiry; what is decided purely is in [`super::schedule`], [`super::breaker`],
//! [`super::retry`] and [`super::expiry`]. Its governor gives permits; a permit and a message go to
//! an attempt as a lease, and the attempt puts on record what this actor judged. While the
//! destination is down there is one timer (the next expiry) and no disk I/O. After a crash
//! everything is read from the store again.

mod expire;
mod intents;
mod judge;
mod lease;
mod refuse;
mod relocate;
mod show;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use storage::model::{Clock, Domain, Sequence, Timestamp};

use super::breaker::{BounceBreaker, BouncePast};
use super::context::DeliveryContext;
use super::delivery_supervisor::SupervisorMessage;
use super::dsn::Reporter;
use super::exchange::NoRoute;
use super::health::{Health, Trouble};
use super::host_governor::GovernorMessage;
use super::ready::ReadyWindow;
use super::route::RouteKey;
use super::speed::Speed;
use super::turn::{Grant, LeaseEnd, Question};
use crate::supervision::Alarm;

/// How often the breaker's past is kept, when it has changed.
const SAVE_INTERVAL: Duration = Duration::from_secs(30);
/// A domain without mail keeps its actor for this long.
const IDLE_MAX: Duration = Duration::from_secs(120);

/// The actor.
#[derive(Debug)]
pub struct DeliveryActor;

/// What it starts with.
#[derive(Debug)]
pub struct DeliveryArguments {
    /// Handles.
    pub context: DeliveryContext,
    /// The domain as configured now.
    pub domain: Arc<Domain>,
    /// Its parent.
    pub supervisor: ActorRef<SupervisorMessage>,
    /// The route of its mail.
    pub route: RouteKey,
    /// Who governs the route, unless it is being restarted.
    pub governor: Option<ActorRef<GovernorMessage>>,
    /// Cleared when a wake is handled.
    pub woken: Arc<AtomicBool>,
}

/// Messages, from the supervisor, the governor and the attempts.
#[derive(Debug)]
pub enum DeliveryMessage {
    /// There may be new mail.
    Wake,
    /// The domain's settings changed.
    DomainChanged(Arc<Domain>),
    /// An administrator wants something done.
    Intents,
    /// Who governs the route of the domain's mail from now on.
    Governor {
        /// The route.
        route: RouteKey,
        /// Its governor.
        governor: ActorRef<GovernorMessage>,
    },
    /// A governor died, and its connections with it.
    GovernorLost(ActorId),
    /// The domain has no route now.
    Unroutable(NoRoute),
    /// The route's health is another one.
    Health(Health),
    /// A message may be sent.
    Granted(Box<Grant>),
    /// The governor has forgotten what is ready here.
    Announce,
    /// What is to be written down about recipients that were not delivered?
    Judge(Box<Question>),
    /// A message is not on its way any more.
    LeaseEnded {
        /// Its place.
        sequence: Sequence,
        /// What became of it.
        end: LeaseEnd,
    },
    /// The attempt that had the message crashed.
    Crashed {
        /// Its place.
        sequence: Sequence,
        /// Why.
        why: String,
    },
    /// The time of the last timer has come.
    Timer,
    /// More is to be expired.
    Expire,
    /// More is to be refused, because the domain takes no mail.
    Refuse,
    /// Send nothing more, and end when nothing is on its way.
    Drain,
}

/// Everything about one domain's delivery.
#[derive(Debug)]
pub struct DeliveryState {
    pub(super) context: DeliveryContext,
    pub(super) domain: Arc<Domain>,
    supervisor: ActorRef<SupervisorMessage>,
    woken: Arc<AtomicBool>,
    route: RouteKey,
    governor: Option<ActorRef<GovernorMessage>>,
    pub(super) reporter: Reporter,
    /// Why there is no route, when there is none.
    pub(super) unroutable: Option<NoRoute>,
    pub(super) health: Health,
    pub(super) window: ReadyWindow,
    /// Who governs the connection of each lease.
    governors_of_leases: BTreeMap<Sequence, ActorId>,
    /// Messages that had broken no connection when the governor heard of new mail last, or fewer.
    harmless: u64,
    /// What the governor believes to be ready.
    announced: Option<(u32, bool)>,
    pub(super) breaker: BounceBreaker,
    /// What of the breaker's past was saved last, and when.
    past: BouncePast,
    past_saved_at: Duration,
    pub(super) rng: ChaCha8Rng,
    /// How often the attempts that had a message crashed.
    pub(super) crashes: BTreeMap<Sequence, u32>,
    pub(super) speed: Speed,
    pub(super) last_delivered_at: Option<Duration>,
    /// When the next deferred recipient is due.
    pub(super) next_due_at: Option<Timestamp>,
    /// When the oldest queued message expires, or earlier.
    pub(super) next_expiry_at: Option<Timestamp>,
    pub(super) oldest_at: Option<Timestamp>,
    pub(super) intents_wait: bool,
    draining: bool,
    busy_at: Duration,
    timer: Option<Alarm<Timestamp>>,
    published_at: Option<Duration>,
}

impl Actor for DeliveryActor {
    type Msg = DeliveryMessage;
    type State = DeliveryState;
    type Arguments = DeliveryArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<DeliveryMessage>,
        arguments: DeliveryArguments,
    ) -> Result<DeliveryState, ActorProcessingErr> {
        let mut state = DeliveryState::new(arguments);
        state.load_past().await?;
        state.find_oldest().await?;
        state.next_due_at = state.context.spool.next_due(state.domain.id).await?;
        state.join(&myself);
        myself.send_message(DeliveryMessage::Intents)?;
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<DeliveryMessage>,
        message: DeliveryMessage,
        state: &mut DeliveryState,
    ) -> Result<(), ActorProcessingErr> {
        state.on_message(&myself, message).await?;
        if state.draining && state.window.leased() == 0 {
            state.save_past().await?;
            state.leave(&myself);
            myself.stop(None);
            return Ok(());
        }
        state.announce();
        state.arm(&myself);
        state.publish();
        Ok(())
    }
}

impl DeliveryState {
    fn new(arguments: DeliveryArguments) -> Self {
        let DeliveryArguments {
            context,
            domain,
            supervisor,
            route,
            governor,
            woken,
        } = arguments;
        let seed = context.seed ^ u64::from(domain.id.0).rotate_left(32);
        let busy_at = context.spool.clock().monotonic();
        Self {
            window: ReadyWindow::new(context.spool.clone(), domain.id),
            reporter: Reporter::new(
                context.spool.clone(),
                Arc::clone(&context.opener.manners.hostname),
            ),
            unroutable: None,
            health: Health::Unknown,
            governors_of_leases: BTreeMap::new(),
            harmless: 0,
            announced: None,
            breaker: BounceBreaker::default(),
            past: BouncePast::default(),
            past_saved_at: busy_at,
            rng: ChaCha8Rng::seed_from_u64(seed),
            crashes: BTreeMap::new(),
            speed: Speed::default(),
            last_delivered_at: None,
            next_due_at: None,
            next_expiry_at: None,
            oldest_at: None,
            intents_wait: false,
            draining: false,
            busy_at,
            timer: None,
            published_at: None,
            context,
            domain,
            supervisor,
            woken,
            route,
            governor,
        }
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.context.spool.clock().as_ref()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock().now()
    }

    async fn on_message(
        &mut self,
        myself: &ActorRef<DeliveryMessage>,
        message: DeliveryMessage,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            DeliveryMessage::Wake => self.wake(myself).await?,
            DeliveryMessage::DomainChanged(domain) => self.domain_changed(domain).await?,
            DeliveryMessage::Intents => self.carry_out_intents().await?,
            DeliveryMessage::Governor { route, governor } => {
                self.governed_by(myself, route, governor);
            }
            DeliveryMessage::GovernorLost(governor) => self.governor_lost(governor),
            DeliveryMessage::Unroutable(why) => self.unroutable(myself, why)?,
            DeliveryMessage::Health(health) => self.health_changed(health).await?,
            DeliveryMessage::Granted(grant) => self.granted(myself, *grant).await?,
            DeliveryMessage::Announce => self.announced = None,
            DeliveryMessage::Judge(question) => self.answer(*question),
            DeliveryMessage::LeaseEnded { sequence, end } => {
                self.lease_ended(sequence, end).await?;
            }
            DeliveryMessage::Crashed { sequence, why } => {
                if self.end_lease(sequence) {
                    self.crashed(sequence, &why).await?;
                }
            }
            DeliveryMessage::Timer => {
                self.timer = None;
                self.on_timer(myself).await?;
            }
            DeliveryMessage::Expire => self.expire(myself).await?,
            DeliveryMessage::Refuse => self.refuse(myself).await?,
            DeliveryMessage::Drain => self.draining = true,
        }
        Ok(())
    }

    async fn wake(&mut self, myself: &ActorRef<DeliveryMessage>) -> Result<(), ActorProcessingErr> {
        self.woken.store(false, Ordering::Release);
        self.busy_at = self.clock().monotonic();
        self.window.mail_came();
        if self.refuses_all() {
            myself.send_message(DeliveryMessage::Refuse)?;
        }
        if self.next_expiry_at.is_none() {
            // The first mail of an empty queue; a little early is only one look more.
            let now = self.now();
            self.oldest_at = Some(now);
            self.next_expiry_at = Some(self.domain.expires_at(now));
        }
        if self.may_send() {
            self.fill().await?;
        }
        Ok(())
    }

    /// Whether anything may go out now. Grants that come all the same are returned.
    fn may_send(&self) -> bool {
        !self.draining && !self.is_held() && self.is_reachable()
    }

    fn is_held(&self) -> bool {
        let now = self.now();
        self.domain.hold_at(now).is_some() || !self.breaker.may_send(now)
    }

    /// Whether there is any use in having messages at hand.
    const fn is_reachable(&self) -> bool {
        !matches!(
            self.health,
            Health::Down | Health::Degraded(Trouble::Policy | Trouble::Tls)
        )
    }

    async fn fill(&mut self) -> Result<(), ActorProcessingErr> {
        let now = self.now();
        self.window.fill(now).await?;
        if self.next_due_at.is_some_and(|due| due <= now) && !self.window.has_due() {
            self.window.add_due(now).await?;
            if !self.window.has_due() {
                self.next_due_at = self.context.spool.next_due(self.domain.id).await?;
            }
        }
        Ok(())
    }

    async fn domain_changed(&mut self, domain: Arc<Domain>) -> Result<(), ActorProcessingErr> {
        let released = self.domain.hold.is_some() && domain.hold.is_none();
        self.domain = domain;
        if released {
            self.breaker.release();
        }
        self.published_at = None;
        self.find_oldest().await?;
        if self.may_send() {
            self.fill().await?;
        }
        Ok(())
    }

    fn governed_by(
        &mut self,
        myself: &ActorRef<DeliveryMessage>,
        route: RouteKey,
        governor: ActorRef<GovernorMessage>,
    ) {
        if let Some(old) = &self.governor
            && old.get_id() != governor.get_id()
        {
            // What is on its way there comes to its end.
            let _ = old.send_message(GovernorMessage::Demand {
                domain: self.domain.id,
                ready: 0,
                has_canary: false,
            });
        }
        self.route = route;
        self.governor = Some(governor);
        self.unroutable = None;
        self.health = Health::Unknown;
        self.join(myself);
    }

    fn join(&mut self, myself: &ActorRef<DeliveryMessage>) {
        self.announced = None;
        if let Some(governor) = &self.governor {
            // When it is dead, the supervisor introduces the next one.
            let _ = governor.send_message(GovernorMessage::Join {
                domain: self.domain.id,
                delivery: myself.clone(),
            });
        }
    }

    fn leave(&self, myself: &ActorRef<DeliveryMessage>) {
        if let Some(governor) = &self.governor {
            let _ = governor.send_message(GovernorMessage::Leave {
                domain: self.domain.id,
                delivery: myself.get_id(),
            });
        }
        self.context.board.forget_delivery(self.domain.id);
    }

    /// What the dead governor's connections carried may have arrived or not: it is sent again.
    fn governor_lost(&mut self, governor: ActorId) {
        let leases = &self.governors_of_leases;
        self.window
            .void_leases(|sequence| leases.get(&sequence) == Some(&governor));
        self.governors_of_leases.retain(|_, id| *id != governor);
        if self
            .governor
            .as_ref()
            .is_some_and(|now| now.get_id() == governor)
        {
            self.governor = None;
            self.announced = None;
        }
    }

    async fn health_changed(&mut self, health: Health) -> Result<(), ActorProcessingErr> {
        let was_reachable = self.is_reachable() && self.health != Health::Unknown;
        self.health = health;
        self.published_at = None;
        if !self.is_reachable() {
            self.window.unload();
        } else if !was_reachable && health == Health::Canary {
            let now = self.now();
            self.window.recovery_began(now);
        }
        if self.may_send() {
            self.fill().await?;
        }
        Ok(())
    }

    async fn on_timer(
        &mut self,
        myself: &ActorRef<DeliveryMessage>,
    ) -> Result<(), ActorProcessingErr> {
        let now = self.now();
        let since = self.clock().monotonic().saturating_sub(self.past_saved_at);
        if since >= SAVE_INTERVAL {
            self.save_past().await?;
        }
        self.release_hold_in_time(now).await?;
        if self.next_expiry_at.is_some_and(|at| at <= now) {
            self.expire(myself).await?;
        }
        if self.may_send() {
            self.fill().await?;
        }
        let idle = self.clock().monotonic().saturating_sub(self.busy_at) >= IDLE_MAX;
        if idle && self.context.spool.counters(self.domain.id).queued == 0 {
            self.busy_at = self.clock().monotonic();
            let retire = SupervisorMessage::Retire(self.domain.id);
            // Without a supervisor there is nobody to be kept for either.
            let _ = self.supervisor.send_message(retire);
        }
        Ok(())
    }
}
