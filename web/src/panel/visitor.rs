//! Who is looking: anybody ([`Visitor`]), or an administrator who has signed in ([`Admin`]).

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use maud::Markup;
use storage::model::{
    AccountId, Administrator, AuditRow, Domain, Mailbox, Role, SecretDigest, SessionKind, Timestamp,
};

use super::layout;
use crate::AdminSite;
use crate::api::caller::Caller;
use crate::auth::csrf::CsrfToken;
use crate::auth::{Client, Secret, TrustedProxies, is_fresh};
use crate::portal::{Refusal, with_cookies};

/// Where an administrator without a second factor is led (A6).
const SETUP: &str = "/me/second-factor";

/// Anybody. Forms before sign-in are bound to the browser by a cookie of their own.
#[derive(Debug)]
pub(super) struct Visitor {
    /// The other end.
    pub(super) client: Client,
    /// The token for forms before sign-in.
    pub(super) csrf: CsrfToken,
    cookies: Vec<HeaderValue>,
}

impl FromRequestParts<AdminSite> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &AdminSite) -> Result<Self, Infallible> {
        let cookie = site.before_cookie();
        let (csrf, fresh) = CsrfToken::before_sign_in(cookie, &parts.headers);
        Ok(Self {
            client: Client::of(parts, &TrustedProxies::default()),
            csrf,
            cookies: Vec::from_iter(fresh),
        })
    }
}

impl Visitor {
    /// A page for anybody.
    pub(super) fn page(&self, status: StatusCode, title: &str, content: &Markup) -> Response {
        let page = layout::door(title, content);
        with_cookies((status, page).into_response(), &self.cookies)
    }
}

/// An administrator, signed in.
#[derive(Debug)]
pub(super) struct Admin {
    /// The site.
    pub(super) site: AdminSite,
    /// Who it is.
    pub(super) account: AccountId,
    /// What they may do.
    pub(super) row: Arc<Administrator>,
    /// Which session this is.
    pub(super) session: SecretDigest,
    /// Whether they have proved who they are in the last ten minutes (A9).
    pub(super) is_fresh: bool,
    /// The other end.
    pub(super) client: Client,
    /// The token for forms of this session.
    pub(super) csrf: CsrfToken,
    /// The time of the request.
    pub(super) now: Timestamp,
}

impl FromRequestParts<AdminSite> for Admin {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, site: &AdminSite) -> Result<Self, Refusal> {
        let Some(admin) = Self::of(parts, site).await? else {
            return Err(Refusal::SignIn {
                next: if parts.method == Method::GET {
                    parts.uri.to_string()
                } else {
                    "/people".to_owned()
                },
            });
        };
        let credentials = site.spool.credentials(&admin.account).await?;
        if credentials.totp.is_none() && parts.uri.path() != SETUP {
            return Err(Refusal::GoTo(SETUP.to_owned()));
        }
        Ok(admin)
    }
}

impl Admin {
    /// The administrator of a request, with or without a second factor; none when nobody has signed
    /// in.
    pub(super) async fn of(parts: &Parts, site: &AdminSite) -> Result<Option<Self>, Refusal> {
        let cookie = site.session_cookie();
        let Some(id) = cookie.read(&parts.headers).and_then(Secret::presented) else {
            return Ok(None);
        };
        let session = id.digest();
        let Some(open) = site.spool.session(&session).await? else {
            return Ok(None);
        };
        let AccountId::Administrator { address } = &open.account else {
            return Ok(None);
        };
        if open.kind != SessionKind::Admin {
            return Ok(None);
        }
        let Ok(address) = address.parse::<Mailbox>() else {
            return Ok(None);
        };
        let row = site.spool.administrator(&address).await?;
        let Some(row) = row.filter(|row| !row.grants.is_empty()) else {
            return Ok(None);
        };
        let now = site.spool.clock().now();
        Ok(Some(Self {
            account: open.account.clone(),
            row: Arc::new(row),
            session,
            is_fresh: is_fresh(open.proven_at, now),
            client: Client::of(parts, &TrustedProxies::default()),
            csrf: CsrfToken::of(id.reveal()),
            now: site.spool.clock().wall(),
            site: site.clone(),
        }))
    }

    /// A page for this administrator.
    pub(super) fn page(&self, title: &str, content: &Markup) -> Response {
        self.page_with(StatusCode::OK, title, content)
    }

    /// The same with another status.
    pub(super) fn page_with(&self, status: StatusCode, title: &str, content: &Markup) -> Response {
        (status, layout::signed_in(self, title, content)).into_response()
    }

    /// Who asks, for the functions that the API has too.
    pub(super) fn caller(&self) -> Caller {
        let from = self.client.address.to_string();
        Caller::administrator(Arc::clone(&self.row), from)
    }

    /// A domain of theirs; 404 for every other.
    pub(super) fn domain(&self, name: &str) -> Result<Arc<Domain>, Refusal> {
        Ok(self.caller().domain(&self.site, name)?)
    }

    /// What they may do with a domain.
    pub(super) fn may(&self, domain: &Domain, least: Role) -> bool {
        self.row.role(domain.id).is_some_and(|role| role <= least)
    }

    /// The audit row of something they do to their own account.
    pub(super) fn own_row(&self, action: &str) -> AuditRow {
        let address = self.row.address.to_string();
        self.site
            .sign_in
            .audit_row(&self.account, &address, &self.client, action)
    }
}

/// 303 to the page that asks for the password again, and from there back to `next`.
pub(super) fn prove_first(next: &str) -> Refusal {
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("next", next)
        .finish();
    Refusal::GoTo(format!("/prove?{query}"))
}
