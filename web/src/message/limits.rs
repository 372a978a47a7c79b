//! Bounds of a message as it is shown, checked before it is parsed.

/// MIME parts of a message.
pub const PARTS_MAX: usize = 1_000;
/// Parts inside parts, nested messages included.
pub const PART_DEPTH_MAX: usize = 50;
/// Octets of one header section, that of the message or of a part.
pub const HEADER_BYTES_MAX: usize = 256 * 1024;
/// Fields of one header section that are shown.
pub const HEADER_FIELDS_SHOWN_MAX: usize = 500;
/// Characters of one field that are shown.
pub const HEADER_CHARS_MAX: usize = 4_000;
/// Addresses of one field that are shown.
pub const ADDRESSES_MAX: usize = 500;
/// Octets of a text part that are shown; the rest is in the download.
pub const TEXT_SHOWN_MAX: usize = 256 * 1024;
/// Octets of the source that are shown; the rest is in the download.
pub const SOURCE_SHOWN_MAX: usize = 1024 * 1024;
/// Levels of quoting that are drawn; deeper ones are drawn as the last.
pub const QUOTE_DEPTH_MAX: usize = 10;
/// Octets of a calendar part that are read.
pub const CALENDAR_BYTES_MAX: usize = 64 * 1024;
/// Events of a calendar part that are read.
pub const CALENDAR_EVENTS_MAX: usize = 20;
/// Octets of a file name.
pub const FILENAME_BYTES_MAX: usize = 255;
