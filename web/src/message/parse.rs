//! The one place that knows mail-parser: bytes of a message to our own plain records.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::parsers::MessageStream;
use mail_parser::{
    Address, Encoding, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders as _, PartType,
};

use super::limits::{ADDRESSES_MAX, HEADER_FIELDS_SHOWN_MAX};
use super::measure::{self, TooMuch};
use super::path::PartPath;
use super::{display, filename};

/// Somebody in a header: what they call themselves and where they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mailbox {
    /// The display name; empty when there is none.
    pub name: String,
    /// The address; empty when it cannot be read.
    pub address: String,
}

impl Mailbox {
    /// The part of the address after the last `@`, in lower case.
    #[must_use]
    pub fn domain(&self) -> Option<String> {
        let (_, domain) = self.address.rsplit_once('@')?;
        (!domain.is_empty()).then(|| domain.to_ascii_lowercase())
    }
}

/// The decoded content of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Its bytes without transfer encoding.
    pub bytes: Vec<u8>,
    /// What it calls itself, in lower case, e.g. `text/html`.
    pub media_type: String,
    /// Its name, made safe.
    pub name: String,
    /// The charset it names.
    pub charset: Option<String>,
}

/// A message that is within the limits and has been taken apart.
pub(super) struct Parsed<'a>(pub(super) Message<'a>);

/// Takes a message apart.
///
/// # Errors
/// The limit it is beyond.
pub(super) fn parse(raw: &[u8]) -> Result<Parsed<'_>, TooMuch> {
    measure::check(raw)?;
    MessageParser::default()
        .parse(raw)
        .map(Parsed)
        .ok_or(TooMuch::Empty)
}

impl Parsed<'_> {
    pub(super) fn part(&self, number: u32) -> Option<&MessagePart<'_>> {
        self.0.parts.get(usize::try_from(number).ok()?)
    }

    /// The bytes of a part without its transfer encoding, in no charset.
    pub(super) fn bytes(&self, part: &MessagePart<'_>) -> Vec<u8> {
        match &part.body {
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => bytes.to_vec(),
            PartType::Message(nested) => self.nested_bytes(part, nested).into_owned(),
            PartType::Multipart(_) => Vec::new(),
            PartType::Text(text) | PartType::Html(text) => {
                let raw = self.raw(part);
                let decoded = match part.encoding {
                    Encoding::None => Some(raw.to_vec()),
                    Encoding::QuotedPrintable => quoted_printable_decode(raw),
                    Encoding::Base64 => base64_decode(raw),
                };
                decoded.unwrap_or_else(|| text.as_bytes().to_vec())
            }
        }
    }

    fn raw(&self, part: &MessagePart<'_>) -> &[u8] {
        let from = usize::try_from(part.offset_body).unwrap_or(usize::MAX);
        let to = usize::try_from(part.offset_end).unwrap_or(usize::MAX);
        self.0.raw_message.get(from..to).unwrap_or_default()
    }

    fn nested_bytes<'m>(
        &'m self,
        part: &MessagePart<'_>,
        nested: &'m Message<'_>,
    ) -> Cow<'m, [u8]> {
        if part.encoding == Encoding::None {
            Cow::Borrowed(self.raw(part))
        } else {
            Cow::Borrowed(nested.raw_message.as_ref())
        }
    }

    /// The message inside a part.
    fn nested(&self, number: u32) -> Option<Vec<u8>> {
        let part = self.part(number)?;
        match &part.body {
            PartType::Message(nested) => Some(self.nested_bytes(part, nested).into_owned()),
            _ => None,
        }
    }

    /// All fields with their values decoded, each on one line.
    pub(super) fn fields(&self) -> Vec<(String, String)> {
        self.0
            .headers_raw()
            .take(HEADER_FIELDS_SHOWN_MAX)
            .map(|(name, value)| {
                let decoded = match MessageStream::new(value.as_bytes()).parse_unstructured() {
                    HeaderValue::Text(text) => text.into_owned(),
                    _ => value.to_owned(),
                };
                (display::line(name), display::line(&decoded))
            })
            .collect()
    }
}

/// The mailboxes of an address field, groups opened.
pub(super) fn mailboxes(address: Option<&Address<'_>>) -> Vec<Mailbox> {
    let Some(address) = address else {
        return Vec::new();
    };
    address
        .iter()
        .take(ADDRESSES_MAX)
        .map(|one| Mailbox {
            name: one.name.as_deref().map(display::line).unwrap_or_default(),
            address: one
                .address
                .as_deref()
                .map(display::line)
                .unwrap_or_default(),
        })
        .collect()
}

/// Ids in a field such as `References`.
pub(super) fn ids(value: &HeaderValue<'_>) -> Vec<String> {
    match value {
        HeaderValue::Text(id) => vec![display::line(id)],
        HeaderValue::TextList(ids) => ids.iter().map(|id| display::line(id)).collect(),
        _ => Vec::new(),
    }
}

/// What a part calls itself, in lower case.
pub(super) fn media_type(part: &MessagePart<'_>) -> String {
    match part.content_type() {
        Some(declared) => {
            let subtype = declared.subtype().unwrap_or_default();
            display::line(&format!("{}/{subtype}", declared.ctype())).to_ascii_lowercase()
        }
        None if part.is_message() => "message/rfc822".to_owned(),
        None => "text/plain".to_owned(),
    }
}

/// The name of a part, made safe; one is made up when it has none.
pub(super) fn name(part: &MessagePart<'_>, number: u32) -> String {
    if let Some(name) = part.attachment_name() {
        return filename::safe_name(name);
    }
    if let Some(nested) = part.message() {
        let subject = nested.subject().unwrap_or("message");
        return filename::safe_name(&format!("{}.eml", subject.replace(['/', '\\'], "_")));
    }
    let ending = match media_type(part).as_str() {
        "text/plain" => "txt",
        "text/html" => "html",
        "text/calendar" => "ics",
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/gif" => "gif",
        "application/pdf" => "pdf",
        _ => "bin",
    };
    format!("part-{number}.{ending}")
}

/// The charset that a part names.
pub(super) fn charset(part: &MessagePart<'_>) -> Option<String> {
    part.content_type()?.attribute("charset").map(str::to_owned)
}

/// The bytes of the message at a place: the message itself, or one inside it.
#[must_use]
pub fn message_at<'a>(raw: &'a [u8], place: &[u32]) -> Option<Cow<'a, [u8]>> {
    let mut message = Cow::Borrowed(raw);
    for number in place {
        message = Cow::Owned(parse(&message).ok()?.nested(*number)?);
    }
    Some(message)
}

/// The content of the part at a place; none when there is no such part.
#[must_use]
pub fn content(raw: &[u8], place: &PartPath) -> Option<Content> {
    let (number, outer) = place.numbers().split_last()?;
    let message = message_at(raw, outer)?;
    let parsed = parse(&message).ok()?;
    let part = parsed.part(*number)?;
    if part.is_multipart() {
        return None;
    }
    Some(Content {
        bytes: parsed.bytes(part),
        media_type: media_type(part),
        name: name(part, *number),
        charset: charset(part),
    })
}

/// Hands over the bytes of several parts in their order, reading each message around them once. Parts
/// that do not exist are handed over empty.
///
/// # Errors
/// What `take` answered.
pub fn content_of_all<'p, E>(
    raw: &[u8],
    places: impl Iterator<Item = &'p PartPath>,
    mut take: impl FnMut(Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let mut places = places.peekable();
    while let Some((_, outer)) = places.peek().and_then(|place| place.numbers().split_last()) {
        let message = message_at(raw, outer).unwrap_or_default();
        let parsed = parse(&message).ok();
        while let Some(place) = places.next_if(|place| {
            place
                .numbers()
                .split_last()
                .is_some_and(|(_, o)| o == outer)
        }) {
            let part = place
                .numbers()
                .last()
                .and_then(|number| Some((parsed.as_ref()?, parsed.as_ref()?.part(*number)?)));
            take(
                part.map(|(parsed, part)| parsed.bytes(part))
                    .unwrap_or_default(),
            )?;
        }
    }
    Ok(())
}
