//! What an administrator does for a user: one function for each, whoever asks for it (the API, the
//! pages). Each checks the role, and writes its audit row.

use std::time::Duration;

use serde_json::json;
use storage::model::{
    AccountId, Domain, Mailbox, MailboxAccount, OneTimeToken, Role, TokenPurpose,
};
use storage::spool::{AccountEffects, EndSessions};

use super::readiness::everybody;
use super::{CodeView, CodesView, broken};
use crate::AdminSite;
use crate::api::caller::Caller;
use crate::api::form::Given;
use crate::api::mailbox::MailboxInput;
use crate::api::mailboxes;
use crate::api::problem::{FieldFault, Problem};
use crate::auth::{Secret, SetBy, password_rule};

/// How long a one-time code waits for its user.
const CODE_LIFE: Duration = Duration::from_secs(14 * 86_400);

/// Sets a user's password; it counts at once and ends the user's sessions (C23).
pub(crate) async fn set_password(
    site: &AdminSite,
    caller: &Caller,
    address: &Mailbox,
    password: &str,
) -> Result<(), Problem> {
    let person = caller
        .person(site, address, Role::DomainAdministrator)
        .await?;
    let subject = person.address.to_string();
    let name = person.name.as_deref().unwrap_or_default();
    if let Err(fault) = password_rule::check(password, &[&subject, name]) {
        return Err(Problem::invalid(vec![FieldFault {
            field: "password".to_owned(),
            line: None,
            problem: fault.reason().to_owned(),
        }]));
    }
    let account = AccountId::user(person.domain, &person.address);
    let audit = caller.row(site, "password.set", subject, &json!({}));
    let by = SetBy::Administrator;
    site.sign_in
        .set_password(&account, password, by, audit)
        .await?;
    Ok(())
}

/// Switches off the second factor of a user who has lost it, and takes passkeys away; the user is told, and all sessions end.
pub(crate) async fn switch_factor_off(
    site: &AdminSite,
    caller: &Caller,
    address: &Mailbox,
) -> Result<(), Problem> {
    let person = caller
        .person(site, address, Role::DomainAdministrator)
        .await?;
    let account = AccountId::user(person.domain, &person.address);
    let subject = person.address.to_string();
    let audit = caller.row(site, "second_factor.off", subject, &json!({}));
    site.sign_in.forget_devices(&account, audit).await?;
    site.desk.factor_off(&person.address);
    Ok(())
}

/// Signs a user out everywhere.
pub(crate) async fn end_sessions(
    site: &AdminSite,
    caller: &Caller,
    address: &Mailbox,
) -> Result<(), Problem> {
    let person = caller
        .person(site, address, Role::DomainAdministrator)
        .await?;
    let account = AccountId::user(person.domain, &person.address);
    let subject = person.address.to_string();
    let effects = AccountEffects {
        end_sessions: EndSessions::All,
        audit: Some(caller.row(site, "session.end", subject, &json!({}))),
        ..AccountEffects::default()
    };
    site.spool
        .change_account(&account, |_| (effects, ()))
        .await?;
    Ok(())
}

/// Adds a mailbox, with a password if one is given (C18).
pub(crate) async fn add(
    site: &AdminSite,
    caller: &Caller,
    address: &str,
    name: &str,
    password: &str,
) -> Result<(), Problem> {
    let given = |text: &str| match text {
        "" => Given::Absent,
        text => Given::Value(text.to_owned()),
    };
    let input = MailboxInput {
        address: Given::Value(address.trim().to_owned()),
        name: given(name.trim()),
        password: given(password),
        ..MailboxInput::default()
    };
    mailboxes::create(site, caller, input).await.map(drop)
}

/// Enables or disables a mailbox; disabled, its user is signed out and its mail refused.
pub(crate) async fn set_enabled(
    site: &AdminSite,
    caller: &Caller,
    address: &Mailbox,
    enabled: bool,
) -> Result<(), Problem> {
    let input = MailboxInput {
        enabled: Given::Value(enabled),
        ..MailboxInput::default()
    };
    mailboxes::update(site, caller, address, input)
        .await
        .map(drop)
}

/// Sets or takes away a recovery address.
pub(crate) async fn set_recovery(
    site: &AdminSite,
    caller: &Caller,
    address: &Mailbox,
    recovery: &str,
) -> Result<(), Problem> {
    let input = MailboxInput {
        recovery: match recovery.trim() {
            "" => Given::Null,
            text => Given::Value(text.to_owned()),
        },
        ..MailboxInput::default()
    };
    mailboxes::update(site, caller, address, input)
        .await
        .map(drop)
}

/// Makes a one-time code for a user.
pub(crate) async fn new_code(
    site: &AdminSite,
    caller: &Caller,
    address: &Mailbox,
) -> Result<CodeView, Problem> {
    let person = caller.person(site, address, Role::Helpdesk).await?;
    hand_out(site, caller, &person).await
}

/// Makes a one-time code for everybody of a domain who is enabled and has no password.
pub(crate) async fn codes_for_all(
    site: &AdminSite,
    caller: &Caller,
    domain: &Domain,
) -> Result<CodesView, Problem> {
    caller.people(domain, Role::Helpdesk)?;
    let mut items = Vec::new();
    for person in everybody(site, domain).await? {
        let account = AccountId::user(domain.id, &person.address);
        let credentials = site.spool.credentials(&account).await?;
        if person.enabled && credentials.password.is_none() {
            items.push(hand_out(site, caller, &person).await?);
        }
    }
    let url = format!("{}/enroll", site.portal_url);
    Ok(CodesView { url, items })
}

async fn hand_out(
    site: &AdminSite,
    caller: &Caller,
    person: &MailboxAccount,
) -> Result<CodeView, Problem> {
    let code = Secret::code().map_err(|error| broken(&error))?;
    let account = AccountId::user(person.domain, &person.address);
    let created_at = site.spool.clock().now();
    let expires_at = created_at.saturating_add(CODE_LIFE);
    let token = OneTimeToken {
        account: account.clone(),
        purpose: TokenPurpose::Enrolment,
        created_at,
        expires_at,
        created_by: caller.name(),
    };
    let address = person.address.to_string();
    let effects = AccountEffects {
        void: vec![TokenPurpose::Enrolment],
        hand_out: Some((code.digest(), token)),
        audit: Some(caller.row(site, "code.hand_out", address.clone(), &json!({}))),
        ..AccountEffects::default()
    };
    site.spool
        .change_account(&account, |_| (effects, ()))
        .await?;
    Ok(CodeView {
        address,
        code: code.reveal().to_owned(),
        expires_at: expires_at.rfc3339(),
    })
}
