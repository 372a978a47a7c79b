//! Quoting in text: `> ` before each line, as RFC 3676 §4.5 and every mail program do it.

use super::limits::{QUOTE_BYTES_MAX, QUOTE_DEPTH_MAX};

/// The lines of `text`, each quoted once more. A signature below `-- ` is left out, as are lines
/// that have been quoted more than ten times; a long text is cut at a line and says so by `[…]`.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len().min(QUOTE_BYTES_MAX) + 1_024);
    for line in text.trim_end().lines() {
        let line = line.trim_end_matches('\r');
        if line == "-- " {
            break;
        }
        if depth(line) >= QUOTE_DEPTH_MAX {
            continue;
        }
        if quoted.len() + line.len() > QUOTE_BYTES_MAX {
            quoted.push_str("> […]\n");
            break;
        }
        // No space between two marks, so that depth can be counted (RFC 3676 §4.5).
        quoted.push_str(if line.starts_with('>') || line.is_empty() {
            ">"
        } else {
            "> "
        });
        quoted.push_str(line);
        quoted.push('\n');
    }
    quoted
}

/// A text that is passed on: as it is, cut like a quote.
#[must_use]
pub fn passed_on(text: &str) -> String {
    let mut kept = String::with_capacity(text.len().min(QUOTE_BYTES_MAX) + 16);
    for line in text.trim_end().lines() {
        if kept.len() + line.len() > QUOTE_BYTES_MAX {
            kept.push_str("[…]\n");
            break;
        }
        kept.push_str(line.trim_end_matches('\r'));
        kept.push('\n');
    }
    kept
}

fn depth(line: &str) -> usize {
    line.chars()
        .filter(|c| *c != ' ')
        .take_while(|c| *c == '>')
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c27_quotes_nest_without_spaces_and_leave_the_signature_out() {
        let text = "Hello\r\n\r\n> earlier\r\n>> before\r\n-- \r\nAnn\r\n";
        assert_eq!(quoted(text), "> Hello\n>\n>> earlier\n>>> before\n");
        assert_eq!(quoted(""), "");
    }

    #[test]
    fn c27_quotes_end_somewhere() {
        assert_eq!(
            quoted(&format!("{} deep\nnear", ">".repeat(10))),
            "> near\n"
        );
        let long = "0123456789\n".repeat(QUOTE_BYTES_MAX / 8);
        let shortened = quoted(&long);
        assert!(shortened.len() < QUOTE_BYTES_MAX + 64);
        assert!(shortened.ends_with("> […]\n"));
        assert!(passed_on(&long).ends_with("[…]\n"));
        let line = "x".repeat(QUOTE_BYTES_MAX * 2);
        assert_eq!(quoted(&line), "> […]\n");
    }
}
