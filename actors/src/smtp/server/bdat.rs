//! BDAT (RFC 3030): counted chunks. Their octets follow the command whatever it is answered, so a
//! refused chunk is swallowed before the next command is read.

use bytes::BytesMut;
use storage::model::{MessageId, Timestamp};

use super::super::reply::Reply;
use super::content::Content;
use super::{Chunks, Effect, Question, Server, State};

impl Server {
    pub(super) fn on_bdat(&mut self, size_bytes: u64, is_last: bool) {
        if let Some(reply) = self.bdat_refusal() {
            return self.begin_swallow(size_bytes, reply);
        }
        if self
            .transaction
            .as_ref()
            .is_some_and(|t| t.chunks.is_some())
        {
            self.state = State::Chunk {
                remaining: size_bytes,
                is_last,
            };
            return;
        }
        self.effects.push_back(Effect::OpenBody);
        self.state = State::Asked(Question::Chunk {
            size_bytes,
            is_last,
        });
    }

    fn bdat_refusal(&self) -> Option<Reply> {
        let text = match self.transaction.as_deref() {
            None => "MAIL first",
            Some(transaction) => match &transaction.chunks {
                Some(Chunks::Refused) => "the message was refused, RSET first",
                Some(Chunks::Open(_)) => return None,
                None if !transaction.recipients.is_empty() => return None,
                None if transaction.has_tried_recipients => {
                    return Some(Reply::new(554, (5, 1), "no valid recipients"));
                }
                None => "RCPT first",
            },
        };
        Some(Reply::new(503, (5, 1), text))
    }

    pub(super) fn on_chunks_opened(
        &mut self,
        id: MessageId,
        at: Timestamp,
        size_bytes: u64,
        is_last: bool,
    ) {
        let trace = self.trace(id, at);
        let content = Content::chunks(id, &trace, &self.config);
        if let Some(transaction) = self.transaction.as_mut() {
            transaction.chunks = Some(Chunks::Open(Box::new(content)));
            self.state = State::Chunk {
                remaining: size_bytes,
                is_last,
            };
        }
    }

    pub(super) fn read_chunk(&mut self, input: &mut BytesMut) -> bool {
        let State::Chunk { remaining, is_last } = self.state else {
            return false;
        };
        let Some(Chunks::Open(content)) = self.transaction.as_mut().and_then(|t| t.chunks.as_mut())
        else {
            return false;
        };
        let piece = take(input, remaining);
        let remaining = remaining - piece.len() as u64;
        content.push_chunk(&piece);
        if let Some(fault) = content.fault() {
            if content.take_open() {
                self.effects.push_back(Effect::DropBody);
            }
            self.refuse_chunks();
            self.begin_swallow(remaining, fault.reply());
            return true;
        }
        if let Some(chunk) = content.take_chunk() {
            self.effects.push_back(Effect::Body(chunk));
        }
        if remaining > 0 {
            self.state = State::Chunk { remaining, is_last };
            return !piece.is_empty();
        }
        self.state = State::Command;
        if is_last {
            self.end_chunks();
        } else {
            self.send(Reply::new(250, (0, 0), "chunk OK"));
        }
        true
    }

    fn end_chunks(&mut self) {
        let chunks = self.transaction.as_mut().and_then(|t| t.chunks.take());
        if let Some(Chunks::Open(content)) = chunks {
            self.end_message(*content);
        }
    }

    fn refuse_chunks(&mut self) {
        if let Some(transaction) = self.transaction.as_mut() {
            transaction.chunks = Some(Chunks::Refused);
        }
    }

    fn begin_swallow(&mut self, remaining: u64, reply: Reply) {
        if remaining > self.config.message_size_max.saturating_mul(2) {
            // More than is worth reading.
            self.abandon();
            return self.close_with(reply);
        }
        self.state = State::Swallow { remaining, reply };
    }

    pub(super) fn swallow(&mut self, input: &mut BytesMut) -> bool {
        let State::Swallow { remaining, .. } = &mut self.state else {
            return false;
        };
        let piece = take(input, *remaining);
        *remaining -= piece.len() as u64;
        if *remaining > 0 {
            return !piece.is_empty();
        }
        if let State::Swallow { reply, .. } = std::mem::replace(&mut self.state, State::Command) {
            self.answer(reply);
        }
        true
    }
}

/// Takes at most `count` octets off the front.
fn take(input: &mut BytesMut, count: u64) -> BytesMut {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    input.split_to(count.min(input.len()))
}
