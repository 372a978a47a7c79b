//! `mailhold domain …`, `mailhold hold` and `mailhold release`.

use hyper::Method;
use serde_json::{Map, Value, json};
use web::api::{
    DestinationView, DnsAdviceView, DomainKeyView, DomainView, OutagesView, Page, ProbeReport,
};

use super::args::{DomainCommand, DomainSettings, HoldArguments, VerifyArgument};
use super::client::{Client, Payload, Query, encoded};
use super::exit::Failure;
use super::output::Output;
use super::table::{Table, visible};

const DOMAINS: &str = "/api/v1/domains";

/// Runs `mailhold domain …`.
pub(super) async fn run(
    command: DomainCommand,
    client: &Client,
    output: Output,
) -> Result<(), Failure> {
    match command {
        DomainCommand::Add { name, settings } => {
            let mut body = described(&settings)?;
            body.insert("name".to_owned(), json!(name));
            let payload = Payload::json(&body)?;
            let domain: DomainView = client.send(Method::POST, DOMAINS, Some(payload)).await?;
            output.show(&domain, |domain| {
                format!("{} is protected; {}\n", domain.name, domain.verify_note)
            })
        }
        DomainCommand::List => {
            let page: Page<DomainView> = client.list(DOMAINS, &Query::default(), None).await?;
            output.show(&page, list)
        }
        DomainCommand::Show { name } => {
            let domain: DomainView = client.get(&path(&name)).await?;
            output.show(&domain, details)
        }
        DomainCommand::Set { name, settings } => {
            let payload = Payload::json(&described(&settings)?)?;
            let changed = client
                .send(Method::PATCH, &path(&name), Some(payload))
                .await;
            let domain: DomainView = changed?;
            output.show(&domain, details)
        }
        DomainCommand::Dns { name } => {
            let advice: DnsAdviceView = client.get(&format!("{}/dns", path(&name))).await?;
            output.show(&advice, super::dns::text)
        }
        DomainCommand::Outages { name } => {
            let view: OutagesView = client.get(&format!("{}/outages", path(&name))).await?;
            output.show(&view, super::outages::text)
        }
        DomainCommand::Probe { name } => {
            let target = format!("{}/probe", path(&name));
            let report: ProbeReport = client.send(Method::POST, &target, None).await?;
            output.show(&report, |report| {
                format!("the destination of {} is probed now\n", report.domain)
            })
        }
        DomainCommand::RotateKey { name } => {
            let target = format!("{}/key", path(&name));
            let made: DomainKeyView = client.send(Method::POST, &target, None).await?;
            output.show(&made, |made| match &made.key {
                Some(key) => format!("{name} seals with key {key} from now on\n"),
                None => "this node seals nothing\n".to_owned(),
            })
        }
        DomainCommand::DestroyKey { name, yes: _ } => {
            let target = format!("{}/key", path(&name));
            client.command(Method::DELETE, &target, None).await?;
            let done = json!({"destroyed": name});
            output.show(&done, |_| {
                format!("what was stored of {name} is unreadable from now on\n")
            })
        }
        DomainCommand::Alias(command) => super::domain_alias::run(command, client, output).await,
        DomainCommand::Remove { name, force } => {
            let force = force.then_some("true");
            let target = Query::default().with("force", force).on(&path(&name));
            let client = client.patient();
            client.command(Method::DELETE, &target, None).await?;
            let done = json!({"removed": name});
            output.show(&done, |_| format!("{name} is no longer protected\n"))
        }
    }
}

/// Runs `mailhold hold`.
pub(super) async fn hold(
    arguments: HoldArguments,
    client: &Client,
    output: Output,
) -> Result<(), Failure> {
    let body = json!({"reason": arguments.reason, "until": arguments.until});
    let target = format!("{}/hold", path(&arguments.domain));
    let payload = Some(Payload::json(&body)?);
    let domain: DomainView = client.send(Method::PUT, &target, payload).await?;
    output.show(&domain, |domain| {
        format!(
            "delivery to {} is held; mail is still taken in\n",
            domain.name
        )
    })
}

/// Runs `mailhold release`.
pub(super) async fn release(domain: &str, client: &Client, output: Output) -> Result<(), Failure> {
    let target = format!("{}/hold", path(domain));
    let domain: DomainView = client.send(Method::DELETE, &target, None).await?;
    output.show(&domain, |domain| {
        format!("delivery to {} is released\n", domain.name)
    })
}

fn path(name: &str) -> String {
    format!("{DOMAINS}/{}", encoded(name))
}

fn described(settings: &DomainSettings) -> Result<Map<String, Value>, Failure> {
    let mut body = Map::new();
    if !settings.destinations.is_empty() {
        body.insert("destinations".to_owned(), json!(settings.destinations));
    }
    match settings.verify {
        None => {}
        Some(VerifyArgument::Auto) => {
            body.insert("verify".to_owned(), Value::Null);
        }
        Some(VerifyArgument::Directory) => {
            body.insert("verify".to_owned(), json!("directory"));
        }
        Some(VerifyArgument::Callout) => {
            body.insert("verify".to_owned(), json!("callout"));
        }
        Some(VerifyArgument::Accept) => {
            body.insert("verify".to_owned(), json!("accept"));
        }
    }
    if let Some(days) = settings.hold_days {
        body.insert("hold_days".to_owned(), json!(days));
    }
    if let Some(catch_all) = settings.catch_all {
        body.insert("catch_all".to_owned(), json!(catch_all));
    }
    Ok(body)
}

fn list(page: &Page<DomainView>) -> String {
    let mut table = Table::new(&[
        "domain",
        "destination",
        "recipients",
        "mailboxes",
        "waiting",
        "hold",
    ]);
    for domain in &page.items {
        let destinations: Vec<String> = domain.destinations.iter().map(host_port).collect();
        let hold = domain.hold.as_ref();
        table.row([
            domain.name.clone(),
            destinations.join(" "),
            domain.verify.clone(),
            domain.mailboxes.to_string(),
            domain.counters.queued.to_string(),
            hold.map_or_else(|| "–".to_owned(), |hold| hold.reason.clone()),
        ]);
    }
    table.render()
}

fn details(domain: &DomainView) -> String {
    let mut table = Table::new(&["domain", &visible(&domain.name)]);
    let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
    for destination in &domain.destinations {
        let DestinationView {
            priority,
            weight,
            tls,
            user,
            xforward,
            window,
            connections_per_second,
            ..
        } = destination;
        let limit = |name: &str, limit: &Option<u16>| {
            limit.map_or_else(String::new, |limit| format!(", {name} {limit}"))
        };
        let window = limit("window", window);
        let rate = limit("connections a second", connections_per_second);
        let user = user
            .as_ref()
            .map(|user| format!(", user {}", visible(user)));
        let user = user.unwrap_or_default();
        let forwards = if *xforward { ", XFORWARD" } else { "" };
        let at = host_port(destination);
        row(
            "destination",
            format!(
                "{at} (priority {priority}, weight {weight}, TLS {tls}{user}{forwards}{window}{rate})"
            ),
        );
    }
    let how = domain
        .verify_setting
        .as_ref()
        .map_or("automatic", |_| "set");
    row(
        "recipients",
        format!("{} ({how}): {}", domain.verify, domain.verify_note),
    );
    row("catch-all", domain.catch_all.to_string());
    row("held for", format!("{} days", domain.hold_days));
    if let Some(hold) = &domain.hold {
        let until = hold.until.as_ref().map(|until| format!(", until {until}"));
        let until = until.unwrap_or_default();
        row(
            "hold",
            format!(
                "{} (by {}, since {}{until})",
                hold.reason, hold.by, hold.since
            ),
        );
    }
    row("mailboxes", domain.mailboxes.to_string());
    row("aliases", domain.aliases.to_string());
    if !domain.further_names.is_empty() {
        row("further names", domain.further_names.join(" "));
    }
    let counters = &domain.counters;
    row("accepted", counters.accepted.to_string());
    row("delivered", counters.delivered.to_string());
    row(
        "waiting",
        format!("{} ({} bytes)", counters.queued, counters.queued_bytes),
    );
    row("quarantined", counters.quarantined.to_string());
    row("parked", counters.parked.to_string());
    row("failed", counters.failed.to_string());
    row("expired", counters.expired.to_string());
    row("removed", counters.removed.to_string());
    row("ledger difference", counters.difference.to_string());
    row("added", domain.created_at.clone());
    table.render()
}

fn host_port(destination: &DestinationView) -> String {
    let DestinationView { host, port, .. } = destination;
    if destination.mx {
        format!("mx:{host}:{port}")
    } else if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}
