//! What a destination said when it was asked whether a recipient exists (requirement D6).

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// One answer, kept until it is too old to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalloutAnswer {
    /// The destination takes mail for the recipient.
    pub exists: bool,
    /// When it said so.
    pub at: Timestamp,
}
