//! `/api/v1/mailbox/password`, `/api/v1/mailbox/code`, `/api/v1/domains/{name}/codes` and
//! `/readiness`: how users get in. Administrators of the domain only; the operator sees readiness
//! and hands out nothing (C25).

pub(crate) mod acts;
mod readiness;
pub(super) mod user_months;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::form::{Faults, Given, JsonBody, Unknown};
use super::mailboxes::{OneQuery, parse};
use super::page::Params;
use super::problem::Problem;
use crate::AdminSite;
use crate::auth::{HashError, SignInError};

pub use readiness::{PersonView, ReadinessReason, ReadinessView};
pub use user_months::{UserMonthView, UserMonthsView};

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
    let mut faults = Faults::default();
    faults.refuse_unknown("", &input.unknown);
    let password = faults.required("password", input.password);
    let password = faults.check(password)?;
    acts::set_password(&site, &caller, &parse(&query.address)?, &password).await?;
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
    let code = acts::new_code(&site, &caller, &parse(&query.address)?).await?;
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
    let codes = acts::codes_for_all(&site, &caller, &domain).await?;
    Ok((StatusCode::CREATED, Json(codes)))
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
    Ok(Json(ReadinessView::of(&site, &domain).await?))
}

/// Ends all sessions of a user.
#[utoipa::path(delete, path = "/mailbox/sessions", tag = "people", params(OneQuery),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn end_sessions(
    State(site): State<AdminSite>,
    caller: Caller,
    Params(query): Params<OneQuery>,
) -> Result<StatusCode, Problem> {
    acts::end_sessions(&site, &caller, &parse(&query.address)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Switches off the second factor of a user who has lost it. The user is told by mail.
#[utoipa::path(delete, path = "/mailbox/second-factor", tag = "people", params(OneQuery),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn switch_factor_off(
    State(site): State<AdminSite>,
    caller: Caller,
    Params(query): Params<OneQuery>,
) -> Result<StatusCode, Problem> {
    acts::switch_factor_off(&site, &caller, &parse(&query.address)?).await?;
    Ok(StatusCode::NO_CONTENT)
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
