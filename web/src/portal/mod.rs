//! The portal: where users read and answer their mail while their own server is down.
//!
//! Its own listener, host name and session (C13); nothing of the administration is reachable from
//! here. `visitor` and `user` say who is asking, `posted` reads forms, `layout` draws the frame around every
//! page, `refusal` answers what cannot be done; each page is a file of its own. Every page works
//! without scripts.

mod account;
mod assets;
mod banner;
mod compose;
pub(crate) mod dress;
mod events;
mod export;
mod flash;
mod help;
pub(crate) mod layout;
mod login;
mod logout;
mod mailbox;
mod navigation;
mod new_password;
mod posted;
mod reader;
mod redirect;
mod refusal;
mod router;
mod sessions;
mod settings;
mod status;
mod suggest;
mod user;
mod visitor;
mod words;

use actors::status::StatusBoard;
use axum::extract::FromRef;
use jiff::tz::TimeZone;
use storage::spool::Spool;

use crate::auth::csrf::Origins;
use crate::auth::passkey::RelyingParty;
use crate::auth::reset::ResetDesk;
use crate::auth::{CookieName, SignIn, TrustedProxies};

pub(crate) use assets::serve as serve_asset;
pub(crate) use posted::Posted;
pub use reader::Reading;
pub(crate) use redirect::{place_of_ours, see_other, with_cookies};
pub(crate) use refusal::Refusal;
pub use router::router;
pub(crate) use sessions::browser;

/// What the portal is made of. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Portal {
    /// The store.
    pub spool: Spool,
    /// Live state of domains and routes.
    pub board: StatusBoard,
    /// Signing in.
    pub sign_in: SignIn,
    /// Where people who cannot sign in are helped.
    pub desk: ResetDesk,
    /// Whom to believe about where a request comes from.
    pub proxies: TrustedProxies,
    /// The origins that are ours.
    pub origins: Origins,
    /// Whose passkeys they are; none where browsers know no passkeys (A7).
    pub relying_party: Option<RelyingParty>,
    /// Whether it speaks TLS; without it the cookies have other names.
    pub tls: bool,
    /// The zone in which dates are shown to those who have not chosen one.
    pub zone: TimeZone,
    /// What reading a message needs.
    pub reading: Reading,
    /// Which build this is.
    pub build: &'static str,
}

impl Portal {
    /// The cookie of a session.
    const fn session_cookie(&self) -> CookieName {
        CookieName::lax("portal", self.tls)
    }

    /// The cookie of a browser that has not signed in.
    const fn before_cookie(&self) -> CookieName {
        CookieName::lax("portal-before", self.tls)
    }

    /// The cookie of a sign-in that waits for its second step.
    const fn factor_cookie(&self) -> CookieName {
        CookieName::lax("portal-factor", self.tls)
    }

    /// The cookie that carries what the next page says.
    const fn flash_cookie(&self) -> CookieName {
        CookieName::lax("portal-flash", self.tls)
    }
}

impl FromRef<Portal> for TrustedProxies {
    fn from_ref(portal: &Portal) -> Self {
        portal.proxies.clone()
    }
}
