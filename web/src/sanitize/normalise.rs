//! Markup made well nested, before any parser sees it.
//!
//! What leaves here holds only elements of the vocabulary, each closed inside its parent, no deeper
//! than the limit. Bombs of misnested formatting, which grow in a parser by copying themselves
//! into every paragraph, cannot be written in it. The parser behind stays the judge of the tree; this
//! is what makes its work linear (H3, H5).

use super::limits::{
    ATTRIBUTE_BYTES_MAX, ATTRIBUTES_MAX, DATA_IMAGE_BYTES_MAX, DATA_IMAGES_BYTES_MAX,
    HTML_BYTES_MAX, NESTING_MAX, REFERENCES_MAX, STYLE_BYTES_MAX, TAGS_MAX,
};
use super::token::{Tag, Token, Tokens};
use super::vocabulary::{DROPPED_WHOLE, VOID, has_attribute, is_kept};

/// Why a part is not shown as HTML.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More than [`HTML_BYTES_MAX`].
    #[error("it is longer than 2 MiB")]
    TooLong,
    /// More than [`NESTING_MAX`] open elements.
    #[error("its elements are nested too deeply")]
    TooDeep,
    /// More than [`TAGS_MAX`].
    #[error("it has too many tags")]
    TooManyTags,
    /// More than [`REFERENCES_MAX`].
    #[error("it has too many character references")]
    TooManyReferences,
    /// More than [`ATTRIBUTES_MAX`] in a tag.
    #[error("a tag has too many attributes")]
    TooManyAttributes,
    /// A longer attribute than [`ATTRIBUTE_BYTES_MAX`], or inline images that are too large.
    #[error("an attribute or an inline image is too long")]
    AttributeTooLong,
    /// Cleaning it once more would change it again (H11).
    #[error("its structure is not stable")]
    NotStable,
    /// It took more than the time limit, or too many others were waiting.
    #[error("it could not be prepared in time")]
    OutOfTime,
}

impl Refusal {
    /// One word, for the metric.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::TooLong => "long",
            Self::TooDeep => "deep",
            Self::TooManyTags => "tags",
            Self::TooManyReferences => "references",
            Self::TooManyAttributes => "attributes",
            Self::AttributeTooLong => "attribute",
            Self::NotStable => "unstable",
            Self::OutOfTime => "time",
        }
    }
}

/// A document in normal form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Normalised {
    /// Well-nested markup of the body.
    pub(crate) html: String,
    /// The text of its style sheets.
    pub(crate) style: String,
    /// `style` and `bgcolor` of the body element, as written.
    pub(crate) body: Vec<(String, String)>,
    /// Tags that were left out.
    pub(crate) dropped: usize,
}

/// Brings a decoded part into normal form.
pub(crate) fn normalise(html: &str) -> Result<Normalised, Refusal> {
    if html.len() > HTML_BYTES_MAX {
        return Err(Refusal::TooLong);
    }
    let mut writer = Writer::default();
    let mut tokens = Tokens::new(html, ATTRIBUTES_MAX);
    while let Some(token) = tokens.next() {
        writer.token(token, tokens.rest())?;
    }
    while let Some(element) = writer.open.pop() {
        writer.write_end(element);
    }
    Ok(writer.done)
}

#[derive(Default)]
struct Writer {
    done: Normalised,
    open: Vec<&'static str>,
    tags: usize,
    references: usize,
    data_bytes: usize,
    /// An element that goes whole, and how many of its name are open.
    skipped: Option<(&'static str, usize)>,
    /// Elements of which the rest of the document has no end tag.
    endless: Vec<&'static str>,
    after_pre: bool,
}

impl Writer {
    fn token(&mut self, token: Token<'_>, rest: &str) -> Result<(), Refusal> {
        match token {
            Token::Start(tag) => {
                self.count(&tag)?;
                if self.skip_start(&tag.name, rest) {
                    self.done.dropped += 1;
                    return Ok(());
                }
                self.start(&tag)
            }
            Token::End(name) => {
                self.tags += 1;
                if self.tags > TAGS_MAX {
                    return Err(Refusal::TooManyTags);
                }
                if !self.skip_end(&name) {
                    self.end(&name);
                }
                Ok(())
            }
            Token::Text(text) => {
                if self.skipped.is_none() {
                    self.text(text)?;
                }
                Ok(())
            }
            Token::Raw { element, text } => {
                let room = STYLE_BYTES_MAX.saturating_sub(self.done.style.len());
                if element == "style" && self.skipped.is_none() && text.len() < room {
                    self.done.style.push_str(text);
                    self.done.style.push('\n');
                }
                Ok(())
            }
        }
    }

    fn count(&mut self, tag: &Tag<'_>) -> Result<(), Refusal> {
        self.tags += 1;
        if self.tags > TAGS_MAX {
            return Err(Refusal::TooManyTags);
        }
        if tag.attribute_count > ATTRIBUTES_MAX {
            return Err(Refusal::TooManyAttributes);
        }
        for (name, value) in &tag.attributes {
            let is_data = name.eq_ignore_ascii_case("src")
                && value
                    .trim_start()
                    .get(..5)
                    .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
            let max = if is_data {
                self.data_bytes += value.len();
                DATA_IMAGE_BYTES_MAX
            } else {
                ATTRIBUTE_BYTES_MAX
            };
            if value.len() > max || name.len() > ATTRIBUTE_BYTES_MAX {
                return Err(Refusal::AttributeTooLong);
            }
        }
        if self.data_bytes > DATA_IMAGES_BYTES_MAX {
            return Err(Refusal::AttributeTooLong);
        }
        Ok(())
    }

    /// Whether a tag lies in, or begins, an element that goes whole.
    fn skip_start(&mut self, name: &str, rest: &str) -> bool {
        if let Some((skipped, depth)) = &mut self.skipped {
            if *skipped == name {
                *depth += 1;
            }
            return true;
        }
        let Some(element) = DROPPED_WHOLE.iter().find(|element| **element == name) else {
            return false;
        };
        // Without an end tag only the tag goes: the rest of the message stays readable.
        if !self.endless.contains(element) {
            if has_end(rest, element) {
                self.skipped = Some((element, 1));
            } else {
                self.endless.push(element);
            }
        }
        true
    }

    fn skip_end(&mut self, name: &str) -> bool {
        let Some((skipped, depth)) = &mut self.skipped else {
            return false;
        };
        if *skipped == name {
            *depth -= 1;
            if *depth == 0 {
                self.skipped = None;
            }
        }
        true
    }

    fn start(&mut self, tag: &Tag<'_>) -> Result<(), Refusal> {
        if tag.name == "body" {
            for (name, value) in &tag.attributes {
                let name = name.to_ascii_lowercase();
                if matches!(name.as_str(), "style" | "bgcolor") {
                    self.done.body.push((name, (*value).to_owned()));
                }
            }
            return Ok(());
        }
        let position = super::vocabulary::ELEMENTS.binary_search(&tag.name.as_str());
        let Some(element) = position
            .ok()
            .and_then(|at| super::vocabulary::ELEMENTS.get(at).copied())
        else {
            self.done.dropped += 1;
            return Ok(());
        };
        self.close_before(element);
        let in_table = matches!(
            self.open.last(),
            Some(&("table" | "thead" | "tbody" | "tfoot" | "tr"))
        );
        if in_table && !is_table_part(element) && element != "img" && element != "br" {
            self.done.dropped += 1;
            return Ok(());
        }
        self.write_start(element, tag);
        if !VOID.contains(&element) {
            if self.open.len() >= NESTING_MAX {
                return Err(Refusal::TooDeep);
            }
            self.open.push(element);
        }
        self.after_pre = element == "pre";
        Ok(())
    }

    /// Closes what the start of `element` ends.
    fn close_before(&mut self, element: &str) {
        let ends: &[&str] = match element {
            "td" | "th" => &["td", "th", "caption"],
            "tr" => &["tr", "caption", "colgroup"],
            "thead" | "tbody" | "tfoot" => &["thead", "tbody", "tfoot", "caption", "colgroup"],
            "li" => &["li"],
            "dd" | "dt" => &["dd", "dt"],
            "a" => &["a"],
            "table"
                if matches!(
                    self.open.last(),
                    Some(&("table" | "tbody" | "thead" | "tfoot" | "tr"))
                ) =>
            {
                &["table"]
            }
            _ if is_block(element) => &["p"],
            _ => return,
        };
        let boundary: &[&str] = match element {
            "td" | "th" | "tr" | "thead" | "tbody" | "tfoot" => &["table"],
            "li" => &["ul", "ol", "td", "th", "caption", "table"],
            "dd" | "dt" => &["dl", "td", "th", "caption", "table"],
            _ => &["td", "th", "caption", "table"],
        };
        let depth = self.open.iter().rposition(|open| ends.contains(open));
        let barrier = self.open.iter().rposition(|open| boundary.contains(open));
        if let Some(depth) = depth
            && (barrier.is_none_or(|barrier| depth > barrier) || ends.contains(&"table"))
        {
            self.close_to(depth);
        }
        let context: &[&str] = match element {
            "td" | "th" => &["tr", "thead", "tbody", "tfoot", "table"],
            "tr" => &["thead", "tbody", "tfoot", "table"],
            "thead" | "tbody" | "tfoot" | "caption" | "colgroup" => &["table"],
            "col" => &["colgroup", "table"],
            _ => return,
        };
        if let Some(parent) = self.open.iter().rposition(|open| context.contains(open)) {
            self.close_to(parent + 1);
        }
    }

    fn end(&mut self, name: &str) {
        let boundary: &[&str] = match name {
            "table" => &[],
            "td" | "th" | "tr" | "thead" | "tbody" | "tfoot" | "caption" | "colgroup" => &["table"],
            "li" => &["ul", "ol", "td", "th", "caption", "table"],
            _ => &["td", "th", "caption", "table"],
        };
        let depth = self.open.iter().rposition(|open| *open == name);
        let barrier = self.open.iter().rposition(|open| boundary.contains(open));
        match depth {
            Some(depth) if barrier.is_none_or(|barrier| depth >= barrier) => self.close_to(depth),
            _ => {}
        }
    }

    /// Closes the innermost elements until only `depth` are open.
    fn close_to(&mut self, depth: usize) {
        while self.open.len() > depth {
            if let Some(element) = self.open.pop() {
                self.write_end(element);
            }
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Refusal> {
        let text = if self.after_pre {
            text.trim_start_matches(['\r', '\n'])
        } else {
            text
        };
        if text.is_empty() {
            return Ok(());
        }
        self.after_pre = false;
        self.references += memchr::memchr2_iter(b'&', b'<', text.as_bytes()).count();
        if self.references > REFERENCES_MAX {
            return Err(Refusal::TooManyReferences);
        }
        // The tokenizer hands over an angle that begins no tag by itself.
        match text.strip_prefix('<') {
            Some(rest) => {
                self.done.html.push_str("&lt;");
                self.done.html.push_str(rest);
            }
            None => self.done.html.push_str(text),
        }
        Ok(())
    }

    fn write_start(&mut self, element: &'static str, tag: &Tag<'_>) {
        let html = &mut self.done.html;
        html.push('<');
        html.push_str(element);
        let mut written: Vec<String> = Vec::new();
        for (name, value) in &tag.attributes {
            let name = name.to_ascii_lowercase();
            // The first of two attributes with one name counts.
            if !has_attribute(element, &name) || written.contains(&name) {
                continue;
            }
            html.push(' ');
            html.push_str(&name);
            html.push_str("=\"");
            html.push_str(&value.replace('"', "&quot;"));
            html.push('"');
            written.push(name);
        }
        html.push('>');
    }

    fn write_end(&mut self, element: &str) {
        self.done.html.push_str("</");
        self.done.html.push_str(element);
        self.done.html.push('>');
        self.after_pre = false;
    }
}

/// Whether `rest` has an end tag of `element`.
fn has_end(rest: &str, element: &str) -> bool {
    rest.match_indices("</").any(|(at, _)| {
        rest.get(at + 2..at + 2 + element.len())
            .is_some_and(|name| name.eq_ignore_ascii_case(element))
    })
}

fn is_table_part(element: &str) -> bool {
    matches!(
        element,
        "table" | "thead" | "tbody" | "tfoot" | "tr" | "td" | "th" | "caption" | "colgroup" | "col"
    )
}

/// Elements whose start ends a paragraph.
fn is_block(element: &str) -> bool {
    matches!(
        element,
        "address"
            | "article"
            | "blockquote"
            | "center"
            | "div"
            | "dl"
            | "figcaption"
            | "figure"
            | "footer"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hr"
            | "ol"
            | "p"
            | "pre"
            | "section"
            | "table"
            | "ul"
    ) && is_kept(element)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h3_markup_becomes_well_nested() {
        for (html, wanted) in [
            ("<b><i>x</b>y</i>", "<b><i>x</i></b>y"),
            ("<p>a<p>b", "<p>a</p><p>b</p>"),
            ("<p><font>a</p><p>b", "<p><font>a</font></p><p>b</p>"),
            (
                "<a href=1>x<a href=2>y",
                r#"<a href="1">x</a><a href="2">y</a>"#,
            ),
            (
                "<table><tr><td>a<td>b<tr><td>c</table>d",
                "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>d",
            ),
            (
                "<table><tr><td></b></table>",
                "<table><tr><td></td></tr></table>",
            ),
            (
                "<b><table><tr><td></b>x",
                "<b><table><tr><td>x</td></tr></table></b>",
            ),
            (
                "<table><font><tr><td>x",
                "<table><tr><td>x</td></tr></table>",
            ),
            (
                "<table><tr><table><tr><td>x",
                "<table><tr></tr></table><table><tr><td>x</td></tr></table>",
            ),
            (
                "<ul><li>a<ul><li>b</ul><li>c",
                "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>",
            ),
            ("<script>x</script>a<svg><b>x</b></svg>b", "ab"),
            ("<svg><svg></svg>x</svg>y<math>z", "yz"),
            ("<form><input>x</form>", "x"),
            ("1<2<b", "1&lt;2"),
            ("<b title='\"'>x", r#"<b title="&quot;">x</b>"#),
            (
                "<b ID=x onclick=y TITLE=z title=w>x",
                r#"<b title="z">x</b>"#,
            ),
            ("<pre>\n\nx", "<pre>x</pre>"),
            ("<td>x</td>", "<td>x</td>"),
        ] {
            assert_eq!(normalise(html).unwrap().html, wanted, "{html}");
        }
    }

    #[test]
    fn h5_styles_and_the_bodys_own_attributes_are_taken_out() {
        let read = normalise("<style>a{}</style><body bgcolor=red style='x' onload=y>z").unwrap();
        assert_eq!(read.style, "a{}\n");
        assert_eq!(read.html, "z");
        assert_eq!(
            read.body,
            [
                ("bgcolor".to_owned(), "red".to_owned()),
                ("style".to_owned(), "x".to_owned())
            ]
        );
    }

    #[test]
    fn h3_each_limit_refuses() {
        let cases = [
            ("x".repeat(HTML_BYTES_MAX + 1), Refusal::TooLong),
            ("<div>".repeat(NESTING_MAX + 1), Refusal::TooDeep),
            ("<br>".repeat(TAGS_MAX + 1), Refusal::TooManyTags),
            (
                "&lt;".repeat(REFERENCES_MAX + 1),
                Refusal::TooManyReferences,
            ),
            ("<".repeat(REFERENCES_MAX + 1), Refusal::TooManyReferences),
            (
                format!("<b {}>", "a ".repeat(ATTRIBUTES_MAX + 1)),
                Refusal::TooManyAttributes,
            ),
            (
                format!("<b title={}>", "a".repeat(ATTRIBUTE_BYTES_MAX + 1)),
                Refusal::AttributeTooLong,
            ),
            (
                format!("<img src=data:{}>", "a".repeat(DATA_IMAGE_BYTES_MAX)),
                Refusal::AttributeTooLong,
            ),
        ];
        for (html, wanted) in cases {
            assert_eq!(normalise(&html), Err(wanted));
        }
    }

    #[test]
    fn h3_misnested_formatting_does_not_multiply() {
        let bomb = format!(
            "<p>{}</p>{}",
            "<font size=1>".repeat(250),
            "<p>x</p>".repeat(9_000)
        );
        let read = normalise(&bomb).unwrap();
        assert!(read.html.len() < 2 * bomb.len());
        let tables = format!(
            "<table>{}{}",
            "<font>".repeat(200),
            "<tr></tr>x".repeat(5_000)
        );
        assert!(normalise(&tables).unwrap().html.len() < 2 * tables.len());
    }
}
