//! Conditions of `@media`: width, colour scheme, print (H10).

use cssparser::{Parser, Token};

use super::{Result, reject};

/// Reads a media query list; one part that is not allowed rejects it.
pub(super) fn filter(input: &mut Parser<'_>) -> Result<String> {
    let mut out = String::new();
    while let Ok(token) = input.next().cloned() {
        match token {
            Token::Ident(word) => {
                let word = word.to_ascii_lowercase();
                if !matches!(
                    word.as_str(),
                    "screen" | "print" | "all" | "only" | "and" | "not"
                ) {
                    return reject();
                }
                separate(&mut out);
                out.push_str(&word);
            }
            Token::Comma => out.push(','),
            Token::ParenthesisBlock => {
                let feature = input.parse_nested_block(feature)?;
                separate(&mut out);
                out.push_str(&feature);
            }
            _ => return reject(),
        }
    }
    if out.is_empty() {
        return reject();
    }
    Ok(out)
}

fn separate(out: &mut String) {
    if !out.is_empty() && !out.ends_with(',') {
        out.push(' ');
    }
}

fn feature(input: &mut Parser<'_>) -> Result<String> {
    let name = input.expect_ident()?.to_ascii_lowercase();
    input.expect_colon()?;
    let value = match (name.as_str(), input.next()?.clone()) {
        (
            "width" | "min-width" | "max-width" | "min-device-width" | "max-device-width",
            Token::Dimension {
                value, ref unit, ..
            },
        ) if unit.eq_ignore_ascii_case("px") || unit.eq_ignore_ascii_case("em") => {
            let value = f64::from(value).clamp(0.0, 10_000.0);
            format!(
                "{}{}",
                (value * 100.0).round() / 100.0,
                unit.to_ascii_lowercase()
            )
        }
        ("prefers-color-scheme", Token::Ident(scheme))
            if scheme.eq_ignore_ascii_case("dark") || scheme.eq_ignore_ascii_case("light") =>
        {
            scheme.to_ascii_lowercase()
        }
        _ => return reject(),
    };
    Ok(format!("({name}:{value})"))
}
