//! What a continuity mailbox shows: lines of a list, folders, flags, counts.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::id::{DomainId, MessageId};
use super::time::Timestamp;

/// Milliseconds of a day.
const DAY_MILLIS: u64 = 86_400_000;

/// Days since 1970-01-01 (UTC), as daily keyspaces are named.
#[must_use]
pub fn day_of(at: Timestamp) -> u32 {
    u32::try_from(at.as_millis() / DAY_MILLIS).unwrap_or(u32::MAX)
}

/// Whose mailbox: every read and every change of a view takes one, so that nothing can be asked
/// for without saying in whose name (web A10).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    domain: DomainId,
    mailbox: Arc<str>,
}

impl Scope {
    /// The mailbox of a domain with this key, see `Mailbox::key`.
    #[must_use]
    pub fn new(domain: DomainId, mailbox_key: &str) -> Self {
        Self {
            domain,
            mailbox: mailbox_key.into(),
        }
    }

    /// The domain.
    #[must_use]
    pub const fn domain(&self) -> DomainId {
        self.domain
    }

    /// The key of the mailbox.
    #[must_use]
    pub fn mailbox(&self) -> &str {
        &self.mailbox
    }

    /// A short name for hints: who listens compares it with its own. Two mailboxes may share one,
    /// which costs a look that finds nothing new.
    #[must_use]
    pub fn tag(&self) -> u64 {
        let seed = u64::from(self.domain.0);
        xxhash_rust::xxh3::xxh3_64_with_seed(self.mailbox.as_bytes(), seed)
    }
}

/// Where a message lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Folder {
    /// Where mail arrives.
    Inbox,
    /// Filed by its reader.
    Archive,
    /// Thrown away; gone for good with its day.
    Trash,
    /// Written here.
    Sent,
}

impl Folder {
    /// Every folder, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Inbox, Self::Archive, Self::Trash, Self::Sent];

    /// Its number in keys and counts; never changes its meaning.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Inbox => 0,
            Self::Archive => 1,
            Self::Trash => 2,
            Self::Sent => 3,
        }
    }

    /// The folder of a number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|folder| folder.number() == number)
    }
}

/// What its reader has done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Flags {
    /// It was opened, or marked as read.
    pub read: bool,
    /// It has a star.
    pub starred: bool,
    /// It was answered from here.
    pub answered: bool,
}

/// One copy: when it came and of which message. Its text is safe in a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LineId {
    /// When the copy was made; part of its place.
    pub at: Timestamp,
    /// The message.
    pub message: MessageId,
}

impl fmt::Display for LineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.at.as_millis(), self.message)
    }
}

/// The text names no message of a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a message in a mailbox")]
pub struct InvalidLineId;

impl FromStr for LineId {
    type Err = InvalidLineId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (at, message) = text.split_once('-').ok_or(InvalidLineId)?;
        let sound = at.len() <= 12 && at.bytes().all(|byte| byte.is_ascii_hexdigit());
        let millis = u64::from_str_radix(at, 16).map_err(|_| InvalidLineId)?;
        let message = message.parse().map_err(|_| InvalidLineId)?;
        sound
            .then_some(Self {
                at: Timestamp::from_millis(millis),
                message,
            })
            .ok_or(InvalidLineId)
    }
}

/// A person in a header.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Correspondent {
    /// Display name; empty when there is none.
    pub name: String,
    /// Address as written; empty when there is none.
    pub address: String,
}

/// What is told of a message in a list, made once when it is accepted. Everything in it came from
/// outside; lengths are bounded by whoever makes it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// The first author.
    pub from: Correspondent,
    /// To and Cc, the first few.
    pub to: Vec<Correspondent>,
    /// Recipients beyond those in `to`.
    pub to_more: u16,
    /// Subject, decoded; empty when there is none.
    pub subject: String,
    /// Date as the author's header says; none when it does not say.
    pub date: Option<Timestamp>,
    /// The beginning of the text, at most 200 characters.
    pub preview: String,
    /// Whether something is attached.
    pub has_attachments: bool,
    /// Message-ID without its angle brackets; empty when there is none.
    pub message_id: String,
    /// Names under which the conversation is known: keyed hashes of Message-ID, In-Reply-To and
    /// References, each with the base subject (RFC 8621 §3).
    pub threads: Vec<u64>,
    /// Result of authentication, in words for a person; none when it was not checked.
    pub authentication: Option<String>,
}

/// One message of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its name.
    pub id: LineId,
    /// Where it lies.
    pub folder: Folder,
    /// What was done with it.
    pub flags: Flags,
    /// Bytes of the body.
    pub size_bytes: u64,
    /// The address of ours that it came to, which may be an alias (C16).
    pub came_to: String,
    /// What is told of it.
    pub summary: Summary,
}

/// Messages of one folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FolderCount {
    /// All of them.
    pub total: u32,
    /// Those that were not read.
    pub unread: u32,
}

/// Messages by folder, and what they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ViewCounts {
    /// By [`Folder::number`].
    folders: [FolderCount; 4],
    /// Bytes of the bodies, as their senders wrote them.
    pub size_bytes: u64,
}

impl ViewCounts {
    /// Of one folder.
    #[must_use]
    pub fn folder(&self, folder: Folder) -> FolderCount {
        let at = usize::from(folder.number());
        self.folders.get(at).copied().unwrap_or_default()
    }

    /// Messages in all folders.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.folders
            .iter()
            .map(|count| u64::from(count.total))
            .sum()
    }

    /// One message more in a folder.
    pub(crate) fn add(&mut self, folder: Folder, read: bool, size_bytes: u64) {
        if let Some(count) = self.folders.get_mut(usize::from(folder.number())) {
            count.total = count.total.saturating_add(1);
            count.unread = count.unread.saturating_add(u32::from(!read));
        }
        self.size_bytes = self.size_bytes.saturating_add(size_bytes);
    }

    /// One message less.
    pub(crate) fn remove(&mut self, folder: Folder, read: bool, size_bytes: u64) {
        if let Some(count) = self.folders.get_mut(usize::from(folder.number())) {
            count.total = count.total.saturating_sub(1);
            count.unread = count.unread.saturating_sub(u32::from(!read));
        }
        self.size_bytes = self.size_bytes.saturating_sub(size_bytes);
    }

    /// Both together.
    pub(crate) fn plus(&mut self, other: &Self) {
        for (count, more) in self.folders.iter_mut().zip(other.folders) {
            count.total = count.total.saturating_add(more.total);
            count.unread = count.unread.saturating_add(more.unread);
        }
        self.size_bytes = self.size_bytes.saturating_add(other.size_bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_name_of_a_line_survives_a_url(at in 0..0xFFFF_FFFF_FFFF_u64, id in any::<[u8; 12]>()) {
            let line = LineId {
                at: Timestamp::from_millis(at),
                message: MessageId::from_bytes(id),
            };
            prop_assert_eq!(line.to_string().parse::<LineId>(), Ok(line));
        }

        #[test]
        fn what_names_no_line_is_refused(text in "\\PC{0,40}") {
            if let Ok(line) = text.parse::<LineId>() {
                prop_assert_eq!(line.to_string().to_lowercase(), text.trim_start_matches('0').to_lowercase());
            }
        }
    }
}
