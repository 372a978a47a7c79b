//! Writing journals anew after a failed sync: what is read may stand in the kernel's memory only.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use super::examine::without_zeroes_behind;
use super::list;
use crate::engine::EngineError;
use crate::engine::fjall::create::sync_directory;

/// Replaces every journal of a store by a copy that is synced. `false` when there is no room for
/// that: mail can still be delivered, and the next start tries again.
pub(in crate::engine::fjall) fn rewrite(store: &Path) -> Result<bool, EngineError> {
    for file in list(store)? {
        let unfinished = file.with_extension("rewritten");
        match copy(&file, &unfinished) {
            Ok(()) => tracing::warn!(
                journal = %file.display(),
                "wrote a journal anew: the process before saw a write or a sync fail"
            ),
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                tracing::error!(journal = %file.display(), "no room to write a journal anew");
                // Best effort; the next attempt begins with an empty one.
                let _ = fs::remove_file(&unfinished);
                return Ok(false);
            }
            Err(source) => {
                let action = format!("writing {} anew", file.display());
                return Err(EngineError::io(action, source));
            }
        }
    }
    Ok(true)
}

fn copy(file: &Path, unfinished: &Path) -> io::Result<()> {
    let content = fs::read(file)?;
    let mut copy = File::create(unfinished)?;
    copy.write_all(without_zeroes_behind(&content))?;
    // Journals are created filled with zeroes.
    copy.set_len(content.len() as u64)?;
    copy.sync_all()?;
    fs::rename(unfinished, file)?;
    sync_directory(file.parent().unwrap_or(Path::new("/")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn journals_are_new_files_with_the_same_content() {
        let store = tempfile::tempdir().unwrap();
        let content = [b"records".as_slice(), &[0; 9000]].concat();
        let journals = ["7.jnl", "8.jnl"].map(|name| store.path().join(name));
        let other = store.path().join("manifest");
        for file in journals.iter().chain([&other]) {
            fs::write(file, &content).unwrap();
        }
        let inode = |file: &Path| fs::metadata(file).unwrap().ino();
        let before = [&journals[0], &journals[1], &other].map(|file| inode(file));
        assert!(rewrite(store.path()).unwrap());
        for (file, before) in journals.iter().zip(before) {
            assert_ne!(inode(file), before);
            assert_eq!(fs::read(file).unwrap(), content);
        }
        assert_eq!(inode(&other), before[2]);
        assert_eq!(fs::read_dir(store.path()).unwrap().count(), 3);
    }
}
