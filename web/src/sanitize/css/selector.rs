//! Selectors of style rules: elements, classes, descendants, children, three pseudo-classes (H10).

use std::collections::HashSet;

use cssparser::{Parser, Token};

use super::{Result, reject};
use crate::sanitize::vocabulary::is_kept;

/// Put before each class of the mail, in rules and attributes alike.
pub(crate) const CLASS_PREFIX: &str = "m-";
/// Bytes of a class name.
const CLASS_BYTES_MAX: usize = 100;
/// Simple selectors in one selector.
const PARTS_MAX: usize = 16;

/// Reads a list of selectors, keeps those that are allowed and collects their classes.
pub(super) fn filter(input: &mut Parser<'_>, classes: &mut HashSet<String>) -> Result<String> {
    let selectors = input.parse_comma_separated_ignoring_errors(|input| {
        let mut seen = Vec::new();
        let selector = selector(input, &mut seen)?;
        Ok::<_, cssparser::ParseError<super::Rejected>>((selector, seen))
    });
    let mut kept = Vec::new();
    for (selector, seen) in selectors {
        classes.extend(seen);
        kept.push(selector);
    }
    if kept.is_empty() {
        return reject();
    }
    Ok(kept.join(","))
}

fn selector(input: &mut Parser<'_>, classes: &mut Vec<String>) -> Result<String> {
    let mut out = String::new();
    let mut parts = 0;
    while let Ok(token) = input.next_including_whitespace().cloned() {
        parts += 1;
        if parts > PARTS_MAX * 2 {
            return reject();
        }
        match token {
            Token::WhiteSpace(_) if out.is_empty() || out.ends_with([' ', '>']) => {}
            Token::WhiteSpace(_) => out.push(' '),
            Token::Delim('>') if !out.is_empty() && !out.ends_with('>') => {
                out.truncate(out.trim_end().len());
                out.push('>');
            }
            Token::Delim('*') if is_at_start(&out) => out.push('*'),
            Token::Ident(name) if is_at_start(&out) => {
                let name = name.to_ascii_lowercase();
                if !is_kept(&name) && !matches!(name.as_str(), "body" | "html") {
                    return reject();
                }
                out.push_str(&name);
            }
            Token::Delim('.') => {
                let Ok(Token::Ident(name)) = input.next_including_whitespace() else {
                    return reject();
                };
                if !is_class(name) {
                    return reject();
                }
                out.push('.');
                out.push_str(CLASS_PREFIX);
                out.push_str(name);
                classes.push(name.to_string());
            }
            Token::Colon => {
                let Ok(Token::Ident(name)) = input.next_including_whitespace() else {
                    return reject();
                };
                let name = name.to_ascii_lowercase();
                if !matches!(name.as_str(), "hover" | "first-child" | "last-child") {
                    return reject();
                }
                out.push(':');
                out.push_str(&name);
            }
            _ => return reject(),
        }
    }
    out.truncate(out.trim_end().len());
    if out.is_empty() || out.ends_with('>') {
        return reject();
    }
    Ok(out)
}

/// Whether a type selector may follow.
fn is_at_start(out: &str) -> bool {
    out.is_empty() || out.ends_with([' ', '>'])
}

/// Whether a class name is one that needs no escape anywhere.
pub(crate) fn is_class(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= CLASS_BYTES_MAX
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
