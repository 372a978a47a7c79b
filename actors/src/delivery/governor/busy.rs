//! A destination that refuses for overload although nothing else is under way to it.
//!
//! A window cannot fall below one message, so what the ramp has to say ends there. A host that turns
//! down even that one, again and again, is asked less and less often, until it takes something
//! (S14): each question costs it a session.

use std::time::Duration;

use super::pause::Pause;

/// Refusals of a lone message in a row that are no coincidence: a limit on rate may refuse one.
const REFUSALS: u32 = 3;
/// Time to the next message, at first …
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// … and at most.
const PAUSE_MAX: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Busy {
    refusals: u32,
    pause: Pause,
}

impl Busy {
    /// Until when nothing is sent.
    pub(super) const fn until(&self) -> Option<Duration> {
        self.pause.until()
    }

    /// The only message under way was refused.
    pub(super) fn refused_alone(&mut self, now: Duration) {
        self.refusals = self.refusals.saturating_add(1);
        if self.refusals >= REFUSALS {
            self.pause.extend(PAUSE_MIN, PAUSE_MAX, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s14_pauses_grow_from_the_third_refusal_on_up_to_a_minute() {
        let mut busy = Busy::default();
        let mut pauses = Vec::new();
        for _ in 0..10 {
            let now = Duration::from_secs(1000);
            busy.refused_alone(now);
            pauses.push(busy.until().map_or(0, |until| (until - now).as_secs()));
        }
        assert_eq!(pauses, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
    }
}
