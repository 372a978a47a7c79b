//! Commits that share one batch and one sync.

use std::collections::HashMap;

use bytes::Bytes;

use super::store::Store;
use super::writer::{Answer, Commit};
use crate::engine::{Durability, EngineError, KeyspaceId, Write};

/// Commits that are written together.
pub(super) struct Group {
    /// At most one write per key: rows of one batch share one sequence number, so fjall could not
    /// tell which of two came later.
    pub(super) rows: Vec<Write>,
    /// Where in `rows` a key stands.
    places: HashMap<(KeyspaceId, Bytes), usize>,
    pub(super) durability: Durability,
    pub(super) bytes: u64,
    pub(super) answers: Vec<Waiting>,
}

pub(super) struct Waiting {
    pub(super) answer: Answer<()>,
    /// Set when the commit is not part of the group.
    pub(super) refused: Option<EngineError>,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            places: HashMap::new(),
            durability: Durability::Buffer,
            bytes: 0,
            answers: Vec::new(),
        }
    }
}

impl Group {
    /// Takes a commit in, unless a precondition of it does not hold.
    pub(super) fn add(&mut self, store: &Store, commit: Commit) {
        self.bytes += commit.weight;
        let broken = commit.preconditions.into_iter().find_map(|wanted| {
            match self.current(store, wanted.keyspace, &wanted.key) {
                Ok(current) if current == wanted.expected => None,
                Ok(_) => Some(EngineError::Precondition {
                    keyspace: wanted.keyspace,
                    key: wanted.key,
                }),
                Err(unreadable) => Some(unreadable),
            }
        });
        if broken.is_none() {
            self.durability = self.durability.max(commit.durability);
            for write in commit.writes {
                self.stage(write);
            }
        }
        self.answers.push(Waiting {
            answer: commit.answer,
            refused: broken,
        });
    }

    /// A row as the commits before this one leave it.
    fn current(
        &self,
        store: &Store,
        keyspace: KeyspaceId,
        key: &Bytes,
    ) -> Result<Option<Bytes>, EngineError> {
        let staged = self.places.get(&(keyspace, key.clone()));
        match staged.and_then(|place| self.rows.get(*place)) {
            Some(row) => Ok(row.value.clone()),
            None => store.get(keyspace, key),
        }
    }

    fn stage(&mut self, write: Write) {
        let place = *self
            .places
            .entry((write.keyspace, write.key.clone()))
            .or_insert(self.rows.len());
        match self.rows.get_mut(place) {
            Some(earlier) => *earlier = write,
            None => self.rows.push(write),
        }
    }
}
