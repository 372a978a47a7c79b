//! The elements and attributes that mail may use, and what becomes of all others (H5, H6).

/// Elements that are kept.
pub(crate) const ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "address",
    "article",
    "b",
    "bdi",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "font",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "section",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "wbr",
];

/// Elements without content.
pub(crate) const VOID: &[&str] = &["br", "col", "hr", "img", "wbr"];

/// Elements that go with everything inside them.
pub(crate) const DROPPED_WHOLE: &[&str] = &[
    "applet", "audio", "canvas", "datalist", "math", "object", "select", "svg", "template", "video",
];

/// Attributes of every element.
pub(crate) const ATTRIBUTES: &[&str] = &[
    "align", "bgcolor", "class", "dir", "height", "lang", "style", "title", "valign", "width",
];

/// Attributes of single elements.
pub(crate) const ELEMENT_ATTRIBUTES: &[(&str, &[&str])] = &[
    ("a", &["href"]),
    ("col", &["span"]),
    ("colgroup", &["span"]),
    ("font", &["color", "face", "size"]),
    ("hr", &["color", "noshade", "size"]),
    ("img", &["alt", "border", "hspace", "src", "vspace"]),
    ("li", &["value"]),
    ("ol", &["reversed", "start", "type"]),
    ("ul", &["type"]),
    ("table", &["border", "cellpadding", "cellspacing"]),
    ("td", &["colspan", "nowrap", "rowspan"]),
    ("th", &["colspan", "nowrap", "rowspan"]),
];

/// Whether an element is kept.
pub(crate) fn is_kept(element: &str) -> bool {
    ELEMENTS.binary_search(&element).is_ok()
}

/// Whether an attribute of an element is kept, both in lower case.
pub(crate) fn has_attribute(element: &str, attribute: &str) -> bool {
    ATTRIBUTES.contains(&attribute)
        || ELEMENT_ATTRIBUTES
            .iter()
            .any(|(name, own)| *name == element && own.contains(&attribute))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h5_the_elements_are_sorted_and_none_runs_or_loads() {
        assert!(ELEMENTS.is_sorted());
        for element in [
            "svg", "math", "script", "style", "form", "input", "button", "iframe", "object",
            "embed", "link", "meta", "base", "template", "title", "textarea", "noscript", "xmp",
            "dialog", "marquee", "map", "area", "details", "video", "audio", "select", "frame",
            "portal", "picture", "source", "body", "html", "head",
        ] {
            assert!(!is_kept(element), "{element}");
        }
    }

    #[test]
    fn h6_no_attribute_names_or_loads_anything_else() {
        for attribute in [
            "id",
            "name",
            "usemap",
            "for",
            "target",
            "rel",
            "srcset",
            "background",
            "cite",
            "longdesc",
            "ping",
            "data-x",
            "aria-label",
            "onclick",
            "is",
            "slot",
            "part",
            "popover",
            "popovertarget",
            "commandfor",
            "command",
            "action",
            "formaction",
            "autofocus",
            "contenteditable",
            "tabindex",
            "accesskey",
            "srcdoc",
            "xlink:href",
            "xmlns",
            "download",
            "itemprop",
            "lowsrc",
            "dynsrc",
            "poster",
            "attributionsrc",
            "fetchpriority",
            "loading",
            "role",
            "hidden",
            "inert",
        ] {
            for element in ELEMENTS {
                assert!(!has_attribute(element, attribute), "{element} {attribute}");
            }
        }
    }
}
