//! `/api/v1/mailbox/password`, `/api/v1/mailbox/code`, `/api/v1/domains/{name}/codes` and
//! `/readiness`: how users get in. Administrators of the domain only; the operator sees readiness
//! and hands out nothing (C25).

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use storage::model::{
    AccountId, Domain, MailboxAccount, OneTimeToken, Role, Timestamp, TokenPurpose,
};
use storage::spool::AccountEffects;
use utoipa::ToSchema;

use super::audited::time;
use super::caller::Caller;
use super::form::{Faults, Given, JsonBody, Unknown};
use super::mailboxes::{OneQuery, parse};
use super::page::Params;
use super::problem::Problem;
use crate::AdminSite;
use crate::auth::{HashError, Secret, SetBy, SignInError, password_rule};

/// How long a one-time code waits for its user.
const CODE_LIFE: Duration = Duration::from_secs(14 * 86_400);
/// Mailboxes looked at in one step.
const STEP: usize = 1_000;

/// A password for a user.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct PasswordInput {
    /// The password: 12 to 256 characters that are hard to guess.
    #[serde(default)]
    #[schema(value_type = String)]
    password: Given<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// A code that sets a password once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CodeView {
    /// Whose password it sets.
    pub address: String,
    /// The code, shown this once.
    pub code: String,
    /// From when on it is worthless (RFC 3339).
    pub expires_at: String,
}

/// Codes for many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CodesView {
    /// Where the codes are typed.
    pub url: String,
    /// One for everybody who has no password.
    pub items: Vec<CodeView>,
}

/// Why somebody can or cannot sign in right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadinessReason {
    /// There is a password.
    Password,
    /// There is none, and a one-time code is open.
    CodeOpen,
    /// There is none, and one can be asked for by the recovery address.
    RecoveryAddress,
    /// There is none, and no way to one but an administrator.
    NoWay,
    /// The mailbox is disabled.
    Disabled,
}

/// One user's readiness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonView {
    /// The mailbox.
    pub address: String,
    /// Whether its user could sign in right now.
    pub ready: bool,
    /// Why.
    pub reason: ReadinessReason,
    /// When the user last signed in (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_login_at: Option<String>,
}

/// Who could sign in right now (C17).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadinessView {
    /// The domain.
    pub domain: String,
    /// Its mailboxes that are enabled.
    pub mailboxes: u64,
    /// How many of their users could sign in right now.
    pub ready: u64,
    /// Every mailbox.
    pub items: Vec<PersonView>,
}

/// Sets a user's password. It counts at once and ends the user's sessions.
#[utoipa::path(put, path = "/mailbox/password", tag = "people", params(OneQuery),
    request_body = PasswordInput,
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn set_password(
    State(site): State<AdminSite>,
    caller: Caller,
    Params(query): Params<OneQuery>,
    JsonBody(input): JsonBody<PasswordInput>,
) -> Result<StatusCode, Problem> {
    let address = parse(&query.address)?;
    let person = caller
        .person(&site, &address, Role::DomainAdministrator)
        .await?;
    let mut faults = Faults::default();
    faults.refuse_unknown("", &input.unknown);
    let password = faults.required("password", input.password);
    if let Some(password) = &password {
        let address = person.address.to_string();
        let name = person.name.as_deref().unwrap_or_default();
        if let Err(fault) = password_rule::check(password, &[&address, name]) {
            faults.add("password", fault.reason());
        }
    }
    let password = faults.check(password)?;
    let account = AccountId::user(person.domain, &person.address);
    let subject = person.address.to_string();
    let audit = caller.row(&site, "password.set", subject, &json!({}));
    let by = SetBy::Administrator;
    site.sign_in
        .set_password(&account, &password, by, audit)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a one-time code with which a user sets the own password. Codes from before are worthless
/// then; the password that is there stays until the code is used.
#[utoipa::path(post, path = "/mailbox/code", tag = "people", params(OneQuery),
    responses((status = 201, body = CodeView), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn hand_out_code(
    State(site): State<AdminSite>,
    caller: Caller,
    Params(query): Params<OneQuery>,
) -> Result<(StatusCode, Json<CodeView>), Problem> {
    let address = parse(&query.address)?;
    let person = caller.person(&site, &address, Role::Helpdesk).await?;
    let code = hand_out(&site, &caller, &person).await?;
    Ok((StatusCode::CREATED, Json(code)))
}

/// Makes a one-time code for every enabled mailbox without a password.
#[utoipa::path(post, path = "/domains/{name}/codes", tag = "people",
    params(("name" = String, Path, description = "The domain")),
    responses((status = 201, body = CodesView), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn hand_out_codes(
    State(site): State<AdminSite>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<(StatusCode, Json<CodesView>), Problem> {
    let domain = caller.domain(&site, &name)?;
    caller.people(&domain, Role::Helpdesk)?;
    let mut items = Vec::new();
    for person in everybody(&site, &domain).await? {
        let account = AccountId::user(domain.id, &person.address);
        let credentials = site.spool.credentials(&account).await?;
        if person.enabled && credentials.password.is_none() {
            items.push(hand_out(&site, &caller, &person).await?);
        }
    }
    let url = format!("{}/enroll", site.portal_url);
    Ok((StatusCode::CREATED, Json(CodesView { url, items })))
}

/// Shows who could sign in to the portal right now, and who could not and why.
#[utoipa::path(get, path = "/domains/{name}/readiness", tag = "people",
    params(("name" = String, Path, description = "The domain")),
    responses((status = 200, body = ReadinessView), (status = 404, body = Problem)))]
pub(super) async fn readiness(
    State(site): State<AdminSite>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<ReadinessView>, Problem> {
    let domain = caller.domain(&site, &name)?;
    let mut view = ReadinessView {
        domain: domain.name.to_string(),
        mailboxes: 0,
        ready: 0,
        items: Vec::new(),
    };
    for person in everybody(&site, &domain).await? {
        let account = AccountId::user(domain.id, &person.address);
        let credentials = site.spool.credentials(&account).await?;
        let open = site
            .spool
            .open_token_until(&account, TokenPurpose::Enrolment);
        let reason = reason(&person, credentials.password.is_some(), open);
        let ready = reason == ReadinessReason::Password;
        view.mailboxes += u64::from(person.enabled);
        view.ready += u64::from(ready);
        view.items.push(PersonView {
            address: person.address.to_string(),
            ready,
            reason,
            last_login_at: credentials.last_login_at.and_then(time),
        });
    }
    Ok(Json(view))
}

const fn reason(
    person: &MailboxAccount,
    has_password: bool,
    code_until: Option<Timestamp>,
) -> ReadinessReason {
    if !person.enabled {
        ReadinessReason::Disabled
    } else if has_password {
        ReadinessReason::Password
    } else if code_until.is_some() {
        ReadinessReason::CodeOpen
    } else if person.recovery.is_some() {
        ReadinessReason::RecoveryAddress
    } else {
        ReadinessReason::NoWay
    }
}

async fn everybody(site: &AdminSite, domain: &Domain) -> Result<Vec<MailboxAccount>, Problem> {
    let mut all: Vec<MailboxAccount> = Vec::new();
    loop {
        let after = all.last().map(|last| last.address.key());
        let page = site
            .spool
            .mailboxes_page(domain.id, after.as_deref(), STEP)
            .await?;
        let more = page.len() == STEP;
        all.extend(page);
        if !more {
            return Ok(all);
        }
    }
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

fn broken(error: &impl std::fmt::Display) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal").detail(error.to_string())
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Store(error) => error.into(),
            SignInError::Hash(HashError::Busy) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy").detail(error.to_string())
            }
            SignInError::Hash(_) | SignInError::Randomness(_) => broken(&error),
        }
    }
}
