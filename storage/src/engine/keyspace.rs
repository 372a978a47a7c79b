//! Which keyspaces exist, and what each is for. The key layouts are documented where they are
//! written; here stand only names, because names are stored and never change their meaning.

use std::borrow::Cow;
use std::fmt;

/// One ordered set of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyspaceId {
    /// Row format version, node id, clock watermark, counters of the ledger.
    Meta,
    /// Domain id → domain.
    Domains,
    /// Routes to destinations shared by several domains.
    Routes,
    /// Mailbox accounts.
    Mailboxes,
    /// Aliases.
    Aliases,
    /// Allow and block rules.
    SenderRules,
    /// Further names of domains.
    DomainAliases,
    /// Accounts of people.
    Accounts,
    /// One-time and API tokens, hashed.
    Tokens,
    /// Web sessions, hashed.
    Sessions,
    /// Who did or saw what.
    Audit,
    /// Message id → what all its queue entries share.
    Message,
    /// Message id | chunk → body of a message on its way.
    Transit,
    /// Domain id | sequence → entries ready for an attempt.
    Queue,
    /// Domain id | sequence → entries with recipients that wait for a time of their own.
    Deferred,
    /// Domain id | due time | sequence → index of `Deferred` by time.
    Due,
    /// Domain id | sequence → parked, expired, quarantined, corrupt.
    Aside,
    /// What an administrator asked for and an actor has yet to carry out.
    Intents,
    /// Domain id → watermark below which `Queue` holds nothing.
    Heads,
    /// Message id → the later day of `kept` that its body has moved to.
    Moved,
    /// Domain id | sequence → copies to be made when a quarantined entry is released.
    Withheld,
    /// Mailbox | draft → a message that is being written.
    Drafts,
    /// Mailbox | number → how a change of many messages is taken back.
    Undo,
    /// Time of leaving | message id → what a user has sent and what has not left yet.
    Outbox,
    /// Domain id → the key that signs mail of its users.
    DkimKeys,
    /// What delivery learnt about a destination and would learn again.
    Learned,
    /// Rows of one day, dropped together.
    Day {
        /// What the rows are.
        kind: DayKind,
        /// Days since 1970-01-01.
        day: u32,
    },
}

/// What the rows of a daily keyspace are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DayKind {
    /// Bodies with a continuity copy; the day is the last one on which anyone may need them.
    Kept,
    /// List rows of continuity mailboxes.
    Continuity,
    /// Events in the life of messages.
    Log,
}

impl DayKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Kept, Self::Continuity, Self::Log];

    const fn prefix(self) -> &'static str {
        match self {
            Self::Kept => "kept-",
            Self::Continuity => "continuity-",
            Self::Log => "log-",
        }
    }
}

impl KeyspaceId {
    /// Every keyspace that is not of a day.
    pub const FIXED: [Self; 26] = [
        Self::Meta,
        Self::Domains,
        Self::Routes,
        Self::Mailboxes,
        Self::Aliases,
        Self::SenderRules,
        Self::DomainAliases,
        Self::Accounts,
        Self::Tokens,
        Self::Sessions,
        Self::Audit,
        Self::Message,
        Self::Transit,
        Self::Queue,
        Self::Deferred,
        Self::Due,
        Self::Aside,
        Self::Intents,
        Self::Heads,
        Self::Moved,
        Self::Withheld,
        Self::Drafts,
        Self::Undo,
        Self::Outbox,
        Self::DkimKeys,
        Self::Learned,
    ];

    /// The name under which it is stored.
    #[must_use]
    pub fn name(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Meta => "meta",
            Self::Domains => "domains",
            Self::Routes => "routes",
            Self::Mailboxes => "mailboxes",
            Self::Aliases => "aliases",
            Self::SenderRules => "sender-rules",
            Self::DomainAliases => "domain-aliases",
            Self::Accounts => "accounts",
            Self::Tokens => "tokens",
            Self::Sessions => "sessions",
            Self::Audit => "audit",
            Self::Message => "message",
            Self::Transit => "transit",
            Self::Queue => "queue",
            Self::Deferred => "deferred",
            Self::Due => "due",
            Self::Aside => "aside",
            Self::Intents => "intents",
            Self::Heads => "heads",
            Self::Moved => "moved",
            Self::Withheld => "withheld",
            Self::Drafts => "drafts",
            Self::Undo => "undo",
            Self::Outbox => "outbox",
            Self::DkimKeys => "dkim_keys",
            Self::Learned => "learned",
            Self::Day { kind, day } => return Cow::Owned(format!("{}{day}", kind.prefix())),
        })
    }

    /// The keyspace stored under a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let of_day = |kind: DayKind| {
            let day = name.strip_prefix(kind.prefix())?.parse().ok()?;
            Some(Self::Day { kind, day })
        };
        Self::FIXED
            .into_iter()
            .find(|keyspace| keyspace.name() == name)
            .or_else(|| DayKind::ALL.into_iter().find_map(of_day))
    }

    /// Whether its values are bodies: large, written once, never updated.
    #[must_use]
    pub const fn holds_bodies(self) -> bool {
        matches!(
            self,
            Self::Transit
                | Self::Drafts
                | Self::Day {
                    kind: DayKind::Kept,
                    ..
                }
        )
    }
}

impl fmt::Display for KeyspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_keyspace_and_to_no_other() {
        let days = DayKind::ALL.map(|kind| KeyspaceId::Day { kind, day: 20_500 });
        let mut seen = std::collections::BTreeSet::new();
        for keyspace in KeyspaceId::FIXED.into_iter().chain(days) {
            assert_eq!(KeyspaceId::from_name(&keyspace.name()), Some(keyspace));
            assert!(seen.insert(keyspace.to_string()), "{keyspace} twice");
        }
        assert_eq!(KeyspaceId::from_name("kept-"), None);
        assert_eq!(KeyspaceId::from_name("elsewhere"), None);
    }
}
