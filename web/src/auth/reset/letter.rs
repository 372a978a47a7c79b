//! Letters of the node to people: what they say, and the bytes that leave.

use std::io;

use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::raw::Raw;
use storage::model::{Mailbox, MessageId, Timestamp};

use super::words;
use crate::language::Language;

/// Minutes for which a link is good (A8).
pub(super) const LINK_MINUTES: u64 = 30;

/// What a letter is about; the mailbox is always the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Letter {
    /// To the user: with this link the password is set.
    Link(String),
    /// To the user: the password was set.
    PasswordSet,
    /// To the user: an administrator has switched the second factor off.
    FactorOff,
    /// To an administrator: somebody asks for a code.
    Asked,
}

/// Whose sites letters lead to, and who writes them.
#[derive(Debug, Clone)]
pub(super) struct Letterhead<'h> {
    /// The node's name.
    pub(super) hostname: &'h str,
    /// The portal, without a slash at its end.
    pub(super) portal: &'h str,
    /// The administration, without a slash at its end.
    pub(super) admin: &'h str,
}

impl Letter {
    fn texts(
        &self,
        language: Language,
        mailbox: &Mailbox,
        head: &Letterhead<'_>,
    ) -> (String, String) {
        match self {
            Self::Link(url) => (
                words::link_subject(language).to_owned(),
                words::link_text(language, mailbox, url, LINK_MINUTES),
            ),
            Self::PasswordSet => (
                words::set_subject(language).to_owned(),
                words::set_text(language, mailbox, head.portal),
            ),
            Self::FactorOff => (
                words::factor_off_subject(language).to_owned(),
                words::factor_off_text(language, mailbox, head.portal),
            ),
            Self::Asked => (
                words::asked_subject(language, mailbox),
                words::asked_text(language, mailbox, head.admin),
            ),
        }
    }

    /// The message (RFC 5322), marked so that no autoresponder answers it (RFC 3834 §5).
    ///
    /// # Errors
    /// None in practice: writing goes to memory.
    pub(super) fn render(
        &self,
        language: Language,
        mailbox: &Mailbox,
        to: &Mailbox,
        head: &Letterhead<'_>,
        id: MessageId,
        at: Timestamp,
    ) -> io::Result<Vec<u8>> {
        let (subject, text) = self.texts(language, mailbox, head);
        let seconds = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
        let hostname = head.hostname;
        MessageBuilder::new()
            .date(seconds)
            .from(Address::new_address(
                Some("Mailhold"),
                format!("postmaster@{hostname}"),
            ))
            .to(Address::new_address(None::<&str>, to.to_string()))
            .subject(subject)
            .message_id(format!("{id}@{hostname}"))
            .header("Auto-Submitted", Raw::new("auto-generated"))
            .text_body(text.replace('\n', "\r\n"))
            .write_to_vec()
    }
}
