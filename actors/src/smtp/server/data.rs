//! DATA (RFC 5321 §4.1.1.4) and the end of a message, however it was framed.

use bytes::{Buf, BytesMut};
use storage::model::{BodyKind, Envelope, ForwardPath, MessageId, ReversePath, Timestamp};

use super::super::reply::Reply;
use super::super::trace::Trace;
use super::content::{Content, Finished};
use super::{Commit, Dialect, Effect, Question, Server, State, Submission, Transaction};

impl Server {
    pub(super) fn on_data(&mut self) {
        if self.has_recipients_for("DATA") {
            self.effects.push_back(Effect::OpenBody);
            self.state = State::Asked(Question::Data);
        }
    }

    /// Whether content may begin; refuses when it may not.
    pub(super) fn has_recipients_for(&mut self, command: &'static str) -> bool {
        match self.transaction.as_deref() {
            None => self.out_of_order("MAIL first"),
            Some(transaction) if transaction.chunks.is_some() && command == "DATA" => {
                self.out_of_order("BDAT has begun");
            }
            Some(transaction) if !transaction.recipients.is_empty() => return true,
            Some(transaction) if transaction.has_tried_recipients => {
                // Pipelined behind refused recipients: no error of its own.
                self.send(Reply::new(554, (5, 1), "no valid recipients"));
            }
            Some(_) => self.out_of_order("RCPT first"),
        }
        false
    }

    pub(super) fn on_data_opened(&mut self, id: MessageId, at: Timestamp) {
        let trace = self.trace(id, at);
        let content = Content::data(id, &trace, &self.config);
        self.state = State::Data(Box::new(content));
        self.send(Reply::plain(354, "go ahead, end with CRLF.CRLF"));
    }

    pub(super) fn trace(&self, id: MessageId, at: Timestamp) -> String {
        let transaction = self.transaction.as_deref();
        let trace = Trace {
            client: &self.client,
            extended: self.dialect == Some(Dialect::Esmtp),
            smtputf8: transaction.is_some_and(|transaction| transaction.smtputf8),
            host: &self.config.hostname,
            id,
            recipients: transaction.map_or(&[], |transaction| &transaction.recipients),
            at,
        };
        trace.header()
    }

    pub(super) fn read_data(&mut self, input: &mut BytesMut) -> bool {
        let State::Data(content) = &mut self.state else {
            return false;
        };
        if input.is_empty() {
            return false;
        }
        let framed = content.push_data(input);
        input.advance(framed.consumed);
        if content.fault().is_some() && content.take_open() {
            self.effects.push_back(Effect::DropBody);
        }
        if framed.is_end {
            if let State::Data(content) = std::mem::replace(&mut self.state, State::Command) {
                self.end_message(*content);
            }
        } else if let Some(fault) = content.fault().filter(|_| content.is_hopeless()) {
            self.close_with(fault.reply());
        } else if let Some(chunk) = content.take_chunk() {
            self.effects.push_back(Effect::Body(chunk));
        }
        true
    }

    /// The whole message is here: refuse it or have it committed.
    pub(super) fn end_message(&mut self, mut content: Content) {
        self.state = State::Command;
        let id = content.id;
        let is_open = content.take_open();
        let finished = content.finish(&self.config.hostname);
        let (finished, transaction) = match (finished, self.transaction.take()) {
            (Ok(finished), Some(transaction)) => (finished, transaction),
            (Err(fault), _) => {
                if is_open {
                    self.effects.push_back(Effect::DropBody);
                }
                return self.answer(fault.reply());
            }
            (Ok(_), None) => return self.out_of_order("MAIL first"),
        };
        if !finished.rest.is_empty() {
            self.effects.push_back(Effect::Body(finished.rest.clone()));
        }
        let submission = self.submission(id, *transaction, finished);
        self.effects.push_back(Effect::Commit(Box::new(submission)));
        self.state = State::Asked(Question::Commit(id));
    }

    fn submission(
        &self,
        id: MessageId,
        transaction: Transaction,
        finished: Finished,
    ) -> Submission {
        let needs_utf8 = finished.facts.has_utf8 || names_need_utf8(&transaction);
        let envelope = Envelope {
            reverse_path: transaction.reverse_path,
            recipients: transaction.recipients,
            body: if finished.has_8bit {
                BodyKind::EightBitMime
            } else {
                BodyKind::SevenBit
            },
            smtputf8: transaction.smtputf8 && needs_utf8,
            dsn_return: transaction.dsn_return,
            envelope_id: transaction.envelope_id,
            client: self.client.clone(),
            authentication: None,
        };
        Submission {
            id,
            envelope,
            header: finished.header,
            facts: finished.facts,
        }
    }

    pub(super) fn on_committed(&mut self, id: MessageId, commit: Commit) {
        match commit {
            Commit::Stored => {
                self.messages += 1;
                self.idle_commands = 0;
                self.send(Reply::new(250, (0, 0), id.to_string()));
            }
            Commit::Failed => {
                self.answer(Reply::new(451, (3, 0), "the message could not be stored"));
            }
            Commit::Full => {
                self.answer(Reply::new(
                    452,
                    (3, 1),
                    "insufficient storage, try again later",
                ));
            }
            Commit::Refused(reply) => self.answer(reply),
        }
    }
}

fn names_need_utf8(transaction: &Transaction) -> bool {
    let sender = match &transaction.reverse_path {
        ReversePath::Mailbox(mailbox) => mailbox.needs_utf8(),
        ReversePath::Null => false,
    };
    let recipient = |path: &ForwardPath| match path {
        ForwardPath::Mailbox(mailbox) => mailbox.needs_utf8(),
        ForwardPath::Postmaster => false,
    };
    sender || transaction.recipients.iter().any(|r| recipient(&r.path))
}
