//! Limits of mail that users write.

/// Recipients of one message: what a stolen account may reach at once (RFC 5321 §4.5.3.1.8 asks
/// for 100 at the least of those who receive).
pub const RECIPIENTS_MAX: usize = 200;
/// Octets of one address field of the form.
pub const ADDRESS_FIELD_BYTES_MAX: usize = 32 * 1024;
/// Characters of a subject; what is longer is cut before it is folded (RFC 5322 §2.1.1).
pub const SUBJECT_CHARS_MAX: usize = 500;
/// Octets of the text one writes, quotes included.
pub const TEXT_BYTES_MAX: usize = 1024 * 1024;
/// Ids in `References`: the first and the newest are kept (RFC 5322 §3.6.4 sets no limit, lines do).
pub const REFERENCES_MAX: usize = 20;
/// Octets of text that is quoted from the message one answers.
pub const QUOTE_BYTES_MAX: usize = 64 * 1024;
/// How deep quotes may nest; deeper ones are left out.
pub const QUOTE_DEPTH_MAX: usize = 10;
