//! `mailhold domain outages`: what happened, one line each.

use web::api::OutagesView;

use super::table::{Table, visible};

/// The outages as a table, newest first.
pub(super) fn text(view: &OutagesView) -> String {
    if view.items.is_empty() {
        return format!(
            "no outage of {} in the last 30 days\n",
            visible(&view.domain)
        );
    }
    let mut table = Table::new(&[
        "started",
        "kind",
        "noticed",
        "ended",
        "drained",
        "lasted",
        "held",
        "longest wait",
        "reason",
    ]);
    for outage in &view.items {
        let open = || "-".to_owned();
        table.row([
            outage.started_at.clone(),
            outage.kind.clone(),
            outage.noticed_at.clone(),
            outage.ended_at.clone().unwrap_or_else(open),
            outage.drained_at.clone().unwrap_or_else(open),
            format!("{} s", outage.lasted_seconds),
            outage.held_max.to_string(),
            format!("{} s", outage.longest_wait_seconds),
            visible(&outage.reason),
        ]);
    }
    table.render()
}
