//! Plain text in blocks: paragraphs put together again (RFC 3676), quotes by their depth (H14).

use super::limits::QUOTE_DEPTH_MAX;

/// Lines of one depth of quoting that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// How many times it has been quoted, at most [`QUOTE_DEPTH_MAX`].
    pub depth: usize,
    /// Its lines, without their marks.
    pub lines: Vec<String>,
}

/// Cuts a text into blocks.
#[must_use]
pub fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for line in text.split('\n') {
        let (depth, rest) = quoted(line.trim_end_matches('\r'));
        let depth = depth.min(QUOTE_DEPTH_MAX);
        match blocks.last_mut() {
            Some(last) if last.depth == depth => last.lines.push(rest.to_owned()),
            _ => blocks.push(Block {
                depth,
                lines: vec![rest.to_owned()],
            }),
        }
    }
    blocks
}

/// The depth of a line and what is behind its marks.
fn quoted(line: &str) -> (usize, &str) {
    let mut depth = 0;
    let mut rest = line;
    loop {
        let next = rest.strip_prefix(' ').unwrap_or(rest);
        match next.strip_prefix('>') {
            // "From" at the start of a line is escaped this way by mail files.
            Some(more) if !(depth == 0 && more.starts_with("From ")) => {
                depth += 1;
                rest = more;
            }
            _ => break,
        }
    }
    let rest = if depth > 0 {
        rest.strip_prefix(' ').unwrap_or(rest)
    } else {
        rest
    };
    (depth, rest)
}

/// Puts the lines of `format=flowed` text together; `del_sp` says that the space at a break goes.
#[must_use]
pub fn unflowed(text: &str, del_sp: bool) -> String {
    let mut out = String::new();
    let mut open: Option<usize> = None;
    for line in text.split('\n') {
        let line = line.trim_end_matches('\r');
        let marks = line.bytes().take_while(|byte| *byte == b'>').count();
        let content = line.get(marks..).unwrap_or_default();
        let content = content.strip_prefix(' ').unwrap_or(content);
        let continues = open == Some(marks) && content != "-- ";
        if !continues {
            if !out.is_empty() || open.is_some() {
                out.push('\n');
            }
            out.push_str(&">".repeat(marks));
            if marks > 0 {
                out.push(' ');
            }
        }
        let flows = content.ends_with(' ') && content != "-- ";
        out.push_str(if flows && del_sp {
            content.strip_suffix(' ').unwrap_or(content)
        } else {
            content
        });
        open = flows.then_some(marks);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h14_quotes_have_a_depth_that_is_bounded() {
        let read = blocks("a\n> b\n>> c\n> > c2\n>From x");
        let depths: Vec<_> = read
            .iter()
            .map(|block| (block.depth, block.lines.len()))
            .collect();
        assert_eq!(depths, [(0, 1), (1, 1), (2, 2), (0, 1)]);
        let deep = blocks(&format!("{} x", ">".repeat(500)));
        assert_eq!(deep[0].depth, QUOTE_DEPTH_MAX);
    }

    #[test]
    fn flowed_lines_are_put_together() {
        for (text, del_sp, wanted) in [
            ("a \nb\nc", false, "a b\nc"),
            ("a \nb", true, "ab"),
            ("> a \n> b\nc", false, "> a b\nc"),
            ("> a \nb", false, "> a \nb"),
            ("-- \nme", false, "-- \nme"),
            (" >x", false, ">x"),
        ] {
            assert_eq!(unflowed(text, del_sp), wanted, "{text:?}");
        }
    }
}
