//! Reading everything, to find damage before somebody needs the row.

use std::cell::OnceCell;

use bytes::Bytes;
use fjall::{Guard, Keyspace, Readable, Snapshot};

use super::store::{Store, read_error};
use crate::engine::{CheckReport, EngineError, Inspected, Inspector, KeyspaceId};

impl Store {
    pub(super) fn check(&self, inspect: Inspector) -> Result<CheckReport, EngineError> {
        let (snapshot, keyspaces) = self.keyspaces.snapshot(&self.database);
        let mut check = Check {
            inspect,
            report: CheckReport::default(),
        };
        for (id, keyspace) in keyspaces {
            check.keyspace(id, &keyspace, &snapshot)?;
        }
        Ok(check.report)
    }
}

struct Check {
    inspect: Inspector,
    report: CheckReport,
}

/// Why a row could not be shown.
enum Unreadable {
    /// The row is there, its value is not.
    Value(Bytes, EngineError),
    /// The tree itself is damaged: which rows are there is not known.
    Tree(EngineError),
}

impl Check {
    /// Walks forwards to the first damage of the tree, then backwards to the last. Rows between the
    /// two cannot be reached.
    fn keyspace(
        &mut self,
        id: KeyspaceId,
        keyspace: &Keyspace,
        snapshot: &Snapshot,
    ) -> Result<(), EngineError> {
        let Some(stopped_behind) = self.walk(id, snapshot.iter(keyspace))? else {
            return Ok(());
        };
        let first_behind = (
            std::ops::Bound::Excluded(stopped_behind),
            std::ops::Bound::Unbounded,
        );
        self.walk(id, snapshot.range::<Bytes, _>(keyspace, first_behind).rev())?;
        Ok(())
    }

    /// Shows rows until the tree is damaged; then the last key before that.
    fn walk(
        &mut self,
        id: KeyspaceId,
        rows: impl Iterator<Item = Guard>,
    ) -> Result<Option<Bytes>, EngineError> {
        let mut last = Bytes::new();
        for row in rows {
            match open(id, &last, row) {
                Ok((key, value)) => {
                    self.report.rows += 1;
                    self.report.bytes += (key.len() + value.len()) as u64;
                    (self.inspect)(Inspected::Row {
                        keyspace: id,
                        key: &key,
                        value: &value,
                    });
                    last = key;
                }
                Err(Unreadable::Value(key, error)) => {
                    self.damaged(id, &key, error)?;
                    last = key;
                }
                Err(Unreadable::Tree(error)) => {
                    self.damaged(id, &last, error)?;
                    return Ok(Some(last));
                }
            }
        }
        Ok(None)
    }

    /// Reports damage; an error that is none ends the check.
    fn damaged(
        &mut self,
        id: KeyspaceId,
        key: &Bytes,
        error: EngineError,
    ) -> Result<(), EngineError> {
        let EngineError::Corrupt { reason, .. } = &error else {
            return Err(error);
        };
        self.report.corrupt += 1;
        (self.inspect)(Inspected::Corrupt {
            keyspace: id,
            key,
            reason,
        });
        Ok(())
    }
}

fn open(id: KeyspaceId, last: &Bytes, row: Guard) -> Result<(Bytes, Bytes), Unreadable> {
    let found = OnceCell::new();
    // The key is shown before the value is fetched.
    let opened = row.into_inner_if(|key| {
        let _ = found.set(Bytes::from(key.clone()));
        true
    });
    match (opened, found.into_inner()) {
        (Ok((key, value)), _) => Ok((key.into(), value.map(Bytes::from).unwrap_or_default())),
        (Err(error), Some(key)) => Err(Unreadable::Value(key.clone(), read_error(id, key, error))),
        (Err(error), None) => Err(Unreadable::Tree(read_error(id, last.clone(), error))),
    }
}
