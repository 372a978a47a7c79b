//! `FROM:<path>` and `TO:<path>` (RFC 5321 §4.1.2), split from the parameters behind them.

use super::CommandError;

/// Splits `FROM:<path> rest` into the path without its brackets and the rest.
pub(super) fn split<'a>(
    arguments: &'a str,
    keyword: &str,
    syntax: &'static str,
) -> Result<(&'a str, &'a str), CommandError> {
    const fn wrong(syntax: &'static str) -> CommandError {
        CommandError::Syntax(syntax)
    }
    let (word, rest) = arguments.split_once(':').ok_or(wrong(syntax))?;
    if !word.eq_ignore_ascii_case(keyword) {
        return Err(wrong(syntax));
    }
    // A space behind the colon is against the standard and common.
    let inner = rest
        .trim_start_matches(' ')
        .strip_prefix('<')
        .ok_or(wrong(syntax))?;
    let end = closing_bracket(inner).ok_or(wrong(syntax))?;
    let (path, rest) = (inner.get(..end), inner.get(end + 1..));
    let (Some(path), Some(rest)) = (path, rest) else {
        return Err(wrong(syntax));
    };
    if !rest.is_empty() && !rest.starts_with(' ') {
        return Err(wrong(syntax));
    }
    if path.starts_with('@') {
        return Err(CommandError::SourceRoute);
    }
    Ok((path, rest))
}

/// The first `>` outside of quotes.
fn closing_bracket(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (position, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(position),
            _ => {}
        }
    }
    None
}
