//! Which reply is awaited and what follows from it.

use storage::model::BodyKind;

use super::super::limits::BDAT_FLIGHT_MAX;
use super::super::reply::Reply;
use super::auth::AuthStep;
use super::body::{Framing, OutgoingBody};
use super::envelope::{mail_line, rcpt_line};
use super::transaction::{ChunkingFault, Outcome, RecipientResult, Transaction, Unsendable};
use super::{Capabilities, Cause, Client, Event, Phase, Standing, StartTls};

/// A reply that is owed to us, in the order of the commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Banner,
    Ehlo,
    Helo,
    StartTls,
    Auth(AuthStep),
    Rset,
    /// The answer to an XFORWARD; the number of lines that have yet to be sent.
    Xforward(usize),
    Mail,
    Rcpt(usize),
    Data,
    FinalReply,
    /// The answer to a lone dot after DATA was permitted although no recipient was.
    LoneDot,
    /// MAIL of an enquiry.
    EnquirySender,
    /// RCPT of an enquiry.
    EnquiryRecipient,
    Quit,
}

impl Expected {
    pub(super) const fn phase(self) -> Phase {
        match self {
            Self::Banner => Phase::Banner,
            Self::Ehlo => Phase::Ehlo,
            Self::Helo => Phase::Helo,
            Self::StartTls => Phase::StartTls,
            Self::Auth(_) => Phase::Auth,
            Self::Rset => Phase::Rset,
            Self::Xforward(_) => Phase::Xforward,
            Self::Mail | Self::EnquirySender => Phase::Mail,
            Self::Rcpt(_) | Self::EnquiryRecipient => Phase::Rcpt,
            Self::Data => Phase::Data,
            Self::FinalReply | Self::LoneDot => Phase::FinalReply,
            Self::Quit => Phase::Quit,
        }
    }
}

/// The state of the transaction under way.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) transaction: Transaction,
    /// By recipient; none while undecided.
    results: Vec<Option<RecipientResult>>,
    mail_accepted: bool,
    answered: bool,
    earlier: u32,
    pub(super) body: Option<OutgoingBody>,
    pub(super) body_begun: bool,
    /// The body goes by BDAT.
    pub(super) chunked: bool,
    chunking_fault: Option<ChunkingFault>,
}

impl Delivery {
    pub(super) fn new(transaction: Transaction, earlier: u32) -> Self {
        Self {
            results: vec![None; transaction.recipients.len()],
            transaction,
            mail_accepted: false,
            answered: false,
            earlier,
            body: None,
            body_begun: false,
            chunked: false,
            chunking_fault: None,
        }
    }

    fn has_open_recipients(&self) -> bool {
        self.results.iter().any(Option::is_none)
    }

    /// Gives every undecided recipient this result.
    fn decide(&mut self, result: &RecipientResult) {
        for open in self.results.iter_mut().filter(|open| open.is_none()) {
            *open = Some(result.clone());
        }
    }

    /// A peer that announced CHUNKING and does not know BDAT (OUT7).
    const fn note_chunking(&mut self, reply: &Reply) {
        if self.chunked && matches!(reply.code, 500..=504) {
            self.chunking_fault = Some(ChunkingFault::Refused);
        }
    }

    fn outcome(self, phase: Phase) -> Outcome {
        let recipients = self
            .results
            .into_iter()
            .map(|result| result.unwrap_or(RecipientResult::Unanswered { phase }))
            .collect();
        Outcome {
            recipients,
            earlier_transactions: self.earlier,
            was_answered: self.answered,
            body_begun: self.body_begun,
            chunking_fault: self.chunking_fault,
        }
    }

    pub(super) fn unanswered(self, phase: Phase) -> Outcome {
        self.outcome(phase)
    }

    /// `lost` says that nobody ended the connection by a word.
    pub(super) fn interrupted(mut self, phase: Phase, reply: Option<Reply>, lost: bool) -> Outcome {
        if lost && self.chunked && matches!(phase, Phase::Body | Phase::FinalReply) {
            self.chunking_fault = Some(ChunkingFault::Lost);
        }
        if let Some(reply) = reply {
            self.note_chunking(&reply);
            self.decide(&RecipientResult::Refused { phase, reply });
        }
        self.outcome(phase)
    }
}

impl Client {
    pub(super) fn on_reply(&mut self, reply: Reply) {
        let Some(expected) = self.expected.front().copied() else {
            // Nobody asked: a peer that says good-bye to an idle connection, or one that is confused.
            let refused = reply.code == 421;
            return self.end(if refused {
                Cause::Refused(reply)
            } else {
                Cause::Unexpected(reply)
            });
        };
        if reply.code == 421 && expected != Expected::Quit {
            return self.end(Cause::Refused(reply));
        }
        if self.is_sending_body() && expected == Expected::FinalReply && !reply.is_positive() {
            // The peer refuses in the middle of the body; the rest is not sent, so the connection is
            // out of step.
            return self.end(Cause::Refused(reply));
        }
        if self.is_sending_body() && expected == Expected::FinalReply {
            return self.end(Cause::Unexpected(reply));
        }
        self.expected.pop_front();
        match expected {
            Expected::Banner => self.on_banner(reply),
            Expected::Ehlo => self.on_ehlo(reply),
            Expected::Helo => self.on_helo(reply),
            Expected::StartTls => self.on_starttls(reply),
            Expected::Auth(step) => self.on_auth(step, reply),
            Expected::Quit => self.end(Cause::Quit),
            Expected::Rset => {}
            Expected::Xforward(left) => self.on_xforward(left),
            Expected::Mail => self.on_mail(reply),
            Expected::Rcpt(index) => self.on_rcpt(index, reply),
            Expected::Data => self.on_data(reply),
            Expected::FinalReply => self.on_final(reply),
            Expected::LoneDot => self.finish(false),
            Expected::EnquirySender => self.on_enquiry_sender(&reply),
            Expected::EnquiryRecipient => self.on_enquiry_recipient(reply),
        }
    }

    fn on_banner(&mut self, reply: Reply) {
        if reply.code != 220 {
            return self.refused(Expected::Banner, reply);
        }
        self.peer_name = first_word(&reply);
        self.greeting = reply.text();
        if !self.is_ourselves(Expected::Banner) {
            self.send_ehlo();
        }
    }

    pub(super) fn send_ehlo(&mut self) {
        let line = format!("EHLO {}\r\n", self.options.helo_name);
        self.send(&line, Expected::Ehlo);
    }

    fn on_ehlo(&mut self, reply: Reply) {
        if reply.is_permanent() && !self.is_encrypted {
            let line = format!("HELO {}\r\n", self.options.helo_name);
            return self.send(&line, Expected::Helo);
        }
        if !reply.is_positive() {
            return self.refused(Expected::Ehlo, reply);
        }
        self.peer_name = first_word(&reply).or_else(|| self.peer_name.take());
        self.capabilities = Capabilities::from_ehlo(&reply);
        if self.is_ourselves(Expected::Ehlo) {
            return;
        }
        let wanted = self.options.starttls != StartTls::Never && !self.is_encrypted;
        if wanted && self.capabilities.starttls {
            self.send("STARTTLS\r\n", Expected::StartTls);
        } else {
            self.open();
        }
    }

    /// Whether the peer introduced itself by our own name; the connection has ended then (OUT24).
    fn is_ourselves(&mut self, expected: Expected) -> bool {
        let name = self.peer_name.clone().unwrap_or_default();
        let same = name.eq_ignore_ascii_case(&self.options.helo_name);
        if same {
            self.expected.push_front(expected);
            self.end(Cause::Ourselves(name));
        }
        same
    }

    fn on_helo(&mut self, reply: Reply) {
        if reply.is_positive() {
            self.open();
        } else {
            self.refused(Expected::Helo, reply);
        }
    }

    fn on_starttls(&mut self, reply: Reply) {
        if reply.code == 220 {
            if self.parser.is_partial() {
                return self.end(Cause::PlaintextInjected);
            }
            self.standing = Standing::Handshake;
            self.events.push_back(Event::StartTls);
        } else if self.options.starttls == StartTls::Always {
            self.refused(Expected::StartTls, reply);
        } else {
            self.open();
        }
    }

    /// The session is established, unless encryption is demanded and missing or we have to sign in.
    pub(super) fn open(&mut self) {
        if self.options.starttls == StartTls::Always && !self.is_encrypted {
            // The reply to EHLO is what lacked it.
            self.expected.push_front(Expected::Ehlo);
            return self.end(Cause::TlsNotOffered);
        }
        if self.sign_in() {
            return;
        }
        self.standing = Standing::Open;
        self.events.push_back(Event::Ready);
    }

    pub(super) fn refused(&mut self, expected: Expected, reply: Reply) {
        // Put back, so that the ending names the phase.
        self.expected.push_front(expected);
        self.end(Cause::Refused(reply));
    }

    pub(super) fn start(&mut self, mut delivery: Delivery) {
        if let Some(reason) = self.unsendable(&delivery.transaction) {
            delivery.decide(&RecipientResult::Unsendable(reason));
            let outcome = delivery.unanswered(Phase::Idle);
            self.events.push_back(Event::Finished(outcome));
            return self.events.push_back(Event::Ready);
        }
        if self.reset_needed {
            self.reset_needed = false;
            self.send("RSET\r\n", Expected::Rset);
        }
        let origin = delivery.transaction.origin.as_ref();
        let lines = origin.map(|origin| origin.lines(&self.capabilities.xforward));
        self.delivery = Some(delivery);
        self.forward(lines.unwrap_or_default());
    }

    /// Tells where the message comes from, one line after the other, then begins with MAIL. The
    /// answers are waited for: XFORWARD is a command of its own that ends nothing (OUT22).
    fn forward(&mut self, mut lines: Vec<String>) {
        if lines.is_empty() {
            return self.send_envelope();
        }
        let line = lines.remove(0);
        self.send(&line, Expected::Xforward(lines.len()));
    }

    /// Whatever the peer says to XFORWARD, the mail goes on: it only loses a hint about its origin.
    fn on_xforward(&mut self, left: usize) {
        let Some(delivery) = self.delivery.as_mut() else {
            return;
        };
        delivery.answered = true;
        let origin = delivery.transaction.origin.as_ref();
        let lines = origin.map(|origin| origin.lines(&self.capabilities.xforward));
        let mut lines = lines.unwrap_or_default();
        let done = lines.len().saturating_sub(left);
        lines.drain(..done);
        self.forward(lines);
    }

    /// MAIL, and with PIPELINING everything up to the content.
    fn send_envelope(&mut self) {
        let Some(delivery) = self.delivery.take() else {
            return;
        };
        let line = mail_line(&delivery.transaction, &self.capabilities);
        self.send(&line, Expected::Mail);
        if self.is_pipelining() {
            for (index, recipient) in delivery.transaction.recipients.iter().enumerate() {
                let line = rcpt_line(recipient, &self.capabilities);
                self.send(&line, Expected::Rcpt(index));
            }
        }
        let in_one_flight = delivery.transaction.size_bytes <= BDAT_FLIGHT_MAX;
        self.delivery = Some(delivery);
        if self.is_pipelining() && (in_one_flight || !self.is_chunking()) {
            self.announce_content();
        }
    }

    fn unsendable(&self, transaction: &Transaction) -> Option<Unsendable> {
        if self.capabilities.is_too_large(transaction.size_bytes) {
            let limit = self.capabilities.size_max.unwrap_or_default();
            return Some(Unsendable::TooLarge { limit });
        }
        if transaction.smtputf8 && !self.capabilities.smtputf8 {
            return Some(Unsendable::NeedsSmtpUtf8);
        }
        let lacking = self.options.eight_bit_only_where_offered
            && transaction.body == BodyKind::EightBitMime
            && !self.capabilities.eight_bit_mime;
        lacking.then_some(Unsendable::NeedsEightBitMime)
    }

    const fn is_pipelining(&self) -> bool {
        self.options.pipelining && self.capabilities.pipelining
    }

    const fn is_chunking(&self) -> bool {
        self.options.chunking && self.capabilities.chunking
    }

    fn announce_content(&mut self) {
        if self.is_chunking() {
            let delivery = self.delivery.as_ref();
            let size = delivery.map_or(0, |delivery| delivery.transaction.size_bytes);
            self.outbox
                .push_slice(format!("BDAT {size} LAST\r\n").as_bytes());
            self.open_body(Framing::Counted);
        } else {
            self.send("DATA\r\n", Expected::Data);
        }
    }

    fn on_mail(&mut self, reply: Reply) {
        let Some(delivery) = self.delivery.as_mut() else {
            return;
        };
        delivery.answered = true;
        delivery.mail_accepted = reply.is_positive();
        if !delivery.mail_accepted {
            delivery.decide(&RecipientResult::Refused {
                phase: Phase::Mail,
                reply,
            });
        }
        self.advance(None);
    }

    fn on_rcpt(&mut self, index: usize, reply: Reply) {
        if let Some(delivery) = self.delivery.as_mut() {
            delivery.answered = true;
            let undecided = delivery.results.get_mut(index);
            if let Some(open @ None) = undecided
                && !reply.is_positive()
            {
                *open = Some(RecipientResult::Refused {
                    phase: Phase::Rcpt,
                    reply,
                });
            }
        }
        self.advance(Some(index));
    }

    /// What to send once the answers so far are known; nothing while some are still owed.
    fn advance(&mut self, answered: Option<usize>) {
        if !self.expected.is_empty() {
            return;
        }
        let Some(delivery) = self.delivery.as_ref() else {
            return;
        };
        if !delivery.mail_accepted {
            return self.finish(false);
        }
        let next = if self.is_pipelining() {
            None
        } else {
            let index = answered.map_or(0, |index| index + 1);
            let recipient = delivery.transaction.recipients.get(index);
            recipient.map(|recipient| (index, rcpt_line(recipient, &self.capabilities)))
        };
        if let Some((index, line)) = next {
            self.send(&line, Expected::Rcpt(index));
        } else if delivery.has_open_recipients() {
            self.announce_content();
        } else {
            self.finish(true);
        }
    }

    fn on_data(&mut self, reply: Reply) {
        let Some(delivery) = self.delivery.as_mut() else {
            return;
        };
        let wanted = delivery.mail_accepted && delivery.has_open_recipients();
        if reply.code == 354 {
            if wanted {
                self.open_body(Framing::Dots);
            } else {
                self.send(".\r\n", Expected::LoneDot);
            }
            return;
        }
        if reply.is_positive() {
            return self.end(Cause::Unexpected(reply));
        }
        let reset_needed = delivery.mail_accepted;
        delivery.decide(&RecipientResult::Refused {
            phase: Phase::Data,
            reply,
        });
        self.finish(reset_needed);
    }

    fn on_final(&mut self, reply: Reply) {
        let Some(delivery) = self.delivery.as_mut() else {
            return;
        };
        let chunked = delivery.chunked;
        let positive = reply.is_positive();
        delivery.note_chunking(&reply);
        if delivery.chunking_fault.is_some() {
            self.options.chunking = false;
        }
        delivery.decide(&if positive {
            RecipientResult::Delivered(reply)
        } else {
            RecipientResult::Refused {
                phase: Phase::FinalReply,
                reply,
            }
        });
        // After DATA the transaction is over whatever the answer; after BDAT only when it was good
        // (RFC 3030 §2).
        self.finish(chunked && !positive);
    }

    fn finish(&mut self, reset_needed: bool) {
        let Some(delivery) = self.delivery.take() else {
            return;
        };
        self.reset_needed |= reset_needed;
        self.transactions += 1;
        let outcome = delivery.outcome(Phase::Idle);
        self.events.push_back(Event::Finished(outcome));
        self.events.push_back(Event::Ready);
    }
}

fn first_word(reply: &Reply) -> Option<String> {
    let word = reply.lines.first()?.split_ascii_whitespace().next()?;
    Some(word.to_owned())
}
