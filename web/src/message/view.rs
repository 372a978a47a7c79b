//! The view of one message: everything that the page of it needs, in plain records.

use std::collections::HashMap;

use mail_parser::{MessagePart, MimeHeaders as _, PartType};

use super::authenticity::{self, Hint};
use super::calendar::Invitation;
use super::filename::{self, FileWarning};
use super::limits::TEXT_SHOWN_MAX;
use super::measure::TooMuch;
use super::parse::{self, Mailbox, Parsed};
use super::path::PartPath;
use super::protection::{self, Protection};
use super::{charset, display, media_type, quote};

/// A text part that is a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPart {
    /// Its text, in whatever charset it came.
    pub text: String,
    /// Whether more follows that is not shown.
    pub is_cut: bool,
}

/// A file in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Where it is.
    pub path: PartPath,
    /// Its name, made safe.
    pub name: String,
    /// What it calls itself, in lower case.
    pub media_type: String,
    /// A word for it.
    pub kind: &'static str,
    /// Decoded size in bytes.
    pub size: usize,
    /// What to say before it is opened.
    pub warning: Option<FileWarning>,
    /// Whether it is an image that the HTML body shows.
    pub is_inline: bool,
    /// Whether it is a message that opens in the reader.
    pub is_message: bool,
}

/// A message as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageView {
    /// `From`.
    pub from: Vec<Mailbox>,
    /// `To`.
    pub to: Vec<Mailbox>,
    /// `Cc`.
    pub cc: Vec<Mailbox>,
    /// `Reply-To`.
    pub reply_to: Vec<Mailbox>,
    /// `Subject`, one line.
    pub subject: String,
    /// `Date`, in seconds of Unix time.
    pub sent_at: Option<i64>,
    /// `Message-ID`, without its brackets.
    pub message_id: Option<String>,
    /// `In-Reply-To` and `References`, without brackets, in order.
    pub references: Vec<String>,
    /// All fields, decoded.
    pub fields: Vec<(String, String)>,
    /// The HTML body, not yet made safe: give it to the sanitiser and to nothing else.
    pub html: Option<String>,
    /// The text body.
    pub text: Option<TextPart>,
    /// Everything else, in order.
    pub attachments: Vec<Attachment>,
    /// Images of this message by Content-ID.
    pub inline: HashMap<String, PartPath>,
    /// An invitation.
    pub invitation: Option<Invitation>,
    /// What another program has to open.
    pub protection: Option<Protection>,
}

impl MessageView {
    /// Reads the message at `place` inside `raw`; an empty place is the message itself.
    ///
    /// # Errors
    /// When it is beyond a limit: it can still be downloaded.
    pub fn read(raw: &[u8], place: &PartPath) -> Result<Self, TooMuch> {
        let message = parse::message_at(raw, place.numbers()).ok_or(TooMuch::Empty)?;
        let parsed = parse::parse(&message)?;
        let mut view = Self::headers(&parsed);
        view.read_bodies(&parsed);
        view.read_files(&parsed, place);
        Ok(view)
    }

    /// What to say about the sender; `own` are the reader's domains.
    #[must_use]
    pub fn hints(&self, own: &[&str]) -> Vec<Hint> {
        authenticity::hints(&self.from, &self.reply_to, own)
    }

    fn headers(parsed: &Parsed<'_>) -> Self {
        let message = &parsed.0;
        let mut references = parse::ids(message.references());
        for id in parse::ids(message.in_reply_to()) {
            if !references.contains(&id) {
                references.push(id);
            }
        }
        Self {
            from: parse::mailboxes(message.from()),
            to: parse::mailboxes(message.to()),
            cc: parse::mailboxes(message.cc()),
            reply_to: parse::mailboxes(message.reply_to()),
            subject: message.subject().map(display::line).unwrap_or_default(),
            sent_at: message
                .date()
                .filter(|date| date.is_valid())
                .map(mail_parser::DateTime::to_timestamp),
            message_id: message.message_id().map(display::line),
            references,
            fields: parsed.fields(),
            ..Self::default()
        }
    }

    fn read_bodies(&mut self, parsed: &Parsed<'_>) {
        let message = &parsed.0;
        let parts = |numbers: &[u32]| -> Vec<&MessagePart<'_>> {
            numbers
                .iter()
                .filter_map(|number| message.parts.get(usize::try_from(*number).ok()?))
                .collect()
        };
        let html = parts(&message.html_body)
            .into_iter()
            .find(|part| part.is_text_html());
        self.html = html.map(|part| {
            charset::decode(&parsed.bytes(part), parse::charset(part).as_deref(), true)
        });
        let mut texts = Vec::new();
        let mut source = Vec::new();
        for part in parts(&message.text_body) {
            if matches!(part.body, PartType::Text(_)) {
                let bytes = parsed.bytes(part);
                texts.push(plain_text(part, &bytes));
                source.extend(bytes);
            }
        }
        if !texts.is_empty() {
            let mut text = texts.join("\n");
            let is_cut = text.len() > TEXT_SHOWN_MAX;
            if is_cut {
                text.truncate(text.floor_char_boundary(TEXT_SHOWN_MAX));
            }
            self.text = Some(TextPart { text, is_cut });
        }
        self.protection = protection::recognise(parsed, &source);
    }

    fn read_files(&mut self, parsed: &Parsed<'_>, place: &PartPath) {
        let message = &parsed.0;
        let shown = message
            .html_body
            .iter()
            .copied()
            .find(|number| parsed.part(*number).is_some_and(MessagePart::is_text_html));
        let more_html = message.html_body.iter().copied().filter(|number| {
            Some(*number) != shown && parsed.part(*number).is_some_and(MessagePart::is_text_html)
        });
        let mut numbers: Vec<u32> = message
            .attachments
            .iter()
            .copied()
            .chain(more_html)
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers {
            let Some(part) = parsed.part(number) else {
                continue;
            };
            if Some(number) == shown || part.is_multipart() {
                continue;
            }
            let media_type = parse::media_type(part);
            let path = place.child(number);
            let bytes = parsed.bytes(part);
            if media_type == "text/calendar" && self.invitation.is_none() {
                let text = charset::decode(&bytes, parse::charset(part).as_deref(), false);
                self.invitation = Invitation::read(&text);
            }
            let is_image = super::image_type::sniff(&bytes).is_some();
            let id = part
                .content_id()
                .map(|id| id.trim_matches(['<', '>', ' ']).to_owned());
            if let Some(id) = id.as_ref().filter(|_| is_image) {
                self.inline
                    .entry(id.clone())
                    .or_insert_with(|| path.clone());
            }
            let asked_inline = part
                .content_disposition()
                .is_none_or(|disposition| !disposition.is_attachment());
            let name = parse::name(part, number);
            self.attachments.push(Attachment {
                is_inline: is_image && id.is_some() && asked_inline && self.html.is_some(),
                is_message: part.is_message(),
                kind: media_type::kind(&media_type, &name),
                warning: filename::warning(&name),
                size: bytes.len(),
                path,
                name,
                media_type,
            });
        }
    }
}

fn plain_text(part: &MessagePart<'_>, bytes: &[u8]) -> String {
    let text = charset::decode(bytes, parse::charset(part).as_deref(), false);
    let attribute = |name| {
        part.content_type()
            .and_then(|declared| declared.attribute(name))
            .unwrap_or_default()
    };
    if attribute("format").eq_ignore_ascii_case("flowed") {
        quote::unflowed(&text, attribute("delsp").eq_ignore_ascii_case("yes"))
    } else {
        text
    }
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
