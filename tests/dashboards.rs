//! The dashboard and the alert rules ask for nothing but what is exported, and each alarm is
//! explained.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a stale document fails")]

use std::collections::BTreeSet;

use storage::metric::{Metric, MetricKind};

fn read(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn declared() -> impl Iterator<Item = &'static Metric> {
    let all = [
        storage::metrics::METRICS,
        actors::metrics::METRICS,
        web::metrics::METRICS,
    ];
    all.into_iter().flatten()
}

/// Names under which a metric is exported.
fn exported() -> BTreeSet<String> {
    let names = declared().flat_map(|metric| {
        let suffixes: &[&str] = match metric.kind {
            MetricKind::Histogram => &["_bucket", "_sum", "_count"],
            MetricKind::Counter | MetricKind::Gauge => &[""],
        };
        suffixes
            .iter()
            .map(|suffix| format!("{}{suffix}", metric.name))
    });
    names.collect()
}

/// Every `mailhold_…` in a text.
fn used(text: &str) -> BTreeSet<String> {
    let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = text.split(|letter| !word(letter));
    let names = words.filter(|word| word.starts_with("mailhold_"));
    names.map(str::to_owned).collect()
}

/// The values of a label that a text selects, as `label="value"` or `label=~"a|b"`.
fn selected(text: &str, label: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for operator in ["=\"", "=~\""] {
        for rest in text.split(&format!("{label}{operator}")).skip(1) {
            let values = rest.split('"').next().unwrap();
            found.extend(values.split('|').map(str::to_owned));
        }
    }
    found
}

#[test]
fn dashboard_and_alerts_use_exported_names_and_values() {
    let exported = exported();
    for name in ["docs/deploy/grafana.json", "docs/deploy/alerts.yml"] {
        let text = read(name);
        let used = used(&text);
        let unknown: Vec<_> = used.difference(&exported).collect();
        assert!(unknown.is_empty(), "{name}: {unknown:?} are not exported");
        assert!(used.len() > 8, "{name} is nearly empty");
        for label in ["state", "outcome"] {
            for value in selected(&text, label) {
                let known = declared()
                    .flat_map(|metric| metric.labels)
                    .filter(|(name, _)| *name == label)
                    .any(|(_, values)| values.split(", ").any(|known| known == value));
                assert!(known, "{name}: {label} is never {value}");
            }
        }
    }
}

#[test]
fn the_dashboard_is_json_with_a_query_in_every_panel() {
    let dashboard: serde_json::Value =
        serde_json::from_str(&read("docs/deploy/grafana.json")).unwrap();
    for panel in dashboard["panels"].as_array().unwrap() {
        let queries = panel["targets"].as_array().unwrap();
        let filled = |query: &serde_json::Value| !query["expr"].as_str().unwrap().is_empty();
        assert!(!queries.is_empty() && queries.iter().all(filled), "{panel}");
    }
}

#[test]
fn every_alarm_is_explained() {
    let operations = read("docs/operations.md");
    let alerts = read("docs/deploy/alerts.yml");
    let names = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    let names: Vec<_> = names.collect();
    assert!(names.len() > 8, "{names:?}");
    for name in names {
        assert!(
            operations.contains(&format!("`{name}`")),
            "{name} is not explained"
        );
    }
}
