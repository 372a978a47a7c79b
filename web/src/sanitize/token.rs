//! HTML cut into tags and text, in one pass and in linear time (WHATWG HTML §13.2.5).
//!
//! Whatever leaves this module as text is written with `<` escaped, so that the parser behind it
//! can see no tag that was not counted here. Comments, doctypes, CDATA and processing instructions
//! end here.

/// One piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// Text between tags, character references as written.
    Text(&'a str),
    /// An opening tag.
    Start(Tag<'a>),
    /// A closing tag, by its name in lower case.
    End(String),
    /// The text inside an element whose content is not markup (`script`, `style`, `title`, …).
    Raw {
        /// The element, in lower case.
        element: String,
        /// Everything up to its end tag.
        text: &'a str,
    },
}

/// An opening tag as written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tag<'a> {
    /// Its name, in lower case.
    pub(crate) name: String,
    /// Names and values as written, in order, duplicates included.
    pub(crate) attributes: Vec<(&'a str, &'a str)>,
    /// How many attributes it has, if more than are kept.
    pub(crate) attribute_count: usize,
}

/// Elements whose content a browser reads as text.
const RAW: &[&str] = &[
    "script",
    "style",
    "xmp",
    "iframe",
    "noembed",
    "noframes",
    "textarea",
    "title",
    "plaintext",
];

/// Reads tokens off the front of a document.
#[derive(Debug, Clone)]
pub(crate) struct Tokens<'a> {
    rest: &'a str,
    raw: Option<String>,
    attributes_max: usize,
}

impl<'a> Tokens<'a> {
    /// Attributes beyond `attributes_max` of a tag are counted and not kept.
    pub(crate) fn new(html: &'a str, attributes_max: usize) -> Self {
        Self {
            rest: html,
            raw: None,
            attributes_max,
        }
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'a str {
        self.rest
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn skip_through(&mut self, end: &str) {
        let bytes = self
            .rest
            .find(end)
            .map_or(self.rest.len(), |at| at + end.len());
        self.take(bytes);
    }

    /// The text up to the end tag of `element`.
    fn raw_text(&mut self, element: &str) -> &'a str {
        if element == "plaintext" {
            return self.take(self.rest.len());
        }
        let mut searched = 0;
        while let Some(at) = self.rest.get(searched..).and_then(|rest| rest.find("</")) {
            let start = searched + at;
            let name = self.rest.get(start + 2..).unwrap_or_default();
            let same = name
                .get(..element.len())
                .is_some_and(|name| name.eq_ignore_ascii_case(element));
            let next = name.as_bytes().get(element.len());
            if same && next.is_none_or(|byte| is_space(*byte) || matches!(byte, b'/' | b'>')) {
                return self.take(start);
            }
            searched = start + 2;
        }
        self.take(self.rest.len())
    }

    /// Skips a comment whose `<!--` has been read.
    fn skip_comment(&mut self) {
        if self.rest.starts_with('>') {
            self.take(1);
        } else if self.rest.starts_with("->") {
            self.take(2);
        } else {
            let plain = self.rest.find("-->").map(|at| at + 3);
            let bang = self.rest.find("--!>").map(|at| at + 4);
            let bytes = match (plain, bang) {
                (Some(plain), Some(bang)) => plain.min(bang),
                (Some(end), None) | (None, Some(end)) => end,
                (None, None) => self.rest.len(),
            };
            self.take(bytes);
        }
    }

    /// Skips white space and slashes before an attribute.
    fn skip_between_attributes(&mut self) {
        let bytes = self
            .rest
            .bytes()
            .take_while(|byte| is_space(*byte) || *byte == b'/')
            .count();
        self.take(bytes);
    }

    fn take_until(&mut self, stop: impl Fn(u8) -> bool) -> &'a str {
        let bytes = self.rest.bytes().take_while(|byte| !stop(*byte)).count();
        self.take(bytes)
    }

    fn skip_space(&mut self) {
        self.take_until(|byte| !is_space(byte));
    }

    /// Reads a tag after its `<` or `</`; none when the document ends inside it.
    fn tag(&mut self) -> Option<Tag<'a>> {
        let name = self.take_until(|byte| is_space(byte) || matches!(byte, b'/' | b'>'));
        let mut tag = Tag {
            name: name.to_ascii_lowercase(),
            ..Tag::default()
        };
        loop {
            self.skip_between_attributes();
            match self.rest.bytes().next() {
                None => return None,
                Some(b'>') => {
                    self.take(1);
                    return Some(tag);
                }
                Some(_) => {}
            }
            let attribute = self.attribute()?;
            tag.attribute_count += 1;
            if tag.attributes.len() < self.attributes_max {
                tag.attributes.push(attribute);
            }
        }
    }

    /// One attribute; none when the document ends inside it.
    fn attribute(&mut self) -> Option<(&'a str, &'a str)> {
        // An equals sign in first place is part of the name.
        let leading = usize::from(self.rest.starts_with('='));
        let length = self
            .rest
            .bytes()
            .skip(leading)
            .take_while(|byte| !is_space(*byte) && !matches!(byte, b'/' | b'>' | b'='))
            .count();
        let name = self.take(leading + length);
        self.skip_space();
        if !self.rest.starts_with('=') {
            return Some((name, ""));
        }
        self.take(1);
        self.skip_space();
        let value = match self.rest.bytes().next()? {
            quote @ (b'"' | b'\'') => {
                self.take(1);
                let value = self.take_until(|byte| byte == quote);
                if self.rest.is_empty() {
                    return None;
                }
                self.take(1);
                value
            }
            b'>' => "",
            _ => self.take_until(|byte| is_space(byte) || byte == b'>'),
        };
        Some((name, value))
    }

    /// Reads markup that begins with `<`; none when it stands for nothing.
    fn markup(&mut self) -> Option<Token<'a>> {
        let mut after = self.rest.bytes().skip(1);
        match (after.next(), after.next()) {
            (Some(letter), _) if letter.is_ascii_alphabetic() => {
                self.take(1);
                let tag = self.tag()?;
                if RAW.contains(&tag.name.as_str()) {
                    self.raw = Some(tag.name.clone());
                }
                Some(Token::Start(tag))
            }
            (Some(b'/'), Some(letter)) if letter.is_ascii_alphabetic() => {
                self.take(2);
                Some(Token::End(self.tag()?.name))
            }
            (Some(b'/'), None) => Some(Token::Text(self.take(2))),
            (Some(b'!'), _) if self.rest.starts_with("<!--") => {
                self.take(4);
                self.skip_comment();
                None
            }
            (Some(b'/' | b'!' | b'?'), _) => {
                self.skip_through(">");
                None
            }
            _ => Some(Token::Text(self.take(1))),
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        if let Some(element) = self.raw.take() {
            let text = self.raw_text(&element);
            return Some(Token::Raw { element, text });
        }
        while !self.rest.is_empty() {
            let text = self.take_until(|byte| byte == b'<');
            if !text.is_empty() {
                return Some(Token::Text(text));
            }
            if let Some(token) = self.markup() {
                return Some(token);
            }
        }
        None
    }
}

/// White space between attributes.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(html: &str) -> String {
        let mut out = String::new();
        for token in Tokens::new(html, 8) {
            match token {
                Token::Text(text) => out += &format!("[{text}]"),
                Token::Start(tag) => {
                    out += &format!("<{}", tag.name);
                    for (name, value) in tag.attributes {
                        out += &format!(" {name}={value:?}");
                    }
                    out += ">";
                }
                Token::End(name) => out += &format!("</{name}>"),
                Token::Raw { element, text } => out += &format!("{{{element}:{text}}}"),
            }
        }
        out
    }

    #[test]
    fn h3_markup_is_cut_as_a_browser_cuts_it() {
        for (html, wanted) in [
            ("a<b>c</B >d", "[a]<b>[c]</b>[d]"),
            ("1 < 2", "[1 ][<][ 2]"),
            (
                "<a href=x/y title='a>b' z>",
                r#"<a href="x/y" title="a>b" z="">"#,
            ),
            ("<img/src=x/onerror=y>", r#"<img src="x/onerror=y">"#),
            ("<a =b=c>", r#"<a =b="c">"#),
            ("<a b=>t", r#"<a b="">[t]"#),
            ("a<!--<b>-->c<!-->d<!--->e", "[a][c][d][e]"),
            ("a<!--x--!>b", "[a][b]"),
            ("<!--[if mso]><b><![endif]-->x", "[x]"),
            ("<![CDATA[<b>]]>x", "[]]>x]"),
            ("<?php <b> ?>x", "[ ?>x]"),
            ("</ x>y", "[y]"),
            ("a</", "[a][</]"),
            ("<style>a<b></STYLE >x", "<style>{style:a<b>}</style>[x]"),
            (
                "<script></scripty></script>",
                "<script>{script:</scripty>}</script>",
            ),
            ("<title><b>", "<title>{title:<b>}"),
            (
                "<plaintext></plaintext><b>",
                "<plaintext>{plaintext:</plaintext><b>}",
            ),
            ("x<b title='", "[x]"),
            ("x<!-- <b>", "[x]"),
        ] {
            assert_eq!(read(html), wanted, "{html}");
        }
    }

    #[test]
    fn h3_attributes_beyond_the_limit_are_counted_only() {
        let html = format!("<b {}>", "x ".repeat(1000));
        let Some(Token::Start(tag)) = Tokens::new(&html, 8).next() else {
            panic!("no tag");
        };
        assert_eq!((tag.attributes.len(), tag.attribute_count), (8, 1000));
    }
}
