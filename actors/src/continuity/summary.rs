//! What a mailbox's list tells of a message, from its header section and the beginning of its text.
//!
//! Everything here comes from outside: every text has a bound, and the work has one because the
//! caller hands over no more than a [`Sample`](super::Sample). What cannot be parsed is told as far
//! as it can be.

use mail_parser::{Address, HeaderValue, Message, MessageParser, MimeHeaders};
use storage::model::{Correspondent, Summary, Timestamp};
use storage::spool::search_text;

use super::names::names;

/// Characters of a preview.
const PREVIEW_CHARS_MAX: usize = 200;
/// Characters of a subject.
const SUBJECT_CHARS_MAX: usize = 250;
/// Characters of a name or an address.
const PERSON_CHARS_MAX: usize = 120;
/// Characters of a Message-ID.
const MESSAGE_ID_CHARS_MAX: usize = 250;
/// Recipients that are told by name.
const RECIPIENTS_NAMED_MAX: usize = 8;

/// What is told of a message, and what is searched of it. `head` is its beginning.
#[must_use]
pub fn summarize(head: &[u8]) -> (Summary, String) {
    let parser = MessageParser::default();
    let Some(message) = parser.parse(head) else {
        let summary = Summary::default();
        let text = search_text(&summary, "");
        return (summary, text);
    };
    let text = message.body_text(0).unwrap_or_default();
    let subject = clipped(message.subject().unwrap_or_default(), SUBJECT_CHARS_MAX);
    let (to, to_more) = recipients(&message);
    let references = references(&message);
    let own = message.message_id();
    let summary = Summary {
        from: message
            .from()
            .and_then(Address::first)
            .map_or_else(Correspondent::default, correspondent),
        to,
        to_more,
        date: message.date().and_then(|date| {
            let millis = u64::try_from(date.to_timestamp())
                .ok()?
                .checked_mul(1_000)?;
            Some(Timestamp::from_millis(millis))
        }),
        preview: clipped(&text, PREVIEW_CHARS_MAX),
        has_attachments: message.attachment_count() > 0 || is_cut_mixed(&message),
        message_id: clipped(own.unwrap_or_default(), MESSAGE_ID_CHARS_MAX),
        threads: names(&subject, own, references.iter().map(AsRef::as_ref)),
        subject,
        authentication: None,
    };
    let text = search_text(&summary, &text);
    (summary, text)
}

/// A message of several parts of which only the first was seen: the others are attachments.
fn is_cut_mixed(message: &Message<'_>) -> bool {
    let mixed = message.content_type().is_some_and(|kind| {
        kind.ctype() == "multipart" && kind.subtype().is_some_and(|subtype| subtype == "mixed")
    });
    mixed && message.parts.len() <= 2
}

fn recipients(message: &Message<'_>) -> (Vec<Correspondent>, u16) {
    let fields = [message.to(), message.cc()];
    let mut all = fields.into_iter().flatten().flat_map(Address::iter);
    let named = all.by_ref().take(RECIPIENTS_NAMED_MAX);
    let named = named.map(correspondent).collect();
    (named, u16::try_from(all.count()).unwrap_or(u16::MAX))
}

fn correspondent(person: &mail_parser::Addr<'_>) -> Correspondent {
    let text = |text: &Option<std::borrow::Cow<'_, str>>| {
        clipped(text.as_deref().unwrap_or_default(), PERSON_CHARS_MAX)
    };
    Correspondent {
        name: text(&person.name),
        address: text(&person.address),
    }
}

fn references<'a>(message: &'a Message<'a>) -> Vec<std::borrow::Cow<'a, str>> {
    let list = |value: &'a HeaderValue<'a>| value.as_text_list().unwrap_or_default();
    let all = list(message.references()).iter();
    all.chain(list(message.in_reply_to())).cloned().collect()
}

/// At most `chars` characters, white space made single blanks, control characters left out.
fn clipped(text: &str, chars: usize) -> String {
    let mut out = String::new();
    let mut left = chars;
    let mut blank = true;
    for letter in text.chars() {
        if left == 0 {
            break;
        }
        if letter.is_whitespace() || letter.is_control() {
            if blank {
                continue;
            }
            blank = true;
            out.push(' ');
        } else {
            blank = false;
            out.push(letter);
        }
        left -= 1;
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn c14_a_list_tells_who_what_and_how_it_begins() {
        let message = "From: =?utf-8?q?J=C3=BCrgen?= <juergen@far.example>\r\n\
            To: Alice <alice@x.example>, bob@x.example\r\nCc: c@x.example\r\n\
            Subject: Re: =?utf-8?b?U3RyYcOfZQ==?=\r\nDate: Tue, 22 Sep 2026 10:00:00 +0200\r\n\
            Message-ID: <b@far.example>\r\nIn-Reply-To: <a@x.example>\r\nReferences: <a@x.example>\r\n\
            Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
            Content-Type: text/html; charset=utf-8\r\n\r\n<p>Hello   <b>there</b></p>\r\n--b\r\n\
            Content-Type: application/pdf; name=x.pdf\r\nContent-Disposition: attachment\r\n\r\nx\r\n--b--\r\n";
        let (summary, text) = summarize(message.as_bytes());
        assert_eq!(
            (summary.from.name.as_str(), summary.from.address.as_str()),
            ("Jürgen", "juergen@far.example")
        );
        assert_eq!((summary.to.len(), summary.to_more), (3, 0));
        assert_eq!(summary.subject, "Re: Straße");
        assert_eq!(summary.date.unwrap().rfc3339(), "2026-09-22T08:00:00.000Z");
        assert_eq!(summary.preview, "Hello there");
        assert!(summary.has_attachments);
        assert_eq!(summary.message_id, "b@far.example");
        assert_eq!(summary.threads.len(), 2);
        assert!(
            text.contains("strasse") && text.contains("hello there"),
            "{text}"
        );
    }

    proptest! {
        #[test]
        fn whatever_comes_is_told_within_bounds(head in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            let (summary, text) = summarize(&head);
            prop_assert!(summary.preview.chars().count() <= PREVIEW_CHARS_MAX);
            prop_assert!(summary.subject.chars().count() <= SUBJECT_CHARS_MAX);
            prop_assert!(summary.to.len() <= RECIPIENTS_NAMED_MAX);
            prop_assert!(text.len() < 8_000);
        }
    }
}
