//! The message that is answered or passed on, as far as an answer needs it.

use super::party::Party;

/// What an answer takes from the message before it. Everything in it comes from a stranger: the
/// fields are decoded, parsed and bounded by whoever reads them from the mail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Original {
    /// `Message-ID` without its angle brackets.
    pub message_id: Option<String>,
    /// `In-Reply-To`, each without its angle brackets.
    pub in_reply_to: Vec<String>,
    /// `References`, oldest first.
    pub references: Vec<String>,
    /// `From`.
    pub from: Vec<Party>,
    /// `Reply-To`.
    pub reply_to: Vec<Party>,
    /// `To`.
    pub to: Vec<Party>,
    /// `Cc`.
    pub cc: Vec<Party>,
    /// The mailbox of `List-Post: <mailto:…>` (RFC 2369 §3.4), when the list takes posts.
    pub list_post: Option<Party>,
    /// `Subject`, decoded.
    pub subject: String,
    /// `Date`, as it is shown to this reader.
    pub date: Option<String>,
    /// The text of the message: its text part, or the text of its sanitised HTML (H16).
    pub text: String,
    /// The own address to which it came.
    pub received_at: Option<Party>,
}
