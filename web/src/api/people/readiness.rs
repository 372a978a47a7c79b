//! Who could sign in to the portal right now, and who could not and why (C17).

use serde::{Deserialize, Serialize};
use storage::model::{AccountId, Domain, MailboxAccount, TokenPurpose};
use utoipa::ToSchema;

use crate::AdminSite;
use crate::api::audited::time;
use crate::api::problem::Problem;

/// Mailboxes looked at in one step.
const STEP: usize = 1_000;

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
    /// When the user last asked the administrators for help (RFC 3339), until a password is set.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub asked_at: Option<String>,
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

impl ReadinessView {
    /// A domain as it is now.
    pub(crate) async fn of(site: &AdminSite, domain: &Domain) -> Result<Self, Problem> {
        let mut view = Self {
            domain: domain.name.to_string(),
            mailboxes: 0,
            ready: 0,
            items: Vec::new(),
        };
        for person in everybody(site, domain).await? {
            let person = PersonView::of(site, &person).await?;
            view.mailboxes += u64::from(person.reason != ReadinessReason::Disabled);
            view.ready += u64::from(person.ready);
            view.items.push(person);
        }
        Ok(view)
    }
}

impl PersonView {
    /// A user as it is now.
    pub(crate) async fn of(site: &AdminSite, person: &MailboxAccount) -> Result<Self, Problem> {
        let account = AccountId::user(person.domain, &person.address);
        let credentials = site.spool.credentials(&account).await?;
        let code = site.spool.open_token(&account, TokenPurpose::Enrolment);
        let asked = site.spool.open_token(&account, TokenPurpose::Request);
        let reason = reason(person, credentials.password.is_some(), code.is_some());
        Ok(Self {
            address: person.address.to_string(),
            ready: reason == ReadinessReason::Password,
            reason,
            last_login_at: credentials.last_login_at.and_then(time),
            asked_at: asked.map(|token| token.created_at.rfc3339()),
        })
    }
}

const fn reason(person: &MailboxAccount, has_password: bool, has_code: bool) -> ReadinessReason {
    if !person.enabled {
        ReadinessReason::Disabled
    } else if has_password {
        ReadinessReason::Password
    } else if has_code {
        ReadinessReason::CodeOpen
    } else if person.recovery.is_some() {
        ReadinessReason::RecoveryAddress
    } else {
        ReadinessReason::NoWay
    }
}

/// All mailboxes of a domain, by address.
pub(super) async fn everybody(
    site: &AdminSite,
    domain: &Domain,
) -> Result<Vec<MailboxAccount>, Problem> {
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
