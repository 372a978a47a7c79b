//! `mailhold allow …`, `mailhold block …` and `mailhold rule …`.

use hyper::Method;
use serde_json::json;
use web::api::{Page, SenderRuleView};

use super::args::{RuleArguments, RuleCommand};
use super::client::{Client, Payload, Query};
use super::exit::Failure;
use super::output::Output;
use super::table::Table;

const RULES: &str = "/api/v1/rules";

/// Runs `mailhold allow …` and `mailhold block …`.
pub(super) async fn add(
    action: &str,
    arguments: RuleArguments,
    client: &Client,
    output: Output,
) -> Result<(), Failure> {
    let payload = Payload::json(&json!({
        "owner": arguments.owner,
        "action": action,
        "sender": arguments.sender,
        "comment": arguments.comment,
    }))?;
    let rule: SenderRuleView = client.send(Method::POST, RULES, Some(payload)).await?;
    output.show(&rule, |rule| {
        format!("{}: {} {}\n", rule.owner, rule.action, rule.sender)
    })
}

/// Runs `mailhold rule …`.
pub(super) async fn run(
    command: RuleCommand,
    client: &Client,
    output: Output,
) -> Result<(), Failure> {
    match command {
        RuleCommand::List { domain } => {
            let query = Query::default().with("domain", Some(&domain));
            let page: Page<SenderRuleView> = client.list(RULES, &query, None).await?;
            output.show(&page, |page| {
                let mut table = Table::new(&["of", "does", "sender", "since", "comment"]);
                for rule in &page.items {
                    table.row([
                        rule.owner.clone(),
                        rule.action.clone(),
                        rule.sender.clone(),
                        rule.created_at.clone(),
                        rule.comment.clone().unwrap_or_default(),
                    ]);
                }
                table.render()
            })
        }
        RuleCommand::Remove { owner, sender } => {
            let query = Query::default()
                .with("owner", Some(&owner))
                .with("sender", Some(&sender));
            client
                .command(Method::DELETE, &query.on("/api/v1/rule"), None)
                .await?;
            let done = json!({"owner": owner, "removed": sender});
            output.show(&done, |_| {
                format!("{owner} has no rule about {sender} any more\n")
            })
        }
    }
}
