//! Documents that are made from the code: `docs/metrics.md` from the declared metrics and
//! `docs/limits.md` from the constants of the limits files. A change of the code without them fails
//! here; `UPDATE_DOCS=1 cargo test --test documents` writes them anew.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a stale document fails")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use storage::metric::{Metric, MetricKind};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn is_current(document: &str, wanted: &str) {
    let path = root().join(document);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "{document} is not what the code says: run UPDATE_DOCS=1 cargo test --test documents"
    );
}

fn kind(metric: &Metric) -> &'static str {
    match metric.kind {
        MetricKind::Counter => "counter",
        MetricKind::Gauge => "gauge",
        MetricKind::Histogram => "histogram",
    }
}

#[test]
fn metrics_are_documented() {
    let mut text = String::from(
        "# Metrics\n\nPrometheus reads them from `/metrics` on the operations listener. Made from the \
         declarations in the code.\n\n| name | kind | labels | what it says |\n|---|---|---|---|\n",
    );
    let all = [
        storage::metrics::METRICS,
        actors::metrics::METRICS,
        web::metrics::METRICS,
    ];
    for metric in all.into_iter().flatten() {
        let labels: Vec<_> = metric
            .labels
            .iter()
            .map(|(name, values)| format!("`{name}`: {values}"))
            .collect();
        let Metric { name, help, .. } = metric;
        writeln!(
            text,
            "| `{name}` | {} | {} | {help} |",
            kind(metric),
            labels.join("; ")
        )
        .unwrap();
    }
    is_current("docs/metrics.md", &text);
}

#[test]
fn metric_names_follow_one_form() {
    let all = [
        storage::metrics::METRICS,
        actors::metrics::METRICS,
        web::metrics::METRICS,
    ];
    let mut seen = std::collections::BTreeSet::new();
    for metric in all.into_iter().flatten() {
        let name = metric.name;
        assert!(seen.insert(name), "{name} is declared twice");
        assert!(name.starts_with("mailhold_"), "{name}");
        assert_eq!(
            metric.kind == MetricKind::Counter,
            name.ends_with("_total"),
            "{name}"
        );
        assert!(!metric.help.is_empty(), "{name} has no help");
    }
}

/// Files whose public constants are limits, with the heading they get.
const LIMIT_FILES: &[(&str, &str)] = &[
    ("SMTP", "actors/src/smtp/limits.rs"),
    ("Filter", "actors/src/filter/limits.rs"),
    ("Store", "storage/src/limits.rs"),
    ("Writing mail", "web/src/compose/limits.rs"),
    ("Addresses", "storage/src/model/address.rs"),
    ("Domains", "storage/src/model/domain.rs"),
    ("Ramp", "actors/src/delivery/ramp/mod.rs"),
    (
        "Connections to destinations",
        "actors/src/delivery/governor/connections.rs",
    ),
    ("Probes", "actors/src/delivery/governor/probe_timer.rs"),
    (
        "Probes of the whole node",
        "actors/src/delivery/probe_budget.rs",
    ),
    ("Bounce breaker", "actors/src/delivery/breaker.rs"),
    ("Messages as they are shown", "web/src/message/limits.rs"),
    ("HTML of messages", "web/src/sanitize/limits.rs"),
    ("Reader", "web/src/reader/limits.rs"),
];

#[test]
fn limits_are_documented() {
    let mut text = String::from(
        "# Limits\n\nEvery bound has a name, a value and a reason. Made from the constants in the code; those \
         that can be set are in [configuration.md](configuration.md).\n",
    );
    for (heading, file) in LIMIT_FILES {
        let rows = constants(&root().join(file));
        assert!(!rows.is_empty(), "{file} has no documented constants");
        write!(
            text,
            "\n## {heading}\n\n| limit | value | why |\n|---|---|---|\n"
        )
        .unwrap();
        for (name, value, why) in rows {
            writeln!(text, "| `{name}` | `{value}` | {why} |").unwrap();
        }
    }
    is_current("docs/limits.md", &text);
}

/// Documented constants of a file on one line each: name, value, doc comment.
fn constants(path: &Path) -> Vec<(String, String, String)> {
    let text = std::fs::read_to_string(path).unwrap();
    let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut rows = Vec::new();
    let mut why = Vec::new();
    for line in shipped.lines() {
        if let Some(comment) = line.strip_prefix("///") {
            why.push(comment.trim());
            continue;
        }
        let declaration = line.strip_prefix("pub ").unwrap_or(line);
        if let Some((name, value)) = constant(declaration)
            && !why.is_empty()
        {
            rows.push((name.to_owned(), seconds(value), why.join(" ")));
        }
        why.clear();
    }
    rows
}

/// `Duration::from_secs(5)` as a person writes it.
fn seconds(value: &str) -> String {
    let unit = |prefix, unit| {
        let amount = value.strip_prefix(prefix)?.strip_suffix(')')?;
        Some(format!("{amount} {unit}"))
    };
    unit("Duration::from_secs(", "s")
        .or_else(|| unit("Duration::from_millis(", "ms"))
        .unwrap_or_else(|| value.to_owned())
}

fn constant(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.strip_prefix("const ")?.split_once(':')?;
    let (_, value) = rest.split_once('=')?;
    Some((name, value.trim().strip_suffix(';')?))
}
