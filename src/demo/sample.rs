//! The sample mailbox: a dozen messages of the kinds that people get, written for this project.
//!
//! Plain text with dots at line starts, flowed and 8-bit text, Latin-1, alternatives, inline
//! images, attachments with plain and encoded names, a calendar invitation, a newsletter, a
//! delivery report, a forwarded message.

use std::io;

use bytes::Bytes;
use mail_parser::mailbox::mbox::MessageIterator;

const MAILBOX: &[u8] = include_bytes!("sample.mbox");

/// The messages of the sample mailbox in the order of the file, with CRLF line ends.
///
/// # Errors
/// When the mailbox cannot be read as mbox.
pub fn messages() -> io::Result<Vec<Bytes>> {
    read(MAILBOX)
}

/// The messages of a file in mbox format, with CRLF line ends.
fn read(mailbox: &[u8]) -> io::Result<Vec<Bytes>> {
    MessageIterator::new(mailbox)
        .map(|message| {
            let message = message.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            Ok(canonical(message.contents()))
        })
        .collect()
}

/// CRLF at the end of each line (RFC 5321 §2.3.8), and one line end less than in the file: the
/// empty line before the next `From ` belongs to the mailbox, not to the message.
fn canonical(contents: &[u8]) -> Bytes {
    let contents = contents.strip_suffix(b"\n\n").unwrap_or(contents);
    let contents = contents.strip_suffix(b"\n").unwrap_or(contents);
    let mut message = Vec::with_capacity(contents.len() + contents.len() / 32);
    for line in contents.split(|octet| *octet == b'\n') {
        message.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        message.extend_from_slice(b"\r\n");
    }
    Bytes::from(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail_parser::{MessageParser, MimeHeaders};

    #[test]
    fn a_dozen_messages_that_a_mail_reader_understands() {
        let messages = messages().unwrap();
        assert_eq!(messages.len(), 12);
        let parsed = |message| MessageParser::default().parse(message).unwrap();
        let all: Vec<_> = messages
            .iter()
            .map(|message| parsed(&message[..]))
            .collect();
        assert!(all.iter().all(|message| message.message_id().is_some()));
        assert!(all.iter().all(|message| message.date().is_some()));
        let names: Vec<_> = all
            .iter()
            .flat_map(mail_parser::Message::attachments)
            .filter_map(|part| part.attachment_name())
            .collect();
        assert!(names.contains(&"invoice-2026-1187.pdf"), "{names:?}");
        assert!(names.contains(&"bestände-45.csv"), "{names:?}");
        let subjects: Vec<_> = all.iter().filter_map(|message| message.subject()).collect();
        assert!(subjects.contains(&"Maße der Halle"), "{subjects:?}");
    }

    #[test]
    fn they_keep_to_the_rules_of_the_wire() {
        for message in messages().unwrap() {
            for line in message.split_inclusive(|octet| *octet == b'\n') {
                assert!(line.ends_with(b"\r\n") && line.len() <= 1000);
                assert!(!line[..line.len() - 2].contains(&b'\r'));
                assert!(
                    !line.starts_with(b">From "),
                    "quoting of the file is undone"
                );
            }
        }
        let dots = messages().unwrap()[1]
            .windows(5)
            .any(|at| at == b"\r\n.\r\n");
        assert!(dots, "one message tries dot-stuffing");
    }
}
