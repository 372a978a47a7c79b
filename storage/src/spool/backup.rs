//! A consistent copy of everything that survives, while it runs; and the first start of a copy.
//!
//! What is queued in a copy may have been delivered after the copy was made. So a copy says that it
//! is one, and its first start puts every domain on hold: nothing is sent again before somebody has
//! decided what happens to it (Q26).

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::Spool;
use crate::engine::{BackupReport, EngineError};
use crate::error::{ChangeError, SpoolError};
use crate::model::{Actor, AuditRow, DomainName, Hold};

/// The file that says that a data directory is a copy, and of when.
const MARK: &str = "restored";

impl Spool {
    /// Writes a consistent copy of the store and of the bodies beside it while it runs; the copy
    /// can be used as a data directory, whose domains are all on hold then. It gets its name when it is complete: until then, and after
    /// a failure, what is there is called `<directory>.unfinished`.
    ///
    /// # Errors
    /// [`SpoolError::Engine`], also when `directory` exists and is not empty.
    pub async fn backup(&self, directory: PathBuf) -> Result<BackupReport, SpoolError> {
        let mut name = directory.clone().into_os_string();
        name.push(".unfinished");
        let unfinished = PathBuf::from(name);
        // A file that the copy names must not be used again before it is copied.
        let _freeing = match &self.inner.files {
            Some(files) => Some(files.freeing.lock().await),
            None => None,
        };
        let mut report = self.engine().backup(unfinished.clone()).await?;
        report.bytes += self.copy_files(unfinished.clone()).await?;
        let made_at = self.clock().now().rfc3339();
        let finish = tokio::task::spawn_blocking(move || {
            let renamed = finish(&unfinished, &directory, &made_at);
            renamed.map_err(|source| EngineError::Io {
                action: format!("naming the backup {}", directory.display()),
                source,
            })
        });
        let ended = |ended| EngineError::Io {
            action: "naming the backup".to_owned(),
            source: std::io::Error::other(ended),
        };
        finish.await.map_err(ended)??;
        Ok(report)
    }

    /// Puts every domain on hold when the data directory is a copy that was never used.
    pub(super) async fn hold_restored(&self, data_directory: &Path) -> Result<(), ChangeError> {
        let mark = data_directory.join(MARK);
        let failed = |source| EngineError::Io {
            action: format!("the mark of a backup, {}", mark.display()),
            source,
        };
        let made_at = match tokio::fs::read_to_string(&mark).await {
            Ok(made_at) => made_at,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error).into()),
        };
        let reason = format!(
            "restored from a backup of {}: mail may have been delivered since",
            made_at.trim_end()
        );
        let directory = self.directory();
        let domains = directory.domains();
        for domain in &domains {
            self.hold_one(&domain.name, &reason).await?;
        }
        tracing::warn!(
            domains = domains.len(),
            reason,
            "all domains are on hold until they are released"
        );
        let done = mark.clone();
        let forgotten = tokio::task::spawn_blocking(move || forget(&done)).await;
        let forgotten = forgotten.unwrap_or_else(|ended| Err(std::io::Error::other(ended)));
        Ok(forgotten.map_err(failed)?)
    }

    async fn hold_one(&self, name: &DomainName, reason: &str) -> Result<(), ChangeError> {
        let since = self.clock().now();
        let audit = AuditRow {
            at: since,
            actor: Actor::System {
                part: "restore".to_owned(),
            },
            action: "domain.hold".to_owned(),
            subject: name.to_string(),
            detail: reason.to_owned(),
        };
        let hold = Hold {
            reason: reason.to_owned(),
            by: "restore".to_owned(),
            since,
            until: None,
        };
        self.update_domain(name, |domain| domain.hold = Some(hold), audit)
            .await?;
        Ok(())
    }
}

fn forget(mark: &Path) -> std::io::Result<()> {
    std::fs::remove_file(mark)?;
    std::fs::File::open(mark.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn finish(unfinished: &Path, directory: &Path, made_at: &str) -> std::io::Result<()> {
    let mut mark = std::fs::File::create(unfinished.join(MARK))?;
    writeln!(mark, "{made_at}")?;
    mark.sync_all()?;
    std::fs::File::open(unfinished)?.sync_all()?;
    std::fs::rename(unfinished, directory)?;
    let parent = directory
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    std::fs::File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
