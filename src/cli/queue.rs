//! `mailhold queue …`.

use std::io::Write as _;
use std::path::Path;

use hyper::Method;
use serde_json::json;
use web::api::{ActionReport, AsideView, Page, QueueEntryView};

use super::args::{ChoiceArguments, FilterArguments, QueueCommand};
use super::client::{Client, Payload, Query, encoded};
use super::exit::{Failure, INPUT_OUTPUT};
use super::output::Output;
use super::table::{Table, visible};

const QUEUE: &str = "/api/v1/queue";
const ASIDE: &str = "/api/v1/aside";

/// Runs `mailhold queue …`.
pub(super) async fn run(
    command: QueueCommand,
    client: &Client,
    output: Output,
) -> Result<(), Failure> {
    match command {
        QueueCommand::List {
            filter,
            limit,
            aside: false,
        } => {
            let page = client.list(QUEUE, &query(&filter), Some(limit)).await?;
            output.show(&page, list)
        }
        QueueCommand::List {
            filter,
            limit,
            aside: true,
        } => {
            let query = Query::default().with("domain", filter.domain.as_deref());
            let page = client.list(ASIDE, &query, Some(limit)).await?;
            output.show(&page, list_aside)
        }
        QueueCommand::Show { id } => {
            let target = format!("{QUEUE}/{}", encoded(&id));
            let page: Page<QueueEntryView> = client.get(&target).await?;
            output.show(&page, |page| details(&id, page))
        }
        QueueCommand::Retry(choice) => act("retry", None, choice, client, output).await,
        QueueCommand::Bounce(choice) => act("bounce", None, choice, client, output).await,
        QueueCommand::Remove(choice) => act("remove", None, choice, client, output).await,
        QueueCommand::Move { to, choice } => act("move", Some(to), choice, client, output).await,
        QueueCommand::Release { ids } => {
            for id in &ids {
                let target = format!("{ASIDE}/{}/release", encoded(id));
                client.command(Method::POST, &target, None).await?;
            }
            let done = json!({"released": ids});
            output.show(&done, |_| format!("{} released\n", ids.len()))
        }
        QueueCommand::Discard { ids } => {
            for id in &ids {
                let target = format!("{ASIDE}/{}", encoded(id));
                client.command(Method::DELETE, &target, None).await?;
            }
            let done = json!({"discarded": ids});
            output.show(&done, |_| format!("{} discarded\n", ids.len()))
        }
        QueueCommand::Export { id, output: file } => export(&id, file.as_deref(), client).await,
    }
}

fn query(filter: &FilterArguments) -> Query {
    let older_than = filter.older_than.map(|age| age.seconds.to_string());
    Query::default()
        .with("domain", filter.domain.as_deref())
        .with("sender", filter.sender.as_deref())
        .with("recipient", filter.recipient.as_deref())
        .with("reply", filter.reply.as_deref())
        .with("older_than", older_than.as_deref())
}

/// Acts on everything that is chosen, part by part.
async fn act(
    action: &str,
    to: Option<String>,
    choice: ChoiceArguments,
    client: &Client,
    output: Output,
) -> Result<(), Failure> {
    let mut total = ActionReport {
        action: action.to_owned(),
        dry_run: choice.dry_run,
        entries: 0,
        done: true,
        next: None,
    };
    loop {
        let body = json!({
            "action": action,
            "ids": (!choice.ids.is_empty()).then_some(&choice.ids),
            "domain": choice.filter.domain,
            "sender": choice.filter.sender,
            "recipient": choice.filter.recipient,
            "reply": choice.filter.reply,
            "older_than": choice.filter.older_than.map(|age| age.seconds),
            "to": to,
            "all": choice.all,
            "dry_run": choice.dry_run,
            "after": total.next,
        });
        let payload = Some(Payload::json(&body)?);
        let target = format!("{QUEUE}/actions");
        let part: ActionReport = client.send(Method::POST, &target, payload).await?;
        total.entries += part.entries;
        total.done &= part.done;
        total.next = part.next;
        if total.next.is_none() {
            return output.show(&total, acted);
        }
    }
}

fn acted(report: &ActionReport) -> String {
    let ActionReport {
        action, entries, ..
    } = report;
    match (report.dry_run, report.done) {
        (true, _) => format!("{action}: {entries} would be concerned; nothing was changed\n"),
        (false, true) => format!("{action}: {entries} done\n"),
        (false, false) => format!("{action}: {entries} written down, done shortly\n"),
    }
}

async fn export(id: &str, file: Option<&Path>, client: &Client) -> Result<(), Failure> {
    let target = format!("{QUEUE}/{}/message", encoded(id));
    let Some(file) = file else {
        let mut out = std::io::stdout().lock();
        client
            .download(&target, |piece| out.write_all(piece))
            .await?;
        return out
            .flush()
            .map_err(|error| cannot_write("standard output", &error));
    };
    let name = file.display().to_string();
    let mut out = std::fs::File::create_new(file).map_err(|error| cannot_write(&name, &error))?;
    client
        .download(&target, |piece| out.write_all(piece))
        .await?;
    out.sync_all().map_err(|error| cannot_write(&name, &error))
}

fn cannot_write(name: &str, error: &std::io::Error) -> Failure {
    Failure::new(INPUT_OUTPUT, format!("cannot write {name}: {error}"))
}

fn list(page: &Page<QueueEntryView>) -> String {
    let mut table = Table::new(&[
        "id",
        "domain",
        "sender",
        "recipients",
        "bytes",
        "accepted",
        "next try",
        "last reply",
    ]);
    for entry in &page.items {
        let recipients: Vec<&str> = entry
            .recipients
            .iter()
            .map(|to| to.address.as_str())
            .collect();
        let mut replies = entry
            .recipients
            .iter()
            .filter_map(|to| to.last_reply.clone());
        table.row([
            entry.id.clone(),
            entry.domain.clone(),
            format!("<{}>", entry.sender),
            recipients.join(" "),
            entry.size_bytes.to_string(),
            entry.accepted_at.clone(),
            entry
                .due_at
                .clone()
                .unwrap_or_else(|| "when possible".to_owned()),
            replies.next_back().unwrap_or_else(|| "–".to_owned()),
        ]);
    }
    let more = if page.next.is_some() {
        "… and more: --limit\n"
    } else {
        ""
    };
    table.render() + more
}

fn list_aside(page: &Page<AsideView>) -> String {
    let mut table = Table::new(&["id", "kind", "since", "sender", "recipients", "reason"]);
    for aside in &page.items {
        let damaged = || format!("{}:{}", aside.domain, aside.sequence);
        table.row([
            aside.id.clone().unwrap_or_else(damaged),
            aside.kind.clone(),
            aside.at.clone(),
            aside
                .sender
                .as_ref()
                .map_or_else(|| "–".to_owned(), |sender| format!("<{sender}>")),
            aside.recipients.join(" "),
            aside.reason.clone(),
        ]);
    }
    let more = if page.next.is_some() {
        "… and more: --limit\n"
    } else {
        ""
    };
    table.render() + more
}

fn details(id: &str, page: &Page<QueueEntryView>) -> String {
    if page.items.is_empty() {
        return format!(
            "{} is set aside: mailhold queue list --aside --domain …\n",
            visible(id)
        );
    }
    let mut out = String::new();
    for entry in &page.items {
        let mut table = Table::new(&["message", &visible(&entry.id)]);
        let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
        row("domain", entry.domain.clone());
        row("sender", format!("<{}>", entry.sender));
        row("bytes", entry.size_bytes.to_string());
        row(
            "from client",
            format!("{} ({})", entry.client, entry.client_helo),
        );
        if let Some(found) = &entry.authentication {
            row("authentication", super::quarantine::in_words(found));
        }
        row("accepted", entry.accepted_at.clone());
        row("held until", entry.expires_at.clone());
        for to in &entry.recipients {
            let due = to.due_at.as_ref().map(|due| format!(", next try {due}"));
            let reply = to.last_reply.as_ref().map(|reply| format!(": {reply}"));
            let host = to.last_host.as_ref().map(|host| format!(" ({host})"));
            let rest: String = [due, reply, host].into_iter().flatten().collect();
            row(
                "recipient",
                format!(
                    "<{}> {}, {} attempts{rest}",
                    to.address, to.state, to.attempts
                ),
            );
        }
        out.push_str(&table.render());
    }
    out
}
