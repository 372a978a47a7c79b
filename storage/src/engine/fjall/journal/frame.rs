//! One frame of a journal of fjall 3: a batch.
//!
//! ```text
//! start   1, count u32, sequence number u64
//! item    2, type u8, compression u8, keyspace u64, key length u16, length u32, stored length u32, key, value
//! clear   4, keyspace u64
//! end     3, xxh3 of all items and clears u64, "FJL" 3
//! ```
//!
//! All numbers are little-endian; `count` items and clears stand between start and end.

use xxhash_rust::xxh3::xxh3_64;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const TRAILER: [u8; 4] = *b"FJL\x03";

/// Start of a frame: what every frame begins with.
pub(super) const FIRST_BYTE: u8 = START;

/// Bytes whose checksum costs about as much as the header of an item.
const CHECKSUM_BYTES_PER_STEP: usize = 64;

/// Length in bytes of the frame that `content` begins with; `None` when there is no whole one, or
/// when `steps` are used up: each item is one.
pub(super) fn whole_frame(content: &[u8], steps: &mut usize) -> Option<usize> {
    let mut cursor = Cursor(content);
    if cursor.byte()? != START {
        return None;
    }
    let count = u32::from_le_bytes(cursor.array()?);
    let _sequence_number = cursor.take(8)?;
    let items = cursor.0;
    for _ in 0..count {
        *steps = steps.checked_sub(1)?;
        skip_item(&mut cursor)?;
    }
    let items = items.get(..items.len() - cursor.0.len())?;
    if cursor.byte()? != END {
        return None;
    }
    let checksum = u64::from_le_bytes(cursor.array()?);
    if cursor.array()? != TRAILER {
        return None;
    }
    *steps = steps.checked_sub(items.len() / CHECKSUM_BYTES_PER_STEP)?;
    (checksum == xxh3_64(items)).then(|| content.len() - cursor.0.len())
}

fn skip_item(cursor: &mut Cursor<'_>) -> Option<()> {
    match cursor.byte()? {
        ITEM => {
            // Value, deletion, weak deletion; no compression, because we ask for none.
            let (kind, compression) = (cursor.byte()?, cursor.byte()?);
            if kind > 2 || compression != 0 {
                return None;
            }
            let _keyspace = cursor.take(8)?;
            let key_length = u16::from_le_bytes(cursor.array()?);
            let length = u32::from_le_bytes(cursor.array()?);
            let stored_length = u32::from_le_bytes(cursor.array()?);
            if length != stored_length {
                return None;
            }
            cursor.take(usize::from(key_length))?;
            cursor.take(usize::try_from(stored_length).ok()?)?;
        }
        CLEAR => {
            cursor.take(8)?;
        }
        _ => return None,
    }
    Some(())
}

/// What is left to read.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const LENGTH: usize>(&mut self) -> Option<[u8; LENGTH]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }
}
