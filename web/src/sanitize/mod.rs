//! HTML of strangers, made safe to show (web H3–H12).
//!
//! ```text
//! decoded part ─ normalise ─ pass 1 ─ rewrite ─ pass 2 ─ pass 3 = pass 2 ? ─ frame
//!                limits,     lists,   images,   lists,     fixed point
//!                nesting     CSS      links     CSS
//! ```
//! Nothing touches the text after the last pass. It is the first layer of three: the frame it is
//! shown in has a policy without scripts, remote content or forms, and is sandboxed.

mod attribute;
mod css;
mod image;
pub mod limits;
mod normalise;
mod pass;
mod rewrite;
mod run;
mod token;
mod vocabulary;

use std::collections::HashSet;
use std::sync::Arc;

pub use image::{ImageReport, ImageSource, NoImages};
pub use normalise::Refusal;
pub use run::Sanitiser;

use crate::links::LinkWarning;
use attribute::Context;
use image::Images;

/// Whether mail may use an element, or an attribute of it, both in lower case.
#[must_use]
pub fn is_allowed(element: &str, attribute: Option<&str>) -> bool {
    vocabulary::is_kept(element)
        && attribute.is_none_or(|attribute| vocabulary::has_attribute(element, attribute))
}

/// A body that may be put into a frame.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SafeHtml {
    /// Markup of the body.
    pub html: String,
    /// Value of the body's `style` attribute.
    pub body_style: String,
    /// The style sheet.
    pub sheet: String,
    /// What became of its images.
    pub images: ImageReport,
    /// Links that lead elsewhere than they say.
    pub links: Vec<LinkWarning>,
    /// Tags that were left out.
    pub dropped: usize,
}

impl SafeHtml {
    /// The body as plain text, for quotes and for readers who prefer it (H16).
    #[must_use]
    pub fn text(&self) -> String {
        /// Columns at which lines are wrapped.
        const COLUMNS: usize = 76;
        html2text::config::plain_no_decorate()
            .allow_width_overflow()
            .string_from_read(self.html.as_bytes(), COLUMNS)
            .unwrap_or_default()
    }
}

/// Makes the HTML of one part safe to show. Takes time in proportion to its length; run it through
/// [`Sanitiser`].
///
/// # Errors
/// When it is beyond a limit or not stable: the message is shown as text then.
pub fn sanitise(html: &str, images: Arc<dyn ImageSource>) -> Result<SafeHtml, Refusal> {
    let normal = normalise::normalise(html)?;
    let images = Images::new(images);
    let sheet = css::filter_sheet(&normal.style, &images);
    let mut context = Arc::new(Context {
        images,
        classes: sheet.classes,
        is_final: false,
        compose: HashSet::new(),
    });
    let first = pass::clean(&normal.html, &context);
    let rewritten = rewrite::rewrite(&first, &context.images);
    // The pass is over and its closure gone, so this is the only reference.
    let Some(own) = Arc::get_mut(&mut context) else {
        return Err(Refusal::NotStable);
    };
    own.is_final = true;
    own.compose = rewritten.compose;
    let second = pass::clean(&rewritten.html, &context);
    if pass::clean(&second, &context) != second {
        return Err(Refusal::NotStable);
    }
    Ok(SafeHtml {
        body_style: body_style(&normal.body, &context),
        html: second,
        sheet: sheet.text,
        images: context.images.report(),
        links: rewritten.warnings,
        dropped: normal.dropped,
    })
}

/// The body's own colours, as one style.
fn body_style(attributes: &[(String, String)], context: &Context) -> String {
    let mut declarations = String::new();
    for (name, value) in attributes {
        let value = rewrite::decoded(value);
        if name == "bgcolor" {
            if let Some(colour) = attribute::filter(context, "body", name, &value) {
                declarations = format!("background-color:{colour};{declarations}");
            }
        } else {
            declarations.push_str(&value);
            declarations.push(';');
        }
    }
    css::filter_declarations(&declarations, &context.images)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(html: &str) -> String {
        sanitise(html, Arc::new(NoImages)).unwrap().html
    }

    #[test]
    fn h7_links_are_absolute_and_open_elsewhere() {
        let rel = r#"target="_blank" rel="noopener noreferrer nofollow""#;
        for (html, wanted) in [
            (
                "<a href='HTTP://Example.COM/a b'>x</a>",
                format!(
                    r#"<a href="http://example.com/a%20b" title="http://example.com/a%20b" {rel}>x</a>"#
                ),
            ),
            (
                "<a href='https://paypal.example@evil.example/'>x</a>",
                format!(
                    r#"<a href="https://evil.example/" title="https://evil.example/" {rel}>x</a>"#
                ),
            ),
            (
                "<a href='mailto:a@b.example?subject=Hi%0d%0aBcc:c&bcc=d&attach=/etc'>x</a>",
                format!(
                    r#"<a href="/compose?to=a%40b.example&amp;subject=HiBcc%3Ac" title="a@b.example" {rel}>x</a>"#
                ),
            ),
            (
                "<a href='tel:+49 (30) 123'>x</a>",
                format!(r#"<a href="tel:+49(30)123" title="tel:+49(30)123" {rel}>x</a>"#),
            ),
            (
                "<a href='/compose?to=evil'>x</a>",
                format!("<a {rel}>x</a>"),
            ),
            (
                "<a href=javascript:alarm()>x</a>",
                format!("<a {rel}>x</a>"),
            ),
        ] {
            assert_eq!(shown(html), wanted, "{html}");
        }
    }

    #[test]
    fn h8_remote_images_keep_their_place_and_lose_their_address() {
        let safe = sanitise(
            "<img src=https://a.example/x.png alt=Logo width=20><img src=https://a.example/p width=1>",
            Arc::new(NoImages),
        )
        .unwrap();
        assert_eq!(safe.html, r#"<img alt="Logo" width="20">"#);
        assert_eq!((safe.images.blocked, safe.images.trackers), (1, 1));
    }

    #[test]
    fn h5_the_bodys_colours_stay() {
        let safe = sanitise(
            "<body bgcolor='#eee' style='margin:0;position:fixed'>x",
            Arc::new(NoImages),
        );
        assert_eq!(safe.unwrap().body_style, "background-color:#eee;margin:0");
    }

    #[test]
    fn h6_a_class_stays_when_a_rule_names_it() {
        let safe = sanitise(
            "<style>.a{color:red}</style><p class='a b m-a'>x",
            Arc::new(NoImages),
        );
        let safe = safe.unwrap();
        assert_eq!(safe.html, r#"<p class="m-a">x</p>"#);
        assert_eq!(safe.sheet, ".m-a{color:red}\n");
    }

    #[test]
    fn h16_the_text_is_that_of_the_safe_tree() {
        let safe = sanitise(
            "<p>Hi<script>bad</script></p><p>there</p>",
            Arc::new(NoImages),
        )
        .unwrap();
        assert_eq!(safe.text().trim(), "Hi\n\nthere");
    }
}
