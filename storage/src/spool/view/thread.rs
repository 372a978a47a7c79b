//! Conversations: messages that share a Message-ID among those they name, and the base subject
//! (RFC 8621 §3).

use std::collections::{BTreeMap, BTreeSet};

use super::FoundLine;
use crate::engine::Direction;
use crate::error::SpoolError;
use crate::keyspace::view as keys;
use crate::limits::{THREAD_LINES_MAX, THREAD_NAMES_MAX};
use crate::model::{Line, LineId, Scope};
use crate::spool::Spool;

impl Spool {
    /// The conversation that a message belongs to, oldest first; itself included. Empty when the
    /// message is not there.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn conversation(&self, scope: &Scope, id: LineId) -> Result<Vec<Line>, SpoolError> {
        let Some(window) = self.window(scope).await? else {
            return Ok(Vec::new());
        };
        let Some(first) = self.find_line(&window, id).await? else {
            return Ok(Vec::new());
        };
        let mut lines = BTreeMap::new();
        let mut names = BTreeSet::new();
        let mut open: Vec<FoundLine> = vec![first];
        while let Some(found) = open.pop() {
            if lines.contains_key(&found.id) || lines.len() == THREAD_LINES_MAX {
                continue;
            }
            let Some(line) = Self::opened(&window, std::slice::from_ref(&found)).pop() else {
                continue;
            };
            for name in &line.summary.threads {
                let name = window.sealer.blind(*name);
                if names.len() == THREAD_NAMES_MAX || !names.insert(name) {
                    continue;
                }
                for day in &window.days {
                    let page = self
                        .engine()
                        .scan(
                            keys::keyspace(*day),
                            keys::thread_range(&window.key, name),
                            Direction::Ascending,
                            THREAD_LINES_MAX,
                        )
                        .await?;
                    for (key, _) in page.rows {
                        let Some(id) = keys::parse_id(&key) else {
                            continue;
                        };
                        // The name of a message that was deleted may still be here.
                        open.extend(self.find_line(&window, id).await?);
                    }
                }
            }
            lines.insert(line.id, line);
        }
        Ok(lines.into_values().collect())
    }
}
