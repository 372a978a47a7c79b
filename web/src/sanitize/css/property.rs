//! The properties that mail may set (H9): text, box, border, background, table, list.

/// What a property's value may hold beyond ordinary tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Keywords, numbers, lengths, colours.
    Plain,
    /// The same and `url()` of an image.
    Image,
    /// The same and quoted names of fonts.
    Font,
    /// One of [`DISPLAYS`].
    Display,
}

/// Values of `display`.
pub(super) const DISPLAYS: &[&str] = &[
    "block",
    "inline",
    "inline-block",
    "list-item",
    "none",
    "table",
    "table-cell",
    "table-row",
];

/// Properties with plain values.
const PLAIN: &[&str] = &[
    "background-clip",
    "background-color",
    "background-origin",
    "background-position",
    "background-repeat",
    "background-size",
    "border",
    "border-bottom",
    "border-bottom-color",
    "border-bottom-left-radius",
    "border-bottom-right-radius",
    "border-bottom-style",
    "border-bottom-width",
    "border-collapse",
    "border-color",
    "border-left",
    "border-left-color",
    "border-left-style",
    "border-left-width",
    "border-radius",
    "border-right",
    "border-right-color",
    "border-right-style",
    "border-right-width",
    "border-spacing",
    "border-style",
    "border-top",
    "border-top-color",
    "border-top-left-radius",
    "border-top-right-radius",
    "border-top-style",
    "border-top-width",
    "border-width",
    "box-sizing",
    "caption-side",
    "clear",
    "color",
    "direction",
    "empty-cells",
    "float",
    "font-size",
    "font-style",
    "font-variant",
    "font-weight",
    "height",
    "letter-spacing",
    "line-height",
    "list-style",
    "list-style-position",
    "list-style-type",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "max-height",
    "max-width",
    "min-height",
    "min-width",
    "overflow",
    "overflow-wrap",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "table-layout",
    "text-align",
    "text-decoration",
    "text-indent",
    "text-transform",
    "vertical-align",
    "white-space",
    "width",
    "word-break",
    "word-spacing",
    "word-wrap",
];

/// What the value of a property may hold; none when the property is not allowed.
pub(super) fn rule(name: &str) -> Option<Rule> {
    match name {
        "background" | "background-image" => Some(Rule::Image),
        "font" | "font-family" => Some(Rule::Font),
        "display" => Some(Rule::Display),
        _ => PLAIN.binary_search(&name).is_ok().then_some(Rule::Plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h9_the_list_is_sorted() {
        assert!(PLAIN.is_sorted());
        assert_eq!(DISPLAYS.len(), 8);
    }
}
