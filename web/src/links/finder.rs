//! Addresses in plain text, found by cutting the text into pieces (H14).
//!
//! Each piece is escaped by itself when it is shown; nothing is ever replaced inside markup.

use super::target::{Target, target};

/// A stretch of text, with the address it stands for if it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The text as written.
    pub text: &'a str,
    /// Where it leads.
    pub target: Option<Target>,
}

/// Words longer than this are not looked at.
const WORD_BYTES_MAX: usize = 2048;

/// Cuts a line into pieces; put together again they are the line.
#[must_use]
pub fn pieces(line: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut plain = 0;
    let mut at = 0;
    for word in line.split_inclusive(is_edge) {
        let start = at;
        at += word.len();
        let word = word.trim_end_matches(is_edge);
        let Some((range, target)) = address(word) else {
            continue;
        };
        let (from, to) = (start + range.start, start + range.end);
        push(&mut found, line.get(plain..from), None);
        push(&mut found, line.get(from..to), Some(target));
        plain = to;
    }
    push(&mut found, line.get(plain..), None);
    found
}

fn push<'a>(found: &mut Vec<Piece<'a>>, text: Option<&'a str>, target: Option<Target>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        found.push(Piece { text, target });
    }
}

/// Characters that no address contains.
fn is_edge(letter: char) -> bool {
    letter.is_whitespace()
        || letter.is_control()
        || matches!(letter, '<' | '>' | '"' | '`' | '«' | '»')
        || crate::message::is_bidi_control(letter)
}

/// The address in a word, with its place.
fn address(word: &str) -> Option<(std::ops::Range<usize>, Target)> {
    if word.len() > WORD_BYTES_MAX {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    let start = ["https://", "http://", "www.", "mailto:"]
        .iter()
        .filter_map(|head| lower.find(head))
        .min();
    if let Some(start) = start {
        let text = trimmed(word.get(start..)?);
        let whole = if lower.get(start..)?.starts_with("www.") {
            format!("http://{text}")
        } else {
            text.to_owned()
        };
        let read = target(&whole)?;
        if let Target::Web(url) = &read
            && !url
                .host_str()
                .is_some_and(|host| host.contains('.') || host.starts_with('['))
        {
            return None;
        }
        return Some((start..start + text.len(), read));
    }
    mailbox(word)
}

/// A mailbox address in a word.
fn mailbox(word: &str) -> Option<(std::ops::Range<usize>, Target)> {
    let at = word.find('@')?;
    let is_local = |letter: char| letter.is_ascii_alphanumeric() || "._%+-".contains(letter);
    let start = word
        .get(..at)?
        .char_indices()
        .rev()
        .take_while(|(_, letter)| is_local(*letter))
        .last()?
        .0;
    let is_host = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-');
    let length: usize = word
        .get(at + 1..)?
        .chars()
        .take_while(is_host)
        .map(char::len_utf8)
        .sum();
    let text = word
        .get(start..at + 1 + length)?
        .trim_end_matches(['.', '-']);
    let (_, host) = text.split_once('@')?;
    if !host.contains('.') || host.starts_with('.') || host.contains("..") {
        return None;
    }
    Some((
        start..start + text.len(),
        target(&format!("mailto:{text}"))?,
    ))
}

/// An address without the punctuation of the sentence around it.
fn trimmed(text: &str) -> &str {
    let mut text = text;
    loop {
        let shorter = text.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_', '~']);
        let shorter = match shorter.chars().next_back() {
            Some(closing @ (')' | ']' | '}')) => {
                let opening = match closing {
                    ')' => '(',
                    ']' => '[',
                    _ => '{',
                };
                if shorter.matches(closing).count() > shorter.matches(opening).count() {
                    shorter.strip_suffix(closing).unwrap_or(shorter)
                } else {
                    shorter
                }
            }
            _ => shorter,
        };
        if shorter.len() == text.len() {
            return text;
        }
        text = shorter;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(line: &str) -> String {
        pieces(line)
            .iter()
            .map(|piece| match piece.target {
                Some(_) => format!("[{}]", piece.text),
                None => piece.text.to_owned(),
            })
            .collect()
    }

    #[test]
    fn h14_addresses_are_found_without_their_punctuation() {
        for (line, wanted) in [
            (
                "see https://a.example/x?y=1, please.",
                "see [https://a.example/x?y=1], please.",
            ),
            ("(http://a.example/x_(y))", "([http://a.example/x_(y)])"),
            ("<https://a.example>", "<[https://a.example]>"),
            ("www.a.example.", "[www.a.example]."),
            ("write to a.b+c@x.example!", "write to [a.b+c@x.example]!"),
            (
                "javascript:alarm() data:text/html,x",
                "javascript:alarm() data:text/html,x",
            ),
            ("http://localhost/x", "http://localhost/x"),
            ("a@b", "a@b"),
            (
                "\"http://a.example\"onmouseover=alarm()",
                "\"[http://a.example]\"onmouseover=alarm()",
            ),
            (
                "größe https://a.example/ü ende",
                "größe [https://a.example/ü] ende",
            ),
            ("", ""),
        ] {
            assert_eq!(marked(line), wanted, "{line}");
        }
    }

    #[test]
    fn h14_the_pieces_are_the_line() {
        for line in [
            "a http://x.example b",
            "@@@",
            "http://",
            "x@y.z@w.v",
            "\u{202e}http://a.example",
        ] {
            let whole: String = pieces(line).iter().map(|piece| piece.text).collect();
            assert_eq!(whole, line);
        }
    }
}
