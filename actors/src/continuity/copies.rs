//! Whose mailboxes get a copy of a message (C11, C16).

use storage::model::{Folder, ForwardPath, Recipient, Scope};
use storage::spool::{Directory, NewCopies, NewCopy, Resolution};

use super::summary::summarize;

/// The copies for these recipients; none when no domain of them has continuity. An alias and a
/// plus-address lead to their mailbox; an address that only a catch-all knows has none.
pub(crate) fn copies<'a>(
    directory: &Directory,
    recipients: impl Iterator<Item = &'a Recipient>,
    head: impl FnOnce() -> Vec<u8>,
) -> Option<NewCopies> {
    let mut to: Vec<NewCopy> = Vec::new();
    for recipient in recipients {
        let ForwardPath::Mailbox(address) = &recipient.path else {
            continue;
        };
        let Some(scope) = mailbox(directory, address) else {
            continue;
        };
        if !to.iter().any(|copy| copy.scope == scope) {
            to.push(NewCopy {
                scope,
                folder: Folder::Inbox,
                came_to: address.to_string(),
            });
        }
    }
    if to.is_empty() {
        return None;
    }
    let (summary, text) = summarize(&head());
    Some(NewCopies { summary, text, to })
}

/// The mailbox that an address leads to, when its domain has continuity and it exists.
fn mailbox(directory: &Directory, address: &storage::model::Mailbox) -> Option<Scope> {
    let Resolution::Known {
        domain,
        mailbox_key,
    } = directory.resolve(address)
    else {
        return None;
    };
    let exists = || directory.has_mailbox(domain, &mailbox_key);
    (directory.has_continuity(domain) && exists()).then(|| Scope::new(domain, &mailbox_key))
}
