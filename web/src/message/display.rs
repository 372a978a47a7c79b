//! Text of strangers in a line of ours: no line ends, no controls, no turned direction (H19).

use super::limits::HEADER_CHARS_MAX;

/// Characters that turn the direction of what follows.
#[must_use]
pub fn is_bidi_control(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Characters that are not seen and make two lines differ that look the same.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{e0000}'..='\u{e007f}')
}

/// One line for display, from text that has been decoded: what encoded words smuggled in goes too.
#[must_use]
pub fn line(text: &str) -> String {
    let mut shown = String::new();
    let mut space = true;
    for letter in text.chars().take(HEADER_CHARS_MAX) {
        if letter.is_whitespace() || letter.is_control() {
            if !space {
                shown.push(' ');
            }
            space = true;
        } else if !is_bidi_control(letter) && !is_invisible(letter) {
            shown.push(letter);
            space = false;
        }
    }
    shown.truncate(shown.trim_end().len());
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h19_a_line_is_one_line_in_one_direction() {
        for (text, wanted) in [
            ("a\r\nBcc: b", "a Bcc: b"),
            ("\u{202e}fdp.exe", "fdp.exe"),
            ("a\u{200b}b\0c", "ab c"),
            ("  x  y ", "x y"),
            ("\u{2066}x\u{2069}", "x"),
            ("<script>", "<script>"),
        ] {
            assert_eq!(line(text), wanted);
        }
    }
}
