//! Values of attributes (H6): numbers, keywords, colours; everything with a language of its own
//! (`style`, `href`, `src`) goes to the module for that language.

use std::collections::HashSet;

use super::css::{self, CLASS_PREFIX};
use super::image::Images;
use crate::links;

/// The longest side that an attribute may ask for, in pixels.
const SIDE_MAX: u32 = 4000;
/// Columns that a cell may span.
const COLUMNS_MAX: u32 = 100;
/// Rows that a cell may span.
const ROWS_MAX: u32 = 1000;
/// Bytes of a `title` or `alt`.
const TEXT_MAX: usize = 1024;

/// What the attributes of one run are checked against.
#[derive(Debug)]
pub(crate) struct Context {
    /// Where images come from.
    pub(crate) images: Images,
    /// Classes that the style sheet names, as the mail writes them.
    pub(crate) classes: HashSet<String>,
    /// Whether images and links have been given their final addresses.
    pub(crate) is_final: bool,
    /// Addresses of the composing page that stand for `mailto:`.
    pub(crate) compose: HashSet<String>,
}

/// The value that an attribute is written with; none when it goes.
pub(crate) fn filter(context: &Context, element: &str, name: &str, value: &str) -> Option<String> {
    match name {
        "style" => {
            let style = css::filter_declarations(value, &context.images);
            (!style.is_empty()).then_some(style)
        }
        "class" => classes(context, value),
        "href" => href(context, value),
        "src" => src(context, value),
        // Set by ourselves on every link.
        "target" => (value == "_blank").then(|| value.to_owned()),
        "rel" => Some(value.to_owned()),
        "title" | "alt" => Some(text(value)),
        "bgcolor" | "color" => is_colour(value).then(|| value.to_owned()),
        "width" | "height" => length(value),
        "size" => size(element, value),
        "align" | "valign" | "dir" | "type" => is_keyword(value).then(|| value.to_owned()),
        "lang" => (value.len() <= 35
            && value
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        .then(|| value.to_owned()),
        "face" => (value.len() <= 128
            && value
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | ',')))
        .then(|| value.to_owned()),
        "noshade" | "nowrap" | "reversed" => Some(String::new()),
        "colspan" | "span" => number(value, COLUMNS_MAX),
        "rowspan" => number(value, ROWS_MAX),
        "border" | "cellpadding" | "cellspacing" | "hspace" | "vspace" | "start" | "value" => {
            number(value, SIDE_MAX)
        }
        _ => None,
    }
}

fn classes(context: &Context, value: &str) -> Option<String> {
    let mut kept = Vec::new();
    for class in value.split_ascii_whitespace() {
        let own = if context.is_final {
            class.strip_prefix(CLASS_PREFIX).unwrap_or_default()
        } else {
            class
        };
        let class = format!("{}{own}", CLASS_PREFIX);
        if context.classes.contains(own) && !kept.contains(&class) {
            kept.push(class);
        }
    }
    (!kept.is_empty()).then(|| kept.join(" "))
}

fn href(context: &Context, value: &str) -> Option<String> {
    if context.is_final && context.compose.contains(value) {
        return Some(value.to_owned());
    }
    match links::target(value)? {
        links::Target::Mail(_) if context.is_final => None,
        links::Target::Mail(_) => Some(value.trim().to_owned()),
        links::Target::Web(url) => Some(url.into()),
        links::Target::Telephone(url) => Some(url),
    }
}

fn src(context: &Context, value: &str) -> Option<String> {
    if context.is_final {
        return context.images.is_given(value).then(|| value.to_owned());
    }
    let value = value.trim();
    (value
        .get(..4)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("cid:"))
        || value
            .get(..5)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
        || Images::is_remote(value))
    .then(|| value.to_owned())
}

fn text(value: &str) -> String {
    value
        .chars()
        .filter(|letter| !letter.is_control())
        .take(TEXT_MAX)
        .collect()
}

fn is_keyword(value: &str) -> bool {
    (1..=20).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A name of a colour or hexadecimal digits.
fn is_colour(value: &str) -> bool {
    let digits = value.strip_prefix('#').unwrap_or(value);
    (1..=32).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn number(value: &str, max: u32) -> Option<String> {
    let digits: String = value
        .trim()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let number: u32 = digits.parse().ok()?;
    Some(number.min(max).to_string())
}

fn length(value: &str) -> Option<String> {
    let value = value.trim();
    let number = number(value, SIDE_MAX)?;
    let unit = if value.ends_with('%') { "%" } else { "" };
    Some(format!("{number}{unit}"))
}

/// The size of a font (with a sign) or of a rule.
fn size(element: &str, value: &str) -> Option<String> {
    let value = value.trim();
    let sign = value
        .strip_prefix(['+', '-'])
        .filter(|_| element == "font")
        .and_then(|_| value.get(..1))
        .unwrap_or_default();
    let number = number(value.trim_start_matches(['+', '-']), 100)?;
    Some(format!("{sign}{number}"))
}
