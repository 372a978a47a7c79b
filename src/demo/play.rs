//! The course of the demo as a pure machine: when the server goes and comes back, what is worth a
//! line, how long noticing and draining took, when it is over.

use std::time::Duration;

use actors::status::DestinationState;

use super::figures::{Figures, seconds};
use super::scene::Scene;

/// What the play asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cue {
    /// Switch the customer's server off.
    SwitchOff,
    /// Switch it on again.
    SwitchOn,
    /// The user goes to the portal.
    SignIn,
    /// The user looks what became of the answer.
    LookAgain,
    /// Tell the spectator.
    Say(String),
    /// Everything that was accepted has been delivered.
    End,
}

/// How the parts of the outage went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Times {
    /// From the server's end to the first that we knew of it.
    pub(super) outage_noticed: Option<Duration>,
    /// From the server's return to the first message that it took.
    pub(super) return_noticed: Option<Duration>,
    /// From the server's return to an empty backlog.
    pub(super) drained: Option<Duration>,
    /// Most messages held at once.
    pub(super) held_max: u64,
}

/// Where the play stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// The server takes mail.
    Before,
    /// The server is off.
    Outage { since: Duration },
    /// The server is on again and the backlog is there.
    Return { since: Duration, delivered: u64 },
    /// The backlog is gone.
    After { since: Duration },
}

/// The machine.
#[derive(Debug)]
pub(super) struct Play {
    outage_after: u64,
    outage: Duration,
    /// Whether one outage follows the other, each after a rest of the same length.
    is_endless: bool,
    act: Act,
    times: Times,
    window: u32,
}

impl Play {
    pub(super) const fn new(scene: &Scene, is_endless: bool) -> Self {
        Self {
            is_endless,
            outage_after: scene.outage_after,
            outage: scene.outage,
            act: Act::Before,
            times: Times {
                outage_noticed: None,
                return_noticed: None,
                drained: None,
                held_max: 0,
            },
            window: 0,
        }
    }

    pub(super) const fn times(&self) -> Times {
        self.times
    }

    /// Goes on by one look at the figures.
    pub(super) fn on(&mut self, figures: &Figures) -> Vec<Cue> {
        let now = figures.elapsed;
        self.times.held_max = self.times.held_max.max(figures.queued);
        let mut cues = Vec::new();
        match self.act {
            Act::Before => self.before(figures, &mut cues),
            Act::Outage { since } => self.outage(figures, since, &mut cues),
            Act::Return { since, delivered } => {
                self.return_(figures, now.saturating_sub(since), delivered, &mut cues);
            }
            Act::After { since } => self.after(figures, since, &mut cues),
        }
        cues
    }

    fn after(&mut self, figures: &Figures, since: Duration, cues: &mut Vec<Cue>) {
        let rested = figures.elapsed.saturating_sub(since);
        if self.is_endless && rested >= self.outage {
            self.act = Act::Before;
            self.times = Times {
                held_max: self.times.held_max,
                ..Times::default()
            };
            self.window = 0;
            self.before(figures, cues);
        } else if figures.is_complete() && !figures.user_is_busy && !self.is_endless {
            cues.push(Cue::End);
        }
    }

    fn before(&mut self, figures: &Figures, cues: &mut Vec<Cue>) {
        if figures.accepted < self.outage_after {
            return;
        }
        let since = figures.elapsed;
        self.act = Act::Outage { since };
        cues.push(Cue::SwitchOff);
        cues.push(Cue::Say("the customer's server goes down".to_owned()));
        cues.push(Cue::SignIn);
    }

    fn outage(&mut self, figures: &Figures, since: Duration, cues: &mut Vec<Cue>) {
        let passed = figures.elapsed.saturating_sub(since);
        if self.times.outage_noticed.is_none() && figures.state == DestinationState::Down {
            self.times.outage_noticed = Some(passed);
            let took = seconds(passed);
            let text = format!("noticed after {took}: mail is held, senders still get their 250");
            cues.push(Cue::Say(text));
        }
        // It is the user's outage too: the server stays away until she has answered.
        if passed >= self.outage && !figures.user_is_busy {
            self.act = Act::Return {
                since: figures.elapsed,
                delivered: figures.delivered,
            };
            cues.push(Cue::SwitchOn);
            let held = figures.queued;
            let text = format!("the customer's server is back; {held} messages are held");
            cues.push(Cue::Say(text));
        }
    }

    fn return_(
        &mut self,
        figures: &Figures,
        passed: Duration,
        delivered_before: u64,
        cues: &mut Vec<Cue>,
    ) {
        if self.times.return_noticed.is_none() {
            if figures.delivered == delivered_before {
                return;
            }
            self.times.return_noticed = Some(passed);
            let took = seconds(passed);
            let text = format!("noticed after {took}: it took a first message, slowly at first");
            cues.push(Cue::Say(text));
        }
        if figures.window >= self.window.max(1) * 2 {
            self.window = figures.window;
            let text = format!("it copes: up to {} messages at a time", self.window);
            cues.push(Cue::Say(text));
        }
        if figures.queued <= figures.backlog_gone() {
            self.times.drained = Some(passed);
            self.act = Act::After {
                since: figures.elapsed,
            };
            let took = seconds(passed);
            cues.push(Cue::Say(format!(
                "the backlog is gone, {took} after the return"
            )));
            cues.push(Cue::LookAgain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::DemoOptions;

    fn at(millis: u64, state: DestinationState) -> Figures {
        Figures {
            elapsed: Duration::from_millis(millis),
            state,
            messages: 1000,
            accepted_per_second: 50.0,
            ..Figures::default()
        }
    }

    #[test]
    fn an_outage_is_played_and_timed() {
        let options = DemoOptions {
            messages: 1000,
            outage: Duration::from_secs(10),
            ..DemoOptions::default()
        };
        let mut scene = Scene::draw(&options, Vec::new());
        scene.outage_after = 100;
        let mut play = Play::new(&scene, false);
        let mut show = |accepted, delivered, queued, window, figures: Figures| {
            let figures = Figures {
                accepted,
                delivered,
                queued,
                window,
                ..figures
            };
            play.on(&figures)
        };
        use DestinationState::{Canary, Down, Healthy, Ramp};
        assert_eq!(show(99, 99, 0, 8, at(900, Healthy)), []);
        assert_eq!(show(100, 99, 1, 8, at(1_000, Healthy))[0], Cue::SwitchOff);
        assert_eq!(show(110, 99, 11, 8, at(1_100, Healthy)), []);
        assert_eq!(show(120, 99, 21, 0, at(1_300, Down)).len(), 1);
        let mut busy = at(11_000, Down);
        busy.user_is_busy = true;
        assert_eq!(show(690, 99, 591, 0, busy), [], "she has not answered yet");
        assert_eq!(show(700, 99, 601, 0, at(11_000, Down))[0], Cue::SwitchOn);
        assert_eq!(show(710, 99, 611, 0, at(12_000, Down)), []);
        assert_eq!(show(720, 100, 620, 1, at(13_000, Canary)).len(), 1);
        assert_eq!(show(800, 200, 600, 4, at(15_000, Ramp)).len(), 1);
        assert_eq!(show(900, 899, 1, 8, at(20_000, Ramp)).len(), 3);
        assert_eq!(show(999, 999, 0, 8, at(21_000, Healthy)), []);
        assert_eq!(show(1000, 1000, 0, 8, at(22_000, Healthy)), [Cue::End]);
        let times = Times {
            outage_noticed: Some(Duration::from_millis(300)),
            return_noticed: Some(Duration::from_secs(2)),
            drained: Some(Duration::from_secs(9)),
            held_max: 620,
        };
        assert_eq!(play.times(), times);
    }
}
