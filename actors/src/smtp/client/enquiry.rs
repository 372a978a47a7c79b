//! Asking a peer whether it takes mail for a recipient, without sending any: MAIL with a null
//! sender, one RCPT, and RSET before whatever follows.

use storage::model::ForwardPath;

use super::super::reply::Reply;
use super::flow::Expected;
use super::{Client, Event, Standing};

impl Client {
    /// Asks. Call it only after [`Event::Ready`]; [`Event::Enquired`] and [`Event::Ready`] follow, or
    /// [`Event::Ended`].
    pub fn enquire(&mut self, path: &ForwardPath) {
        if self.standing != Standing::Open || !self.expected.is_empty() || self.delivery.is_some() {
            return self.events.push_back(Event::Enquired(None));
        }
        let needs_utf8 = matches!(path, ForwardPath::Mailbox(mailbox) if mailbox.needs_utf8());
        if needs_utf8 && !self.capabilities.smtputf8 {
            self.events.push_back(Event::Enquired(None));
            return self.events.push_back(Event::Ready);
        }
        if std::mem::take(&mut self.reset_needed) {
            self.send("RSET\r\n", Expected::Rset);
        }
        let utf8 = if needs_utf8 { " SMTPUTF8" } else { "" };
        self.enquiry = Some(format!("RCPT TO:<{path}>\r\n"));
        self.send(&format!("MAIL FROM:<>{utf8}\r\n"), Expected::EnquirySender);
    }

    pub(super) fn on_enquiry_sender(&mut self, reply: &Reply) {
        match self.enquiry.take() {
            Some(line) if reply.is_positive() => self.send(&line, Expected::EnquiryRecipient),
            _ => self.end_enquiry(None),
        }
    }

    pub(super) fn on_enquiry_recipient(&mut self, reply: Reply) {
        self.reset_needed = true;
        self.end_enquiry(Some(reply));
    }

    fn end_enquiry(&mut self, reply: Option<Reply>) {
        self.transactions += 1;
        self.events.push_back(Event::Enquired(reply));
        self.events.push_back(Event::Ready);
    }
}
