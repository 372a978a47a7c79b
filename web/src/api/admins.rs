//! `/api/v1/admins`: who looks after which domain. The operator invites; the person sets the own
//! password with the link.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use storage::model::{AccountId, Administrator, Grant, Mailbox, OneTimeToken, Role, TokenPurpose};
use storage::spool::AccountEffects;
use utoipa::ToSchema;

use super::audited::Operator;
use super::domains::find;
use super::form::{Faults, Given, JsonBody, Unknown};
use super::mailboxes::{OneQuery, parse};
use super::page::Params;
use super::problem::Problem;
use crate::AdminSite;
use crate::auth::Secret;

/// How long an invitation waits.
const INVITATION_LIFE: Duration = Duration::from_secs(3 * 86_400);

/// Whom to invite.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct InvitationInput {
    /// The administrator's address.
    #[serde(default)]
    #[schema(value_type = String, example = "it@example.org")]
    address: Given<String>,
    /// The domain to look after.
    #[serde(default)]
    #[schema(value_type = String, example = "example.org")]
    domain: Given<String>,
    /// `domain_administrator` (when absent), `helpdesk` or `auditor`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    role: Given<Role>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvitationView {
    /// Who is invited.
    pub address: String,
    /// To look after which domain.
    pub domain: String,
    /// The link with which the person sets a password, shown this once.
    pub link: String,
    /// From when on it is worthless (RFC 3339).
    pub expires_at: String,
}

/// Invites an administrator of a domain. An invitation from before becomes worthless; so does, once
/// the link is used, the password from before.
#[utoipa::path(post, path = "/admins", tag = "admins", request_body = InvitationInput,
    responses((status = 201, body = InvitationView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn invite(
    State(site): State<AdminSite>,
    operator: Operator,
    JsonBody(input): JsonBody<InvitationInput>,
) -> Result<(StatusCode, Json<InvitationView>), Problem> {
    let mut faults = Faults::default();
    faults.refuse_unknown("", &input.unknown);
    let address = faults.required("address", input.address);
    let address = faults.parsed::<Mailbox>("address", address);
    let domain = faults.required("domain", input.domain);
    let role = faults.optional("role", input.role);
    let role = role.unwrap_or(Role::DomainAdministrator);
    let (address, domain) = faults.check(address.zip(domain))?;
    let domain = find(&site, &domain)?;
    let now = site.spool.clock().now();
    let known = site.spool.administrator(&address).await?;
    let mut administrator = known.unwrap_or_else(|| Administrator {
        address: address.clone(),
        grants: Vec::new(),
        created_at: now,
    });
    administrator
        .grants
        .retain(|grant| grant.domain != domain.id);
    administrator.grants.push(Grant {
        domain: domain.id,
        role,
    });
    let subject = address.to_string();
    let detail = json!({"domain": domain.name, "role": role});
    let audit = operator.row(&site, "admin.invite", subject.clone(), &detail);
    site.spool.put_administrator(&administrator, audit).await?;
    let secret = Secret::token().map_err(|error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal").detail(error.to_string())
    })?;
    let account = AccountId::administrator(&address);
    let expires_at = now.saturating_add(INVITATION_LIFE);
    let token = OneTimeToken {
        account: account.clone(),
        purpose: TokenPurpose::Enrolment,
        created_at: now,
        expires_at,
        created_by: "operator".to_owned(),
    };
    let effects = AccountEffects {
        void: vec![TokenPurpose::Enrolment],
        hand_out: Some((secret.digest(), token)),
        ..AccountEffects::default()
    };
    site.spool
        .change_account(&account, |_| (effects, ()))
        .await?;
    let view = InvitationView {
        address: subject,
        domain: domain.name.to_string(),
        link: format!("{}/enroll/{}", site.url, secret.reveal()),
        expires_at: expires_at.rfc3339(),
    };
    Ok((StatusCode::CREATED, Json(view)))
}

/// Lets in again an administrator who has lost the device and the recovery codes: the second factor
/// and passkeys are gone, all sessions end, and the next sign-in with the password sets up another.
#[utoipa::path(delete, path = "/admin/second-factor", tag = "admins", params(OneQuery),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn drop_second_factor(
    State(site): State<AdminSite>,
    operator: Operator,
    Params(query): Params<OneQuery>,
) -> Result<StatusCode, Problem> {
    let address = parse(&query.address)?;
    let known = site.spool.administrator(&address).await?;
    let known = known.ok_or_else(|| Problem::not_found("there is no such administrator"))?;
    let account = AccountId::administrator(&known.address);
    let subject = known.address.to_string();
    let audit = operator.row(&site, "second_factor.off", subject, &json!({}));
    site.sign_in.forget_devices(&account, audit).await?;
    Ok(StatusCode::NO_CONTENT)
}
