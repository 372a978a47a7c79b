//! The web listeners of a node: the users' portal, the administration, operations.

use std::net::SocketAddr;

use actors::status::StatusBoard;
use actors::supervision::ChildSpec;
use jiff::tz::TimeZone;
use storage::spool::Spool;
use web::auth::csrf::Origins;
use web::auth::passkey::RelyingParty;
use web::auth::reset::{ResetClerk, ResetDesk, ResetOffice};
use web::auth::{OperatorToken, PasswordHasher, SignIn, TrustedProxies};
use web::guard::{Guard, Site};
use web::operations::OperationsSite;
use web::portal::{self, Portal, Reading};
use web::server::{HttpServer, PUBLIC_CONNECTIONS_MAX};
use web::{AdminSite, admin_router};

use super::certificates::Certificates;
use super::sockets::Sockets;
use crate::config::{Config, Scheme, SiteUrl};
use crate::telemetry::Telemetry;

/// What the web listeners are made of.
pub(super) struct Listeners<'n> {
    pub(super) config: &'n Config,
    pub(super) telemetry: &'n Telemetry,
    pub(super) spool: &'n Spool,
    pub(super) board: &'n StatusBoard,
    pub(super) token: OperatorToken,
    pub(super) certificates: &'n Certificates,
    pub(super) reading: Reading,
}

impl Listeners<'_> {
    pub(super) fn children(self, sockets: &Sockets) -> Vec<ChildSpec> {
        // One hasher for both sites: the bound on its threads is that of the machine.
        let sign_in = SignIn::new(self.spool.clone(), PasswordHasher::new());
        let (desk, clerk) = ResetClerk::new(ResetOffice {
            sign_in: sign_in.clone(),
            board: self.board.clone(),
            hostname: self.config.node.hostname.to_string(),
            portal_url: self.config.portal.url.to_string(),
            admin_url: self.config.admin.url.to_string(),
        });
        let portal = self.portal(sockets, sign_in.clone(), desk.clone());
        let admin = self.admin(sockets, sign_in, desk);
        let mut children = vec![
            clerk.child_spec(),
            portal.child_spec("portal listener"),
            admin.child_spec("admin listener"),
            self.operations(sockets).child_spec("operations listener"),
        ];
        children.extend(self.telemetry.upkeep());
        children
    }

    fn portal(&self, sockets: &Sockets, sign_in: SignIn, desk: ResetDesk) -> HttpServer {
        let config = &self.config.portal;
        let hosts = hosts(&config.url, sockets.portal.address());
        let proxies = config.trusted_proxies.clone();
        let tls = self.certificates.portal.clone();
        let site = Portal {
            spool: self.spool.clone(),
            board: self.board.clone(),
            sign_in,
            desk,
            proxies: TrustedProxies::new(move |address| {
                proxies.iter().any(|network| network.contains(address))
            }),
            origins: origins(&config.url, &hosts),
            relying_party: RelyingParty::of(&config.url.to_string()),
            tls: tls.is_some(),
            zone: TimeZone::system(),
            reading: self.reading.clone(),
            build: env!("CARGO_PKG_VERSION"),
        };
        let guard = Guard {
            hosts: hosts.into(),
            tls: tls.is_some(),
            site: Site::Portal,
        };
        HttpServer::new(sockets.portal.clone(), tls, portal::router(site, guard))
            .with_connections(PUBLIC_CONNECTIONS_MAX)
    }

    fn admin(&self, sockets: &Sockets, sign_in: SignIn, desk: ResetDesk) -> HttpServer {
        let config = &self.config.admin;
        let hosts = hosts(&config.url, sockets.admin.address());
        let tls = self.certificates.admin.clone();
        let site = AdminSite {
            spool: self.spool.clone(),
            status: self.board.clone(),
            token: self.token.clone(),
            sign_in,
            desk,
            tls: tls.is_some(),
            zone: TimeZone::system(),
            origins: origins(&config.url, &hosts),
            url: config.url.to_string(),
            portal_url: self.config.portal.url.to_string(),
            smtp_tls: Some(self.certificates.smtp.clone()),
            hostname: self.config.node.hostname.clone(),
            started_at: self.spool.clock().wall(),
        };
        let guard = Guard {
            hosts: hosts.into(),
            tls: tls.is_some(),
            site: Site::Admin,
        };
        HttpServer::new(sockets.admin.clone(), tls, admin_router(site, guard))
    }

    fn operations(&self, sockets: &Sockets) -> HttpServer {
        let site = OperationsSite {
            spool: self.spool.clone(),
            status: self.board.clone(),
            domain_labels: self.config.operations.domain_labels,
            render: self.telemetry.render(),
        };
        let router = web::operations::router(site);
        HttpServer::new(sockets.operations.clone(), None, router)
    }
}

/// The origins that go with what a `Host` header may say.
fn origins(url: &SiteUrl, hosts: &[String]) -> Origins {
    let scheme = match url.scheme() {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    Origins(
        hosts
            .iter()
            .map(|host| format!("{scheme}://{host}"))
            .collect(),
    )
}

/// What a `Host` header may say on a listener: the site's name and the listener itself.
fn hosts(url: &SiteUrl, listen: SocketAddr) -> Vec<String> {
    let port = listen.port();
    vec![
        url.authority(),
        listen.to_string(),
        format!("localhost:{port}"),
        format!("127.0.0.1:{port}"),
        format!("[::1]:{port}"),
    ]
}
