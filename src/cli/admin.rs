//! `mailhold admin …`, `mailhold readiness` and `mailhold users`.

use hyper::Method;
use serde_json::json;
use web::api::{InvitationView, ReadinessReason, ReadinessView, UserMonthsView};

use super::args::{AdminCommand, RoleArgument};
use super::client::{Client, Payload, Query};
use super::exit::Failure;
use super::output::Output;
use super::table::Table;

/// Runs `mailhold admin …`.
pub(super) async fn run(
    command: AdminCommand,
    client: &Client,
    output: Output,
) -> Result<(), Failure> {
    let (address, domain, role) = match command {
        AdminCommand::Invite {
            address,
            domain,
            role,
        } => (address, domain, role),
        AdminCommand::DropSecondFactor { address } => {
            let target = Query::default().with("address", Some(&address));
            let target = target.on("/api/v1/admin/second-factor");
            client.command(Method::DELETE, &target, None).await?;
            let done = json!({"address": address});
            return output.show(&done, |_| {
                format!("{address} sets up a second factor at the next sign-in\n")
            });
        }
    };
    let role = match role {
        RoleArgument::DomainAdministrator => "domain_administrator",
        RoleArgument::Helpdesk => "helpdesk",
        RoleArgument::Auditor => "auditor",
    };
    let body = json!({"address": address, "domain": domain, "role": role});
    let payload = Some(Payload::json(&body)?);
    let invitation: InvitationView = client.send(Method::POST, "/api/v1/admins", payload).await?;
    output.show(&invitation, |invitation| format!("{}\n", invitation.link))
}

/// Runs `mailhold readiness`.
pub(super) async fn readiness(
    domain: &str,
    client: &Client,
    output: Output,
) -> Result<(), Failure> {
    let path = format!("/api/v1/domains/{domain}/readiness");
    let view: ReadinessView = client.get(&path).await?;
    output.show(&view, |view| {
        let mut table = Table::new(&["mailbox", "ready", "why"]);
        for item in &view.items {
            table.row([
                item.address.clone(),
                if item.ready { "yes" } else { "no" }.to_owned(),
                why(item.reason).to_owned(),
            ]);
        }
        let (ready, all) = (view.ready, view.mailboxes);
        format!(
            "{ready} of {all} could sign in right now\n\n{}",
            table.render()
        )
    })
}

/// Runs `mailhold users`.
pub(super) async fn users(domain: &str, client: &Client, output: Output) -> Result<(), Failure> {
    let path = format!("/api/v1/domains/{domain}/users");
    let view: UserMonthsView = client.get(&path).await?;
    output.show(&view, |view| {
        let mut table = Table::new(&["month", "mailboxes", "signed in"]);
        for item in &view.items {
            table.row([
                item.month.clone(),
                item.mailboxes.to_string(),
                item.signed_in.to_string(),
            ]);
        }
        table.render()
    })
}

const fn why(reason: ReadinessReason) -> &'static str {
    match reason {
        ReadinessReason::Password => "has a password",
        ReadinessReason::CodeOpen => "no password; a one-time code is open",
        ReadinessReason::RecoveryAddress => "no password; has a recovery address",
        ReadinessReason::NoWay => "no password and no way to one but a code",
        ReadinessReason::Disabled => "disabled",
    }
}
