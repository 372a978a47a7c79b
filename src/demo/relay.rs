//! The relay in the demo: the real parts, on loopback, with a store in a temporary folder.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use actors::status::DomainStatus;
use storage::model::{
    AccountId, Actor, AuditRow, Counters, Destination, Domain, Mailbox, MailboxAccount,
    Preferences, TlsPolicy,
};
use storage::spool::{ContinuityWish, NewDomain, Spool};
use tempfile::TempDir;
use web::auth::{PasswordHasher, SetBy, SignIn};

use super::DemoError;
use super::scene::{DOMAIN, Scene};
use super::user::Browser;
use crate::config::Config;
use crate::node::Node;
use crate::telemetry::Telemetry;

/// Everything on loopback, on ports that are free; `WORLD` takes mail to everybody else.
const CONFIG: &str = r#"
hostname = "mx.demo.test"
[smtp]
listen = ["127.0.0.1:0"]
[portal]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[operations]
listen = "127.0.0.1:0"
[delivery]
smart_host = ["WORLD,tls=opportunistic"]
[limits]
exempt_clients = ["127.0.0.0/8"]
"#;

/// A running relay that protects the demo's domain.
#[derive(Debug)]
pub(super) struct Relay {
    node: Node,
    smtp: SocketAddr,
    portal: SocketAddr,
    portal_certificate: PathBuf,
    domain: Arc<Domain>,
    /// Removed when dropped, after everything has stopped.
    _folder: TempDir,
}

impl Relay {
    /// Starts everything with an empty store and adds the domain with its people, who have
    /// continuity mailboxes; [`Scene::reader`] can sign in with `password`. Mail to other domains
    /// goes to `world`.
    pub(super) async fn start(
        destination: SocketAddr,
        world: SocketAddr,
        password: &str,
    ) -> Result<Self, DemoError> {
        let folder = tempfile::Builder::new()
            .prefix("mailhold-demo-")
            .tempdir()?;
        let file = folder.path().join("mailhold.toml");
        let config = Config::parse(&CONFIG.replace("WORLD", &world.to_string()), Some(&file))?;
        let portal_certificate = config.node.data_dir.join("portal-self-signed.pem");
        let node = Node::start(config, Telemetry::none()).await?;
        let smtp = node.addresses().smtp.first().copied();
        let smtp = smtp.ok_or(DemoError::NoListener)?;
        let portal = node.addresses().portal;
        let domain = protect(node.spool(), destination, password).await?;
        Ok(Self {
            node,
            smtp,
            portal,
            portal_certificate,
            domain: Arc::new(domain),
            _folder: folder,
        })
    }

    /// Where it takes mail.
    pub(super) const fn smtp(&self) -> SocketAddr {
        self.smtp
    }

    /// Where users sign in.
    pub(super) const fn portal(&self) -> SocketAddr {
        self.portal
    }

    /// A browser that trusts the portal.
    pub(super) fn browser(&self) -> Result<Browser, DemoError> {
        let certificate = &self.portal_certificate;
        Browser::new(self.portal, certificate)
            .map_err(|error| DemoError::Browser(error.to_string()))
    }

    /// How the domain stands.
    pub(super) fn status(&self) -> DomainStatus {
        let now = self.node.spool().clock().now();
        self.node
            .status()
            .domain(&self.domain, &self.counters(), now)
    }

    /// The relay's own ledger of the domain.
    pub(super) fn counters(&self) -> Counters {
        self.node.spool().counters(self.domain.id)
    }

    /// Stops everything in order.
    pub(super) async fn stop(self) {
        self.node.stop().await;
    }
}

async fn protect(
    spool: &Spool,
    destination: SocketAddr,
    password: &str,
) -> Result<Domain, DemoError> {
    let audit = |action: &str| AuditRow {
        at: spool.clock().now(),
        actor: Actor::System {
            part: "demo".to_owned(),
        },
        action: action.to_owned(),
        subject: DOMAIN.to_owned(),
        detail: String::new(),
    };
    let host = Destination {
        host: destination.ip().to_string(),
        port: destination.port(),
        priority: 0,
        weight: 1,
        tls: TlsPolicy::Opportunistic,
        ..Destination::default()
    };
    let new = NewDomain::new(DOMAIN.parse()?, vec![host]);
    let domain = spool.add_domain(new, audit("domain.add")).await?;
    let mut accounts = Vec::new();
    for address in Scene::mailboxes() {
        accounts.push(MailboxAccount {
            domain: domain.id,
            address: address.parse::<Mailbox>()?,
            name: None,
            recovery: None,
            language: None,
            enabled: true,
            created_at: spool.clock().now(),
        });
    }
    spool.put_mailboxes(accounts, audit("mailbox.add")).await?;
    let wish = ContinuityWish::On { retention_days: 30 };
    let audited = audit("continuity.on");
    let domain = spool.set_continuity(&domain.name, wish, audited).await?;
    let reader = AccountId::user(domain.id, &Scene::reader().parse()?);
    let sign_in = SignIn::new(spool.clone(), PasswordHasher::with_threads(1));
    sign_in
        .set_password(
            &reader,
            password,
            SetBy::Administrator,
            audit("password.set"),
        )
        .await?;
    // She does not want to wait for the seconds in which sending can be undone.
    let preferences = Preferences {
        undo_seconds: 0,
        ..Preferences::default()
    };
    spool.put_preferences(&reader, &preferences).await?;
    Ok(domain)
}
