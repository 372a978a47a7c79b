//! One pass of ammonia with our lists and our filters (H5, H6, H11).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ammonia::{Builder, UrlRelative};

use super::attribute::{self, Context};
use super::vocabulary::{ATTRIBUTES, DROPPED_WHOLE, ELEMENT_ATTRIBUTES, ELEMENTS};

/// Parses, filters and writes a body.
pub(crate) fn clean(html: &str, context: &Arc<Context>) -> String {
    let context = Arc::clone(context);
    let mut dropped: HashSet<&str> = DROPPED_WHOLE.iter().copied().collect();
    dropped.extend([
        "script", "style", "title", "textarea", "iframe", "noembed", "noframes", "xmp",
    ]);
    let attributes: HashMap<&str, HashSet<&str>> = ELEMENT_ATTRIBUTES
        .iter()
        .map(|(element, attributes)| (*element, attributes.iter().copied().collect()))
        .collect();
    let mut builder = Builder::empty();
    builder
        .tags(ELEMENTS.iter().copied().collect())
        .clean_content_tags(dropped)
        .generic_attributes(ATTRIBUTES.iter().copied().collect())
        .tag_attributes(attributes)
        // Schemes are judged by `attribute`, with the element and its purpose in view.
        .url_schemes(["http", "https", "mailto", "tel", "cid", "data"].into())
        .url_relative(UrlRelative::PassThrough)
        .set_tag_attribute_value("a", "target", "_blank")
        .link_rel(Some("noopener noreferrer nofollow"))
        .strip_comments(true)
        .attribute_filter(move |element, name, value| {
            attribute::filter(&context, element, name, value).map(Cow::Owned)
        });
    builder.clean(html).to_string()
}
