//! The text of a notification (RFC 3462, RFC 3464; the UTF-8 form of RFC 6533): what happened in
//! words, the same for machines, and the header section of the message. Never its body.

use std::fmt::Write as _;

use bytes::{BufMut as _, Bytes, BytesMut};
use storage::model::{
    EnhancedStatus, ForwardPath, Mailbox, MessageId, QueueEntry, StoredReply, Timestamp,
};

/// Octets of the header section that are returned.
const HEADERS_MAX: usize = 64 * 1024;

/// What happened to a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It could not be delivered.
    Failed,
    /// It was passed on to a server that does not report any further (RFC 3461 §5.2.2).
    Relayed,
}

/// What is said about one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientReport {
    /// Its place in the entry.
    pub index: usize,
    /// What happened.
    pub action: Action,
    /// Why, as a code.
    pub status: EnhancedStatus,
    /// Why, in words of ours.
    pub because: String,
    /// What the destination said, when it said something.
    pub reply: Option<StoredReply>,
}

/// Everything that a notification is made of.
#[derive(Debug)]
pub struct Report<'a> {
    /// Its own queue id.
    pub id: MessageId,
    /// When.
    pub at: Timestamp,
    /// Our name.
    pub hostname: &'a str,
    /// To whom it goes.
    pub sender: &'a Mailbox,
    /// What it tells of.
    pub entry: &'a QueueEntry,
    /// Of these recipients, at least one.
    pub recipients: &'a [RecipientReport],
    /// The header section of the message as it is stored.
    pub headers: &'a [u8],
}

impl Report<'_> {
    /// Whether the parts are those of RFC 6533.
    fn is_utf8(&self) -> bool {
        let listed = self.recipients.iter().filter_map(|one| self.path(one));
        self.entry.smtputf8 || self.sender.needs_utf8() || listed.clone().any(needs_utf8)
    }

    fn path(&self, one: &RecipientReport) -> Option<&ForwardPath> {
        let state = self.entry.recipients.get(one.index)?;
        Some(&state.recipient.path)
    }

    /// The message, lines ended by CRLF, without bare CR, LF or NUL.
    #[must_use]
    pub fn render(&self) -> Bytes {
        let headers = clean_headers(self.headers);
        let boundary = self.boundary(&headers);
        let utf8 = self.is_utf8();
        let mut out = BytesMut::with_capacity(2048 + headers.len());
        let (status, returned) = if utf8 {
            ("message/global-delivery-status", "message/global-headers")
        } else {
            ("message/delivery-status", "text/rfc822-headers")
        };
        let parts = [
            (
                "text/plain; charset=utf-8".to_owned(),
                self.words().into_bytes(),
            ),
            (status.to_owned(), self.status().into_bytes()),
            (returned.to_owned(), headers),
        ];
        out.put_slice(self.head(&boundary).as_bytes());
        for (kind, content) in parts {
            let encoding = if content.is_ascii() { "7bit" } else { "8bit" };
            let head = format!(
                "--{boundary}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
            );
            out.put_slice(head.as_bytes());
            out.put_slice(&content);
            out.put_slice(b"\r\n");
        }
        out.put_slice(format!("--{boundary}--\r\n").as_bytes());
        out.freeze()
    }

    fn head(&self, boundary: &str) -> String {
        let failed = self
            .recipients
            .iter()
            .any(|one| one.action == Action::Failed);
        let subject = if failed {
            "Your message could not be delivered"
        } else {
            "Your message was passed on"
        };
        let Self {
            id,
            hostname,
            sender,
            ..
        } = self;
        format!(
            "From: Mail Delivery System <MAILER-DAEMON@{hostname}>\r\n\
             To: <{sender}>\r\n\
             Subject: {subject}\r\n\
             Date: {}\r\n\
             Message-ID: <{id}@{hostname}>\r\n\
             Auto-Submitted: auto-replied\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status;\r\n\
             \tboundary=\"{boundary}\"\r\n\
             \r\n",
            self.at.rfc5322()
        )
    }

    fn words(&self) -> String {
        let mut text = format!("This is the mail system at {}.\r\n", self.hostname);
        for one in self.recipients {
            let Some(path) = self.path(one) else { continue };
            // A string takes everything that is written to it.
            let _ = write!(text, "\r\n<{path}>: {}\r\n", one.because);
            if let Some(reply) = &one.reply {
                let _ = write!(text, "    {}\r\n", reply_line(reply));
            }
        }
        text.push_str("\r\nThe header section of your message is attached.\r\n");
        text
    }

    fn status(&self) -> String {
        let mut fields = format!("Reporting-MTA: dns; {}\r\n", self.hostname);
        if let Some(id) = &self.entry.envelope_id {
            let _ = write!(fields, "Original-Envelope-Id: {}\r\n", one_line(id));
        }
        let arrived = self.entry.accepted_at.rfc5322();
        let _ = write!(fields, "Arrival-Date: {arrived}\r\n");
        for one in self.recipients {
            self.recipient(one, &mut fields);
        }
        fields
    }

    fn recipient(&self, one: &RecipientReport, fields: &mut String) {
        let Some(state) = self.entry.recipients.get(one.index) else {
            return;
        };
        fields.push_str("\r\n");
        if let Some(original) = &state.recipient.original {
            let (kind, address) = original.split_once(';').unwrap_or(("rfc822", original));
            let _ = write!(
                fields,
                "Original-Recipient: {kind}; {}\r\n",
                one_line(address)
            );
        }
        let path = &state.recipient.path;
        let kind = if needs_utf8(path) { "utf-8" } else { "rfc822" };
        let action = match one.action {
            Action::Failed => "failed",
            Action::Relayed => "relayed",
        };
        let _ = write!(
            fields,
            "Final-Recipient: {kind}; {path}\r\nAction: {action}\r\nStatus: {}\r\n",
            one.status
        );
        if let Some(reply) = one.reply.as_ref().filter(|reply| reply.code > 0) {
            if let Some(host) = &reply.host {
                let name = host
                    .rsplit_once(':')
                    .map_or(host.as_str(), |(name, _)| name);
                let _ = write!(fields, "Remote-MTA: dns; {name}\r\n");
            }
            let _ = write!(fields, "Diagnostic-Code: smtp; {}\r\n", reply_line(reply));
        }
        let _ = write!(fields, "Last-Attempt-Date: {}\r\n", self.at.rfc5322());
    }

    /// A boundary that stands in none of the parts: the header section comes from outside.
    fn boundary(&self, headers: &[u8]) -> String {
        let mut number = 0_u64;
        loop {
            let boundary = format!("=_{}_{number}", self.id);
            if memchr::memmem::find(headers, boundary.as_bytes()).is_none() {
                return boundary;
            }
            number += 1;
        }
    }
}

fn needs_utf8(path: &ForwardPath) -> bool {
    match path {
        ForwardPath::Postmaster => false,
        ForwardPath::Mailbox(mailbox) => mailbox.needs_utf8(),
    }
}

fn reply_line(reply: &StoredReply) -> String {
    let enhanced = reply.enhanced.map(|status| format!("{status} "));
    let text = one_line(&reply.text);
    match reply.code {
        0 => text,
        code => format!("{code} {}{text}", enhanced.unwrap_or_default()),
    }
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Whole lines up to the limit, every line end a CRLF, nothing bare.
fn clean_headers(headers: &[u8]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(headers.len().min(HEADERS_MAX));
    for line in headers.split_inclusive(|byte| *byte == b'\n') {
        if clean.len() + line.len() > HEADERS_MAX {
            break;
        }
        let ends = |byte: &&u8| !matches!(byte, b'\r' | b'\n' | 0);
        clean.extend(line.iter().filter(ends));
        clean.extend_from_slice(b"\r\n");
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::super::policy::tests::entry;
    use super::*;
    use mail_parser::{MessageParser, MimeHeaders as _};
    use proptest::prelude::*;

    fn failed(index: usize, reply: Option<StoredReply>) -> RecipientReport {
        RecipientReport {
            index,
            action: Action::Failed,
            status: EnhancedStatus::new(5, 1, 1),
            because: "the server refused it for good".to_owned(),
            reply,
        }
    }

    fn render(entry: &QueueEntry, recipients: &[RecipientReport], headers: &[u8]) -> String {
        let sender = match &entry.reverse_path {
            storage::model::ReversePath::Mailbox(sender) => sender,
            storage::model::ReversePath::Null => unreachable!(),
        };
        let report = Report {
            id: MessageId::from_parts(Timestamp::from_secs(2), 1, 7),
            at: Timestamp::from_secs(1_790_000_100),
            hostname: "mx.relay.example",
            sender,
            entry,
            recipients,
            headers,
        };
        String::from_utf8_lossy(&report.render()).into_owned()
    }

    fn unknown() -> StoredReply {
        StoredReply {
            code: 550,
            enhanced: Some(EnhancedStatus::new(5, 1, 1)),
            text: "no such user".to_owned(),
            host: Some("mail.example.org:25".to_owned()),
        }
    }

    #[test]
    fn out13_a_report_has_its_three_parts_and_the_fields_of_rfc_3464() {
        let mut entry = entry(
            "alice@sender.example",
            &["bob@example.org", "eve@example.org"],
        );
        entry.envelope_id = Some("QQ314159".to_owned());
        entry.recipients[0].recipient.original = Some("rfc822;Bob@example.org".to_owned());
        let text = render(
            &entry,
            &[failed(0, Some(unknown())), failed(1, None)],
            b"Subject: hello\r\nFrom: alice@sender.example\r\n",
        );
        let parsed = MessageParser::default().parse(&text).unwrap();
        let kind = parsed.content_type().unwrap();
        assert_eq!(
            (kind.ctype(), kind.subtype()),
            ("multipart", Some("report"))
        );
        assert_eq!(kind.attribute("report-type"), Some("delivery-status"));
        assert_eq!(parsed.parts.len(), 4);
        let status = parsed.part(2).unwrap();
        let kind = status.content_type().unwrap();
        assert_eq!(kind.subtype(), Some("delivery-status"));
        for line in [
            "Reporting-MTA: dns; mx.relay.example",
            "Original-Envelope-Id: QQ314159",
            "Arrival-Date: ",
            "Original-Recipient: rfc822; Bob@example.org",
            "Final-Recipient: rfc822; bob@example.org",
            "Action: failed",
            "Status: 5.1.1",
            "Remote-MTA: dns; mail.example.org",
            "Diagnostic-Code: smtp; 550 5.1.1 no such user",
            "Last-Attempt-Date: ",
            "Final-Recipient: rfc822; eve@example.org",
        ] {
            assert!(text.contains(&format!("\r\n{line}")), "{line}:\n{text}");
        }
        assert!(text.contains("text/rfc822-headers"));
        assert!(text.contains("\r\nSubject: hello\r\n"));
    }

    /// RFC 3834 §3.1.7: nothing automatic answers it. Its envelope's sender is null, see `dsn`.
    #[test]
    fn in27_what_we_send_ourselves_says_so() {
        let entry = entry("alice@sender.example", &["bob@example.org"]);
        let text = render(&entry, &[failed(0, Some(unknown()))], b"Subject: a\r\n");
        let parsed = MessageParser::default().parse(&text).unwrap();
        let field = parsed.header("Auto-Submitted").unwrap();
        assert_eq!(field.as_text(), Some("auto-replied"));
    }

    #[test]
    fn out13_an_internationalised_address_gets_the_form_of_rfc_6533() {
        let entry = entry("älice@sender.example", &["bøb@example.org"]);
        let text = render(
            &entry,
            &[failed(0, Some(unknown()))],
            "Subject: ø\r\n".as_bytes(),
        );
        for line in [
            "Content-Type: message/global-delivery-status",
            "Content-Type: message/global-headers",
            "Final-Recipient: utf-8; bøb@example.org",
            "To: <älice@sender.example>",
        ] {
            assert!(text.contains(&format!("\r\n{line}")), "{line}:\n{text}");
        }
        assert!(MessageParser::default().parse(&text).is_some());
    }

    #[test]
    fn what_comes_from_outside_adds_no_field_and_closes_no_part() {
        let entry = entry("alice@sender.example", &["bob@example.org"]);
        let id = MessageId::from_parts(Timestamp::from_secs(2), 1, 7);
        let headers = format!("Subject: x\r\n--=_{id}_0--\r\n");
        let mut reply = unknown();
        reply.text = "no\r\nAction: delivered".to_owned();
        let text = render(&entry, &[failed(0, Some(reply))], headers.as_bytes());
        assert!(!text.contains("\r\nAction: delivered"));
        let parsed = MessageParser::default().parse(&text).unwrap();
        assert_eq!(parsed.parts.len(), 4);
    }

    proptest! {
        #[test]
        fn out8_nothing_bare_leaves_and_it_always_parses(
            headers in prop::collection::vec(any::<u8>(), 0..400),
            reply in "\\PC{0,80}",
        ) {
            let entry = entry("alice@sender.example", &["bob@example.org"]);
            let said = StoredReply { text: reply, ..unknown() };
            let recipients = [failed(0, Some(said))];
            let ReportText(bytes) = rendered(&entry, &recipients, &headers);
            prop_assert!(!bytes.contains(&0));
            for (at, byte) in bytes.iter().enumerate() {
                if *byte == b'\n' {
                    prop_assert_eq!(bytes[at - 1], b'\r');
                }
                if *byte == b'\r' {
                    prop_assert_eq!(bytes[at + 1], b'\n');
                }
            }
            let parsed = MessageParser::default().parse(&bytes[..]);
            prop_assert!(parsed.is_some_and(|parsed| parsed.parts.len() >= 4));
        }
    }

    struct ReportText(Bytes);

    fn rendered(entry: &QueueEntry, recipients: &[RecipientReport], headers: &[u8]) -> ReportText {
        let sender = "alice@sender.example".parse().unwrap();
        ReportText(
            Report {
                id: MessageId::from_parts(Timestamp::from_secs(2), 1, 7),
                at: Timestamp::from_secs(1_790_000_100),
                hostname: "mx.relay.example",
                sender: &sender,
                entry,
                recipients,
                headers,
            }
            .render(),
        )
    }
}
