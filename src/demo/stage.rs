//! The demo as it happens: the parts are set up, the play is carried out, the books are compared.

use std::sync::Arc;
use std::time::Duration;

use storage::model::{Clock, SystemClock, Timestamp};
use tokio::time::MissedTickBehavior;

use super::destination::{Delivery, Destination, DestinationOptions};
use super::figures::{Figures, Speed, grouped};
use super::play::{Cue, Play};
use super::relay::Relay;
use super::scene::Scene;
use super::sender::{Content, Plan, Sender};
use super::user::{Arrivals, User};
use super::view::View;
use super::{DemoError, DemoOptions, Summary, sample};

/// How often the figures are looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// When nothing has moved for so long with mail still waiting and the server up, the demo has
/// failed.
const STANDSTILL_MAX: Duration = Duration::from_secs(120);
/// Sessions of the outside world.
const SESSIONS: usize = 8;

/// Everything that takes part.
#[derive(Debug)]
pub(super) struct Stage {
    scene: Scene,
    relay: Relay,
    destination: Destination,
    /// Takes mail to everybody else; always there.
    world: Destination,
    user: User,
    /// When the customer's server came back the first time.
    returned: Option<Duration>,
    sender: Sender,
    clock: Arc<dyn Clock>,
    started_at: Duration,
    messages: u64,
    is_stopped: bool,
    accepted: Speed,
    delivered: Speed,
}

impl Stage {
    /// Sets everything up: the relay with a store of its own, the customer's server, the senders.
    pub(super) async fn set(options: &DemoOptions) -> Result<Self, DemoError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(Timestamp::default()));
        let scene = Scene::draw(options, sample::messages()?);
        let destination = DestinationOptions {
            capacity: scene.capacity,
            ..DestinationOptions::default()
        };
        let destination = Destination::start(destination, Arc::clone(&clock))?;
        let world = Destination::start(DestinationOptions::default(), Arc::clone(&clock))?;
        let relay = Relay::start(destination.address(), world.address(), &scene.password).await?;
        let (reader, colleague) = (Scene::reader(), Scene::colleague());
        let user = User::new(relay.browser()?, &reader, &scene.password, &colleague);
        let messages = if options.keep_running {
            u64::MAX
        } else {
            options.messages
        };
        let mut plan = Plan::new(relay.smtp(), "", messages);
        plan.recipients = Scene::mailboxes();
        plan.sessions = SESSIONS;
        plan.content = Content::Given(scene.messages.clone());
        plan.per_second = Some(scene.per_second);
        Ok(Self {
            scene,
            relay,
            destination,
            world,
            user,
            returned: None,
            sender: Sender::start(plan, Arc::clone(&clock)),
            started_at: clock.monotonic(),
            clock,
            messages,
            is_stopped: false,
            accepted: Speed::default(),
            delivered: Speed::default(),
        })
    }

    /// Plays to the end and compares the books.
    pub(super) async fn play(mut self, options: &DemoOptions) -> Result<Summary, DemoError> {
        let mut view = View::new();
        self.introduce(&view, options);
        let mut play = Play::new(&self.scene, options.keep_running);
        let mut watchdog = Watchdog::default();
        let mut looks = tokio::time::interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
        'looks: loop {
            tokio::select! {
                _ = looks.tick() => {}
                _ = &mut interrupt, if !self.is_stopped => self.stop(&view)?,
            }
            let figures = self.look();
            for line in self.user.news(&self.arrivals(figures.elapsed)) {
                view.say(figures.elapsed, &line);
            }
            for cue in play.on(&figures) {
                match cue {
                    Cue::SwitchOff => self.destination.shut_down().await,
                    Cue::SwitchOn => self.switch_on(figures.elapsed)?,
                    Cue::SignIn => self.user.signs_in(self.clock.wall()),
                    Cue::LookAgain => self.user.looks_again(),
                    Cue::Say(text) => view.say(figures.elapsed, &text),
                    Cue::End => break 'looks,
                }
            }
            view.show(&figures, play.times().held_max);
            let finished = self.is_stopped && figures.is_complete() && !figures.user_is_busy;
            if finished || watchdog.is_stuck(&figures, self.destination.is_up()) {
                break;
            }
        }
        let Self {
            sender,
            destination,
            relay,
            user,
            ..
        } = self;
        let report = sender.finish().await;
        let summary = Summary::of(
            &report,
            destination.ledger(),
            &relay.counters(),
            play.times(),
            user.story(),
        );
        view.end(&format!("\n{summary}"));
        relay.stop().await;
        Ok(summary)
    }

    fn introduce(&self, view: &View, options: &DemoOptions) {
        let messages = if options.keep_running {
            "messages from outside until Ctrl-C".to_owned()
        } else {
            format!("{} messages from outside", grouped(options.messages))
        };
        let people = Scene::mailboxes().len();
        let outage = options.outage.as_secs();
        let seed = options.seed;
        let text = format!("seed {seed}: {messages} for {people} people, an outage of {outage} s");
        view.say(Duration::ZERO, &text);
        let (portal, reader) = (self.relay.portal(), Scene::reader());
        let password = &self.scene.password;
        let text = format!("you can be {reader} meanwhile: https://{portal}, password {password}");
        view.say(Duration::ZERO, &text);
    }

    /// The spectator wants to leave: no new mail, the server comes back, the rest is delivered.
    fn stop(&mut self, view: &View) -> Result<(), DemoError> {
        self.is_stopped = true;
        self.sender.stop();
        view.say(
            self.elapsed(),
            "no more mail; what is held is still delivered",
        );
        let now = self.elapsed();
        self.switch_on(now)
    }

    fn switch_on(&mut self, now: Duration) -> Result<(), DemoError> {
        self.returned.get_or_insert(now);
        Ok(self.destination.resume()?)
    }

    /// Where copies of the user's answer have arrived.
    fn arrivals(&self, now: Duration) -> Arrivals {
        let first = |server: &Destination, recipient: Option<String>| {
            let id = self.user.story().message_id()?;
            let deliveries = server.ledger().deliveries_of(id).into_iter();
            let of_recipient = |delivery: &Delivery| {
                let wanted = recipient.as_deref();
                wanted.is_none_or(|wanted| wanted == delivery.recipient)
            };
            let at = deliveries.filter(of_recipient).map(|delivery| delivery.at);
            at.min().map(|at| at.saturating_sub(self.started_at))
        };
        Arrivals {
            now,
            returned: self.returned,
            author: first(&self.world, None),
            colleague: first(&self.destination, Some(Scene::colleague())),
            home: first(&self.destination, Some(Scene::reader())),
        }
    }

    fn elapsed(&self) -> Duration {
        self.clock.monotonic().saturating_sub(self.started_at)
    }

    /// Reads everything that moves.
    fn look(&mut self) -> Figures {
        let now = self.elapsed();
        let sent = *self.sender.progress().borrow();
        let delivered = self.destination.ledger().totals().distinct;
        let delivered = delivered.saturating_sub(self.arrivals(now).at_the_customers());
        let status = self.relay.status();
        let is_endless = self.messages == u64::MAX;
        let messages = if self.is_stopped || is_endless {
            sent.accepted + sent.other
        } else {
            self.messages
        };
        Figures {
            elapsed: now,
            messages,
            accepted: sent.accepted,
            refused: sent.other,
            delivered,
            queued: status.queued,
            queued_bytes: status.queued_bytes,
            state: status.state,
            reason: status.reason,
            window: status.window,
            in_flight: status.in_flight,
            accepted_per_second: self.accepted.at(now, sent.accepted),
            delivered_per_second: self.delivered.at(now, delivered),
            user_is_busy: self.user.is_busy(),
        }
    }
}

/// Notices that nothing moves any more.
#[derive(Debug, Default)]
struct Watchdog {
    moved_at: Duration,
    seen: (u64, u64),
}

impl Watchdog {
    fn is_stuck(&mut self, figures: &Figures, is_up: bool) -> bool {
        let seen = (figures.accepted + figures.refused, figures.delivered);
        if seen != self.seen || !is_up {
            self.seen = seen;
            self.moved_at = figures.elapsed;
        }
        figures.elapsed.saturating_sub(self.moved_at) > STANDSTILL_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standstill_ends_the_demo_but_an_outage_does_not() {
        let mut watchdog = Watchdog::default();
        let at = |secs| Figures {
            elapsed: Duration::from_secs(secs),
            accepted: 10,
            ..Figures::default()
        };
        assert!(!watchdog.is_stuck(&at(0), true));
        assert!(!watchdog.is_stuck(&at(1000), false));
        assert!(!watchdog.is_stuck(&at(1100), true));
        assert!(watchdog.is_stuck(&at(1121), true));
    }
}
