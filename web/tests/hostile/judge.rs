//! Judges markup by what html5ever reads in it: names, addresses, nothing else counts.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

/// Where images may come from.
pub(crate) const CAPABILITY: &str = "https://portal.example/c/";

/// A name, and the names and values of its attributes.
pub(crate) type StartTag = (String, Vec<(String, String)>);

#[derive(Default)]
struct Tags(RefCell<Vec<StartTag>>);

impl TokenSink for Tags {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(Tag {
                kind: TagKind::StartTag,
                name,
                attrs,
                ..
            }) => {
                let attributes = attrs
                    .iter()
                    .map(|attribute| {
                        (
                            attribute.name.local.to_string(),
                            attribute.value.to_string(),
                        )
                    })
                    .collect();
                self.0.borrow_mut().push((name.to_string(), attributes));
            }
            Token::CommentToken(_) | Token::DoctypeToken(_) => {
                self.0.borrow_mut().push(("!".to_owned(), Vec::new()));
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// The opening tags of a piece of markup.
pub(crate) fn tags(html: &str) -> Vec<StartTag> {
    let tokenizer = Tokenizer::new(Tags::default(), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.take()
}

/// What is wrong with the markup of a body; empty when nothing is.
pub(crate) fn faults(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (element, attributes) in tags(html) {
        if !web::sanitize::is_allowed(&element, None) {
            found.push(format!("<{element}>"));
        }
        for (name, value) in attributes {
            let own = element == "a" && matches!(name.as_str(), "target" | "rel");
            if !own && !web::sanitize::is_allowed(&element, Some(&name)) {
                found.push(format!("<{element} {name}>"));
            }
            match name.as_str() {
                "href" if !is_link(&value) => found.push(format!("href={value}")),
                "src" if !is_image(&value) => found.push(format!("src={value}")),
                "style" => found.extend(style_faults(&value)),
                "target" if value != "_blank" => found.push(format!("target={value}")),
                "rel" if value != "noopener noreferrer nofollow" => {
                    found.push(format!("rel={value}"))
                }
                "class" if value.split(' ').any(|class| !class.starts_with("m-")) => {
                    found.push(format!("class={value}"));
                }
                _ => {}
            }
        }
    }
    found
}

fn is_link(url: &str) -> bool {
    ["http://", "https://", "tel:", "/compose?"]
        .iter()
        .any(|head| url.starts_with(head))
        && !url
            .chars()
            .any(|letter| letter.is_control() || letter == ' ')
}

fn is_image(url: &str) -> bool {
    let types = ["png", "jpeg", "gif", "webp"];
    url.starts_with(CAPABILITY)
        || types
            .iter()
            .any(|kind| url.starts_with(&format!("data:image/{kind};base64,")))
}

/// What is wrong with declarations or a style sheet.
pub(crate) fn style_faults(style: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lower = style.to_ascii_lowercase();
    for (at, _) in lower.match_indices("url(") {
        let url = style[at + 4..].trim_start_matches('"');
        let url = url.split('"').next().unwrap_or_default();
        if !is_image(url) {
            found.push(format!("url({url}"));
        }
    }
    for word in [
        "expression",
        "@import",
        "@font-face",
        "@namespace",
        "@page",
        "image-set",
        "cross-fade",
        "var(",
        "env(",
        "attr(",
        "element(",
        "position:",
        "z-index",
        "behavior",
        "binding",
        "javascript:",
        "evil.example",
        "--x",
        "content:",
        "cursor",
        "animation",
        "transform:",
        "filter",
        "<",
        "\\",
    ] {
        if lower.contains(word) {
            found.push(format!("style has {word}: {style}"));
        }
    }
    found
}
