//! Style that mail may carry: a token allow-list on cssparser, written anew from its tokens (H9,
//! H10). Nothing is passed through, so nothing that this module does not know can come out.

mod media;
mod property;
mod selector;
mod sheet;
mod value;

use cssparser::{Delimiter, ParseError, Parser};

pub(crate) use selector::CLASS_PREFIX;
pub(crate) use sheet::filter_sheet;

/// Turns the address in a `url()` into one that may be loaded, counting what it sees.
pub(crate) trait ImageAddresses {
    /// The address to load in its place; none when it is not loaded.
    fn resolve(&self, url: &str) -> Option<String>;
}

/// A token that is not allowed: its declaration goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rejected;

type Result<T> = std::result::Result<T, ParseError<Rejected>>;

fn reject<T>() -> Result<T> {
    Err(ParseError::custom(Rejected))
}

/// The declarations of a `style` attribute that are allowed, in canonical form; empty when none is.
pub(crate) fn filter_declarations(style: &str, images: &dyn ImageAddresses) -> String {
    let mut input = Parser::new(style);
    declarations(&mut input, images)
}

fn declarations(input: &mut Parser<'_>, images: &dyn ImageAddresses) -> String {
    let mut kept = String::new();
    while !input.is_exhausted() {
        let declaration =
            input.parse_until_after(Delimiter::Semicolon, |input| declaration(input, images));
        if let Ok(declaration) = declaration {
            if !kept.is_empty() {
                kept.push(';');
            }
            kept.push_str(&declaration);
        }
    }
    kept
}

fn declaration(input: &mut Parser<'_>, images: &dyn ImageAddresses) -> Result<String> {
    let name = input.expect_ident()?.to_ascii_lowercase();
    input.expect_colon()?;
    let Some(rule) = property::rule(&name) else {
        return reject();
    };
    let value = value::filter(input, rule, images)?;
    Ok(format!("{name}:{value}"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Knows one inline image; everything else is not loaded.
    pub(crate) struct OneImage;

    impl ImageAddresses for OneImage {
        fn resolve(&self, url: &str) -> Option<String> {
            (url == "cid:known").then(|| "https://portal.example/c/abc".to_owned())
        }
    }

    #[test]
    fn h9_only_known_properties_and_tokens_are_written() {
        for (style, wanted) in [
            ("color: RED; font-size:12PX", "color:RED;font-size:12px"),
            ("COLOR:#fff", "color:#fff"),
            ("margin: 0 auto -10px", "margin:0 auto -10px"),
            ("width: calc(100% - 2px)", "width:calc(100% - 2px)"),
            ("width: 99999px", "width:4000px"),
            ("margin-left:-99999em", "margin-left:-250em"),
            ("width:33.3333333%", "width:33.333%"),
            (
                "font-family: 'Segoe UI', Arial",
                "font-family:\"Segoe UI\", Arial",
            ),
            ("color:rgba(0 0 0 / 50%)", "color:rgba(0 0 0 / 50%)"),
            (
                "background:linear-gradient(to right, red 0%, blue)",
                "background:linear-gradient(to right, red 0%, blue)",
            ),
            ("color:red !important", "color:red !important"),
            ("display:none", "display:none"),
            (
                "background:#fff url(http://evil.example/x)",
                "background:#fff none",
            ),
            (
                "background:url('cid:known') no-repeat",
                "background:url(\"https://portal.example/c/abc\") no-repeat",
            ),
            (
                "background:url(cid:known)",
                "background:url(\"https://portal.example/c/abc\")",
            ),
            (
                "border:1px solid red;;color:blue",
                "border:1px solid red;color:blue",
            ),
            ("c\\6flor:red", "color:red"),
        ] {
            assert_eq!(filter_declarations(style, &OneImage), wanted, "{style}");
        }
    }

    #[test]
    fn h9_everything_else_goes_with_its_declaration() {
        for style in [
            "position:fixed",
            "z-index:9",
            "transform:none",
            "content:'x'",
            "cursor:url(x)",
            "filter:blur(1px)",
            "animation:x",
            "behavior:url(x)",
            "-moz-binding:url(x)",
            "display:flex",
            "display:contents",
            "--x:red",
            "color:var(--x)",
            "width:env(x)",
            "width:attr(x)",
            "background:image-set('x' 1x)",
            "background:cross-fade(url(x))",
            "background:image(x)",
            "background:src('x')",
            "background:element(#x)",
            "color:if(style(x):red)",
            "width:expression(alert(1))",
            "color:{red}",
            "background:@import",
            "font-family:'a:b'",
            "font-family:'//x'",
            "color:red}",
            "width:1fr",
            "width:1s",
            "color:url(cid:known)",
            "width:url(cid:known)",
            "color:light-dark(red,blue)",
            "color:color-mix(in srgb, red, blue)",
            "background:paint(x)",
            "list-style-image:url(x)",
            "border-image:url(x)",
            "mask:url(x)",
            "color:\"red",
            "background:url(x y)",
            "color:red !x",
            "background:-webkit-image-set(url(x) 1x)",
            "color:re\\d\\",
            "all:unset",
            "src:url(x)",
            "opacity:0",
            "pointer-events:none",
            "color:<!--",
            "color:[x]",
            "color:red !important !important",
            "inset:0",
            "offset-path:url(x)",
        ] {
            assert_eq!(filter_declarations(style, &OneImage), "", "{style}");
        }
    }

    #[test]
    fn h9_filtering_twice_changes_nothing() {
        struct Written;
        impl ImageAddresses for Written {
            fn resolve(&self, url: &str) -> Option<String> {
                Some(url.to_owned())
            }
        }
        for style in [
            "margin:1.23456789em 33.333333% -.5px +4e9px;width:CALC( (1px + 2%)*3 )",
            "font:italic bold .8em/1.2 'A  b', \"C-d\", serif",
            "background: URL( cid:x )   repeat-x,  none",
            "color:rgb(1,2,3)!IMPORTANT",
        ] {
            let once = filter_declarations(style, &Written);
            assert_eq!(filter_declarations(&once, &Written), once, "{style}");
            assert!(!once.is_empty(), "{style}");
        }
    }
}
