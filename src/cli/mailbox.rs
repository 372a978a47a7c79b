//! `mailhold mailbox …`.

use std::io::Read as _;
use std::path::Path;

use hyper::Method;
use serde_json::json;
use web::api::{CodeView, CodesView, ImportReport, MailboxView, Page};

use super::args::MailboxCommand;
use super::client::{Client, Payload, Query};
use super::exit::{Failure, INPUT_OUTPUT};
use super::output::Output;
use super::table::Table;

const MAILBOXES: &str = "/api/v1/mailboxes";
const MAILBOX: &str = "/api/v1/mailbox";

/// Runs `mailhold mailbox …`.
pub(super) async fn run(
    command: MailboxCommand,
    client: &Client,
    output: Output,
) -> Result<(), Failure> {
    match command {
        MailboxCommand::Add {
            address,
            name,
            recovery,
            language,
            disabled,
        } => {
            let body = json!({
                "address": address,
                "name": name,
                "recovery": recovery,
                "language": language,
                "enabled": !disabled,
            });
            let payload = Some(Payload::json(&body)?);
            let mailbox: MailboxView = client.send(Method::POST, MAILBOXES, payload).await?;
            output.show(&mailbox, |mailbox| {
                format!("{} is there\n", mailbox.address)
            })
        }
        MailboxCommand::Import { file, dry_run } => {
            let payload = Some(Payload::csv(read(&file)?));
            let dry_run = dry_run.then_some("true");
            let target = Query::default().with("dry_run", dry_run);
            let target = target.on("/api/v1/mailboxes/import");
            let report: ImportReport = client
                .patient()
                .send(Method::POST, &target, payload)
                .await?;
            output.show(&report, imported)
        }
        MailboxCommand::Password { address } => {
            let password = read(Path::new("-"))?;
            let password = String::from_utf8_lossy(&password);
            let password = password.trim_end_matches(['\r', '\n']);
            let target = Query::default().with("address", Some(&address));
            let target = target.on("/api/v1/mailbox/password");
            let payload = Some(Payload::json(&json!({"password": password}))?);
            client.command(Method::PUT, &target, payload).await?;
            let done = json!({"address": address});
            output.show(&done, |_| {
                format!("{address} has a new password; all sessions have ended\n")
            })
        }
        MailboxCommand::Code { address } => {
            let target = Query::default().with("address", Some(&address));
            let target = target.on("/api/v1/mailbox/code");
            let code: CodeView = client.send(Method::POST, &target, None).await?;
            output.show(&code, |code| format!("{}\n", code.code))
        }
        MailboxCommand::SignOut { address } => {
            let target = Query::default().with("address", Some(&address));
            let target = target.on("/api/v1/mailbox/sessions");
            client.command(Method::DELETE, &target, None).await?;
            let done = json!({"address": address});
            output.show(&done, |_| format!("{address} is signed out everywhere\n"))
        }
        MailboxCommand::DropSecondFactor { address } => {
            let target = Query::default().with("address", Some(&address));
            let target = target.on("/api/v1/mailbox/second-factor");
            client.command(Method::DELETE, &target, None).await?;
            let done = json!({"address": address});
            output.show(&done, |_| {
                format!("{address} signs in with the password alone\n")
            })
        }
        MailboxCommand::Codes { domain } => {
            let target = format!("/api/v1/domains/{domain}/codes");
            let codes: CodesView = client.send(Method::POST, &target, None).await?;
            output.show(&codes, code_list)
        }
        MailboxCommand::List { domain } => {
            let query = Query::default().with("domain", Some(&domain));
            let page: Page<MailboxView> = client.list(MAILBOXES, &query, None).await?;
            output.show(&page, list)
        }
        MailboxCommand::Remove { address } => {
            let target = Query::default().with("address", Some(&address)).on(MAILBOX);
            client.command(Method::DELETE, &target, None).await?;
            let done = json!({"removed": address});
            output.show(&done, |_| format!("{address} is removed\n"))
        }
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    match read {
        Ok(_) => Ok(bytes),
        Err(error) => {
            let message = format!("cannot read {}: {error}", file.display());
            Err(Failure::new(INPUT_OUTPUT, message))
        }
    }
}

fn imported(report: &ImportReport) -> String {
    let ImportReport {
        rows,
        added,
        changed,
        unchanged,
        aliases_added,
        passwords_set,
        ..
    } = report;
    let tried = if report.dry_run {
        "nothing was changed; it would be: "
    } else {
        ""
    };
    let passwords = match passwords_set {
        0 => String::new(),
        set => format!(", {set} passwords set"),
    };
    format!(
        "{tried}{rows} rows: {added} added, {changed} changed, {unchanged} as they were, {aliases_added} aliases added{passwords}\n"
    )
}

/// One line for each code, fit for a spreadsheet; addresses may begin with what one would compute.
fn code_list(codes: &CodesView) -> String {
    let mut text = String::from("address,code,url\n");
    for item in &codes.items {
        let computes = item.address.starts_with(['=', '+', '-', '@']);
        let guard = if computes { "'" } else { "" };
        let address = item.address.replace('"', "\"\"");
        text.push_str(&format!(
            "\"{guard}{address}\",{},{}\n",
            item.code, codes.url
        ));
    }
    text
}

fn list(page: &Page<MailboxView>) -> String {
    let mut table = Table::new(&["mailbox", "name", "enabled", "password", "recovery"]);
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    for mailbox in &page.items {
        table.row([
            mailbox.address.clone(),
            mailbox.name.clone().unwrap_or_else(|| "–".to_owned()),
            yes(mailbox.enabled),
            yes(mailbox.has_password),
            mailbox.recovery.clone().unwrap_or_else(|| "–".to_owned()),
        ]);
    }
    table.render()
}
