//! What users have chosen for themselves in the portal.

use serde::{Deserialize, Serialize};

/// When opening a message marks it as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkRead {
    /// At once.
    #[default]
    Open,
    /// After three seconds.
    Delay,
    /// By hand only.
    Never,
}

/// One user's choices. A row may lack what later versions added: then the default holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// Language tag; none: that of the mailbox, or of the browser.
    pub language: Option<String>,
    /// When opening a message marks it as read.
    pub mark_read: MarkRead,
    /// Whether messages of one conversation are shown together.
    pub conversations: bool,
    /// Whether single keys do something.
    pub keys: bool,
    /// Whether mail may be shown dark.
    pub dark_mail: bool,
    /// The name in `From` of what is written here; none: that of the mailbox.
    pub display_name: Option<String>,
    /// Put under what is written here.
    pub signature: String,
    /// Seconds in which sending can be undone: 0, 10 or 30.
    pub undo_seconds: u8,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            language: None,
            mark_read: MarkRead::default(),
            conversations: true,
            keys: true,
            dark_mail: false,
            display_name: None,
            signature: String::new(),
            undo_seconds: 10,
        }
    }
}
