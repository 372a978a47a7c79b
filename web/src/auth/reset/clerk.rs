//! The clerk: looks at what was handed in, one after the other.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use actors::own_mail::own_message;
use actors::status::StatusBoard;
use actors::supervision::{ChildSpec, Stopping};
use serde_json::json;
use storage::model::{
    AccountId, AuditRow, Domain, Mailbox, MailboxAccount, OneTimeToken, TokenPurpose,
};
use storage::spool::{AccountEffects, Spool, SpoolError};
use tokio::sync::{Mutex, mpsc};

use super::letter::{LINK_MINUTES, Letter, Letterhead};
use super::limit::ResetLimit;
use super::way::{Way, way};
use super::{Errand, ResetDesk, WAITING_MAX};
use crate::auth::client::Client;
use crate::auth::secret::{NoRandomness, Secret};
use crate::auth::sign_in::SignIn;
use crate::language::Language;

/// How long a request stands in the list of the administrators.
const REQUEST_LIFE: Duration = Duration::from_secs(14 * 86_400);

/// What the clerk works with.
#[derive(Debug, Clone)]
pub struct ResetOffice {
    /// The store and the rules of accounts.
    pub sign_in: SignIn,
    /// Whether a domain's server takes mail.
    pub board: StatusBoard,
    /// The node's name.
    pub hostname: String,
    /// How users reach the portal, without a slash at its end.
    pub portal_url: String,
    /// How administrators reach their site, without a slash at its end.
    pub admin_url: String,
}

/// Works off what is handed in at the desk. Cheap to clone; one of the clones works at a time.
#[derive(Debug, Clone)]
pub struct ResetClerk {
    office: Arc<ResetOffice>,
    limit: Arc<ResetLimit>,
    errands: Arc<Mutex<mpsc::Receiver<Errand>>>,
}

/// Why an errand was not done.
#[derive(Debug, thiserror::Error)]
enum ClerkError {
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error(transparent)]
    Letter(#[from] std::io::Error),
}

impl ResetClerk {
    /// A clerk and the desk in front.
    #[must_use]
    pub fn new(office: ResetOffice) -> (ResetDesk, Self) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let clerk = Self {
            office: Arc::new(office),
            limit: Arc::default(),
            errands: Arc::new(Mutex::new(receiver)),
        };
        (ResetDesk { errands: sender }, clerk)
    }

    /// The clerk as a child of a supervisor. After a crash the next errand is done.
    #[must_use]
    pub fn child_spec(self) -> ChildSpec {
        ChildSpec::service("letters to people", move |mut stopping: Stopping| {
            let clerk = self.clone();
            async move {
                clerk.run(stopping.requested()).await;
                Ok(())
            }
        })
    }

    async fn run(&self, stop: impl Future<Output = ()>) {
        let mut errands = self.errands.lock().await;
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return,
                errand = errands.recv() => match errand {
                    Some(errand) => self.work(errand).await,
                    None => return,
                },
            }
        }
    }

    /// Does everything that has been handed in so far.
    pub async fn catch_up(&self) {
        let mut errands = self.errands.lock().await;
        while let Ok(errand) = errands.try_recv() {
            self.work(errand).await;
        }
    }

    async fn work(&self, errand: Errand) {
        let done = match errand {
            Errand::Help {
                address,
                client,
                language,
            } => self.help(&address, &client, language).await,
            Errand::PasswordSet(mailbox) => self.tell(&mailbox, &Letter::PasswordSet).await,
            Errand::FactorOff(mailbox) => self.tell(&mailbox, &Letter::FactorOff).await,
        };
        if let Err(error) = done {
            tracing::error!(%error, "a letter about an account could not be written");
        }
    }

    async fn help(
        &self,
        address: &str,
        client: &Client,
        language: Language,
    ) -> Result<(), ClerkError> {
        let spool = self.spool();
        let now = spool.clock().now();
        if !self.limit.admits_network(client.address, now) {
            tracing::info!(client.address = %client.address, "too many links were asked for from there");
            return Ok(());
        }
        let Some((person, domain)) = self.person(address).await? else {
            return Ok(());
        };
        let account = AccountId::user(person.domain, &person.address);
        if !self.limit.admits_account(&account, now) {
            tracing::info!(client.address = %client.address, "too many links were asked for an account");
            return Ok(());
        }
        let counters = spool.counters(domain.id);
        let server = self.office.board.domain(&domain, &counters, now).state;
        match way(&person.address, person.recovery.as_ref(), server) {
            Way::Link(to) => {
                self.send_link(&account, &person, &to, client, language)
                    .await
            }
            Way::Administrators => {
                self.ask_administrators(&account, &person, client, language)
                    .await
            }
        }
    }

    /// The mailbox of an address or alias, while it is enabled.
    async fn person(
        &self,
        address: &str,
    ) -> Result<Option<(MailboxAccount, Arc<Domain>)>, SpoolError> {
        let Some(mailbox) = self.office.sign_in.mailbox_of(address) else {
            return Ok(None);
        };
        let spool = self.spool();
        let person = spool.mailbox(&mailbox).await?;
        let Some(person) = person.filter(|person| person.enabled) else {
            return Ok(None);
        };
        let domain = spool.directory().domain(person.domain);
        Ok(domain.map(|domain| (person, domain)))
    }

    async fn send_link(
        &self,
        account: &AccountId,
        person: &MailboxAccount,
        to: &Mailbox,
        client: &Client,
        language: Language,
    ) -> Result<(), ClerkError> {
        let secret = Secret::token()?;
        let life = Duration::from_secs(LINK_MINUTES * 60);
        self.put_token(account, person, TokenPurpose::Reset, &secret, life, client)
            .await?;
        let url = format!("{}/reset/{}", self.office.portal_url, secret.reveal());
        self.post(&Letter::Link(url), person, to, language).await
    }

    /// Without a way to the user the administrators are asked: in their list, and by mail.
    async fn ask_administrators(
        &self,
        account: &AccountId,
        person: &MailboxAccount,
        client: &Client,
        language: Language,
    ) -> Result<(), ClerkError> {
        // Nobody gets this secret: the row says that somebody waits, and opens nothing.
        let secret = Secret::token()?;
        self.put_token(
            account,
            person,
            TokenPurpose::Request,
            &secret,
            REQUEST_LIFE,
            client,
        )
        .await?;
        for administrator in self.spool().administrators_of(person.domain).await? {
            self.post(&Letter::Asked, person, &administrator.address, language)
                .await?;
        }
        Ok(())
    }

    async fn put_token(
        &self,
        account: &AccountId,
        person: &MailboxAccount,
        purpose: TokenPurpose,
        secret: &Secret,
        life: Duration,
        client: &Client,
    ) -> Result<(), ClerkError> {
        let created_at = self.spool().clock().now();
        let address = person.address.to_string();
        let token = OneTimeToken {
            account: account.clone(),
            purpose,
            created_at,
            expires_at: created_at.saturating_add(life),
            created_by: "forgotten password".to_owned(),
        };
        let row = self
            .office
            .sign_in
            .audit_row(account, &address, client, "password.ask");
        let row = AuditRow {
            detail: json!({"purpose": purpose}).to_string(),
            ..row
        };
        let effects = AccountEffects {
            void: vec![purpose],
            hand_out: Some((secret.digest(), token)),
            audit: Some(row),
            ..AccountEffects::default()
        };
        self.spool()
            .change_account(account, |_| (effects, ()))
            .await?;
        Ok(())
    }

    /// Tells a user, at the mailbox and at the recovery address, what happened to the account.
    async fn tell(&self, mailbox: &Mailbox, letter: &Letter) -> Result<(), ClerkError> {
        let Some(person) = self.spool().mailbox(mailbox).await? else {
            return Ok(());
        };
        let language = person.language.as_deref().and_then(Language::of_tag);
        let language = language.unwrap_or_default();
        for to in std::iter::once(&person.address).chain(&person.recovery) {
            self.post(letter, &person, to, language).await?;
        }
        Ok(())
    }

    async fn post(
        &self,
        letter: &Letter,
        person: &MailboxAccount,
        to: &Mailbox,
        language: Language,
    ) -> Result<(), ClerkError> {
        let office = &self.office;
        let head = Letterhead {
            hostname: &office.hostname,
            portal: &office.portal_url,
            admin: &office.admin_url,
        };
        let (spool, id) = (self.spool(), self.spool().next_id());
        let at = spool.clock().wall();
        let text = letter.render(language, &person.address, to, &head, id, at)?;
        let message = own_message(spool, &office.hostname, id, to, text.into()).await?;
        spool.accept(message).await?;
        tracing::info!(queue.id = %id, "a letter about an account is on its way");
        Ok(())
    }

    fn spool(&self) -> &Spool {
        &self.office.sign_in.spool
    }
}
