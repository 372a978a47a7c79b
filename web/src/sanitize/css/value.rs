//! Values of declarations, token by token (H9).

use std::fmt::Write as _;

use cssparser::{Parser, Token, serialize_string};

use super::property::{DISPLAYS, Rule};
use super::{ImageAddresses, Result, reject};

/// The longest length that is written, in CSS pixels, in either direction.
const LENGTH_PX_MAX: f64 = 4000.0;
/// Functions inside functions.
const FUNCTION_DEPTH_MAX: usize = 8;
/// Bytes of one value.
const VALUE_BYTES_MAX: usize = 4096;

/// Units and how many pixels one is, roughly: enough to bound it.
const UNITS: &[(&str, f64)] = &[
    ("ch", 16.0),
    ("cm", 38.0),
    ("deg", 1.0),
    ("em", 16.0),
    ("ex", 16.0),
    ("grad", 1.0),
    ("in", 96.0),
    ("mm", 4.0),
    ("pc", 16.0),
    ("pt", 1.34),
    ("px", 1.0),
    ("rad", 1.0),
    ("rem", 16.0),
    ("turn", 360.0),
    ("vh", 10.0),
    ("vw", 10.0),
];

/// Functions of colours, arithmetic and gradients.
const FUNCTIONS: &[&str] = &[
    "rgb",
    "rgba",
    "hsl",
    "hsla",
    "hwb",
    "lab",
    "lch",
    "oklab",
    "oklch",
    "calc",
    "min",
    "max",
    "clamp",
    "linear-gradient",
    "radial-gradient",
    "conic-gradient",
    "repeating-linear-gradient",
    "repeating-radial-gradient",
    "repeating-conic-gradient",
];

/// Reads the rest of a declaration; one token that is not allowed rejects it.
pub(super) fn filter(
    input: &mut Parser<'_>,
    rule: Rule,
    images: &dyn ImageAddresses,
) -> Result<String> {
    let mut value = Value {
        out: String::new(),
        rule,
        images,
    };
    let important = value.tokens(input, 0)?;
    let mut out = value.out;
    out.truncate(out.trim_end().len());
    if out.is_empty() || out.len() > VALUE_BYTES_MAX {
        return reject();
    }
    if rule == Rule::Display && !DISPLAYS.contains(&out.to_ascii_lowercase().as_str()) {
        return reject();
    }
    if important {
        out.push_str(" !important");
    }
    Ok(out)
}

struct Value<'a> {
    out: String,
    rule: Rule,
    images: &'a dyn ImageAddresses,
}

impl Value<'_> {
    /// Writes tokens up to the end of the value or function; says whether it is `!important`.
    fn tokens(&mut self, input: &mut Parser<'_>, depth: usize) -> Result<bool> {
        let mut important = false;
        while let Ok(token) = input.next_including_whitespace().cloned() {
            if important && !matches!(token, Token::WhiteSpace(_)) {
                return reject();
            }
            match token {
                Token::WhiteSpace(_) => self.space(),
                Token::Delim('!') if depth == 0 => {
                    input.expect_ident_matching("important")?;
                    important = true;
                }
                Token::Function(name) => self.function(input, &name, depth)?,
                Token::ParenthesisBlock if depth > 0 => self.block(input, "(", depth)?,
                Token::UnquotedUrl(url) => self.image(&url)?,
                token => self.simple(&token)?,
            }
        }
        Ok(important)
    }

    fn space(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with([' ', '(']) {
            self.out.push(' ');
        }
    }

    fn block(&mut self, input: &mut Parser<'_>, opening: &str, depth: usize) -> Result<()> {
        if depth >= FUNCTION_DEPTH_MAX {
            return reject();
        }
        self.out.push_str(opening);
        input.parse_nested_block(|input| self.tokens(input, depth + 1))?;
        self.out.truncate(self.out.trim_end().len());
        self.out.push(')');
        Ok(())
    }

    fn function(&mut self, input: &mut Parser<'_>, name: &str, depth: usize) -> Result<()> {
        let name = name.to_ascii_lowercase();
        if name == "url" {
            let url = input.parse_nested_block(|input| Ok(input.expect_string()?.to_string()))?;
            return self.image(&url);
        }
        if !FUNCTIONS.contains(&name.as_str()) {
            return reject();
        }
        self.block(input, &format!("{name}("), depth)
    }

    fn image(&mut self, url: &str) -> Result<()> {
        if self.rule != Rule::Image {
            return reject();
        }
        let Some(address) = self.images.resolve(url) else {
            self.out.push_str("none");
            return Ok(());
        };
        self.out.push_str("url(");
        let written = serialize_string(&address, &mut self.out);
        self.out.push(')');
        written.or_else(|_| reject())
    }

    fn simple(&mut self, token: &Token<'_>) -> Result<()> {
        match token {
            Token::Ident(word) if is_word(word) => self.out.push_str(word),
            Token::Hash(digits) | Token::IDHash(digits)
                if matches!(digits.len(), 3 | 4 | 6 | 8)
                    && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
            {
                self.out.push('#');
                self.out.push_str(digits);
            }
            Token::QuotedString(name) if self.rule == Rule::Font && is_font_name(name) => {
                return serialize_string(name, &mut self.out).or_else(|_| reject());
            }
            Token::Number { value, .. } => self.number(f64::from(*value), LENGTH_PX_MAX, ""),
            Token::Percentage { unit_value, .. } => {
                self.number(f64::from(*unit_value) * 100.0, LENGTH_PX_MAX, "%");
            }
            Token::Dimension { value, unit, .. } => {
                let unit = unit.to_ascii_lowercase();
                let Some((unit, pixels)) = UNITS.iter().find(|(name, _)| *name == unit) else {
                    return reject();
                };
                self.number(f64::from(*value), LENGTH_PX_MAX / pixels, unit);
            }
            Token::Comma => {
                self.out.truncate(self.out.trim_end().len());
                self.out.push(',');
            }
            Token::Delim(sign @ ('+' | '-' | '*' | '/')) => self.out.push(*sign),
            _ => return reject(),
        }
        Ok(())
    }

    /// Writes a number with three decimals at most, so that reading it again gives the same.
    fn number(&mut self, value: f64, max: f64, unit: &str) {
        let value = if value.is_nan() { 0.0 } else { value };
        let value = (value.clamp(-max, max) * 1000.0).round() / 1000.0;
        // Minus zero would read as zero the next time.
        let value = if value == 0.0 { 0.0 } else { value };
        let _ = write!(self.out, "{value}{unit}");
    }
}

/// Keywords: letters, digits and hyphens, no custom property.
fn is_word(word: &str) -> bool {
    word.len() <= 64
        && !word.starts_with("--")
        && word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '-')
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Names of fonts: letters, digits, spaces and what lies between them, in any script.
fn is_font_name(name: &str) -> bool {
    name.len() <= 128
        && name
            .chars()
            .all(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_' | '.' | ','))
}
