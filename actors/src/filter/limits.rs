//! Bounds of the filter, each with the section or the reason it comes from.

use std::time::Duration;

/// Parts of a message; one that has more is refused.
pub const PARTS_MAX: u32 = 1_000;
/// Levels of parts inside parts; a message that goes deeper is refused.
pub const NESTING_MAX: u32 = 50;
/// Addresses of `From` that are looked at.
pub const AUTHORS_MAX: usize = 32;
/// Terms of all SPF records of one sender that may ask the DNS (RFC 7208 §4.6.4).
pub const SPF_LOOKUPS_MAX: u32 = 10;
/// Of those, answers that may say "nothing there" (RFC 7208 §4.6.4).
pub const SPF_VOIDS_MAX: u32 = 2;
/// Mail exchangers of one `mx`, and names of one `ptr`, that are looked at (RFC 7208 §4.6.4).
pub const SPF_NAMES_MAX: usize = 10;
/// DKIM signatures of one message that are verified.
pub const SIGNATURES_MAX: usize = 10;
/// Public keys that are looked up for one message, DKIM and ARC together.
pub const KEYS_MAX: usize = 20;
/// Bits of an RSA key, at least (RFC 8301 §3.2).
pub const RSA_BITS_MIN: usize = 1_024;
/// Questions about DMARC records for one message (RFC 9989 §4.10 allows eight a walk).
pub const DMARC_QUERIES_MAX: usize = 8;
/// Time for SPF, for all keys, and for the policy of the author's domain, side by side (RFC 7208 §4.6.4 asks for at least 20 s).
pub const LOOKUPS_TIMEOUT: Duration = Duration::from_secs(20);
/// Time for the name of a client, which its first message waits for.
pub const CLIENT_NAME_TIMEOUT: Duration = Duration::from_secs(2);
/// Time for the organisational domains of the other names.
pub const ALIGNMENT_TIMEOUT: Duration = Duration::from_secs(10);
