//! How a metric is declared: once, as a constant with name, unit, labels and help.
//!
//! Each crate has one `metrics` file that declares its metrics and lists them in `METRICS`;
//! `docs/metrics.md` is made from those lists. Labels are bounded sets, named in the declaration.

/// What a metric does over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only rises; its name ends in `_total`.
    Counter,
    /// Rises and falls.
    Gauge,
    /// A distribution.
    Histogram,
}

/// One declared metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// `mailhold_…`, in base units (`_seconds`, `_bytes`).
    pub name: &'static str,
    /// What it does over time.
    pub kind: MetricKind,
    /// Labels and their possible values, e.g. `("outcome", "delivered, deferred, failed")`.
    pub labels: &'static [(&'static str, &'static str)],
    /// One sentence for the person on call.
    pub help: &'static str,
}

impl Metric {
    /// Tells the recorder what the metric is; called once per process for every declared metric.
    pub fn describe(&self) {
        match self.kind {
            MetricKind::Counter => metrics::describe_counter!(self.name, self.help),
            MetricKind::Gauge => metrics::describe_gauge!(self.name, self.help),
            MetricKind::Histogram => metrics::describe_histogram!(self.name, self.help),
        }
    }
}
