//! Making a store: complete under another name first, then renamed, so that a store that is there
//! is whole.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use fjall::{Database, PersistMode};

use super::options::FjallOptions;
use super::store::store_error;
use crate::engine::{BackupReport, EngineError, KeyspaceId};

/// Name of the store in a data directory.
pub(super) const STORE: &str = "store";
/// Name of a store that is being made; one that is found was never used.
const UNFINISHED: &str = "store.new";
/// Name of the file in a store that says which format its rows have.
const FORMAT: &str = "format";
/// What the format file begins with.
const FORMAT_NAME: &str = "mailhold-store";
/// The format of keyspaces and options that this program writes. Rows carry versions of their own.
const FORMAT_KNOWN: u32 = 1;

/// Makes an empty store in a data directory that has none.
pub(super) fn create_store(directory: &Path, options: &FjallOptions) -> Result<(), EngineError> {
    let (unfinished, database) = begin(directory, options)?;
    finish(directory, &unfinished, database)
}

/// Makes a store with the given rows, each keyspace in the order of its keys, in a directory that
/// is absent or empty.
pub(in crate::engine) fn write_store<R, K>(
    directory: &Path,
    keyspaces: K,
) -> Result<BackupReport, EngineError>
where
    R: Iterator<Item = Result<(Bytes, Bytes), EngineError>>,
    K: Iterator<Item = (KeyspaceId, R)>,
{
    create_directory(directory)?;
    let in_use = fs::read_dir(directory)
        .map_err(|source| EngineError::io(format!("reading {}", directory.display()), source))?
        .next();
    if in_use.is_some() {
        return Err(EngineError::io(
            format!("writing a backup to {}", directory.display()),
            io::ErrorKind::DirectoryNotEmpty.into(),
        ));
    }
    let options = FjallOptions::default();
    let (unfinished, database) = begin(directory, &options)?;
    let mut report = BackupReport::default();
    for (id, rows) in keyspaces {
        let mut rows = rows.peekable();
        if rows.peek().is_none() {
            continue;
        }
        let failed = |error| store_error(format!("writing {id} to {}", directory.display()), error);
        let keyspace = database
            .keyspace(&id.name(), || options.keyspace(id))
            .map_err(failed)?;
        let mut ingestion = keyspace.start_ingestion().map_err(failed)?;
        for row in rows {
            let (key, value) = row?;
            report.rows += 1;
            report.bytes += (key.len() + value.len()) as u64;
            ingestion.write(key, value).map_err(failed)?;
        }
        ingestion.finish().map_err(failed)?;
    }
    finish(directory, &unfinished, database)?;
    Ok(report)
}

/// Refuses a store that this program does not know, without touching it.
pub(super) fn check_format(directory: &Path) -> Result<(), EngineError> {
    const SHOWN_CHARS_MAX: usize = 40;
    let path = directory.join(STORE).join(FORMAT);
    let content = match fs::read(&path) {
        Ok(content) => content,
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(source) => {
            return Err(EngineError::io(
                format!("reading {}", path.display()),
                source,
            ));
        }
    };
    let content = String::from_utf8_lossy(&content);
    let content = content.trim_end();
    let version = content
        .strip_prefix(FORMAT_NAME)
        .and_then(|rest| rest.trim_start().parse::<u32>().ok());
    if version == Some(FORMAT_KNOWN) {
        return Ok(());
    }
    let found = match version {
        Some(version) => version.to_string(),
        None if content.is_empty() => "none (no format file)".to_owned(),
        None => format!(
            "{:?}",
            content.chars().take(SHOWN_CHARS_MAX).collect::<String>()
        ),
    };
    Err(EngineError::Format {
        directory: directory.to_owned(),
        found,
        known: FORMAT_KNOWN,
    })
}

/// Makes a directory that only its owner may enter, durably; one that is there is left as it is.
pub(crate) fn create_directory(directory: &Path) -> Result<(), EngineError> {
    if directory.is_dir() {
        return Ok(());
    }
    let create = || {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
        sync_directory(directory.parent().unwrap_or(Path::new("/")))
    };
    create().map_err(|source| EngineError::io(format!("creating {}", directory.display()), source))
}

/// Makes the names in a directory durable.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    let directory = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    File::open(directory)?.sync_all()
}

fn begin(directory: &Path, options: &FjallOptions) -> Result<(PathBuf, Database), EngineError> {
    let unfinished = directory.join(UNFINISHED);
    match fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let action = format!("removing {}", unfinished.display());
            return Err(EngineError::io(action, error));
        }
        _ => {}
    }
    let database = options.database(&unfinished).open();
    let action = format!("creating a store in {}", directory.display());
    let database = database.map_err(|error| store_error(action, error))?;
    Ok((unfinished, database))
}

fn finish(directory: &Path, unfinished: &Path, database: Database) -> Result<(), EngineError> {
    let failed = |source| EngineError::io(format!("finishing {}", unfinished.display()), source);
    database
        .persist(PersistMode::SyncAll)
        .map_err(|error| store_error(format!("syncing {}", unfinished.display()), error))?;
    drop(database);
    let mark = || {
        let mut format = File::create(unfinished.join(FORMAT))?;
        writeln!(format, "{FORMAT_NAME} {FORMAT_KNOWN}")?;
        format.sync_all()?;
        sync_directory(unfinished)?;
        fs::rename(unfinished, directory.join(STORE))?;
        sync_directory(directory)
    };
    mark().map_err(failed)
}
