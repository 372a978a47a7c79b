//! The store's own metrics.

use metrics::{counter, histogram};

use crate::engine::KeyspaceId;
use crate::metric::{Metric, MetricKind};

/// Damaged records met.
pub const CORRUPT_RECORDS: Metric = Metric {
    name: "mailhold_store_corrupt_records_total",
    kind: MetricKind::Counter,
    labels: &[("keyspace", "the names in `engine::KeyspaceId`")],
    help: "Damaged records met: set aside where possible, reported in the log",
};

/// How long making a message durable took.
pub const ACCEPT_COMMIT: Metric = Metric {
    name: "mailhold_accept_commit_seconds",
    kind: MetricKind::Histogram,
    labels: &[],
    help: "Time from handing an accepted message to the store until it was synced",
};

/// Every metric of this crate.
pub const METRICS: &[Metric] = &[CORRUPT_RECORDS, ACCEPT_COMMIT];

pub(crate) fn corrupt_record(keyspace: KeyspaceId) {
    counter!(CORRUPT_RECORDS.name, "keyspace" => keyspace.name()).increment(1);
}

pub(crate) fn accepted(took: std::time::Duration) {
    histogram!(ACCEPT_COMMIT.name).record(took.as_secs_f64());
}
