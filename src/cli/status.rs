//! `mailhold status` and `mailhold audit`.

use web::api::{AuditView, DomainStatusView, Page, StatusView};

use super::client::{Client, Query};
use super::exit::Failure;
use super::output::Output;
use super::table::Table;

/// Runs `mailhold status`.
pub(super) async fn status(client: &Client, output: Output) -> Result<(), Failure> {
    let status: StatusView = client.get("/api/v1/status").await?;
    output.show(&status, render)
}

/// Runs `mailhold audit`.
pub(super) async fn audit(limit: usize, client: &Client, output: Output) -> Result<(), Failure> {
    let query = Query::default();
    let page: Page<AuditView> = client.list("/api/v1/audit", &query, Some(limit)).await?;
    output.show(&page, |page| {
        let mut table = Table::new(&["when", "who", "from", "what", "on", "detail"]);
        for row in &page.items {
            table.row([
                row.at.clone(),
                row.actor.clone(),
                row.from.clone().unwrap_or_else(|| "–".to_owned()),
                row.action.clone(),
                row.subject.clone(),
                row.detail.to_string(),
            ]);
        }
        table.render()
    })
}

fn render(status: &StatusView) -> String {
    let mut out = format!(
        "{}: {} (since {})\n",
        status.hostname, status.intake_note, status.started_at
    );
    if let Some(share) = status.intake_available {
        out.push_str(&format!(
            "intake available {:.3} % of the last 30 days ({} without)\n",
            share * 100.0,
            duration(status.intake_unavailable_seconds)
        ));
    }
    let ledger = &status.ledger;
    out.push_str(&format!(
        "accepted {}, delivered {}, waiting {}, set aside {}, failed {}, expired {}, removed {}; difference {}\n",
        ledger.accepted,
        ledger.delivered,
        ledger.queued,
        ledger.parked + ledger.quarantined,
        ledger.failed,
        ledger.expired,
        ledger.removed,
        ledger.difference,
    ));
    let mut table = Table::new(&[
        "domain",
        "state",
        "oldest",
        "waiting",
        "window",
        "per second",
        "time left",
        "why",
    ]);
    for domain in &status.domains {
        table.row(row(domain));
    }
    out.push_str(&table.render());
    out
}

fn row(domain: &DomainStatusView) -> [String; 8] {
    let none = || "–".to_owned();
    [
        domain.domain.clone(),
        format!("{}: {}", domain.state, domain.note),
        domain.oldest_age_seconds.map_or_else(none, duration),
        domain.queued.to_string(),
        domain.window.to_string(),
        format!("{:.1}", domain.delivered_per_second),
        domain.seconds_left.map_or_else(none, duration),
        domain.reason.clone().unwrap_or_else(none),
    ]
}

/// Two units are enough to judge a wait.
fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, minutes) => format!("{minutes}m {}s", seconds % 60),
        (0, hours, minutes) => format!("{hours}h {minutes}m"),
        (days, hours, _) => format!("{days}d {hours}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_told_in_two_units() {
        for (seconds, text) in [
            (9, "9s"),
            (61, "1m 1s"),
            (3_660, "1h 1m"),
            (90_000, "1d 1h"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
