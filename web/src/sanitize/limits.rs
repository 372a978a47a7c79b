//! Bounds of the HTML pipeline, all checked before or while a message is read (H3, H9, H10).

use std::time::Duration;

/// Bytes of decoded HTML; a longer part is shown as text. Ordinary newsletters have 30 to 150 KiB.
pub const HTML_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Elements open at one time; a parser takes quadratic time on deep nesting.
pub const NESTING_MAX: usize = 256;
/// Tags in one part, opening and closing ones.
pub const TAGS_MAX: usize = 20_000;
/// Character references and stray angles in the text of one part: a parser stops at each.
pub const REFERENCES_MAX: usize = 100_000;
/// Attributes of one tag; duplicates are found by comparing each with each.
pub const ATTRIBUTES_MAX: usize = 256;
/// Bytes of one attribute that is not an inline image.
pub const ATTRIBUTE_BYTES_MAX: usize = 64 * 1024;
/// Bytes of one `data:` image as written, which is base64: 1 MiB of image.
pub const DATA_IMAGE_BYTES_MAX: usize = 1_400_000;
/// Bytes of all `data:` images of a part as written: 8 MiB of images.
pub const DATA_IMAGES_BYTES_MAX: usize = 11_200_000;
/// Bytes of style sheets taken from a part; what is beyond is ignored.
pub const STYLE_BYTES_MAX: usize = 128 * 1024;
/// Style rules kept from a part, those inside `@media` included.
pub const STYLE_RULES_MAX: usize = 2_000;
/// Images of a part that get an address of their own.
pub const IMAGES_MAX: usize = 1_000;
/// Links of a part whose warnings are reported.
pub const LINK_WARNINGS_MAX: usize = 20;
/// Hosts of remote images that are named to the reader.
pub const IMAGE_HOSTS_MAX: usize = 20;
/// Time from the start of a run to the text view in its place.
pub const RUN_TIMEOUT: Duration = Duration::from_secs(2);
/// Runs at one time: one message must not keep the cores from everybody else.
pub const RUNS_AT_ONCE_MAX: usize = 4;
