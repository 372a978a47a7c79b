//! `mailhold log …`.

use web::api::{LogEventView, Page};

use super::args::LogCommand;
use super::client::{Client, Query, encoded};
use super::exit::Failure;
use super::output::Output;
use super::table::Table;

const LOG: &str = "/api/v1/log";

/// Runs `mailhold log …`.
pub(super) async fn run(
    command: LogCommand,
    client: &Client,
    output: Output,
) -> Result<(), Failure> {
    let page: Page<LogEventView> = match command {
        LogCommand::Show { id } => client.get(&format!("{LOG}/{}", encoded(&id))).await?,
        LogCommand::Search {
            filter,
            from,
            until,
            limit,
        } => {
            let query = Query::default()
                .with("domain", filter.domain.as_deref())
                .with("sender", filter.sender.as_deref())
                .with("recipient", filter.recipient.as_deref())
                .with("from", from.as_deref())
                .with("until", until.as_deref());
            client.list(LOG, &query, Some(limit)).await?
        }
    };
    output.show(&page, table)
}

fn table(page: &Page<LogEventView>) -> String {
    let mut table = Table::new(&["at", "id", "event", "sender", "recipients", "detail"]);
    for event in &page.items {
        let host = event.host.as_ref().map(|host| format!("{host} said"));
        let detail = host.into_iter().chain(event.detail.clone());
        let due = event.due_at.as_ref().map(|due| format!("again at {due}"));
        let client = event.client.as_ref().map(|client| format!("from {client}"));
        let detail: Vec<String> = detail.chain(due).chain(client).collect();
        table.row([
            event.at.clone(),
            event.id.clone(),
            event.event.clone(),
            event
                .sender
                .as_ref()
                .map_or_else(String::new, |sender| format!("<{sender}>")),
            event.recipients.join(" "),
            detail.join(", "),
        ]);
    }
    table.render()
}
