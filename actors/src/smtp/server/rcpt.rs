//! RCPT (RFC 5321 §4.1.1.3): only for addresses of the protected domains, in their plain form.

use storage::model::{ForwardPath, Mailbox, Recipient};

use super::super::limits::RECIPIENTS_MAX;
use super::super::reply::Reply;
use super::{Effect, Question, RecipientVerdict, Server, State};

impl Server {
    pub(super) fn on_rcpt(&mut self, mut recipient: Recipient) {
        let Some(transaction) = self.transaction.as_mut() else {
            return self.out_of_order("MAIL first");
        };
        if transaction.chunks.is_some() {
            return self.out_of_order("the message has begun");
        }
        if transaction.recipients.len() >= RECIPIENTS_MAX {
            return self.answer(Reply::new(452, (5, 3), "too many recipients"));
        }
        transaction.has_tried_recipients = true;
        if is_our_postmaster(&recipient.path, &self.config.hostname) {
            // Nobody behind us takes mail for our own name.
            recipient.path = ForwardPath::Postmaster;
        }
        if let ForwardPath::Mailbox(mailbox) = &recipient.path {
            if mailbox.needs_utf8() && !transaction.smtputf8 {
                let text = "the recipient's address needs SMTPUTF8";
                return self.answer(Reply::new(553, (6, 7), text));
            }
            if is_relay_trick(mailbox) {
                return self.answer(Reply::new(550, (7, 1), "relaying is not permitted"));
            }
        }
        let path = recipient.path.clone();
        self.effects.push_back(Effect::CheckRecipient(path));
        self.state = State::Asked(Question::Recipient(Box::new(recipient)));
    }

    pub(super) fn on_recipient_checked(
        &mut self,
        recipient: Recipient,
        verdict: &RecipientVerdict,
    ) {
        let reply = match verdict {
            RecipientVerdict::Accepted => {
                if let Some(transaction) = self.transaction.as_mut()
                    && !transaction
                        .recipients
                        .iter()
                        .any(|known| known.path == recipient.path)
                {
                    transaction.recipients.push(recipient);
                }
                Reply::new(250, (1, 5), "recipient OK")
            }
            RecipientVerdict::ForeignDomain => Reply::new(550, (7, 1), "relaying is not permitted"),
            RecipientVerdict::Unknown => Reply::new(550, (1, 1), "no such mailbox"),
            RecipientVerdict::Disabled => Reply::new(550, (2, 1), "the mailbox is disabled"),
            RecipientVerdict::Unavailable => {
                Reply::new(451, (3, 0), "the recipient cannot be checked now")
            }
        };
        self.answer(reply);
    }
}

/// `postmaster@` our own name is the same as `<Postmaster>` (RFC 5321 §4.5.1).
fn is_our_postmaster(path: &ForwardPath, host: &str) -> bool {
    let ForwardPath::Mailbox(mailbox) = path else {
        return false;
    };
    mailbox.domain().as_str().eq_ignore_ascii_case(host)
        && mailbox.local_part().eq_ignore_ascii_case("postmaster")
}

/// `user%elsewhere@ours`, `elsewhere!user@ours`, `"user@elsewhere"@ours`: forms that ask a server
/// behind us to relay (IN9, Q30).
fn is_relay_trick(mailbox: &Mailbox) -> bool {
    mailbox.local_part().contains(['%', '!', '@', ':'])
}
