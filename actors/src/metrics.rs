//! The figures of this crate: name, unit, labels and help in one place. Labels are bounded sets.

use std::time::Duration;

use metrics::{counter, gauge, histogram};
use storage::metric::{Metric, MetricKind};
use storage::model::Timestamp;
use storage::spool::Space;

use crate::delivery::governor::ProbeOutcome;
use crate::session::Refusal;
use crate::smtp::Reply;

/// Connections that reached a listener.
pub const SMTP_CONNECTIONS: Metric = Metric {
    name: "mailhold_smtp_connections_total",
    kind: MetricKind::Counter,
    labels: &[(
        "outcome",
        "accepted, too_many, too_many_from_client, too_fast_from_client, no_space, not_a_proxy",
    )],
    help: "SMTP connections that reached a listener; all but 'accepted' were answered 421, those that are no proxy not at all",
};
/// Sessions now.
pub const SMTP_SESSIONS: Metric = Metric {
    name: "mailhold_smtp_sessions",
    kind: MetricKind::Gauge,
    labels: &[],
    help: "SMTP sessions that are open now",
};
/// Sessions that crashed.
pub const SMTP_SESSIONS_FAILED: Metric = Metric {
    name: "mailhold_smtp_sessions_failed_total",
    kind: MetricKind::Counter,
    labels: &[],
    help: "SMTP sessions that ended by a fault of ours; each is worth a bug report",
};
/// Failed accepts.
pub const SMTP_ACCEPT_ERRORS: Metric = Metric {
    name: "mailhold_smtp_accept_errors_total",
    kind: MetricKind::Counter,
    labels: &[],
    help: "Times the operating system refused a connection to us, e.g. for want of file descriptors",
};
/// Replies by code.
pub const SMTP_REPLIES: Metric = Metric {
    name: "mailhold_smtp_replies_total",
    kind: MetricKind::Counter,
    labels: &[("code", "three digits of RFC 5321, or other")],
    help: "SMTP replies given, by code",
};
/// Messages by what became of them at the end of the data.
pub const SMTP_MESSAGES: Metric = Metric {
    name: "mailhold_smtp_messages_total",
    kind: MetricKind::Counter,
    labels: &[("outcome", "accepted, failed")],
    help: "Messages that were complete and acceptable; 'failed' could not be stored and stay with the sender",
};
/// Octets of accepted messages.
pub const SMTP_MESSAGE_BYTES: Metric = Metric {
    name: "mailhold_smtp_message_bytes_total",
    kind: MetricKind::Counter,
    labels: &[],
    help: "Bytes of accepted messages",
};
/// From the end of the data to its answer.
pub const SMTP_FINAL_REPLY: Metric = Metric {
    name: "mailhold_smtp_final_reply_seconds",
    kind: MetricKind::Histogram,
    labels: &[],
    help: "Time from the end of a message's data to the answer to it",
};
/// STARTTLS handshakes.
pub const SMTP_TLS_HANDSHAKES: Metric = Metric {
    name: "mailhold_smtp_tls_handshakes_total",
    kind: MetricKind::Counter,
    labels: &[("outcome", "done, failed")],
    help: "TLS handshakes after STARTTLS on our listeners",
};
/// Recipients that only a destination can know.
pub const SMTP_CALLOUTS: Metric = Metric {
    name: "mailhold_smtp_callouts_total",
    kind: MetricKind::Counter,
    labels: &[("outcome", "remembered, exists, unknown, unseen, unanswered")],
    help: "Recipients checked by callout; 'unseen' were taken and 'unanswered' answered 451 because nobody could be asked",
};
/// Recipients by what an attempt, a crash or the clock did to them.
pub const DELIVERY_RECIPIENTS: Metric = Metric {
    name: "mailhold_delivery_recipients_total",
    kind: MetricKind::Counter,
    labels: &[(
        "outcome",
        "delivered, deferred, uncertain, failed, parked, expired, removed",
    )],
    help: "Recipients by what became of them; 'uncertain' were deferred because the final reply never came and may be delivered twice",
};
/// What destinations take to answer.
pub const DELIVERY_REPLY: Metric = Metric {
    name: "mailhold_delivery_reply_seconds",
    kind: MetricKind::Histogram,
    labels: &[],
    help: "Time destinations took to answer a message, without its transfer",
};
/// Probes by what they found.
pub const DELIVERY_PROBES: Metric = Metric {
    name: "mailhold_delivery_probes_total",
    kind: MetricKind::Counter,
    labels: &[("outcome", "ready, unreachable, refused, policy, tls")],
    help: "Probes of destinations that were down or unknown, by what they found",
};
/// Parts of delivery that died and were restarted.
pub const DELIVERY_CRASHES: Metric = Metric {
    name: "mailhold_delivery_crashes_total",
    kind: MetricKind::Counter,
    labels: &[("part", "attempt, delivery_actor, host_governor")],
    help: "Parts of delivery that ended by a fault of ours and were restarted; each is worth a bug report",
};

/// Eight-bit content to hosts without 8BITMIME.
pub const DELIVERY_EIGHT_BIT: Metric = Metric {
    name: "mailhold_delivery_eight_bit_as_is_total",
    kind: MetricKind::Counter,
    labels: &[],
    help: "Messages with eight-bit content that met a destination without 8BITMIME; a configured destination got them as they are, so that signatures survive",
};
/// Look-ups of records for sender authentication.
pub const DNS_LOOKUPS: Metric = Metric {
    name: "mailhold_dns_lookups_total",
    kind: MetricKind::Counter,
    labels: &[
        ("record", "a, aaaa, mx, ptr, txt"),
        (
            "outcome",
            "found, no_such_name, no_records, unavailable, not_asked",
        ),
    ],
    help: "DNS look-ups about senders by record type and outcome; 'not_asked' failed at once because the name servers had not answered lately",
};
/// How long they take.
pub const DNS_LOOKUP: Metric = Metric {
    name: "mailhold_dns_lookup_seconds",
    kind: MetricKind::Histogram,
    labels: &[],
    help: "Time a DNS look-up about a sender took, answers from the cache included",
};
/// What the filter decided.
pub const FILTER_VERDICTS: Metric = Metric {
    name: "mailhold_filter_recipients_total",
    kind: MetricKind::Counter,
    labels: &[("verdict", "accept, tag, quarantine, reject")],
    help: "Recipients of complete messages by what the filter decided",
};
/// Results of sender authentication.
pub const FILTER_AUTHENTICATION: Metric = Metric {
    name: "mailhold_filter_authentication_total",
    kind: MetricKind::Counter,
    labels: &[
        ("method", "spf, dkim, dmarc, arc"),
        (
            "result",
            "none, pass, fail, softfail, neutral, temperror, permerror, policy",
        ),
    ],
    help: "Messages by result of each method of sender authentication; of several DKIM signatures the best one counts",
};
/// Free space.
pub const DISK_FREE: Metric = Metric {
    name: "mailhold_disk_free_bytes",
    kind: MetricKind::Gauge,
    labels: &[],
    help: "Free space on the volume of the store",
};
/// Whole space.
pub const DISK_SIZE: Metric = Metric {
    name: "mailhold_disk_size_bytes",
    kind: MetricKind::Gauge,
    labels: &[],
    help: "Size of the volume of the store",
};
/// Restarts by supervisors.
pub const RESTARTS: Metric = Metric {
    name: "mailhold_supervision_restarts_total",
    kind: MetricKind::Counter,
    labels: &[("supervisor", "root, web, smtp")],
    help: "Parts that died by a fault of ours and were restarted by this supervisor; each is worth a bug report",
};
/// The last complete sweep.
pub const RETENTION_COMPLETE: Metric = Metric {
    name: "mailhold_retention_complete_timestamp_seconds",
    kind: MetricKind::Gauge,
    labels: &[],
    help: "When everything whose time was over had been deleted, in seconds since 1970: what lies behind now is the lag of retention",
};

/// All of them, for `docs/metrics.md` and the recorder.
pub const METRICS: &[Metric] = &[
    SMTP_CONNECTIONS,
    SMTP_SESSIONS,
    SMTP_SESSIONS_FAILED,
    SMTP_ACCEPT_ERRORS,
    SMTP_REPLIES,
    SMTP_MESSAGES,
    SMTP_MESSAGE_BYTES,
    SMTP_FINAL_REPLY,
    SMTP_TLS_HANDSHAKES,
    SMTP_CALLOUTS,
    DELIVERY_RECIPIENTS,
    DELIVERY_REPLY,
    DELIVERY_PROBES,
    DELIVERY_CRASHES,
    DELIVERY_EIGHT_BIT,
    DNS_LOOKUPS,
    DNS_LOOKUP,
    FILTER_VERDICTS,
    FILTER_AUTHENTICATION,
    DISK_FREE,
    DISK_SIZE,
    RESTARTS,
    RETENTION_COMPLETE,
];

pub(crate) fn connection(refusal: Option<Refusal>) {
    let outcome = refusal.map_or("accepted", Refusal::as_str);
    counter!(SMTP_CONNECTIONS.name, "outcome" => outcome).increment(1);
}

pub(crate) fn session_opened() {
    gauge!(SMTP_SESSIONS.name).increment(1);
}

pub(crate) fn session_closed() {
    gauge!(SMTP_SESSIONS.name).decrement(1);
}

pub(crate) fn session_failed() {
    counter!(SMTP_SESSIONS_FAILED.name).increment(1);
}

pub(crate) fn accept_error() {
    counter!(SMTP_ACCEPT_ERRORS.name).increment(1);
}

pub(crate) fn reply(reply: &Reply) {
    counter!(SMTP_REPLIES.name, "code" => code_label(reply.code)).increment(1);
}

pub(crate) fn message_accepted(size_bytes: u64, took: Duration) {
    counter!(SMTP_MESSAGES.name, "outcome" => "accepted").increment(1);
    counter!(SMTP_MESSAGE_BYTES.name).increment(size_bytes);
    histogram!(SMTP_FINAL_REPLY.name).record(took.as_secs_f64());
}

pub(crate) fn message_failed() {
    counter!(SMTP_MESSAGES.name, "outcome" => "failed").increment(1);
}

pub(crate) fn dns_lookup(record: &'static str, outcome: &'static str) {
    counter!(DNS_LOOKUPS.name, "record" => record, "outcome" => outcome).increment(1);
}

pub(crate) fn dns_lookup_took(took: Duration) {
    histogram!(DNS_LOOKUP.name).record(took.as_secs_f64());
}

pub(crate) fn judged(verdict: &'static str, recipients: u64) {
    counter!(FILTER_VERDICTS.name, "verdict" => verdict).increment(recipients);
}

pub(crate) fn authenticated(method: &'static str, result: &'static str) {
    counter!(FILTER_AUTHENTICATION.name, "method" => method, "result" => result).increment(1);
}

pub(crate) fn callout(outcome: &'static str) {
    counter!(SMTP_CALLOUTS.name, "outcome" => outcome).increment(1);
}

pub(crate) fn tls_handshake(done: bool) {
    let outcome = if done { "done" } else { "failed" };
    counter!(SMTP_TLS_HANDSHAKES.name, "outcome" => outcome).increment(1);
}

pub(crate) fn recipients(outcome: &'static str, count: u64) {
    counter!(DELIVERY_RECIPIENTS.name, "outcome" => outcome).increment(count);
}

pub(crate) fn destination_replied(took: Duration) {
    histogram!(DELIVERY_REPLY.name).record(took.as_secs_f64());
}

pub(crate) fn probed(outcome: ProbeOutcome) {
    let outcome = match outcome {
        ProbeOutcome::Ready { .. } => "ready",
        ProbeOutcome::Unreachable => "unreachable",
        ProbeOutcome::Refused(_) => "refused",
        ProbeOutcome::Policy(_) => "policy",
        ProbeOutcome::Tls => "tls",
    };
    counter!(DELIVERY_PROBES.name, "outcome" => outcome).increment(1);
}

pub(crate) fn eight_bit_as_is() {
    counter!(DELIVERY_EIGHT_BIT.name).increment(1);
}

pub(crate) fn delivery_crashed(part: &'static str) {
    counter!(DELIVERY_CRASHES.name, "part" => part).increment(1);
}

pub(crate) fn disk(space: Space) {
    // Gauges are floating-point numbers; the last digits do not matter.
    gauge!(DISK_FREE.name).set(space.free_bytes as f64);
    gauge!(DISK_SIZE.name).set(space.total_bytes as f64);
}

pub(crate) fn restarted(supervisor: &str) {
    counter!(RESTARTS.name, "supervisor" => supervisor.to_owned()).increment(1);
}

pub(crate) fn retention_complete(now: Timestamp) {
    gauge!(RETENTION_COMPLETE.name).set(now.as_secs() as f64);
}

/// The codes that we give; anything else shares one label.
const fn code_label(code: u16) -> &'static str {
    match code {
        214 => "214",
        220 => "220",
        221 => "221",
        250 => "250",
        252 => "252",
        354 => "354",
        421 => "421",
        451 => "451",
        452 => "452",
        500 => "500",
        501 => "501",
        502 => "502",
        503 => "503",
        550 => "550",
        552 => "552",
        553 => "553",
        554 => "554",
        555 => "555",
        _ => "other",
    }
}
