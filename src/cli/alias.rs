//! `mailhold alias …`.

use hyper::Method;
use serde_json::json;
use web::api::{AliasView, Page};

use super::args::AliasCommand;
use super::client::{Client, Payload, Query};
use super::exit::Failure;
use super::output::Output;
use super::table::Table;

const ALIASES: &str = "/api/v1/aliases";

/// Runs `mailhold alias …`.
pub(super) async fn run(
    command: AliasCommand,
    client: &Client,
    output: Output,
) -> Result<(), Failure> {
    match command {
        AliasCommand::Add { address, mailbox } => {
            let payload = Payload::json(&json!({"address": address, "mailbox": mailbox}))?;
            let alias: AliasView = client.send(Method::POST, ALIASES, Some(payload)).await?;
            output.show(&alias, |alias| {
                format!("{} stands for {}\n", alias.address, alias.mailbox)
            })
        }
        AliasCommand::List { domain } => {
            let query = Query::default().with("domain", Some(&domain));
            let page: Page<AliasView> = client.list(ALIASES, &query, None).await?;
            output.show(&page, |page| {
                let mut table = Table::new(&["alias", "mailbox"]);
                for alias in &page.items {
                    table.row([alias.address.clone(), alias.mailbox.clone()]);
                }
                table.render()
            })
        }
        AliasCommand::Remove { address } => {
            let query = Query::default().with("address", Some(&address));
            client
                .command(Method::DELETE, &query.on("/api/v1/alias"), None)
                .await?;
            let done = json!({"removed": address});
            output.show(&done, |_| format!("{address} is removed\n"))
        }
    }
}
