//! A style sheet with the rules that are allowed (H10).

use std::collections::HashSet;

use cssparser::{
    AtRuleParser, CowRcStr, ParseError, Parser, ParserState, QualifiedRuleParser, StyleSheetParser,
};

use super::{ImageAddresses, Rejected, Result, declarations, media, reject, selector};
use crate::sanitize::limits::STYLE_RULES_MAX;

/// What is left of the style sheets of a part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sheet {
    /// The rules in canonical form.
    pub(crate) text: String,
    /// Classes that a kept rule names, as the mail calls them.
    pub(crate) classes: HashSet<String>,
}

/// Filters the text of the style sheets of a part.
pub(crate) fn filter_sheet(style: &str, images: &dyn ImageAddresses) -> Sheet {
    let mut rules = Rules {
        images,
        classes: HashSet::new(),
        count: 0,
        nested: false,
    };
    let mut input = Parser::new(style);
    let text = rules.read(&mut input);
    // Nothing that is written can hold one; were it otherwise, the sheet would end early.
    if text.contains('<') {
        return Sheet::default();
    }
    Sheet {
        text,
        classes: rules.classes,
    }
}

struct Rules<'a> {
    images: &'a dyn ImageAddresses,
    classes: HashSet<String>,
    count: usize,
    nested: bool,
}

impl Rules<'_> {
    fn read(&mut self, input: &mut Parser<'_>) -> String {
        StyleSheetParser::new(input, self)
            .filter_map(std::result::Result::ok)
            .collect()
    }
}

impl<'i> QualifiedRuleParser<'i> for Rules<'_> {
    type Prelude = (String, HashSet<String>);
    type QualifiedRule = String;
    type Error = Rejected;

    fn parse_prelude(&mut self, input: &mut Parser<'i>) -> Result<Self::Prelude> {
        let mut classes = HashSet::new();
        let selectors = selector::filter(input, &mut classes)?;
        Ok((selectors, classes))
    }

    fn parse_block(
        &mut self,
        (selectors, classes): Self::Prelude,
        _start: &ParserState,
        input: &mut Parser<'i>,
    ) -> Result<String> {
        self.count += 1;
        if self.count > STYLE_RULES_MAX {
            return reject();
        }
        let declarations = declarations(input, self.images);
        if declarations.is_empty() {
            return Ok(String::new());
        }
        self.classes.extend(classes);
        Ok(format!("{selectors}{{{declarations}}}\n"))
    }
}

impl<'i> AtRuleParser<'i> for Rules<'_> {
    type Prelude = String;
    type AtRule = String;
    type Error = Rejected;

    fn parse_prelude(
        &mut self,
        name: CowRcStr<'i>,
        input: &mut Parser<'i>,
    ) -> std::result::Result<String, ParseError<Rejected>> {
        if self.nested || !name.eq_ignore_ascii_case("media") {
            return reject();
        }
        media::filter(input)
    }

    fn parse_block(
        &mut self,
        query: String,
        _start: &ParserState,
        input: &mut Parser<'i>,
    ) -> Result<String> {
        self.nested = true;
        let rules = self.read(input);
        self.nested = false;
        if rules.is_empty() {
            return Ok(rules);
        }
        Ok(format!("@media {query}{{{rules}}}\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::OneImage;
    use super::*;

    #[test]
    fn h10_plain_rules_and_three_kinds_of_media_are_kept() {
        for (style, wanted) in [
            ("p{color:red}", "p{color:red}\n"),
            (
                ".a .b > td:first-child, A:HOVER{color:red}",
                ".m-a .m-b>td:first-child,a:hover{color:red}\n",
            ),
            ("#x, p{color:red}", "p{color:red}\n"),
            (
                "@media (max-width:600px){.c{width:100%!important}}",
                "@media (max-width:600px){.m-c{width:100% !important}\n}\n",
            ),
            (
                "@media only screen and (max-width: 480px), print{p{color:red}}",
                "@media only screen and (max-width:480px),print{p{color:red}\n}\n",
            ),
            ("<!-- p{color:red} -->", "p{color:red}\n"),
            ("@import url(x);p{color:red}", "p{color:red}\n"),
            ("@font-face{src:url(x)}p{color:red}", "p{color:red}\n"),
            ("p{position:fixed;color:red}", "p{color:red}\n"),
            ("p{color:red;b{color:blue}}", "p{color:red}\n"),
        ] {
            assert_eq!(filter_sheet(style, &OneImage).text, wanted, "{style}");
        }
    }

    #[test]
    fn h10_everything_else_goes() {
        for style in [
            "#x{color:red}",
            "[href^='a']{color:red}",
            "p:visited{color:red}",
            "p::before{color:red}",
            "p:has(a){color:red}",
            "p+a{color:red}",
            "p~a{color:red}",
            "svg{color:red}",
            "@import 'x';",
            "@namespace x 'y';",
            "@supports (x:y){p{color:red}}",
            "@media (min-resolution:2dppx){p{color:red}}",
            "@media (width<9px){p{color:red}}",
            "@media print{@media print{p{color:red}}}",
            "@layer x{p{color:red}}",
            "@container (x:y){p{color:red}}",
            "@keyframes x{from{color:red}}",
            "@page{color:red}",
            "@charset 'utf-7';",
            "@property --x{syntax:'*'}",
            "p{}",
            ".\\3c{color:red}",
            ">p{color:red}",
            "p>{color:red}",
            "@media{p{color:red}}",
            "input{color:red}",
            "@scope (p){p{color:red}}",
        ] {
            assert_eq!(filter_sheet(style, &OneImage).text, "", "{style}");
        }
    }

    #[test]
    fn h10_rules_have_a_limit() {
        let style = "p{color:red}".repeat(STYLE_RULES_MAX + 50);
        let sheet = filter_sheet(&style, &OneImage);
        assert_eq!(sheet.text.lines().count(), STYLE_RULES_MAX);
    }

    #[test]
    fn h6_classes_are_those_of_kept_rules() {
        let sheet = filter_sheet(
            ".a{color:red} .b{position:fixed} .c#d{color:red}",
            &OneImage,
        );
        assert_eq!(sheet.classes, HashSet::from(["a".to_owned()]));
    }
}
