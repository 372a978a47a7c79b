//! The node's master key: made at first start, or given by the service manager.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use ring::rand::{SecureRandom, SystemRandom};

use super::{KEY_BYTES, KeyError};

/// First word of the file.
const WORD: &str = "mailhold-master-key";
/// Longest file that can be one, in bytes.
const FILE_BYTES_MAX: u64 = 256;

/// Reads the master key; none when there is no file.
pub(super) fn read(path: &Path) -> Result<Option<[u8; KEY_BYTES]>, KeyError> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(io("reading", path, source)),
    };
    let mut text = String::new();
    file.take(FILE_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|source| io("reading", path, source))?;
    let malformed = |reason| KeyError::Malformed {
        path: path.to_owned(),
        reason,
    };
    let digits = text
        .trim()
        .strip_prefix(WORD)
        .ok_or_else(|| malformed("it does not begin with `mailhold-master-key`"))?
        .trim();
    let key = parse_hex(digits).ok_or_else(|| malformed("64 hexadecimal digits are expected"))?;
    Ok(Some(key))
}

/// Makes a master key durably, readable by its owner only.
pub(super) fn make(path: &Path, random: &SystemRandom) -> Result<[u8; KEY_BYTES], KeyError> {
    let mut key = [0; KEY_BYTES];
    random.fill(&mut key).map_err(|_| KeyError::Random)?;
    let text = format!("{WORD} {}\n", hex(&key));
    write_new(path, text.as_bytes())?;
    Ok(key)
}

/// Writes a file durably and whole: beside its place first, then renamed.
pub(super) fn write_new(path: &Path, content: &[u8]) -> Result<(), KeyError> {
    let unfinished = path.with_extension("unfinished");
    let written = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&unfinished, path)?;
        sync_folder(path)
    };
    written().map_err(|source| io("writing", path, source))
}

/// Makes what was done to names in the folder of a file durable.
pub(super) fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

pub(super) fn io(action: &str, path: &Path, source: std::io::Error) -> KeyError {
    KeyError::Io {
        action: format!("{action} {}", path.display()),
        source,
    }
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Exactly `N` bytes from hexadecimal digits.
pub(super) fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}
