//! Images and links get the addresses they are shown with (H7, H8, H12).
//!
//! Runs on the output of the first pass, in which every attribute is quoted and escaped in one
//! way, and before the second, so that nothing touches the result after it (H11).

use std::collections::HashSet;

use super::css::ImageAddresses as _;
use super::image::Images;
use super::limits::LINK_WARNINGS_MAX;
use super::token::{Tag, Token, Tokens};
use crate::links::{self, LinkWarning, Target};

/// A body whose images and links have their final addresses.
#[derive(Debug, Default)]
pub(crate) struct Rewritten {
    pub(crate) html: String,
    pub(crate) compose: HashSet<String>,
    pub(crate) warnings: Vec<LinkWarning>,
}

struct Open {
    target: Target,
    text: String,
}

/// Rewrites what the first pass wrote.
pub(crate) fn rewrite(html: &str, images: &Images) -> Rewritten {
    let mut done = Rewritten::default();
    let mut link: Option<Open> = None;
    for token in Tokens::new(html, usize::MAX) {
        match token {
            Token::Text(text) => {
                if let Some(open) = &mut link {
                    open.text.push_str(&decoded(text));
                }
                done.html.push_str(text);
            }
            Token::Start(tag) if tag.name == "img" => image(&mut done.html, &tag, images),
            Token::Start(tag) if tag.name == "a" => {
                link = anchor(&mut done, &tag).map(|target| Open {
                    target,
                    text: String::new(),
                });
            }
            Token::Start(tag) => write(&mut done.html, &tag, &[]),
            Token::End(name) => {
                if name == "a"
                    && let Some(open) = link.take()
                    && done.warnings.len() < LINK_WARNINGS_MAX
                    && let Some(warning) = links::warning(&open.text, &open.target)
                    && !done.warnings.contains(&warning)
                {
                    done.warnings.push(warning);
                }
                done.html.push_str("</");
                done.html.push_str(&name);
                done.html.push('>');
            }
            // The first pass writes no element with such content.
            Token::Raw { .. } => {}
        }
    }
    done
}

/// Writes a tag with some of its attributes replaced: an empty replacement leaves one out.
fn write(html: &mut String, tag: &Tag<'_>, replaced: &[(&str, Option<String>)]) {
    html.push('<');
    html.push_str(&tag.name);
    for (name, value) in &tag.attributes {
        if replaced.iter().all(|(other, _)| other != name) {
            attribute(html, name, value);
        }
    }
    for (name, value) in replaced {
        if let Some(value) = value {
            attribute(html, name, &encoded(value));
        }
    }
    html.push('>');
}

fn attribute(html: &mut String, name: &str, escaped: &str) {
    html.push(' ');
    html.push_str(name);
    html.push_str("=\"");
    html.push_str(escaped);
    html.push('"');
}

fn anchor(done: &mut Rewritten, tag: &Tag<'_>) -> Option<Target> {
    let target = value(tag, "href").and_then(|href| links::target(&href));
    let (href, title) = match &target {
        Some(Target::Web(url)) => (Some(url.to_string()), Some(url.to_string())),
        Some(Target::Mail(mail)) => {
            let href = mail.compose_path();
            done.compose.insert(href.clone());
            (Some(href), Some(mail.to.clone()))
        }
        Some(Target::Telephone(url)) => (Some(url.clone()), Some(url.clone())),
        None => (None, None),
    };
    // The title of a link is where it leads, whatever its sender would have it say.
    let title = title.map(|title| title.chars().take(200).collect());
    write(&mut done.html, tag, &[("href", href), ("title", title)]);
    target
}

fn image(html: &mut String, tag: &Tag<'_>, images: &Images) {
    let Some(src) = value(tag, "src") else {
        write(html, tag, &[]);
        return;
    };
    if Images::is_remote(&src) && is_hidden(tag) {
        images.count_tracker(&src);
        return;
    }
    write(html, tag, &[("src", images.resolve(&src))]);
}

/// Whether an image is there to be fetched and not to be seen (H12).
fn is_hidden(tag: &Tag<'_>) -> bool {
    let tiny = |name| {
        value(tag, name)
            .is_some_and(|side| side.parse::<u32>().is_ok_and(|side| side <= 2) || side == "0%")
    };
    let style = value(tag, "style").unwrap_or_default();
    let hides = style.split(';').any(|declaration| {
        let Some((name, value)) = declaration.split_once(':') else {
            return false;
        };
        let value = value.trim_end_matches(" !important");
        match name {
            "display" => value.eq_ignore_ascii_case("none"),
            "width" | "height" | "max-width" | "max-height" => {
                let number =
                    value.trim_end_matches(|unit: char| unit.is_ascii_alphabetic() || unit == '%');
                let small = if value.ends_with("px") { 2.0 } else { 0.0 };
                number.parse::<f64>().is_ok_and(|side| side <= small)
            }
            _ => false,
        }
    });
    tiny("width") || tiny("height") || hides
}

fn value(tag: &Tag<'_>, name: &str) -> Option<String> {
    tag.attributes
        .iter()
        .find(|(other, _)| *other == name)
        .map(|(_, value)| decoded(value))
}

/// Undoes the escapes that the serialiser writes.
pub(crate) fn decoded(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&nbsp;", "\u{a0}")
        .replace("&amp;", "&")
}

fn encoded(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
