//! The keyspaces that exist, by identifier.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use fjall::{Database, Keyspace, Snapshot};

use super::create::sync_directory;
use super::options::FjallOptions;
use super::store::store_error;
use crate::engine::{DayKind, EngineError, KeyspaceId};

/// Rows of the engine itself; not a [`KeyspaceId`], because nobody else may write there.
const INTERNAL: &str = "engine";

/// Handles of every keyspace of a store. Only the writer thread adds and removes.
pub(super) struct Keyspaces {
    open: RwLock<BTreeMap<KeyspaceId, Keyspace>>,
    internal: Keyspace,
    folder: PathBuf,
    options: FjallOptions,
}

impl Keyspaces {
    /// Finds the keyspaces of an opened database.
    pub(super) fn open(
        database: &Database,
        folder: PathBuf,
        options: FjallOptions,
    ) -> Result<Self, EngineError> {
        let failed =
            |error| store_error(format!("opening keyspaces in {}", folder.display()), error);
        let mut open = BTreeMap::new();
        for name in database.list_keyspace_names() {
            let Some(keyspace) = KeyspaceId::from_name(&name) else {
                if &*name != INTERNAL {
                    tracing::warn!(keyspace = &*name, "left alone a keyspace nobody here knows");
                }
                continue;
            };
            let handle = database
                .keyspace(&name, || options.keyspace(keyspace))
                .map_err(failed)?;
            open.insert(keyspace, handle);
        }
        let internal = database
            .keyspace(INTERNAL, || options.keyspace(KeyspaceId::Meta))
            .map_err(failed)?;
        Ok(Self {
            open: RwLock::new(open),
            internal,
            folder,
            options,
        })
    }

    /// The handle of a keyspace; `None` when nothing was ever written to it.
    pub(super) fn get(&self, keyspace: KeyspaceId) -> Option<Keyspace> {
        self.read().get(&keyspace).cloned()
    }

    /// The handle of a keyspace, which is created durably when it is not there.
    pub(super) fn get_or_create(
        &self,
        database: &Database,
        keyspace: KeyspaceId,
    ) -> Result<Keyspace, fjall::Error> {
        if let Some(found) = self.get(keyspace) {
            return Ok(found);
        }
        let handle = database.keyspace(&keyspace.name(), || self.options.keyspace(keyspace))?;
        // fjall syncs what stands inside of the new folder; its name stands here.
        sync_directory(&self.folder)?;
        self.write(|open| open.insert(keyspace, handle.clone()));
        Ok(handle)
    }

    /// Takes a keyspace out, so that nobody finds it any more.
    pub(super) fn remove(&self, keyspace: KeyspaceId) -> Option<Keyspace> {
        self.write(|open| open.remove(&keyspace))
    }

    /// Rows of the engine itself.
    pub(super) const fn internal(&self) -> &Keyspace {
        &self.internal
    }

    /// The days of one kind, oldest first.
    pub(super) fn days(&self, kind: DayKind) -> Vec<u32> {
        let of_kind = |keyspace: &KeyspaceId| match keyspace {
            KeyspaceId::Day { kind: found, day } if *found == kind => Some(*day),
            _ => None,
        };
        self.read().keys().filter_map(of_kind).collect()
    }

    /// Every keyspace as of now.
    pub(super) fn all(&self) -> Vec<(KeyspaceId, Keyspace)> {
        self.read().clone().into_iter().collect()
    }

    /// Every keyspace and a view of their rows as of one moment: no keyspace comes or goes between
    /// the two.
    pub(super) fn snapshot(&self, database: &Database) -> (Snapshot, Vec<(KeyspaceId, Keyspace)>) {
        let open = self.read();
        (database.snapshot(), open.clone().into_iter().collect())
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<KeyspaceId, Keyspace>> {
        // No statement under this lock leaves the map half changed.
        self.open.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write<T>(&self, change: impl FnOnce(&mut BTreeMap<KeyspaceId, Keyspace>) -> T) -> T {
        change(&mut self.open.write().unwrap_or_else(PoisonError::into_inner))
    }
}
