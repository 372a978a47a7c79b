//! Keeping what is whole of damaged journals.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::{examine, list};
use crate::engine::EngineError;
use crate::engine::fjall::create::{STORE, check_format, create_directory, sync_directory};
use crate::engine::fjall::lock::Lock;

/// Where damaged journals go, in the data directory.
const SET_ASIDE: &str = "set-aside";

/// What was done to the journals of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Journals that were damaged; empty when all were whole.
    pub journals: Vec<RecoveredJournal>,
}

/// A journal that was written anew from its whole records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveredJournal {
    /// The journal.
    pub file: PathBuf,
    /// The journal as it was found.
    pub set_aside: PathBuf,
    /// Records kept.
    pub records_kept: u64,
    /// Bytes of the damaged file that are not part of a whole record, zeroes at its end included.
    pub bytes_left: u64,
}

/// Writes every damaged journal of a data directory anew with the records that are whole, and sets
/// the damaged file aside. What was in the other records is lost, acknowledged or not. Blocks.
///
/// # Errors
/// [`EngineError::Locked`] while the store is open, [`EngineError::Format`] for a store that this
/// program does not know, [`EngineError::Io`] when a file cannot be read or written; the journal it
/// names is then as it was.
pub fn recover_journals(data_directory: &Path) -> Result<RecoveryReport, EngineError> {
    let _lock = Lock::take(data_directory)?;
    check_format(data_directory)?;
    let mut report = RecoveryReport::default();
    for file in list(&data_directory.join(STORE))? {
        let content = fs::read(&file)
            .map_err(|source| EngineError::io(format!("reading {}", file.display()), source))?;
        let examined = examine(&content);
        if examined.is_clean() {
            continue;
        }
        let whole: Vec<&[u8]> = examined.whole_frames(&content).collect();
        let kept_bytes: usize = whole.iter().map(|run| run.len()).sum();
        let set_aside = replace(data_directory, &file, &whole)?;
        report.journals.push(RecoveredJournal {
            file,
            set_aside,
            records_kept: examined.frames(),
            bytes_left: (content.len() - kept_bytes) as u64,
        });
    }
    Ok(report)
}

/// Replaces a journal in one step by one with these frames; where the old one is now.
fn replace(data_directory: &Path, file: &Path, frames: &[&[u8]]) -> Result<PathBuf, EngineError> {
    let folder = data_directory.join(SET_ASIDE);
    create_directory(&folder)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let mut taken = 0_u32;
    let set_aside = loop {
        let candidate = folder.join(format!("{name}.{taken}"));
        if !candidate.exists() {
            break candidate;
        }
        taken += 1;
    };
    let replace = || {
        let unfinished = file.with_extension("rewritten");
        let mut rewritten = File::create(&unfinished)?;
        for run in frames {
            rewritten.write_all(run)?;
        }
        rewritten.sync_all()?;
        // A second name for the damaged file, so that the journal is there at every moment.
        fs::hard_link(file, &set_aside)?;
        sync_directory(&folder)?;
        fs::rename(&unfinished, file)?;
        sync_directory(file.parent().unwrap_or(data_directory))
    };
    replace().map_err(|source| EngineError::io(format!("rewriting {}", file.display()), source))?;
    Ok(set_aside)
}
