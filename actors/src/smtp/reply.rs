//! A reply (RFC 5321 §4.2) with its enhanced status code (RFC 2034, RFC 3463).

use storage::model::EnhancedStatus;

/// A reply as sent or received: one code, an optional enhanced code, one or more lines of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Three digits, 200–599.
    pub code: u16,
    /// The enhanced code that stands before the text of every line, when there is one.
    pub enhanced: Option<EnhancedStatus>,
    /// The text of each line, without codes and line ends; at least one line, possibly empty.
    pub lines: Vec<String>,
}
