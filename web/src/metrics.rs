//! Metrics that are read off the store and the status board when somebody looks.

use ::metrics::gauge;
use actors::status::StatusBoard;
use storage::metric::{Metric, MetricKind};
use storage::spool::Spool;

use crate::api::status::{INTAKE_STATES, STATES, intake_words, state_words};

const DOMAIN: (&str, &str) = (
    "domain",
    "protected domains; without `domain_labels` one value for all: the sum, of ages the largest",
);

const STATE: (&str, &str) = (
    "state",
    "unknown, healthy, degraded, suspect, down, canary, ramp, policy, held, faulty",
);

/// Recipients that wait.
pub const QUEUE_RECIPIENTS: Metric = Metric {
    name: "mailhold_queue_recipients",
    kind: MetricKind::Gauge,
    labels: &[DOMAIN],
    help: "Recipients whose mail waits, held ones included.",
};

/// Bytes that wait.
pub const QUEUE_BYTES: Metric = Metric {
    name: "mailhold_queue_bytes",
    kind: MetricKind::Gauge,
    labels: &[DOMAIN],
    help: "Bytes of bodies that wait.",
};

/// How long the oldest message has waited.
pub const QUEUE_OLDEST_AGE: Metric = Metric {
    name: "mailhold_queue_oldest_age_seconds",
    kind: MetricKind::Gauge,
    labels: &[DOMAIN],
    help: "How long the oldest message has waited; 0 when nothing waits.",
};

/// Where each destination stands.
pub const DESTINATION_STATE: Metric = Metric {
    name: "mailhold_destination_state",
    kind: MetricKind::Gauge,
    labels: &[DOMAIN, STATE],
    help: "1 for the state that the domain's destination is in, 0 for all others.",
};

/// How many messages may be on their way.
pub const DESTINATION_WINDOW: Metric = Metric {
    name: "mailhold_destination_window",
    kind: MetricKind::Gauge,
    labels: &[DOMAIN],
    help: "Messages that may be on their way to the destination at once.",
};

/// How many are on their way.
pub const DESTINATION_IN_FLIGHT: Metric = Metric {
    name: "mailhold_destination_in_flight",
    kind: MetricKind::Gauge,
    labels: &[DOMAIN],
    help: "Messages on their way to the destination.",
};

/// The pace.
pub const DESTINATION_PACE: Metric = Metric {
    name: "mailhold_destination_pace_messages_per_second",
    kind: MetricKind::Gauge,
    labels: &[DOMAIN],
    help: "Messages per second at most, when the destination limits its rate; 0 when it does not.",
};

/// Domains by state.
pub const DESTINATIONS: Metric = Metric {
    name: "mailhold_destinations",
    kind: MetricKind::Gauge,
    labels: &[STATE],
    help: "Domains whose destination is in this state.",
};

/// Time in which no mail was taken.
pub const INTAKE_UNAVAILABLE: Metric = Metric {
    name: "mailhold_intake_unavailable_seconds",
    kind: MetricKind::Gauge,
    labels: &[],
    help: "Seconds of the last 30 days in which intake took no mail, restarts included (S21).",
};

/// Time that was watched.
pub const INTAKE_WATCHED: Metric = Metric {
    name: "mailhold_intake_watched_seconds",
    kind: MetricKind::Gauge,
    labels: &[],
    help: "Seconds of the last 30 days that the availability of intake was watched.",
};

/// What does not add up.
pub const LEDGER_DIFFERENCE: Metric = Metric {
    name: "mailhold_ledger_difference",
    kind: MetricKind::Gauge,
    labels: &[DOMAIN],
    help: "Recipients accepted and in no term of the ledger. Anything but 0 is an alarm.",
};

/// What intake does.
pub const INTAKE_STATE: Metric = Metric {
    name: "mailhold_intake_state",
    kind: MetricKind::Gauge,
    labels: &[("state", "open, soft, full, critical, broken")],
    help: "1 for what intake does at the moment, 0 for all others.",
};

/// Wrong passwords and codes.
pub const SIGN_IN_FAILURES: Metric = Metric {
    name: "mailhold_sign_in_failures_total",
    kind: MetricKind::Counter,
    labels: &[("site", "portal, admin")],
    help: "Tries to sign in with a wrong address, password or code.",
};

/// What browsers say our policies have blocked.
pub const CSP_REPORTS: Metric = Metric {
    name: "mailhold_csp_reports_total",
    kind: MetricKind::Counter,
    labels: &[
        ("site", "portal, admin"),
        (
            "directive",
            "directives of our content security policies, other",
        ),
    ],
    help: "Reports of browsers about content that a policy of our own pages has blocked.",
};

/// How messages with HTML were shown.
pub const MAIL_HTML: Metric = Metric {
    name: "mailhold_mail_html_total",
    kind: MetricKind::Counter,
    labels: &[(
        "outcome",
        "shown, long, deep, tags, references, attributes, attribute, unstable, time",
    )],
    help: "HTML bodies prepared for readers; every outcome but shown means that the text was shown instead.",
};

/// Tags that were left out of messages.
pub const MAIL_TAGS_DROPPED: Metric = Metric {
    name: "mailhold_mail_tags_dropped_total",
    kind: MetricKind::Counter,
    labels: &[],
    help: "Tags left out of HTML bodies because mail may not use them.",
};

/// Everything this crate declares.
pub const METRICS: &[Metric] = &[
    QUEUE_RECIPIENTS,
    QUEUE_BYTES,
    QUEUE_OLDEST_AGE,
    DESTINATION_STATE,
    DESTINATION_WINDOW,
    DESTINATION_IN_FLIGHT,
    DESTINATION_PACE,
    DESTINATIONS,
    INTAKE_UNAVAILABLE,
    INTAKE_WATCHED,
    LEDGER_DIFFERENCE,
    INTAKE_STATE,
    SIGN_IN_FAILURES,
    CSP_REPORTS,
    MAIL_HTML,
    MAIL_TAGS_DROPPED,
];

/// Sets the gauges to what holds now.
pub(crate) fn record_snapshot(spool: &Spool, board: &StatusBoard, domain_labels: bool) {
    let intake = spool.intake();
    for state in INTAKE_STATES {
        let (word, _) = intake_words(state);
        gauge!(INTAKE_STATE.name, "state" => word).set(flag(state == intake));
    }
    let availability = board.availability();
    gauge!(INTAKE_UNAVAILABLE.name).set(availability.without.as_secs_f64());
    gauge!(INTAKE_WATCHED.name).set(availability.watched.as_secs_f64());
    let now = spool.clock().now();
    let mut all = Figures::default();
    let mut states = [0_u32; STATES.len()];
    for domain in spool.directory().domains() {
        let counters = spool.counters(domain.id);
        let status = board.domain(&domain, &counters, now);
        let places = STATES.iter().zip(&mut states);
        places
            .filter(|(state, _)| **state == status.state)
            .for_each(|(_, count)| *count += 1);
        let oldest = status.oldest_at.map(|at| now.saturating_since(at));
        // Gauges are floating-point numbers; beyond 2^53 the last digits do not matter.
        let figures = Figures {
            recipients: counters.queued as f64,
            bytes: counters.queued_bytes as f64,
            oldest_age: oldest.unwrap_or_default().as_secs_f64(),
            window: f64::from(status.window),
            in_flight: f64::from(status.in_flight),
            pace: status.pace_max.unwrap_or_default(),
            ledger_difference: counters.difference() as f64,
        };
        if domain_labels {
            let name = domain.name.to_string();
            figures.set(&[("domain", name.clone())]);
            for state in STATES {
                let (word, _) = state_words(state);
                let labels = [("domain", name.clone()), ("state", word.to_owned())];
                gauge!(DESTINATION_STATE.name, &labels).set(flag(state == status.state));
            }
        } else {
            all.add(&figures);
        }
    }
    if !domain_labels {
        all.set(&[]);
    }
    for (state, count) in STATES.into_iter().zip(states) {
        let (word, _) = state_words(state);
        gauge!(DESTINATIONS.name, "state" => word).set(f64::from(count));
    }
}

/// Figures of one domain, or of all.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Figures {
    recipients: f64,
    bytes: f64,
    oldest_age: f64,
    window: f64,
    in_flight: f64,
    pace: f64,
    ledger_difference: f64,
}

impl Figures {
    fn add(&mut self, one: &Self) {
        self.recipients += one.recipients;
        self.bytes += one.bytes;
        self.oldest_age = self.oldest_age.max(one.oldest_age);
        self.window += one.window;
        self.in_flight += one.in_flight;
        self.pace += one.pace;
        // One too many here and one too few there is no balance.
        self.ledger_difference += one.ledger_difference.abs();
    }

    fn set(&self, labels: &[(&'static str, String)]) {
        for (metric, value) in [
            (&QUEUE_RECIPIENTS, self.recipients),
            (&QUEUE_BYTES, self.bytes),
            (&QUEUE_OLDEST_AGE, self.oldest_age),
            (&DESTINATION_WINDOW, self.window),
            (&DESTINATION_IN_FLIGHT, self.in_flight),
            (&DESTINATION_PACE, self.pace),
            (&LEDGER_DIFFERENCE, self.ledger_difference),
        ] {
            gauge!(metric.name, labels).set(value);
        }
    }
}

fn flag(set: bool) -> f64 {
    if set { 1.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_labels_sums_and_the_worst_age_are_shown_and_differences_do_not_cancel() {
        let one = Figures {
            recipients: 3.0,
            oldest_age: 50.0,
            ledger_difference: 1.0,
            ..Figures::default()
        };
        let other = Figures {
            recipients: 4.0,
            oldest_age: 20.0,
            ledger_difference: -1.0,
            ..Figures::default()
        };
        let mut all = Figures::default();
        all.add(&one);
        all.add(&other);
        assert_eq!(
            (all.recipients, all.oldest_age, all.ledger_difference),
            (7.0, 50.0, 2.0)
        );
    }
}
