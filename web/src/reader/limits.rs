//! Bounds of what the reader serves.

use std::time::Duration;

/// How long the address of an image is good for (H13).
pub const CAPABILITY_LIFETIME: Duration = Duration::from_secs(900);
/// Octets of the address of a remote image in a capability.
pub const REMOTE_URL_MAX: usize = 4 * 1024;
/// Octets of an image that is served.
pub const IMAGE_BYTES_MAX: usize = 25 * 1024 * 1024;
/// Files in one archive.
pub const ARCHIVE_FILES_MAX: usize = 1_000;
/// Pieces of an archive that wait for a slow reader.
pub const ARCHIVE_PIECES_WAITING_MAX: usize = 8;
