//! RCPT (RFC 5321 §4.1.1.3): only for addresses of the protected domains, in their plain form.

use storage::model::{ForwardPath, Mailbox, Recipient, ReversePath};

use super::super::limits::RECIPIENTS_MAX;
use super::super::reply::Reply;
use super::mail::needs_utf8;
use super::{Effect, Question, RecipientQuery, RecipientVerdict, Server, State};

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
        let is_null = transaction.reverse_path == ReversePath::Null;
        if self.config.null_sender_is_single && is_null && !transaction.recipients.is_empty() {
            let text = "a notification has one recipient";
            return self.answer(Reply::new(550, (5, 3), text));
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
        let query = RecipientQuery {
            needs_utf8: needs_utf8(&transaction.reverse_path) || path_needs_utf8(&recipient.path),
            path: recipient.path.clone(),
            size_bytes: transaction.size_bytes,
        };
        self.effects.push_back(Effect::CheckRecipient(query));
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
            RecipientVerdict::Unknown => {
                self.unknown_recipients += 1;
                Reply::new(550, (1, 1), "no such mailbox")
            }
            RecipientVerdict::Disabled => Reply::new(550, (2, 1), "the mailbox is disabled"),
            RecipientVerdict::Unavailable => {
                Reply::new(451, (3, 0), "the recipient cannot be checked now")
            }
            RecipientVerdict::TooLarge { limit } => Reply::new(
                552,
                (3, 4),
                format!("the destination takes messages of at most {limit} octets"),
            ),
            RecipientVerdict::NoUtf8 => {
                let text = "the destination takes no internationalised addresses";
                Reply::new(550, (6, 7), text)
            }
            RecipientVerdict::Harvesting => {
                return self.give_up("too many recipients that do not exist, try again later");
            }
        };
        self.answer(reply);
    }
}

fn path_needs_utf8(path: &ForwardPath) -> bool {
    matches!(path, ForwardPath::Mailbox(mailbox) if mailbox.needs_utf8())
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
