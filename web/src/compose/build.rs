//! From a finished draft to a message (RFC 5322, RFC 2045).

use std::io;

use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::message_id::MessageId as IdHeader;
use mail_builder::mime::MimePart;
use storage::model::Timestamp;

use super::party::Party;
use super::subject;

/// A file that goes with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name, already made safe.
    pub name: String,
    /// Media type from our own table.
    pub media_type: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// A message ready to leave. Bcc is not here: it is envelope only.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The author.
    pub from: Party,
    /// `To`.
    pub to: Vec<Party>,
    /// `Cc`.
    pub cc: Vec<Party>,
    /// `Subject`.
    pub subject: String,
    /// The text; line ends of any kind.
    pub text: String,
    /// What is attached.
    pub attachments: Vec<Attachment>,
    /// `Message-ID` without angle brackets.
    pub message_id: String,
    /// `In-Reply-To` without angle brackets.
    pub in_reply_to: Option<String>,
    /// `References`, oldest first.
    pub references: Vec<String>,
    /// `Date`.
    pub date: Timestamp,
}

/// The message's bytes, with canonical line ends.
///
/// # Errors
/// None in practice: writing goes to memory.
pub fn build(outgoing: &Outgoing) -> io::Result<Vec<u8>> {
    let seconds = i64::try_from(outgoing.date.as_secs()).unwrap_or(i64::MAX);
    let mut message = MessageBuilder::new()
        .date(seconds)
        .from(address(&outgoing.from))
        .subject(subject::tidy(&outgoing.subject))
        .message_id(outgoing.message_id.as_str());
    if !outgoing.to.is_empty() {
        message = message.to(list(&outgoing.to));
    } else if outgoing.cc.is_empty() {
        // Bcc only: an empty group says so without naming anybody (RFC 5322 §3.4).
        let nobody = Address::new_group(Some("undisclosed-recipients"), Vec::new());
        message = message.to(nobody);
    }
    if !outgoing.cc.is_empty() {
        message = message.cc(list(&outgoing.cc));
    }
    if let Some(parent) = &outgoing.in_reply_to {
        message = message.in_reply_to(parent.as_str());
    }
    if !outgoing.references.is_empty() {
        message = message.references(IdHeader::new_list(
            outgoing.references.iter().map(String::as_str),
        ));
    }
    message = message.text_body(canonical(&outgoing.text));
    for file in &outgoing.attachments {
        message = attach(message, file);
    }
    message.write_to_vec()
}

fn attach<'x>(mut message: MessageBuilder<'x>, file: &'x Attachment) -> MessageBuilder<'x> {
    let mut part = MimePart::new(file.media_type.as_str(), file.content.as_slice())
        .attachment(file.name.as_str());
    // RFC 2046 §5.2.1: a message that is passed on must not be encoded again.
    if file.media_type == "message/rfc822" {
        part = part.transfer_encoding("8bit");
    }
    message.attachments.get_or_insert_with(Vec::new).push(part);
    message
}

fn address(party: &Party) -> Address<'static> {
    Address::new_address(party.name.clone(), party.address.to_string())
}

fn list(parties: &[Party]) -> Address<'static> {
    Address::new_list(parties.iter().map(address).collect())
}

/// CRLF everywhere, one at the end.
fn canonical(text: &str) -> String {
    let mut lines = String::with_capacity(text.len() + text.len() / 32);
    for line in text
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .trim_end()
        .split('\n')
    {
        lines.push_str(line);
        lines.push_str("\r\n");
    }
    lines
}

#[cfg(test)]
mod tests {
    use mail_parser::{MessageParser, MimeHeaders};
    use proptest::prelude::*;

    use super::super::parse_list;
    use super::*;

    fn outgoing() -> Outgoing {
        Outgoing {
            from: parse_list("Bob Größe <bob@here.test>").unwrap().remove(0),
            to: parse_list("Ann <ann@far.test>, \"Example, Carl\" <carl@far.test>").unwrap(),
            cc: parse_list("dave@far.test").unwrap(),
            subject: "Re: Angebot über 100 €".into(),
            text: "Guten Tag,\n\nja.\r\n.\nEnde".into(),
            attachments: Vec::new(),
            message_id: "01ABC@here.test".into(),
            in_reply_to: Some("m2@far.test".into()),
            references: vec!["m1@far.test".into(), "m2@far.test".into()],
            date: Timestamp::from_secs(1_790_000_000),
        }
    }

    #[test]
    fn c27_what_is_built_is_read_back() {
        let mut mail = outgoing();
        mail.attachments.push(Attachment {
            name: "plan für „A“.bin".into(),
            media_type: "application/octet-stream".into(),
            content: vec![0, 1, 2, 255],
        });
        let bytes = build(&mail).unwrap();
        let parsed = MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(parsed.subject(), Some("Re: Angebot über 100 €"));
        assert_eq!(parsed.message_id(), Some("01ABC@here.test"));
        assert_eq!(parsed.in_reply_to().as_text(), Some("m2@far.test"));
        let references: Vec<_> = parsed
            .references()
            .as_text_list()
            .unwrap()
            .iter()
            .map(AsRef::<str>::as_ref)
            .collect::<Vec<_>>();
        assert_eq!(references, ["m1@far.test", "m2@far.test"]);
        let from = parsed.from().unwrap().first().unwrap();
        assert_eq!(from.name(), Some("Bob Größe"));
        assert_eq!(from.address(), Some("bob@here.test"));
        let names: Vec<_> = parsed.to().unwrap().iter().map(|to| to.name()).collect();
        assert_eq!(names, [Some("Ann"), Some("Example, Carl")]);
        let text = parsed.body_text(0).unwrap().replace("\r\n", "\n");
        assert_eq!(text.trim_end(), "Guten Tag,\n\nja.\n.\nEnde");
        let file = parsed.attachment(0).unwrap();
        assert_eq!(file.attachment_name(), Some("plan für „A“.bin"));
        assert_eq!(file.contents(), [0, 1, 2, 255]);
        assert!(!bytes.windows(3).any(|at| at.eq_ignore_ascii_case(b"bcc")));
        assert_eq!(parsed.date().unwrap().to_timestamp(), 1_790_000_000);
    }

    #[test]
    fn c14_a_message_to_bcc_alone_names_nobody() {
        let mut mail = outgoing();
        mail.to.clear();
        mail.cc.clear();
        let text = String::from_utf8(build(&mail).unwrap()).unwrap();
        assert!(
            text.contains("To: \"undisclosed-recipients\":;")
                || text.contains("To: undisclosed-recipients:;"),
            "{text}"
        );
    }

    proptest! {
        /// No header line but ours, whatever people type (header injection).
        #[test]
        fn a11_nothing_typed_becomes_a_header(
            subject in "\\PC{0,60}(\r\nX-Evil: 1\r\n)?\\PC{0,60}",
            name in "\\PC{0,30}(\r\nX-Evil: 1)?",
            file in "\\PC{0,40}(\r\nX-Evil: 1)?",
            text in "(\\PC|[\r\n.]){0,200}",
        ) {
            let mut mail = outgoing();
            mail.subject = subject;
            mail.text = text;
            mail.to = vec![Party::named(&name, "ann@far.test".parse().unwrap())];
            mail.attachments.push(Attachment {
                name: super::super::party::plain(&file),
                media_type: "text/plain".into(),
                content: b"x".to_vec(),
            });
            let bytes = build(&mail).unwrap();
            let head = bytes.windows(4).position(|at| at == b"\r\n\r\n").unwrap();
            for line in String::from_utf8_lossy(bytes.get(..head).unwrap()).split("\r\n") {
                prop_assert!(!line.starts_with("X-Evil"), "{}", line);
                prop_assert!(line.len() <= 998);
            }
            for (at, byte) in bytes.iter().enumerate() {
                match byte {
                    b'\n' => prop_assert_eq!(bytes.get(at.wrapping_sub(1)), Some(&b'\r')),
                    b'\r' => prop_assert_eq!(bytes.get(at + 1), Some(&b'\n')),
                    _ => {}
                }
            }
        }
    }
}
