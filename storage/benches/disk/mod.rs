//! What a store takes on its disk, for benchmarks.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// What the files of a directory occupy, in bytes. A file that goes meanwhile counts as gone.
pub(crate) fn occupied(directory: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => occupied(&entry.path()),
            Ok(data) => data.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}
