//! Looks at all domains, and keeps what it saw in the store.
//!
//! A history is written when an outage begins, ends or has drained, and once a minute while one goes
//! on; a crash of ours loses no more than a minute of its figures.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use storage::model::DomainId;
use storage::spool::{Spool, SpoolError};

use super::history::History;
use crate::status::StatusBoard;

/// The histories of all domains.
#[derive(Debug)]
pub(crate) struct OutageWatch {
    spool: Spool,
    board: StatusBoard,
    /// Only of domains that have had an outage or trouble.
    histories: HashMap<DomainId, History>,
    /// What an earlier run noted has been read for these.
    known: HashSet<DomainId>,
}

impl OutageWatch {
    pub(crate) fn new(spool: Spool, board: StatusBoard) -> Self {
        Self {
            spool,
            board,
            histories: HashMap::new(),
            known: HashSet::new(),
        }
    }

    /// One look at every domain.
    pub(crate) async fn look(&mut self) -> Result<(), SpoolError> {
        let domains = self.spool.directory().domains();
        let now = self.spool.clock().now();
        for domain in &domains {
            if self.known.insert(domain.id) {
                self.load(domain.id).await?;
            }
            let counters = self.spool.counters(domain.id);
            let status = self.board.domain(domain, &counters, now);
            let mut history = self.histories.remove(&domain.id).unwrap_or_default();
            let before = history.outages();
            let changed = history.look(&status, now);
            if changed {
                self.keep(domain.id, &history).await?;
            }
            if changed || before != history.outages() {
                self.board.publish_outages(domain.id, history.outages());
            }
            if history != History::default() {
                self.histories.insert(domain.id, history);
            }
        }
        let is_there = |id: &DomainId| domains.iter().any(|domain| domain.id == *id);
        if self.known.len() > domains.len() {
            self.known.retain(&is_there);
            self.histories.retain(|id, _| is_there(id));
        }
        Ok(())
    }

    /// Keeps what goes on.
    pub(crate) async fn save(&self) -> Result<(), SpoolError> {
        for (domain, history) in &self.histories {
            let last = history.outages().pop();
            if last.is_some_and(|last| last.drained_at.is_none()) {
                self.keep(*domain, history).await?;
            }
        }
        Ok(())
    }

    async fn load(&mut self, domain: DomainId) -> Result<(), SpoolError> {
        let record = self.spool.load_learned(&name(domain)).await?;
        // A record that cannot be read begins anew.
        let history = record.and_then(|record| postcard::from_bytes::<History>(&record).ok());
        if let Some(history) = history.filter(|history| !history.is_empty()) {
            self.board.publish_outages(domain, history.outages());
            self.histories.insert(domain, history);
        }
        Ok(())
    }

    async fn keep(&self, domain: DomainId, history: &History) -> Result<(), SpoolError> {
        // A record of numbers and texts can always be written.
        let record = postcard::to_stdvec(history).unwrap_or_default();
        let record = Bytes::from(record);
        self.spool.save_learned(&name(domain), record).await
    }
}

/// The record's name among what is learnt.
fn name(domain: DomainId) -> String {
    format!("outages/{}", domain.0)
}
