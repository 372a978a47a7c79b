//! `mailhold domain alias …`.

use hyper::Method;
use serde_json::json;
use web::api::{DomainAliasView, Page};

use super::args::DomainAliasCommand;
use super::client::{Client, Payload, Query};
use super::exit::Failure;
use super::output::Output;
use super::table::Table;

const DOMAIN_ALIASES: &str = "/api/v1/domain-aliases";

/// Runs `mailhold domain alias …`.
pub(super) async fn run(
    command: DomainAliasCommand,
    client: &Client,
    output: Output,
) -> Result<(), Failure> {
    match command {
        DomainAliasCommand::Add { name, domain } => {
            let payload = Some(Payload::json(&json!({"name": name, "domain": domain}))?);
            let alias: DomainAliasView = client.send(Method::POST, DOMAIN_ALIASES, payload).await?;
            output.show(&alias, |alias| {
                format!("{} stands for {}\n", alias.name, alias.domain)
            })
        }
        DomainAliasCommand::List { domain } => {
            let query = Query::default().with("domain", domain.as_deref());
            let page: Page<DomainAliasView> = client.list(DOMAIN_ALIASES, &query, None).await?;
            output.show(&page, |page| {
                let mut table = Table::new(&["further name", "domain"]);
                for alias in &page.items {
                    table.row([alias.name.clone(), alias.domain.clone()]);
                }
                table.render()
            })
        }
        DomainAliasCommand::Remove { name } => {
            let query = Query::default().with("name", Some(&name));
            client
                .command(Method::DELETE, &query.on("/api/v1/domain-alias"), None)
                .await?;
            let done = json!({"removed": name});
            output.show(&done, |_| format!("{name} is removed\n"))
        }
    }
}
