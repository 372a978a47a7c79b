//! Invitations: a few text fields of a calendar part, read line by line (H18; RFC 5545 §3.1).
//!
//! No recurrence is expanded, no markup taken, nothing fetched. An address is kept when it is https.

use jiff::civil::DateTime;
use url::Url;

use super::display;
use super::limits::{CALENDAR_BYTES_MAX, CALENDAR_EVENTS_MAX};

/// A moment as the sender wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// A whole day.
    Day(jiff::civil::Date),
    /// In universal time.
    Utc(DateTime),
    /// In a zone of this name, which may be anything; none floats with the reader.
    Local(DateTime, Option<String>),
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// Its identity for answers.
    pub uid: String,
    /// Its revision for answers.
    pub sequence: u32,
    /// Title.
    pub summary: String,
    /// Begin.
    pub starts: Option<When>,
    /// End.
    pub ends: Option<When>,
    /// Where.
    pub location: String,
    /// Who invites: an address.
    pub organizer: String,
    /// What is said about it, as text.
    pub description: String,
    /// Where to join or read more.
    pub url: Option<Url>,
    /// Whether it repeats.
    pub repeats: bool,
    /// Whether it was called off.
    pub cancelled: bool,
}

/// A calendar part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Invitation {
    /// `REQUEST`, `REPLY`, `CANCEL`, `PUBLISH`, … in upper case.
    pub method: String,
    /// Its events, at most twenty.
    pub events: Vec<Event>,
}

impl Invitation {
    /// Reads a calendar part; none when it is too large or holds no event.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.len() > CALENDAR_BYTES_MAX {
            return None;
        }
        let mut invitation = Self::default();
        let mut event: Option<Event> = None;
        // Alarms and zones have properties of the same names.
        let mut inside: Vec<String> = Vec::new();
        for line in unfolded(text) {
            let Some(property) = Property::read(&line) else {
                continue;
            };
            match property.name.as_str() {
                "BEGIN" => {
                    let component = property.value.trim().to_ascii_uppercase();
                    if component == "VEVENT" && event.is_none() {
                        event = Some(Event::default());
                        inside.clear();
                    } else {
                        inside.push(component);
                    }
                }
                "END" => {
                    if property.value.trim().eq_ignore_ascii_case("VEVENT") {
                        invitation.events.extend(event.take());
                        if invitation.events.len() >= CALENDAR_EVENTS_MAX {
                            break;
                        }
                    } else {
                        inside.pop();
                    }
                }
                "METHOD" if event.is_none() => {
                    invitation.method = display::line(&property.value).to_ascii_uppercase();
                }
                _ => {
                    if let Some(event) = event.as_mut().filter(|_| inside.is_empty()) {
                        event.set(&property);
                    }
                }
            }
        }
        (!invitation.events.is_empty()).then_some(invitation)
    }
}

impl Event {
    fn set(&mut self, property: &Property) {
        let line = || display::line(&unescaped(&property.value));
        match property.name.as_str() {
            "UID" => self.uid = line(),
            "SEQUENCE" => self.sequence = property.value.trim().parse().unwrap_or_default(),
            "SUMMARY" => self.summary = line(),
            "LOCATION" => self.location = line(),
            "DESCRIPTION" => self.description = unescaped(&property.value),
            "ORGANIZER" => {
                let address = property.value.trim();
                let address = address
                    .get(..7)
                    .filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"))
                    .and_then(|_| address.get(7..))
                    .unwrap_or(address);
                self.organizer = display::line(address);
            }
            "URL" => {
                self.url = Url::parse(property.value.trim())
                    .ok()
                    .filter(|url| url.scheme() == "https" && url.username().is_empty());
            }
            "DTSTART" => self.starts = property.when(),
            "DTEND" => self.ends = property.when(),
            "RRULE" | "RDATE" => self.repeats = true,
            "STATUS" => self.cancelled = property.value.trim().eq_ignore_ascii_case("CANCELLED"),
            _ => {}
        }
    }
}

struct Property {
    name: String,
    zone: Option<String>,
    value: String,
}

impl Property {
    /// `NAME;PARAMETER="x:y":value`.
    fn read(line: &str) -> Option<Self> {
        let mut quoted = false;
        let colon = line.char_indices().find_map(|(at, letter)| {
            if letter == '"' {
                quoted = !quoted;
            }
            (letter == ':' && !quoted).then_some(at)
        })?;
        let (head, value) = line.split_at_checked(colon)?;
        let mut head = head.split(';');
        let name = head.next()?.trim().to_ascii_uppercase();
        let zone = head
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(name, _)| name.eq_ignore_ascii_case("TZID"))
            .map(|(_, zone)| display::line(zone.trim_matches('"')));
        Some(Self {
            name,
            zone,
            value: value.strip_prefix(':')?.to_owned(),
        })
    }

    fn when(&self) -> Option<When> {
        let value = self.value.trim();
        let (date, time) = value.split_once('T').unwrap_or((value, ""));
        if date.len() != 8 {
            return None;
        }
        let year = date.get(..4)?.parse().ok()?;
        let month = date.get(4..6)?.parse().ok()?;
        let day = date.get(6..8)?.parse().ok()?;
        let date = jiff::civil::Date::new(year, month, day).ok()?;
        if time.is_empty() {
            return Some(When::Day(date));
        }
        let hour = time.get(..2)?.parse().ok()?;
        let minute = time.get(2..4)?.parse().ok()?;
        let second: i8 = time
            .get(4..6)
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let time_of_day = jiff::civil::Time::new(hour, minute, second.min(59), 0).ok()?;
        let moment = DateTime::from_parts(date, time_of_day);
        Some(if time.ends_with('Z') {
            When::Utc(moment)
        } else {
            When::Local(moment, self.zone.clone())
        })
    }
}

/// Lines with their continuations.
fn unfolded(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.split('\n') {
        let line = line.trim_end_matches('\r');
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(more), Some(last)) => last.push_str(more),
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// Text without its escapes (RFC 5545 §3.3.11), controls removed.
fn unescaped(value: &str) -> String {
    let mut text = String::new();
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n' | 'N') => text.push('\n'),
                Some(letter) => text.push(letter),
                None => {}
            },
            letter if letter.is_control() => {}
            letter => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEETING: &str = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VTIMEZONE\r\nTZID:X\r\nDTSTART:19700101T000000\r\n\
        END:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:1@x\r\nSEQUENCE:2\r\nSUMMARY:Plan\\, part\r\n  two\r\n\
        DTSTART;TZID=\"Europe/Berlin\":20260302T090000\r\nDTEND:20260302T090000Z\r\n\
        ORGANIZER;CN=\"A: B\":MAILTO:ann@x.example\r\nURL:https://meet.example/1\r\nRRULE:FREQ=DAILY\r\n\
        DESCRIPTION:<b>Hi</b>\\nthere\r\nBEGIN:VALARM\r\nDESCRIPTION:alarm\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

    #[test]
    fn h18_an_invitation_is_a_few_fields_of_text() {
        let read = Invitation::read(MEETING).unwrap();
        assert_eq!(read.method, "REQUEST");
        let event = &read.events[0];
        assert_eq!(event.summary, "Plan, part two");
        assert_eq!(event.organizer, "ann@x.example");
        assert_eq!(event.description, "<b>Hi</b>\nthere");
        assert_eq!(event.sequence, 2);
        assert!(event.repeats && !event.cancelled);
        let moment = jiff::civil::date(2026, 3, 2).at(9, 0, 0, 0);
        assert_eq!(
            event.starts,
            Some(When::Local(moment, Some("Europe/Berlin".to_owned())))
        );
        assert_eq!(event.ends, Some(When::Utc(moment)));
    }

    #[test]
    fn h18_what_is_not_plain_is_left_out() {
        for url in [
            "http://x.example/",
            "javascript:alarm()",
            "https://a@x.example/",
            "data:text/html,x",
            "x",
        ] {
            let read = Invitation::read(&format!("BEGIN:VEVENT\nURL:{url}\nEND:VEVENT")).unwrap();
            assert_eq!(read.events[0].url, None, "{url}");
        }
        for moment in [
            "",
            "x",
            "20261301",
            "20260230",
            "2026",
            "20260101T99",
            "20260101Txx0000",
            "２０２６0101",
        ] {
            let read =
                Invitation::read(&format!("BEGIN:VEVENT\nDTSTART:{moment}\nEND:VEVENT")).unwrap();
            assert_eq!(read.events[0].starts, None, "{moment}");
        }
        let injected =
            Invitation::read("BEGIN:VEVENT\nORGANIZER:mailto:a@x\u{0}\u{202e}\tBcc: c\nEND:VEVENT")
                .unwrap();
        assert_eq!(injected.events[0].organizer, "a@x Bcc: c");
    }

    #[test]
    fn h18_size_and_number_are_bounded() {
        let many = "BEGIN:VEVENT\nUID:1\nEND:VEVENT\n".repeat(50);
        assert_eq!(
            Invitation::read(&many).unwrap().events.len(),
            CALENDAR_EVENTS_MAX
        );
        assert_eq!(Invitation::read(&"x".repeat(CALENDAR_BYTES_MAX + 1)), None);
        assert_eq!(Invitation::read("BEGIN:VCALENDAR"), None);
    }
}
