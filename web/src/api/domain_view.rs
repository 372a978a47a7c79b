//! A domain as the API shows it.

use serde::{Deserialize, Serialize};
use storage::model::{Counters, Destination, Domain, Hold, HostRole, VerifyMode};
use utoipa::ToSchema;

use crate::AdminSite;

/// A protected domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DomainView {
    /// Its name.
    #[schema(example = "example.org")]
    pub name: String,
    /// Where its mail goes.
    pub destinations: Vec<DestinationView>,
    /// How recipients are checked now: `directory`, `callout` or `accept`.
    pub verify: String,
    /// What was set; absent when it follows from the mailboxes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub verify_setting: Option<String>,
    /// What the check means for senders, in words.
    pub verify_note: String,
    /// Whether recipients that the directory does not know are taken in all the same.
    pub catch_all: bool,
    /// Days that mail is held.
    pub hold_days: u16,
    /// The hold on its delivery.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hold: Option<HoldView>,
    /// How many mailboxes it has.
    pub mailboxes: u64,
    /// How many aliases it has.
    pub aliases: u64,
    /// Its further names.
    #[serde(default)]
    pub further_names: Vec<String>,
    /// What became of its mail.
    pub counters: CountersView,
    /// When it was added (RFC 3339).
    pub created_at: String,
}

/// One host of a destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DestinationView {
    /// Host name or address.
    #[schema(example = "mail.example.org")]
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Lower is tried first.
    pub priority: u16,
    /// Share among hosts of one priority.
    pub weight: u16,
    /// `none`, `opportunistic`, `required`, `verified`, or `pinned:` with fingerprints.
    pub tls: String,
    /// Whether `host` is a domain whose MX records name the servers.
    pub mx: bool,
    /// As whom we sign in there; the password is never shown.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user: Option<String>,
    /// Whether it is told by XFORWARD who handed a message in.
    #[serde(default)]
    pub xforward: bool,
    /// Messages in flight at most, when that was set.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub window: Option<u16>,
    /// New connections a second at most, when that was set.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connections_per_second: Option<u16>,
}

/// Delivery stopped by a person or a guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldView {
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// Since when (RFC 3339).
    pub since: String,
    /// Until when, if it ends by itself (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<String>,
}

/// The ledger of a domain, in (message, recipient) units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountersView {
    /// Taken over with a 250.
    pub accepted: u64,
    /// Taken by the destination.
    pub delivered: u64,
    /// Waiting, held ones included.
    pub queued: u64,
    /// Bytes of waiting bodies.
    pub queued_bytes: u64,
    /// In quarantine.
    pub quarantined: u64,
    /// Refused for good, kept for an administrator to see.
    pub parked: u64,
    /// Refused for good, the sender was told.
    pub failed: u64,
    /// Held for the whole period.
    pub expired: u64,
    /// Discarded by an administrator.
    pub removed: u64,
    /// What does not add up; anything but 0 is an alarm.
    #[schema(value_type = i64)]
    pub difference: i128,
}

impl CountersView {
    /// The ledger as numbers.
    #[must_use]
    pub fn new(counters: &Counters) -> Self {
        Self {
            accepted: counters.accepted,
            delivered: counters.delivered,
            queued: counters.queued,
            queued_bytes: counters.queued_bytes,
            quarantined: counters.quarantined,
            parked: counters.parked,
            failed: counters.failed,
            expired: counters.expired,
            removed: counters.removed,
            difference: counters.difference(),
        }
    }
}

impl DomainView {
    pub(super) fn new(site: &AdminSite, domain: &Domain) -> Self {
        let directory = site.spool.directory();
        let verify = directory
            .effective_verify(domain.id)
            .unwrap_or(VerifyMode::Accept);
        let counts = directory.counts_of(domain.id);
        Self {
            name: domain.name.to_string(),
            destinations: domain
                .destinations
                .iter()
                .map(DestinationView::new)
                .collect(),
            verify: verify_word(verify).to_owned(),
            verify_setting: domain.verify.map(|mode| verify_word(mode).to_owned()),
            verify_note: verify_note(verify).to_owned(),
            catch_all: domain.catch_all,
            hold_days: domain.hold_days,
            hold: domain.hold_at(site.spool.clock().now()).map(HoldView::new),
            mailboxes: counts.mailboxes as u64,
            aliases: counts.aliases as u64,
            further_names: directory
                .domain_aliases(Some(domain.id))
                .iter()
                .map(|alias| alias.name.to_string())
                .collect(),
            counters: CountersView::new(&site.spool.counters(domain.id)),
            created_at: domain.created_at.rfc3339(),
        }
    }
}

impl DestinationView {
    fn new(destination: &Destination) -> Self {
        Self {
            host: destination.host.clone(),
            port: destination.port,
            priority: destination.priority,
            weight: destination.weight,
            tls: destination.tls.to_string(),
            mx: destination.role == HostRole::MailDomain,
            user: destination.login.as_ref().map(|login| login.user.clone()),
            xforward: destination.xforward,
            window: destination.limits.window,
            connections_per_second: destination.limits.connections_per_second,
        }
    }
}

impl HoldView {
    pub(super) fn new(hold: &Hold) -> Self {
        Self {
            reason: hold.reason.clone(),
            by: hold.by.clone(),
            since: hold.since.rfc3339(),
            until: hold.until.map(storage::model::Timestamp::rfc3339),
        }
    }
}

pub(super) const fn verify_word(mode: VerifyMode) -> &'static str {
    match mode {
        VerifyMode::Directory => "directory",
        VerifyMode::Callout => "callout",
        VerifyMode::Accept => "accept",
    }
}

const fn verify_note(mode: VerifyMode) -> &'static str {
    match mode {
        VerifyMode::Directory => "recipients that the directory does not know are refused",
        VerifyMode::Callout => "the destination is asked about recipients",
        VerifyMode::Accept => "nobody is refused yet",
    }
}
