//! `mailhold quarantine …`.

use hyper::Method;
use serde_json::json;
use web::api::{AuthenticationView, Page, QuarantineView};

use super::args::{FilterArguments, QuarantineCommand};
use super::client::{Client, Query, encoded};
use super::exit::Failure;
use super::output::Output;
use super::table::{Table, visible};

const QUARANTINE: &str = "/api/v1/quarantine";

/// Runs `mailhold quarantine …`.
pub(super) async fn run(
    command: QuarantineCommand,
    client: &Client,
    output: Output,
) -> Result<(), Failure> {
    match command {
        QuarantineCommand::List { filter, limit } => {
            let page = client
                .list(QUARANTINE, &query(&filter), Some(limit))
                .await?;
            output.show(&page, list)
        }
        QuarantineCommand::Show { id } => {
            let target = format!("{QUARANTINE}/{}", encoded(&id));
            let page: Page<QuarantineView> = client.get(&target).await?;
            output.show(&page, details)
        }
        QuarantineCommand::Release { ids } => {
            for id in &ids {
                let target = format!("{QUARANTINE}/{}/release", encoded(id));
                client.command(Method::POST, &target, None).await?;
            }
            let done = json!({"released": ids});
            output.show(&done, |_| format!("{} released\n", ids.len()))
        }
        QuarantineCommand::Delete { ids } => {
            for id in &ids {
                let target = format!("{QUARANTINE}/{}", encoded(id));
                client.command(Method::DELETE, &target, None).await?;
            }
            let done = json!({"deleted": ids});
            output.show(&done, |_| format!("{} deleted\n", ids.len()))
        }
    }
}

fn query(filter: &FilterArguments) -> Query {
    Query::default()
        .with("domain", filter.domain.as_deref())
        .with("sender", filter.sender.as_deref())
        .with("recipient", filter.recipient.as_deref())
}

fn list(page: &Page<QuarantineView>) -> String {
    let mut table = Table::new(&["id", "domain", "since", "sender", "recipients", "reason"]);
    for message in &page.items {
        table.row([
            message.id.clone(),
            message.domain.clone(),
            message.at.clone(),
            format!("<{}>", message.sender),
            message.recipients.join(" "),
            message.reason.clone(),
        ]);
    }
    let more = if page.next.is_some() {
        "… and more: --limit\n"
    } else {
        ""
    };
    table.render() + more
}

fn details(page: &Page<QuarantineView>) -> String {
    let mut out = String::new();
    for message in &page.items {
        let mut table = Table::new(&["message", &visible(&message.id)]);
        let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
        row("domain", message.domain.clone());
        row("reason", message.reason.clone());
        row("since", message.at.clone());
        row("sender", format!("<{}>", message.sender));
        row("recipients", message.recipients.join(" "));
        row("bytes", message.size_bytes.to_string());
        row("from client", message.client.clone());
        if let Some(found) = &message.authentication {
            row("authentication", in_words(found));
        }
        out.push_str(&table.render());
    }
    out
}

/// What authentication found out, in one line.
pub(super) fn in_words(found: &AuthenticationView) -> String {
    let signatures: Vec<String> = found
        .dkim
        .iter()
        .map(|one| format!("dkim={} ({})", one.result, one.domain))
        .collect();
    let dkim = match signatures.as_slice() {
        [] => "dkim=none".to_owned(),
        some => some.join(" "),
    };
    format!(
        "spf={} ({}) {dkim} dmarc={} ({}, policy {}) arc={}",
        found.spf, found.spf_domain, found.dmarc, found.from_domain, found.dmarc_policy, found.arc
    )
}
