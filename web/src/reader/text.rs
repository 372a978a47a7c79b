//! The text of a message as markup: cut into pieces first, each piece escaped by itself (H14, H20).

use maud::{Markup, html};

use crate::links::{Piece, Target, pieces};
use crate::message::{Block, blocks, is_bidi_control};

/// Quoted lines that are folded away, at least.
const FOLDED_LINES_MIN: usize = 4;
/// Words that are highlighted.
const WORDS_MAX: usize = 10;

/// Draws a text; `words` are highlighted, in lower case. `quoted` names what is folded away.
#[must_use]
pub fn view(text: &str, words: &[String], quoted: &str) -> Markup {
    let blocks = blocks(text);
    let words = words.get(..WORDS_MAX).unwrap_or(words);
    html! {
        div.text {
            @for (is_quoted, group) in groups(&blocks) {
                @if is_quoted && group.iter().map(|block| block.lines.len()).sum::<usize>() >= FOLDED_LINES_MIN {
                    details.quote { summary { (quoted) } (drawn(group, words)) }
                } @else {
                    (drawn(group, words))
                }
            }
        }
    }
}

/// Blocks that follow each other and are all quoted, or all not.
fn groups(blocks: &[Block]) -> impl Iterator<Item = (bool, &[Block])> {
    blocks
        .chunk_by(|one, next| (one.depth > 0) == (next.depth > 0))
        .map(|group| (group.first().is_some_and(|block| block.depth > 0), group))
}

fn drawn(group: &[Block], words: &[String]) -> Markup {
    html! {
        @for block in group {
            div data-depth=[(block.depth > 0).then_some(block.depth)] {
                @for line in &block.lines { (drawn_line(line, words)) "\n" }
            }
        }
    }
}

/// One line; a line that turns its direction turns nothing beside it.
fn drawn_line(line: &str, words: &[String]) -> Markup {
    let content = html! { @for piece in pieces(line) { (drawn_piece(&piece, words)) } };
    html! {
        @if line.contains(is_bidi_control) { bdi { (content) } } @else { (content) }
    }
}

fn drawn_piece(piece: &Piece<'_>, words: &[String]) -> Markup {
    let rel = "noopener noreferrer nofollow";
    let text = highlighted(piece.text, words);
    html! {
        @match &piece.target {
            Some(Target::Web(url)) => a href=(url) target="_blank" rel=(rel) { (text) },
            Some(Target::Mail(mail)) => a href=(mail.compose_path()) { (text) },
            Some(Target::Telephone(_)) | None => (text),
        }
    }
}

/// Text in which the words that were searched for stand out.
#[must_use]
pub fn highlighted(text: &str, words: &[String]) -> Markup {
    html! {
        @for (found, piece) in marked(text, words) {
            @if found { mark { (piece) } } @else { (piece) }
        }
    }
}

/// Cuts text where a word begins or ends. Case does not count for letters whose lower case has the
/// same length, so every cut lies between letters.
fn marked<'a>(text: &'a str, words: &[String]) -> Vec<(bool, &'a str)> {
    let mut found = Vec::new();
    let lower = text.to_lowercase();
    if words.is_empty() || lower.len() != text.len() {
        return vec![(false, text)];
    }
    let mut at = 0;
    while let Some((start, length)) = words
        .iter()
        .filter(|word| !word.is_empty())
        .filter_map(|word| Some((at + lower.get(at..)?.find(word.as_str())?, word.len())))
        .min()
    {
        let (Some(before), Some(hit)) = (text.get(at..start), text.get(start..start + length))
        else {
            break;
        };
        found.push((false, before));
        found.push((true, hit));
        at = start + length;
    }
    found.push((false, text.get(at..).unwrap_or_default()));
    found.retain(|(_, piece)| !piece.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn_text(text: &str, words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        view(text, &words, "Quoted text").into_string()
    }

    #[test]
    fn h14_every_piece_is_escaped_by_itself() {
        for text in [
            "<script>alarm()</script>",
            "http://x.example/\"onmouseover=alarm()",
            "http://x.example/<script>",
            "[http://x.example/](javascript:alarm())",
            "a@b.example\"><img src=x onerror=alarm()>",
            "http://x.example/?a='><svg/onload=alarm()>",
        ] {
            let drawn = drawn_text(text, &["script", "alarm"]);
            assert!(
                !drawn.contains("<script") && !drawn.contains("<img") && !drawn.contains("<svg"),
                "{drawn}"
            );
            let tags = drawn
                .split('<')
                .skip(1)
                .filter_map(|tag| tag.split('>').next());
            for tag in tags {
                assert!(
                    !tag.contains("onmouseover=") && !tag.contains("=\"javascript:"),
                    "{tag}"
                );
            }
        }
    }

    #[test]
    fn h14_direction_stays_in_its_line() {
        assert!(drawn_text("a \u{202e}b", &[]).contains("<bdi>a \u{202e}b</bdi>"));
    }

    #[test]
    fn h14_long_quotes_are_folded() {
        assert!(drawn_text("hi\n> a\n> b\n> c\n> d\nend", &[]).contains("<details"));
        assert!(!drawn_text("hi\n> a\nend", &[]).contains("<details"));
    }

    #[test]
    fn h20_words_are_found_in_the_text_and_not_in_its_escapes() {
        assert!(drawn_text("a<b & AMP", &["amp"]).contains("a&lt;b &amp; <mark>AMP</mark>"));
        assert!(drawn_text("a<b", &["lt"]).contains("a&lt;b"));
        assert!(!drawn_text("a&b", &["amp"]).contains("<mark>"));
        assert!(drawn_text("İstanbul x", &["x"]).contains("İstanbul x"));
        assert!(drawn_text("größe", &["öß"]).contains("gr<mark>öß</mark>e"));
    }
}
