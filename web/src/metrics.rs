//! Metrics that are read off the store and the status board when somebody looks.

use ::metrics::gauge;
use actors::status::StatusBoard;
use storage::metric::{Metric, MetricKind};
use storage::spool::Spool;

use crate::api::status::{INTAKE_STATES, STATES, intake_words, state_words};

const DOMAIN: (&str, &str) = ("domain", "protected domains");

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
    labels: &[
        DOMAIN,
        (
            "state",
            "unknown, healthy, degraded, suspect, down, canary, ramp, policy, held, faulty",
        ),
    ],
    help: "1 for the state that the domain's destination is in, 0 for all others.",
};

/// How many messages may be on their way.
pub const DESTINATION_WINDOW: Metric = Metric {
    name: "mailhold_destination_window",
    kind: MetricKind::Gauge,
    labels: &[DOMAIN],
    help: "Messages that may be on their way to the destination at once.",
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
    LEDGER_DIFFERENCE,
    INTAKE_STATE,
    SIGN_IN_FAILURES,
    MAIL_HTML,
    MAIL_TAGS_DROPPED,
];

/// Sets the gauges to what holds now.
pub(crate) fn record_snapshot(spool: &Spool, board: &StatusBoard) {
    let intake = spool.intake();
    for state in INTAKE_STATES {
        let (word, _) = intake_words(state);
        gauge!(INTAKE_STATE.name, "state" => word).set(flag(state == intake));
    }
    let now = spool.clock().now();
    for domain in spool.directory().domains() {
        let counters = spool.counters(domain.id);
        let status = board.domain(&domain, &counters, now);
        let oldest = status
            .oldest_at
            .map(|at| now.saturating_since(at).as_secs_f64());
        let set = |metric: &Metric, value: f64| {
            gauge!(metric.name, "domain" => domain.name.to_string()).set(value);
        };
        // Gauges are floating-point numbers; beyond 2^53 the last digits do not matter.
        set(&QUEUE_RECIPIENTS, counters.queued as f64);
        set(&QUEUE_BYTES, counters.queued_bytes as f64);
        set(&QUEUE_OLDEST_AGE, oldest.unwrap_or_default());
        set(&DESTINATION_WINDOW, f64::from(status.window));
        set(&LEDGER_DIFFERENCE, counters.difference() as f64);
        for state in STATES {
            let (word, _) = state_words(state);
            let labels = [
                ("domain", domain.name.to_string()),
                ("state", word.to_owned()),
            ];
            gauge!(DESTINATION_STATE.name, &labels).set(flag(state == status.state));
        }
    }
}

fn flag(set: bool) -> f64 {
    if set { 1.0 } else { 0.0 }
}
