//! "I cannot sign in": from an address to a link, or to a request to the administrators (C22, A8).
//!
//! The page hands the address over to a [`ResetDesk`] and answers the same at once, whoever it is;
//! the [`ResetClerk`] behind it looks at it. So neither the answer nor its time tells whether there
//! is such a mailbox. Letters leave through the ordinary queue and are never copied into a
//! continuity mailbox.

mod clerk;
mod letter;
mod limit;
mod way;
mod words;

use storage::model::Mailbox;
use tokio::sync::mpsc;

use super::client::Client;
use crate::language::Language;

pub use clerk::{ResetClerk, ResetOffice};

/// What may wait for the clerk. Each takes a millisecond or two.
const WAITING_MAX: usize = 256;

/// Too much waits for the clerk at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many letters wait to be written")]
pub struct DeskFull;

/// What the clerk is asked to do.
#[derive(Debug, Clone)]
enum Errand {
    /// Somebody cannot sign in.
    Help {
        address: String,
        client: Client,
        language: Language,
    },
    /// A user's password was set: the user is told, at both addresses.
    PasswordSet(Mailbox),
    /// An administrator has switched off a user's second factor.
    FactorOff(Mailbox),
}

/// Where requests are handed in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ResetDesk {
    errands: mpsc::Sender<Errand>,
}

impl ResetDesk {
    /// Somebody at this address cannot sign in.
    ///
    /// # Errors
    /// [`DeskFull`], whatever the address.
    pub fn ask(&self, address: &str, client: Client, language: Language) -> Result<(), DeskFull> {
        const ADDRESS_MAX: usize = 320;
        let address = address.chars().take(ADDRESS_MAX).collect();
        self.hand_in(Errand::Help {
            address,
            client,
            language,
        })
    }

    /// A user's password was set by a link or a code. A notice that cannot be written now is left
    /// out: the password is set all the same, and the audit has it.
    pub fn password_set(&self, mailbox: &Mailbox) {
        self.tell(Errand::PasswordSet(mailbox.clone()));
    }

    /// An administrator has switched off a user's second factor.
    pub fn factor_off(&self, mailbox: &Mailbox) {
        self.tell(Errand::FactorOff(mailbox.clone()));
    }

    fn tell(&self, errand: Errand) {
        if let Err(error) = self.hand_in(errand) {
            tracing::warn!(%error, "somebody is not told what happened to the account");
        }
    }

    fn hand_in(&self, errand: Errand) -> Result<(), DeskFull> {
        self.errands.try_send(errand).map_err(|_| DeskFull)
    }
}
