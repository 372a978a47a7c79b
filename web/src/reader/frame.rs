//! The documents in which mail is shown: the frame, and the page for printing (H1, H15).
//!
//! One of three files that may write markup without escaping it: the sanitised body and its style
//! sheet, nothing else.

use axum::body::Body;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::sanitize::SafeHtml;

/// Style of every frame, before that of the mail. Mail is written for white paper.
const BASE: &str = "html{color-scheme:light;background:#fff;color:#1b1c1f}\
    body{margin:0;padding:12px;font:15px/1.6 ui-sans-serif,system-ui,sans-serif;overflow-wrap:anywhere}\
    img{max-width:100%}pre{white-space:pre-wrap}\
    blockquote{margin:8px 0;padding-left:12px;border-left:2px solid #868b96}\
    header.mailhold{border-bottom:1px solid #868b96;margin-bottom:12px;padding-bottom:12px}";

/// What a frame may do: show what is in it, images from our own door, links in new windows.
const SANDBOX: &str = "allow-popups allow-popups-to-escape-sandbox";

/// The body of a document.
#[derive(Debug, Clone)]
pub enum Shown<'a> {
    /// Sanitised HTML.
    Html(&'a SafeHtml),
    /// Escaped text.
    Text(Markup),
}

/// A whole document: its title, what is drawn above the mail when it is printed, and the mail.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    /// For `<title>`.
    pub title: &'a str,
    /// The trusted header of a printed message; the frame has none.
    pub heading: Option<Markup>,
    /// The mail.
    pub shown: Shown<'a>,
}

impl Document<'_> {
    /// The document, with the one style sheet that its policy lets through.
    #[must_use]
    pub fn render(&self, nonce: &str) -> String {
        // The mail's own sheet could restyle our heading, so a printed page goes without it.
        let sheet = match &self.shown {
            Shown::Html(safe) if self.heading.is_none() => safe.sheet.as_str(),
            _ => "",
        };
        let (style, body) = match &self.shown {
            Shown::Html(safe) => (safe.body_style.as_str(), PreEscaped(safe.html.clone())),
            Shown::Text(text) => ("", text.clone()),
        };
        let style = (!style.is_empty()).then_some(style);
        let page = html! {
            (DOCTYPE)
            html lang="" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) }
                    style nonce=(nonce) { (PreEscaped(BASE)) (PreEscaped(sheet)) }
                }
                @if let Some(heading) = &self.heading {
                    body {
                        header.mailhold { (heading) }
                        div style=[style] { (body) }
                    }
                } @else {
                    body style=[style] { (body) }
                }
            }
        };
        page.into_string()
    }
}

/// The policy of a document with mail in it (H1). `origin` is the configured one, never that of the
/// request.
#[must_use]
pub fn policy(origin: &str, nonce: &str) -> String {
    format!(
        "sandbox {SANDBOX}; default-src 'none'; img-src {origin}/c/ data:; \
         style-src-attr 'unsafe-inline'; style-src-elem 'nonce-{nonce}'; form-action 'none'; \
         base-uri 'none'; frame-ancestors 'self'"
    )
}

/// The element that holds a frame. `path` is that of the frame, `title` its name for readers.
#[must_use]
pub fn element(path: &str, title: &str) -> Markup {
    html! {
        iframe.mail src=(path) sandbox=(SANDBOX) referrerpolicy="no-referrer"
            title=(title) {}
    }
}

/// Whether a request is for a frame or a window; everything else gets 403.
#[must_use]
pub fn is_wanted_as_document(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-dest")
        .is_none_or(|wanted| wanted == "iframe" || wanted == "document")
}

/// The answer with a document.
#[must_use]
pub fn respond(document: &Document<'_>, origin: &str, nonce: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(document.render(nonce)));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    match HeaderValue::from_str(&policy(origin, nonce)) {
        Ok(policy) => {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        // Without its policy no mail is shown.
        Err(_) => {
            *response.body_mut() = Body::empty();
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return response;
        }
    }
    set_quiet(headers);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Headers of everything that comes from mail: nothing is looked up because it was shown (H17).
pub(super) fn set_quiet(headers: &mut HeaderMap) {
    for (name, value) in [
        ("x-dns-prefetch-control", "off"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex, noarchive"),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h1_the_policy_is_the_one_that_was_tried() {
        assert_eq!(
            policy("https://portal.example", "N"),
            "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; \
             img-src https://portal.example/c/ data:; style-src-attr 'unsafe-inline'; \
             style-src-elem 'nonce-N'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
        );
    }

    #[test]
    fn h1_the_answer_carries_it_and_says_html() {
        let safe = SafeHtml {
            html: "<b>x</b>".to_owned(),
            ..SafeHtml::default()
        };
        let document = Document {
            title: "</title><script>",
            heading: None,
            shown: Shown::Html(&safe),
        };
        let response = respond(&document, "https://portal.example", "N");
        let headers = response.headers();
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        assert_eq!(
            headers["content-security-policy"],
            policy("https://portal.example", "N")
        );
        assert_eq!(headers["x-dns-prefetch-control"], "off");
        let text = document.render("N");
        assert!(text.contains("<title>&lt;/title&gt;&lt;script&gt;</title>"));
        assert_eq!(text.matches("<style").count(), 1);
        let refused = respond(&document, "https://portal.example\n", "N");
        assert_eq!(refused.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn h1_only_frames_and_windows_get_it() {
        for (wanted, given) in [
            (Some("iframe"), true),
            (Some("document"), true),
            (None, true),
            (Some("image"), false),
            (Some("script"), false),
            (Some("object"), false),
            (Some("empty"), false),
            (Some("style"), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(wanted) = wanted {
                headers.insert("sec-fetch-dest", HeaderValue::from_static(wanted));
            }
            assert_eq!(is_wanted_as_document(&headers), given, "{wanted:?}");
        }
    }

    #[test]
    fn h15_a_printed_page_draws_our_heading_outside_the_mails_reach() {
        let safe = SafeHtml {
            html: "<b>x</b>".to_owned(),
            sheet: "p{display:none}".to_owned(),
            ..SafeHtml::default()
        };
        let document = Document {
            title: "x",
            heading: Some(html! { p { "From: <ann@x.example>" } }),
            shown: Shown::Html(&safe),
        };
        let text = document.render("N");
        assert!(text.contains("From: &lt;ann@x.example&gt;"));
        assert!(!text.contains("display:none"));
    }

    #[test]
    fn h1_the_element_is_sandboxed_without_scripts_or_our_origin() {
        let element = element("/f/1\"><script>", "A\"><script>").into_string();
        assert!(element.contains(r#"sandbox="allow-popups allow-popups-to-escape-sandbox""#));
        assert!(!element.contains("<script"));
        assert!(!element.contains("allow-scripts") && !element.contains("allow-same-origin"));
    }
}
