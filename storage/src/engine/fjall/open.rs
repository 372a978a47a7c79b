//! Opening a store: the lock first, then what is there, then fjall.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use super::create::{STORE, check_format, create_directory, create_store};
use super::health::Health;
use super::journal;
use super::keyspaces::Keyspaces;
use super::lock::Lock;
use super::options::FjallOptions;
use super::store::{Counters, Store, store_error};
use crate::engine::EngineError;

/// What fjall writes last when it creates a store.
const MARKER: &str = "version";
/// Where fjall keeps its keyspaces in a store.
const KEYSPACES: &str = "keyspaces";

pub(super) fn open(directory: &Path, options: &FjallOptions) -> Result<Store, EngineError> {
    create_directory(directory)?;
    let lock = Arc::new(Lock::take(directory)?);
    let path = directory.join(STORE);
    let exists = path
        .try_exists()
        .map_err(|source| EngineError::io(format!("looking at {}", path.display()), source))?;
    if !exists {
        create_store(directory, options)?;
    }
    check_format(directory)?;
    ensure_complete(&path)?;
    journal::prepare(&path)?;
    if lock.is_tainted()? && journal::rewrite(&path)? {
        lock.clear()?;
    }
    let failed = |error| store_error(format!("opening the store in {}", path.display()), error);
    let database = options.database(&path).open().map_err(failed)?;
    let keyspaces = Keyspaces::open(&database, path.join(KEYSPACES), options.clone())?;
    Ok(Store {
        directory: directory.to_owned(),
        database,
        keyspaces,
        health: Health::new(Arc::clone(&lock)),
        counters: Counters::default(),
        committed: watch::Sender::new(0),
        _lock: lock,
    })
}

/// Refuses a store without fjall's own marker: fjall would begin an empty one in its place.
fn ensure_complete(store: &Path) -> Result<(), EngineError> {
    let marker = store.join(MARKER);
    let action = || format!("looking for {}, which every store has", marker.display());
    match marker.metadata() {
        Ok(_) => Ok(()),
        Err(source) => Err(EngineError::io(action(), source)),
    }
}
