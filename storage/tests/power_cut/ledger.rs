//! What a child has said, and whether the store agrees.

use std::collections::BTreeSet;
use std::path::Path;

use bytes::BytesMut;
use storage::model::MessageId;

use crate::child::{self, Said};
use crate::sample::Failure;

const PAGE: usize = 256;

/// Everything the children of one store have said.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    acknowledged: BTreeSet<MessageId>,
    settling: BTreeSet<MessageId>,
    settled: BTreeSet<MessageId>,
}

/// What does not agree. All of it empty is what the test is about.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Acknowledged and not there.
    pub(crate) lost: Vec<MessageId>,
    /// There again although their end had been synced.
    pub(crate) back: Vec<MessageId>,
    /// There with another body, or without.
    pub(crate) damaged: Vec<MessageId>,
    /// What the store itself finds wrong.
    pub(crate) problems: Vec<String>,
}

impl Ledger {
    pub(crate) fn note(&mut self, said: Said) {
        match said {
            Said::Acknowledged(id) => self.acknowledged.insert(id),
            Said::Settling(id) => self.settling.insert(id),
            Said::Settled(id) => self.settled.insert(id),
            Said::Refused => false,
        };
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    /// Opens the store and compares. What is no longer there is forgotten, so that the next round
    /// expects what this one has found.
    pub(crate) async fn compare(&mut self, directory: &Path) -> Result<Found, Failure> {
        let spool = child::open(directory).await?;
        let mut found = Found::default();
        let mut there = BTreeSet::new();
        for domain in spool.directory().domains() {
            let mut after = None;
            loop {
                let page = spool.queue_page(domain.id, after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.sequence);
                for entry in page {
                    there.insert(entry.message);
                    let mut body = BytesMut::new();
                    let mut reader = spool.body(&entry);
                    let whole = loop {
                        match reader.next().await {
                            Ok(Some(part)) => body.extend_from_slice(&part),
                            Ok(None) => break body == child::body(entry.message),
                            Err(_) => break false,
                        }
                    };
                    if !whole {
                        found.damaged.push(entry.message);
                    }
                }
            }
            let counters = spool.counters(domain.id);
            let recounted = spool.recount(domain.id).await?;
            if counters.difference() != 0 || counters != recounted {
                let problem = format!("the ledger says {counters:?}, the rows {recounted:?}");
                found.problems.push(problem);
            }
        }
        let check = spool.check().await?;
        let problems = check.problems.iter().map(|problem| format!("{problem:?}"));
        found.problems.extend(problems);
        spool.shutdown().await?;

        let owed = self.acknowledged.difference(&self.settling);
        found.lost = owed.filter(|id| !there.contains(id)).copied().collect();
        found.back = self.settled.intersection(&there).copied().collect();
        self.acknowledged = &there - &self.settled;
        self.settling.retain(|id| there.contains(id));
        Ok(found)
    }
}
