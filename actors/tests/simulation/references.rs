//! Two other ways to feed a backlog, in the same destinations, so that a regression of ours is
//! visible as a number: a fixed number of connections, and a number that grows by one with each
//! delivery and shrinks by one with each refused connection. Both let a refused message wait for a
//! time of its own, as mail servers do.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use storage::model::DomainId;

use super::destination::{Answer, Destination, Model, UP_AT};
use super::report::Report;

/// How a reference decides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) start: f64,
    pub(crate) max: f64,
    /// Whether results change the number.
    pub(crate) feedback: bool,
    /// How long a refused message waits.
    pub(crate) backoff: Duration,
}

/// Postfix: one more with each delivery, one less with each refusal, at most 20; 300 s for a refused message.
pub(crate) const POSTFIX: Rule = Rule {
    start: 5.0,
    max: 20.0,
    feedback: true,
    backoff: Duration::from_secs(300),
};

/// KumoMTA: 32 at any time; 20 min for a refused message.
pub(crate) const KUMOMTA: Rule = Rule {
    start: 32.0,
    max: 32.0,
    feedback: false,
    backoff: Duration::from_secs(1200),
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Completion,
    /// The destination goes away.
    Crash,
    /// A refusal has come back: its place is free again.
    Refused,
    Due,
}

/// Feeds so many messages by a rule, beginning when the destination is back.
pub(crate) fn run(model: &Model, messages: u64, rule: Rule, seed: u64, limit: Duration) -> Report {
    let mut destination = Destination::new(model.clone());
    let mut report = Report::new(messages);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut queue = BinaryHeap::from([Reverse((UP_AT, Happening::Due))]);
    let (mut window, mut waiting, mut in_flight) = (rule.start, messages, 0_u64);
    let (mut next_id, mut now) = (0, UP_AT);
    let mut completion_at = None;
    let mut deferred: BinaryHeap<Reverse<Duration>> = BinaryHeap::new();
    let crashes = model.down.iter().filter(|(from, _)| *from > UP_AT);
    queue.extend(crashes.map(|(from, _)| Reverse((*from, Happening::Crash))));
    while let Some(Reverse((at, happening))) = queue.pop() {
        if at > limit || report.delivered + report.bounced >= messages {
            break;
        }
        now = at;
        if happening == Happening::Completion {
            for _ in destination.completed(now) {
                in_flight -= 1;
                destination.disconnect(now);
                report.note_delivered(DomainId(0), now);
                if rule.feedback {
                    window = (window + 1.0).min(rule.max);
                }
            }
        }
        if happening == Happening::Crash {
            for _ in destination.crash(now) {
                in_flight -= 1;
                report.note_broken(now);
                let due = now + rule.backoff;
                deferred.push(Reverse(due));
                queue.push(Reverse((due, Happening::Due)));
            }
        }
        if happening == Happening::Refused {
            in_flight -= 1;
            if rule.feedback {
                window = (window - 1.0).max(1.0);
            }
        }
        while deferred.peek().is_some_and(|due| due.0 <= now) {
            deferred.pop();
            waiting += 1;
        }
        while waiting > 0 && (in_flight as f64) < window.floor() {
            waiting -= 1;
            next_id += 1;
            let answer = match destination.connect(now) {
                Answer::Yes => match destination.mail(next_id, now, &mut rng) {
                    Answer::Yes => Answer::Yes,
                    refused => {
                        destination.disconnect(now);
                        refused
                    }
                },
                refused => refused,
            };
            in_flight += 1;
            if answer == Answer::Yes {
                continue;
            }
            match answer {
                Answer::UnknownUser => {
                    // Believed at once: a notification to the sender.
                    report.bounced += 1;
                    queue.push(Reverse((now + model.round_trip, Happening::Refused)));
                    continue;
                }
                Answer::Nobody | Answer::Silence => report.note_broken(now),
                _ => report.note_refused(now),
            }
            queue.push(Reverse((now + model.round_trip, Happening::Refused)));
            let due = now + rule.backoff;
            deferred.push(Reverse(due));
            queue.push(Reverse((due, Happening::Due)));
        }
        let at = destination.next_completion();
        if at != completion_at {
            completion_at = at;
            queue.extend(at.map(|at| Reverse((at, Happening::Completion))));
        }
    }
    report.ended_at = now;
    report
}
