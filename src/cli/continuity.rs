//! `mailhold continuity …`.

use hyper::Method;
use serde_json::json;
use web::api::ContinuityView;

use super::args::ContinuityCommand;
use super::client::{Client, Payload, encoded};
use super::exit::Failure;
use super::output::Output;
use super::table::{Table, visible};

/// Runs `mailhold continuity …`.
pub(super) async fn run(
    command: ContinuityCommand,
    client: &Client,
    output: Output,
) -> Result<(), Failure> {
    match command {
        ContinuityCommand::On { domain, days } => {
            let body = days.map_or_else(|| json!({}), |days| json!({"retention_days": days}));
            let payload = Some(Payload::json(&body)?);
            let view: ContinuityView = client.send(Method::PUT, &path(&domain), payload).await?;
            output.show(&view, |view| {
                let days = view.retention_days.unwrap_or_default();
                format!(
                    "mail of {} is copied and kept for {days} days\n",
                    view.domain
                )
            })
        }
        ContinuityCommand::Off { domain } => {
            let view: ContinuityView = client.send(Method::DELETE, &path(&domain), None).await?;
            output.show(&view, |view| {
                format!("mail of {} is not copied\n", view.domain)
            })
        }
        ContinuityCommand::Show { domain } => {
            let view: ContinuityView = client.get(&path(&domain)).await?;
            output.show(&view, details)
        }
    }
}

fn path(domain: &str) -> String {
    format!("/api/v1/domains/{}/continuity", encoded(domain))
}

fn details(view: &ContinuityView) -> String {
    let mut table = Table::new(&["continuity", &visible(&view.domain)]);
    let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
    row("switched", if view.on { "on" } else { "off" }.to_owned());
    if let Some(since) = &view.enabled_since {
        row("since", since.clone());
    }
    if let Some(days) = view.retention_days {
        row("kept for", format!("{days} days"));
    }
    for missing in &view.missing_in_words {
        row("missing", missing.clone());
    }
    if view.copying {
        row("queued mail", "is being copied".to_owned());
    }
    row("copies", view.messages.to_string());
    row("bytes", view.size_bytes.to_string());
    for day in &view.days {
        row(
            &day.date,
            format!(
                "{} copies in {} mailboxes, {} bytes",
                day.messages, day.mailboxes, day.size_bytes
            ),
        );
    }
    table.render()
}
