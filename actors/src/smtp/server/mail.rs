//! MAIL (RFC 5321 §4.1.1.2) with SIZE, BODY, SMTPUTF8, RET and ENVID.

use storage::model::ReversePath;

use super::super::command::Mail;
use super::super::limits::MESSAGES_PER_CONNECTION_MAX;
use super::super::reply::Reply;
use super::{Admission, Effect, Question, Server, State, Transaction};

impl Server {
    pub(super) fn on_mail(&mut self, mail: Mail) {
        if self.dialect.is_none() {
            return self.out_of_order("EHLO or HELO first");
        }
        if self.transaction.is_some() {
            return self.out_of_order("MAIL was given already");
        }
        if self.messages >= MESSAGES_PER_CONNECTION_MAX {
            let text = "enough messages on this connection";
            return self.close_with(Reply::new(421, (7, 0), text));
        }
        let limit = self.config.message_size_max;
        if mail.size_bytes.is_some_and(|size_bytes| size_bytes > limit) {
            let text = format!("a message may have {limit} octets");
            return self.answer(Reply::new(552, (3, 4), text));
        }
        if needs_utf8(&mail.reverse_path) && !mail.smtputf8 {
            let text = "the sender's address needs SMTPUTF8";
            return self.answer(Reply::new(553, (6, 7), text));
        }
        self.effects.push_back(Effect::CheckSender {
            size_bytes: mail.size_bytes,
        });
        let transaction = Transaction {
            reverse_path: mail.reverse_path,
            recipients: Vec::new(),
            smtputf8: mail.smtputf8,
            size_bytes: mail.size_bytes,
            dsn_return: mail.dsn_return,
            envelope_id: mail.envelope_id,
            has_tried_recipients: false,
            chunks: None,
        };
        self.state = State::Asked(Question::Sender(Box::new(transaction)));
    }

    pub(super) fn on_sender_checked(
        &mut self,
        transaction: Box<Transaction>,
        admission: Admission,
    ) {
        match admission {
            Admission::Open => {
                self.transaction = Some(transaction);
                self.send(Reply::new(250, (1, 0), "sender OK"));
            }
            Admission::Full => {
                self.answer(Reply::new(
                    452,
                    (3, 1),
                    "insufficient storage, try again later",
                ));
            }
            Admission::Critical => {
                self.close_with(Reply::new(
                    421,
                    (3, 2),
                    "insufficient storage, try again later",
                ));
            }
            Admission::Broken => {
                self.answer(Reply::new(451, (3, 0), "the store is not available"));
            }
        }
    }
}

pub(super) fn needs_utf8(path: &ReversePath) -> bool {
    matches!(path, ReversePath::Mailbox(mailbox) if mailbox.needs_utf8())
}
