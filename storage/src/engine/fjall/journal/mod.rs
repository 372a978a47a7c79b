//! Reading fjall's journals before fjall does.
//!
//! fjall ends a journal at the first frame that it cannot read, without an error and whatever stands
//! behind it: one flipped bit in the middle would lose acknowledged records. So every journal is
//! read here first ([`prepare`]). A bad end is what a crash leaves, and is cut; a bad frame with good
//! ones behind it is damage, and stops the start until somebody says that what is whole is enough
//! ([`recover_journals`]).
//!
//! Not found: damage that looks like an end (the last frames of a journal replaced by zeroes), and a
//! changed sequence number, which fjall's checksum does not cover.

mod examine;
mod frame;
mod recover;
mod rewrite;

use std::path::{Path, PathBuf};

use crate::engine::{EngineError, JournalDamage};
use examine::{Examined, examine};

pub use recover::{RecoveredJournal, RecoveryReport, recover_journals};
pub(super) use rewrite::rewrite;

/// Ending of the names of journals.
const EXTENSION: &str = "jnl";

/// Makes the journals of a store fit to be opened: cuts torn ends, refuses damage.
pub(super) fn prepare(store: &Path) -> Result<(), EngineError> {
    let mut bad = Vec::new();
    let mut good_behind = 0;
    let mut searched_all = true;
    for (file, examined) in examine_all(store)? {
        good_behind += if bad.is_empty() {
            examined.frames_behind()
        } else {
            examined.frames()
        };
        searched_all &= examined.searched_all();
        if !examined.is_clean() {
            bad.push((file, examined.whole_end()));
        }
    }
    if let Some((file, offset)) = bad.first()
        && (good_behind > 0 || !searched_all)
    {
        return Err(EngineError::DamagedJournal(JournalDamage {
            file: file.clone(),
            offset: *offset,
            good_behind,
        }));
    }
    for (file, end) in bad {
        cut(&file, end)?;
    }
    Ok(())
}

/// Every journal of a store, oldest first, and what stands in it.
fn examine_all(store: &Path) -> Result<Vec<(PathBuf, Examined)>, EngineError> {
    let read = |file: PathBuf| {
        let content = std::fs::read(&file)
            .map_err(|source| EngineError::io(format!("reading {}", file.display()), source))?;
        Ok((file, examine(&content)))
    };
    list(store)?.into_iter().map(read).collect()
}

/// The journals of a store, oldest first.
fn list(store: &Path) -> Result<Vec<PathBuf>, EngineError> {
    let failed = |source| EngineError::io(format!("reading {}", store.display()), source);
    let mut journals = Vec::new();
    for entry in std::fs::read_dir(store).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if let Some(number) = number(&path) {
            journals.push((number, path));
        }
    }
    journals.sort();
    Ok(journals.into_iter().map(|(_, path)| path).collect())
}

/// Whether a file is a journal by its name.
pub(super) fn is_journal(path: &Path) -> bool {
    number(path).is_some()
}

/// The place of a journal in their order.
fn number(path: &Path) -> Option<u64> {
    path.extension().filter(|found| *found == EXTENSION)?;
    path.file_stem()?.to_str()?.parse().ok()
}

fn cut(file: &Path, end: u64) -> Result<(), EngineError> {
    let cut = || {
        let journal = std::fs::OpenOptions::new().write(true).open(file)?;
        journal.set_len(end)?;
        journal.sync_all()
    };
    tracing::warn!(
        journal = %file.display(),
        end,
        "cut the torn end of a journal: a record that was not acknowledged"
    );
    cut().map_err(|source| EngineError::io(format!("cutting {}", file.display()), source))
}

#[cfg(test)]
mod tests;
