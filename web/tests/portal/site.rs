//! A portal over a store with two domains and their people.

use std::sync::Arc;

use actors::status::StatusBoard;
use axum::Router;
use jiff::tz::TimeZone;
use storage::model::{
    AccountId, Actor, Administrator, Alias, AliasTarget, AuditRow, Destination, Domain, Grant,
    Mailbox, MailboxAccount, OneTimeToken, Role, Timestamp, TlsPolicy, TokenPurpose, TokioClock,
};
use storage::spool::{AccountEffects, NewDomain, SpaceProbe, Spool, SpoolOptions};
use web::auth::csrf::Origins;
use web::auth::passkey::RelyingParty;
use web::auth::reset::{ResetClerk, ResetOffice};
use web::auth::{PasswordHasher, Secret, SetBy, SignIn, TrustedProxies};
use web::guard::{Guard, Site as GuardedSite};
use web::portal::{self, Portal, Reading};

/// The host name that the portal has.
pub(crate) const HOST: &str = "mail.example.net";
/// Alice's password.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// `alice` (with a password, alias `info`), `bob` (without), `left` (disabled, with a password) on
/// `example.org`; `alice` on `other.example` with another password.
pub(crate) struct Site {
    pub(crate) spool: Spool,
    pub(crate) board: StatusBoard,
    pub(crate) sign_in: SignIn,
    pub(crate) clerk: ResetClerk,
    pub(crate) router: Router,
}

impl Site {
    pub(crate) async fn new() -> Self {
        let clock = Arc::new(TokioClock::new(Timestamp::from_secs(1_800_000_000)));
        Self::over(Spool::in_memory(clock).await).await
    }

    /// The same over a store in a folder, on a volume that has as much room as `probe` says.
    pub(crate) async fn on_disk(folder: &std::path::Path, probe: Arc<dyn SpaceProbe>) -> Self {
        let clock = Arc::new(TokioClock::new(Timestamp::from_secs(1_800_000_000)));
        let options = SpoolOptions {
            space: Some(probe),
            ..SpoolOptions::default()
        };
        let opened = Spool::open(folder, options, clock).await;
        Self::over(opened.unwrap()).await
    }

    async fn over(spool: Spool) -> Self {
        let board = StatusBoard::default();
        let sign_in = SignIn::new(spool.clone(), PasswordHasher::with_threads(2));
        let (desk, clerk) = ResetClerk::new(ResetOffice {
            sign_in: sign_in.clone(),
            board: board.clone(),
            hostname: "mx.example.net".to_owned(),
            portal_url: format!("https://{HOST}"),
            admin_url: "https://admin.example.net".to_owned(),
        });
        let portal = Portal {
            spool: spool.clone(),
            board: board.clone(),
            sign_in: sign_in.clone(),
            desk,
            proxies: TrustedProxies::default(),
            origins: Origins([format!("https://{HOST}")].into()),
            relying_party: RelyingParty::of(&format!("https://{HOST}")),
            tls: true,
            zone: TimeZone::UTC,
            reading: Reading::new(&[7; 32]),
            build: "0.0.0-test",
        };
        let guard = Guard {
            hosts: [HOST.to_owned()].into(),
            tls: true,
            site: GuardedSite::Portal,
        };
        let site = Self {
            spool,
            board,
            sign_in,
            clerk,
            router: portal::router(portal, guard),
        };
        site.populate().await;
        site
    }

    async fn populate(&self) {
        for name in ["example.org", "other.example"] {
            let host = Destination {
                host: "192.0.2.25".to_owned(),
                port: 25,
                priority: 0,
                weight: 1,
                tls: TlsPolicy::Opportunistic,
                ..Destination::default()
            };
            let new = NewDomain::new(name.parse().unwrap(), vec![host]);
            self.spool.add_domain(new, audit()).await.unwrap();
        }
        for address in [
            "alice@example.org",
            "bob@example.org",
            "left@example.org",
            "alice@other.example",
        ] {
            self.put_mailbox(address, true).await;
        }
        for (address, password) in [
            ("alice@example.org", PASSWORD),
            ("left@example.org", PASSWORD),
            ("alice@other.example", "another long passphrase here"),
        ] {
            self.set_password(address, password).await;
        }
        self.put_mailbox("left@example.org", false).await;
        let alias = Alias {
            domain: self.domain("example.org").id,
            address: "info@example.org".parse().unwrap(),
            target: AliasTarget {
                mailbox: "alice@example.org".parse().unwrap(),
            },
            created_at: Timestamp::default(),
        };
        self.spool.put_alias(alias, audit()).await.unwrap();
    }

    pub(crate) async fn put_mailbox(&self, address: &str, enabled: bool) {
        let address: Mailbox = address.parse().unwrap();
        let account = MailboxAccount {
            domain: self.domain(address.domain().as_str()).id,
            address,
            name: None,
            recovery: None,
            language: None,
            enabled,
            created_at: Timestamp::default(),
        };
        self.spool
            .put_mailboxes(vec![account], audit())
            .await
            .unwrap();
    }

    pub(crate) async fn put_recovery(&self, address: &str, recovery: &str) {
        let address: Mailbox = address.parse().unwrap();
        let mut account = self.spool.mailbox(&address).await.unwrap().unwrap();
        account.recovery = Some(recovery.parse().unwrap());
        self.spool
            .put_mailboxes(vec![account], audit())
            .await
            .unwrap();
    }

    /// Somebody who administers a domain.
    pub(crate) async fn put_administrator(&self, address: &str, domain: &str) {
        let administrator = Administrator {
            address: address.parse().unwrap(),
            grants: vec![Grant {
                domain: self.domain(domain).id,
                role: Role::DomainAdministrator,
            }],
            created_at: Timestamp::default(),
        };
        let put = self.spool.put_administrator(&administrator, audit());
        put.await.unwrap();
    }

    pub(crate) async fn set_password(&self, address: &str, password: &str) {
        let account = self.account(address);
        let by = SetBy::Administrator;
        let set = self.sign_in.set_password(&account, password, by, audit());
        assert!(set.await.unwrap());
    }

    /// A one-time token for an account.
    pub(crate) async fn hand_out(&self, address: &str, purpose: TokenPurpose, secret: &Secret) {
        let account = self.account(address);
        let now = self.spool.clock().now();
        let token = OneTimeToken {
            account: account.clone(),
            purpose,
            created_at: now,
            expires_at: now.saturating_add(std::time::Duration::from_secs(1800)),
            created_by: "test".to_owned(),
        };
        let effects = AccountEffects {
            hand_out: Some((secret.digest(), token)),
            void: vec![purpose],
            ..AccountEffects::default()
        };
        let changed = self.spool.change_account(&account, |_| (effects, ()));
        changed.await.unwrap();
    }

    pub(crate) fn account(&self, address: &str) -> AccountId {
        let address: Mailbox = address.parse().unwrap();
        AccountId::user(self.domain(address.domain().as_str()).id, &address)
    }

    pub(crate) fn domain(&self, name: &str) -> Arc<Domain> {
        let directory = self.spool.directory();
        directory.domain_by_name(&name.parse().unwrap()).unwrap()
    }

    /// What was done, newest first.
    pub(crate) async fn audit(&self) -> Vec<(String, String)> {
        let rows = self.spool.audit_page(None, 100).await.unwrap();
        let rows = rows.into_iter();
        rows.map(|(_, row)| (row.action, row.subject)).collect()
    }
}

pub(crate) fn audit() -> AuditRow {
    AuditRow {
        at: Timestamp::default(),
        actor: Actor::System {
            part: "test".to_owned(),
        },
        action: "test".to_owned(),
        subject: String::new(),
        detail: String::new(),
    }
}
