//! A mailbox as the API shows and reads it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use storage::model::{Domain, Mailbox, MailboxAccount, Timestamp};
use utoipa::ToSchema;

use super::caller::{Caller, PASSWORD_REFUSED};
use super::form::{Faults, Given, Unknown};
use crate::auth::password_rule;

/// Characters of a display name.
pub(super) const NAME_MAX: usize = 200;

/// A mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MailboxView {
    /// Its address.
    #[schema(example = "alice@example.org")]
    pub address: String,
    /// Display name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// Address outside the domain for resets.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recovery: Option<String>,
    /// Language tag.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub language: Option<String>,
    /// Whether mail for it is taken in.
    pub enabled: bool,
    /// Whether it has a password.
    pub has_password: bool,
    /// When it was added (RFC 3339).
    pub created_at: String,
}

impl MailboxView {
    pub(super) fn new(account: &MailboxAccount, has_password: bool) -> Self {
        Self {
            address: account.address.to_string(),
            name: account.name.clone(),
            recovery: account.recovery.as_ref().map(ToString::to_string),
            language: account.language.clone(),
            enabled: account.enabled,
            has_password,
            created_at: account.created_at.rfc3339(),
        }
    }
}

/// A mailbox or a change of one. To add, `address` is needed; to change, what is absent stays and
/// `address` cannot be given.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct MailboxInput {
    /// Its address, on a protected domain.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "alice@example.org")]
    pub(super) address: Given<String>,
    /// Display name.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) name: Given<String>,
    /// Address outside the domain for resets.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) recovery: Given<String>,
    /// Language tag, e.g. `de`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) language: Given<String>,
    /// Disabled mailboxes are refused at RCPT; true when absent.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    pub(super) enabled: Given<bool>,
    /// The user's first password, from an administrator of the domain only; later ones are set by
    /// `PUT /mailbox/password`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) password: Given<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    pub(super) unknown: Unknown,
}

/// What is to be different: `None` stays, `Some(None)` is taken away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct MailboxChange {
    pub(super) name: Option<Option<String>>,
    pub(super) recovery: Option<Option<Mailbox>>,
    pub(super) language: Option<Option<String>>,
    pub(super) enabled: Option<bool>,
}

impl MailboxInput {
    /// Reads a whole mailbox, with its password if it gets one.
    pub(super) fn whole(
        mut self,
        faults: &mut Faults,
        caller: &Caller,
    ) -> Option<(Mailbox, MailboxChange, Option<String>)> {
        let given = faults.required("address", std::mem::take(&mut self.address));
        let address: Option<Mailbox> = faults.parsed("address", given);
        let password = faults.optional("password", std::mem::take(&mut self.password));
        let change = self.change(faults, address.as_ref());
        if let Some(password) = &password {
            let hints = [
                address.as_ref().map(ToString::to_string),
                change.as_ref().and_then(MailboxChange::name),
            ];
            let hints: Vec<&str> = hints.iter().flatten().map(String::as_str).collect();
            if !caller.sets_passwords() {
                faults.add("password", PASSWORD_REFUSED);
            } else if let Err(fault) = password_rule::check(password, &hints) {
                faults.add("password", fault.reason());
            }
        }
        Some((address?, change?, password))
    }

    /// Reads a change of the mailbox at `address`.
    pub(super) fn partial(self, faults: &mut Faults, address: &Mailbox) -> Option<MailboxChange> {
        if self.address != Given::Absent {
            faults.add("address", "an address cannot be changed; add the new one");
        }
        if self.password != Given::Absent {
            faults.add("password", "is set by PUT /api/v1/mailbox/password");
        }
        self.change(faults, Some(address))
    }

    fn change(self, faults: &mut Faults, address: Option<&Mailbox>) -> Option<MailboxChange> {
        faults.refuse_unknown("", &self.unknown);
        let name = settable(faults, "name", self.name, |text| read_name(&text));
        let recovery = settable(faults, "recovery", self.recovery, |text| {
            read_recovery(&text, address)
        });
        let language = settable(faults, "language", self.language, |text| {
            read_language(&text)
        });
        let enabled = faults.optional("enabled", self.enabled);
        faults.is_empty().then_some(MailboxChange {
            name,
            recovery,
            language,
            enabled,
        })
    }
}

impl MailboxChange {
    /// The display name that it sets.
    pub(super) fn name(&self) -> Option<String> {
        self.name.clone().flatten()
    }

    /// The mailbox that does not exist yet.
    pub(super) fn create(
        self,
        domain: &Domain,
        address: Mailbox,
        now: Timestamp,
    ) -> MailboxAccount {
        let mut account = MailboxAccount {
            domain: domain.id,
            address,
            name: None,
            recovery: None,
            language: None,
            enabled: true,
            created_at: now,
        };
        self.apply(&mut account);
        account
    }

    /// Makes the change.
    pub(super) fn apply(self, account: &mut MailboxAccount) {
        if let Some(name) = self.name {
            account.name = name;
        }
        if let Some(recovery) = self.recovery {
            account.recovery = recovery;
        }
        if let Some(language) = self.language {
            account.language = language;
        }
        account.enabled = self.enabled.unwrap_or(account.enabled);
    }
}

/// A mailbox's state for the audit, without its password.
pub(super) fn described(account: &MailboxAccount) -> Value {
    json!({
        "name": account.name,
        "recovery": account.recovery,
        "language": account.language,
        "enabled": account.enabled,
    })
}

fn settable<T>(
    faults: &mut Faults,
    field: &str,
    given: Given<String>,
    read: impl FnOnce(String) -> Result<T, String>,
) -> Option<Option<T>> {
    if given == Given::Null {
        return Some(None);
    }
    match read(faults.optional(field, given)?) {
        Ok(value) => Some(Some(value)),
        Err(problem) => {
            faults.add(field, problem);
            None
        }
    }
}

/// A display name: one line of reasonable length.
pub(super) fn read_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
        return Err(format!("expected 1 to {NAME_MAX} characters on one line"));
    }
    Ok(name.to_owned())
}

/// An address that works while the domain's own server does not.
pub(super) fn read_recovery(text: &str, address: Option<&Mailbox>) -> Result<Mailbox, String> {
    let recovery: Mailbox = text.parse().map_err(|error| format!("{error}"))?;
    if address.is_some_and(|address| address.domain() == recovery.domain()) {
        return Err(
            "expected an address outside the domain, which works during an outage".to_owned(),
        );
    }
    Ok(recovery)
}

/// A language tag of the simple kind (RFC 5646): letters, digits and hyphens.
pub(super) fn read_language(text: &str) -> Result<String, String> {
    let subtag = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let starts = text
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic());
    if starts && text.len() <= 35 && text.split('-').all(subtag) {
        Ok(text.to_owned())
    } else {
        Err("expected a language tag such as de or pt-BR".to_owned())
    }
}
