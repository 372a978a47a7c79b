//! `mailhold dkim …`.

use hyper::Method;
use serde_json::json;
use web::api::DkimKeyView;

use super::args::DkimCommand;
use super::client::{Client, Payload, encoded};
use super::exit::Failure;
use super::output::Output;

/// Runs `mailhold dkim …`.
pub(super) async fn run(
    command: DkimCommand,
    client: &Client,
    output: Output,
) -> Result<(), Failure> {
    match command {
        DkimCommand::Show { domain } => {
            let key: DkimKeyView = client.get(&path(&domain)).await?;
            output.show(&key, record)
        }
        DkimCommand::Make { domain, selector } => {
            let payload = Payload::json(&json!({"selector": selector}))?;
            let key: DkimKeyView = client
                .send(Method::POST, &path(&domain), Some(payload))
                .await?;
            output.show(&key, record)
        }
    }
}

fn path(domain: &str) -> String {
    format!("/api/v1/domains/{}/dkim", encoded(domain))
}

/// The record as it stands in a zone file.
fn record(key: &DkimKeyView) -> String {
    let name = format!("{}.", key.record_name);
    super::dns::line(&name, "TXT", &key.record)
}
