//! Who asks: the operator, or an administrator of domains through a token of theirs.
//!
//! The operator runs the platform and sets nobody's password (C25); an administrator sees and changes
//! the people of the own domains, and nothing else. A domain that is not theirs does not exist for
//! them.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use storage::model::{
    AccountId, Actor, Administrator, AuditRow, Domain, Mailbox, MailboxAccount, Role, SecretDigest,
};

use super::mailboxes::parse;
use super::problem::{FieldFault, Problem};
use crate::AdminSite;
use crate::auth::{presented, unauthorized};
use crate::server::Peer;

/// C25: whoever runs the platform sets nobody's password.
pub(super) const PASSWORD_REFUSED: &str = "passwords can be set by an administrator of the domain \
     only, not with the operator token";

/// Who asks, and from where.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    who: Who,
    from: String,
}

#[derive(Debug, Clone)]
enum Who {
    Operator,
    Administrator(Arc<Administrator>),
}

/// Lets the operator and administrators pass; 401 for all others. The routes behind it take a
/// [`Caller`] and ask it about the domain.
pub(crate) async fn require_caller(
    State(site): State<AdminSite>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Peer>();
    let from = peer.map_or_else(|| "unknown".to_owned(), |peer| peer.0.ip().to_string());
    let who = match presented(&request).map(ToOwned::to_owned) {
        Some(text) if site.token.accepts(&text) => Some(Who::Operator),
        Some(text) => match administrator(&site, &text).await {
            Ok(found) => found.map(|found| Who::Administrator(Arc::new(found))),
            Err(problem) => return problem.into_response(),
        },
        None => None,
    };
    let Some(who) = who else {
        return unauthorized(&request);
    };
    request.extensions_mut().insert(Caller { who, from });
    next.run(request).await
}

async fn administrator(site: &AdminSite, text: &str) -> Result<Option<Administrator>, Problem> {
    let digest = SecretDigest::of(text.as_bytes());
    let Some(token) = site.spool.api_token(&digest).await? else {
        return Ok(None);
    };
    if token.expires_at <= site.spool.clock().now() {
        return Ok(None);
    }
    let AccountId::Administrator { address } = &token.administrator else {
        return Ok(None);
    };
    match address.parse::<Mailbox>() {
        Ok(address) => Ok(site.spool.administrator(&address).await?),
        Err(_) => Ok(None),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "unauthorized"))
    }
}

impl Caller {
    /// An administrator, from this address.
    pub(crate) const fn administrator(row: Arc<Administrator>, from: String) -> Self {
        Self {
            who: Who::Administrator(row),
            from,
        }
    }

    /// A domain that this caller may see; 404 for every other.
    pub(crate) fn domain(&self, site: &AdminSite, name: &str) -> Result<Arc<Domain>, Problem> {
        let unknown = || Problem::not_found(format!("there is no domain {name}"));
        let parsed = name.parse().map_err(|_| unknown())?;
        let domain = site.spool.directory().domain_by_name(&parsed);
        let domain = domain.ok_or_else(unknown)?;
        match &self.who {
            Who::Administrator(row) if row.role(domain.id).is_none() => Err(unknown()),
            Who::Operator | Who::Administrator(_) => Ok(domain),
        }
    }

    /// The domain of an address that is to be added by somebody who may change its people.
    pub(super) fn domain_for(
        &self,
        site: &AdminSite,
        address: &Mailbox,
    ) -> Result<Arc<Domain>, Problem> {
        let domain = self.domain(site, address.domain().as_str()).map_err(|_| {
            Problem::invalid(vec![FieldFault {
                field: "address".to_owned(),
                line: None,
                problem: format!("there is no domain {}; add it first", address.domain()),
            }])
        })?;
        self.may_change(&domain)?;
        Ok(domain)
    }

    /// Whether this caller may add, change and remove mailboxes and aliases of a domain: the
    /// operator, and its administrators.
    pub(crate) fn may_change(&self, domain: &Domain) -> Result<(), Problem> {
        match &self.who {
            Who::Operator => Ok(()),
            Who::Administrator(_) => self.people(domain, Role::DomainAdministrator),
        }
    }

    /// Whether passwords may come from this caller at all (C25).
    pub(super) const fn sets_passwords(&self) -> bool {
        matches!(self.who, Who::Administrator(_))
    }

    /// The address of a mailbox or alias on a domain that this caller may change.
    pub(super) fn changeable(&self, site: &AdminSite, text: &str) -> Result<Mailbox, Problem> {
        let address = parse(text)?;
        self.may_change_at(site, &address)?;
        Ok(address)
    }

    /// Whether an address is on a domain that this caller may change; 404 when they may not see it.
    pub(super) fn may_change_at(&self, site: &AdminSite, address: &Mailbox) -> Result<(), Problem> {
        let domain = self
            .domain(site, address.domain().as_str())
            .map_err(|_| Problem::not_found(format!("there is no {address}")))?;
        self.may_change(&domain)
    }

    /// An address on a domain that this caller may see.
    pub(super) fn visible(&self, site: &AdminSite, text: &str) -> Result<Mailbox, Problem> {
        let address = parse(text)?;
        self.domain(site, address.domain().as_str())
            .map_err(|_| Problem::not_found(format!("there is no {address}")))?;
        Ok(address)
    }

    /// A mailbox whose user gets a password or a code from this caller, who is an administrator of
    /// its domain with at least this role. 403 for the operator, 404 for other domains.
    pub(crate) async fn person(
        &self,
        site: &AdminSite,
        address: &Mailbox,
        least: Role,
    ) -> Result<MailboxAccount, Problem> {
        let domain = self.domain(site, address.domain().as_str())?;
        self.people(&domain, least)?;
        let found = site.spool.mailbox(address).await?;
        found.ok_or_else(|| Problem::not_found(format!("there is no mailbox {address}")))
    }

    /// Whether this caller may hand out passwords or codes in a domain.
    pub(crate) fn people(&self, domain: &Domain, least: Role) -> Result<(), Problem> {
        match &self.who {
            Who::Operator => Err(Problem::forbidden(PASSWORD_REFUSED)),
            Who::Administrator(row) => match row.role(domain.id) {
                Some(role) if role <= least => Ok(()),
                _ => Err(Problem::forbidden("your role does not include this")),
            },
        }
    }

    /// Who hands something out, for those who look at it later.
    pub(super) fn name(&self) -> String {
        match &self.who {
            Who::Operator => "operator".to_owned(),
            Who::Administrator(row) => row.address.to_string(),
        }
    }

    /// The audit row for `action` on `subject`.
    pub(crate) fn row(
        &self,
        site: &AdminSite,
        action: &str,
        subject: impl Into<String>,
        detail: &Value,
    ) -> AuditRow {
        let from = self.from.clone();
        AuditRow {
            at: site.spool.clock().wall(),
            actor: match &self.who {
                Who::Operator => Actor::Operator { from },
                Who::Administrator(row) => Actor::Administrator {
                    address: row.address.to_string(),
                    from,
                },
            },
            action: action.to_owned(),
            subject: subject.into(),
            detail: detail.to_string(),
        }
    }
}
