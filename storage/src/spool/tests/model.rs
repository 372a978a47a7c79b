//! Random histories against a model that is too simple to be wrong.
//!
//! The model is a list of recipients, each in exactly one place. After every step the ledger adds
//! up, at the end the rows say the same as the counters, and a check of the store finds nothing.

mod steps;

use std::time::Duration;

use proptest::prelude::*;

use steps::{Model, Place, Step, outcome, steps};

use crate::engine::{Engine, MemoryEngine};
use crate::model::{AsideKind, Counters, DomainId, QueueEntry, Sequence, Timestamp};
use crate::spool::testing::{audit, clock, destination, message};
use crate::spool::{
    NewDisposition, NewDomain, RecipientOutcome, Settled, Settlement, Spool, SpoolOptions,
};

struct Run {
    engine: MemoryEngine,
    spool: Spool,
    model: Model,
    /// The model as of the last synced commit.
    durable: Model,
    syncs: u64,
    made: usize,
    old: Vec<QueueEntry>,
}

impl Run {
    async fn new() -> Self {
        let engine = MemoryEngine::new();
        let spool = open(&engine).await;
        for name in ["x.example", "y.example"] {
            let new = NewDomain::new(name.parse().unwrap(), vec![destination()]);
            spool.add_domain(new, audit()).await.unwrap();
        }
        Self {
            engine,
            spool,
            model: Model::new(),
            durable: Model::new(),
            syncs: 0,
            made: 0,
            old: Vec::new(),
        }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Accept { x, y, quarantine } => self.accept(x, y, quarantine).await,
            Step::Settle {
                domain,
                nth,
                outcomes,
            } => self.settle(domain, nth, &outcomes).await,
            Step::SettleOld { domain, nth } => self.settle_old(domain, nth).await,
            Step::Release { domain, nth } => self.depart(domain, nth, true).await,
            Step::Delete { domain, nth } => self.depart(domain, nth, false).await,
            Step::SetAside { domain, nth } => {
                if let Some(entry) = self.open_entry(domain, nth).await {
                    self.place(&entry, Place::Aside(AsideKind::Corrupt));
                    let kind = AsideKind::Corrupt;
                    self.spool.set_aside(entry, kind, "damaged").await.unwrap();
                }
            }
            Step::Sweep => self.sweep().await,
            Step::Restart => {
                self.spool = open(&self.engine).await;
                // Copies do not outlive the process.
                self.old.clear();
            }
            Step::PowerCut => {
                self.engine.lose_unsynced();
                self.spool = open(&self.engine).await;
                self.old.clear();
                self.model = self.durable.clone();
            }
        }
        let syncs = self.engine.stats().await.unwrap().syncs;
        if syncs > self.syncs {
            self.syncs = syncs;
            self.durable = self.model.clone();
        }
    }

    async fn accept(&mut self, x: usize, y: usize, quarantine: bool) {
        let mut parts: Vec<(u32, Vec<String>)> = Vec::new();
        for (domain, name, count) in [(1, "x", x), (2, "y", y)] {
            let addresses: Vec<_> = (0..count)
                .map(|_| {
                    self.made += 1;
                    format!("r{}@{name}.example", self.made)
                })
                .collect();
            if count > 0 {
                parts.push((domain, addresses));
            }
        }
        let paths: Vec<Vec<&str>> = parts
            .iter()
            .map(|(_, addresses)| addresses.iter().map(String::as_str).collect())
            .collect();
        let to: Vec<(u32, &[&str])> = parts
            .iter()
            .zip(&paths)
            .map(|((domain, _), paths)| (*domain, paths.as_slice()))
            .collect();
        let mut new = message(&self.spool, b"body", &to).await;
        let quarantined = quarantine.then_some(2);
        for entry in &mut new.entries {
            if Some(entry.domain.0) == quarantined {
                entry.disposition = NewDisposition::Quarantine {
                    reason: "unsafe".to_owned(),
                };
            }
        }
        if to.is_empty() {
            assert!(self.spool.accept(new).await.is_err());
            return;
        }
        self.spool.accept(new).await.unwrap();
        for (domain, addresses) in parts {
            let place = if Some(domain) == quarantined {
                Place::Aside(AsideKind::Quarantined)
            } else {
                Place::Queued
            };
            for address in addresses {
                self.model.insert((domain, address), place);
            }
        }
    }

    async fn open_entry(&self, domain: u32, nth: usize) -> Option<QueueEntry> {
        let entries = open_entries(&self.spool, DomainId(domain)).await;
        entries.into_iter().nth(nth)
    }

    fn place(&mut self, entry: &QueueEntry, place: Place) {
        for (_, state) in entry.open_recipients() {
            let key = (entry.domain.0, state.recipient.path.to_string());
            self.model.insert(key, place);
        }
    }

    async fn settle(&mut self, domain: u32, nth: usize, choices: &[u8]) {
        let Some(entry) = self.open_entry(domain, nth).await else {
            return;
        };
        self.old.push(entry.clone());
        let now = self.spool.clock().now();
        let mut outcomes = Vec::new();
        for ((index, state), choice) in entry.open_recipients().zip(choices.iter().cycle()) {
            let (outcome, place) = outcome(*choice, now);
            let key = (domain, state.recipient.path.to_string());
            self.model.insert(key, place);
            outcomes.push((index, outcome));
        }
        let settlement = Settlement {
            entry,
            outcomes,
            notices: Vec::new(),
        };
        let settled = self.spool.settle(settlement).await.unwrap();
        assert_ne!(settled, Settled::Stale);
    }

    async fn settle_old(&mut self, domain: u32, nth: usize) {
        let of_domain = |entry: &&QueueEntry| entry.domain.0 == domain;
        let Some(entry) = self.old.iter().filter(of_domain).nth(nth).cloned() else {
            return;
        };
        let now = self
            .spool
            .entry(entry.domain, entry.sequence)
            .await
            .unwrap();
        if now.is_some_and(|now| now.revision == entry.revision) {
            return; // It is not old after all.
        }
        let outcomes = entry
            .open_recipients()
            .map(|(index, _)| (index, RecipientOutcome::Removed))
            .collect();
        let settlement = Settlement {
            entry,
            outcomes,
            notices: Vec::new(),
        };
        let settled = self.spool.settle(settlement).await.unwrap();
        assert_eq!(settled, Settled::Stale);
    }

    async fn depart(&mut self, domain: u32, nth: usize, release: bool) {
        let page = self.spool.aside_page(DomainId(domain), None, 100).await;
        let Some(aside) = page.unwrap().into_iter().nth(nth) else {
            return;
        };
        let entry = aside.entry.unwrap();
        if release {
            self.place(&entry, Place::Queued);
            let released = self
                .spool
                .release_aside(entry.domain, aside.sequence, audit())
                .await;
            assert!(released.unwrap() > aside.sequence);
        } else {
            if aside.kind != AsideKind::Expired {
                self.place(&entry, Place::Removed);
            }
            self.spool
                .delete_aside(entry.domain, aside.sequence, audit())
                .await
                .unwrap();
        }
    }

    async fn sweep(&mut self) {
        let later = self.spool.clock().now();
        let later = later.saturating_add(Duration::from_secs(31 * 86_400));
        self.spool.sweep_aside(later, 1_000).await.unwrap();
        for place in self.model.values_mut() {
            if *place == Place::Aside(AsideKind::Parked) {
                *place = Place::Failed;
            } else if *place == Place::Aside(AsideKind::Quarantined) {
                *place = Place::Aside(AsideKind::Expired);
            }
        }
    }

    fn expected(&self, domain: u32) -> Counters {
        let mut counters = Counters::default();
        for place in self.model.iter().filter(|(key, _)| key.0 == domain) {
            counters.accepted += 1;
            *match place.1 {
                Place::Queued => &mut counters.queued,
                Place::Aside(AsideKind::Parked | AsideKind::Corrupt) => &mut counters.parked,
                Place::Aside(AsideKind::Quarantined) => &mut counters.quarantined,
                Place::Aside(AsideKind::Expired) => &mut counters.expired,
                Place::Delivered => &mut counters.delivered,
                Place::Failed => &mut counters.failed,
                Place::Removed => &mut counters.removed,
            } += 1;
        }
        counters
    }

    fn ledger_holds(&self) {
        for domain in [1, 2] {
            let counters = self.spool.counters(DomainId(domain));
            assert_eq!(counters.difference(), 0);
            let expected = Counters {
                queued_bytes: counters.queued_bytes,
                ..self.expected(domain)
            };
            assert_eq!(counters, expected, "domain {domain}");
        }
    }

    /// Every recipient that the model has here is in exactly one row, of the right kind.
    async fn everything_is_in_one_place(&self) {
        for domain in [1, 2] {
            let id = DomainId(domain);
            let mut found = Model::new();
            let mut insert = |entry: &QueueEntry, place| {
                for (_, state) in entry.open_recipients() {
                    let key = (domain, state.recipient.path.to_string());
                    assert_eq!(found.insert(key, place), None, "in two places");
                }
            };
            for entry in open_entries(&self.spool, id).await {
                insert(&entry, Place::Queued);
                let body = self.spool.body(&entry).next().await.unwrap().unwrap();
                assert_eq!(body, "body");
            }
            for aside in self.spool.aside_page(id, None, 1_000).await.unwrap() {
                let entry = aside.entry.unwrap();
                insert(&entry, Place::Aside(aside.kind));
                let body = self.spool.body(&entry).next().await.unwrap().unwrap();
                assert_eq!(body, "body");
            }
            let here = self.model.iter().filter(|(key, place)| {
                // What has expired may have been deleted or swept since.
                let gone = Place::Aside(AsideKind::Expired);
                let here = matches!(place, Place::Queued | Place::Aside(_));
                key.0 == domain && here && **place != gone
            });
            for (key, place) in here {
                assert_eq!(found.get(key), Some(place), "{key:?}");
            }
            let counters = self.spool.counters(id);
            assert_eq!(self.spool.recount(id).await.unwrap(), counters);
        }
        assert_eq!(self.spool.check().await.unwrap().problems, []);
    }
}

async fn open(engine: &MemoryEngine) -> Spool {
    let engine = std::sync::Arc::new(engine.clone());
    Spool::on_engine(engine, SpoolOptions::default(), clock())
        .await
        .unwrap()
}

/// Both lanes, each read in pages of two.
async fn open_entries(spool: &Spool, domain: DomainId) -> Vec<QueueEntry> {
    let mut all = Vec::new();
    let mut after: Option<Sequence> = None;
    loop {
        let page = spool.queue_page(domain, after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.sequence);
        all.extend(page);
    }
    let deferred = spool.deferred_page(domain, None, 1_000).await.unwrap();
    let end = Timestamp::from_millis(u64::MAX);
    let due = spool.deferred_due(domain, end, 1_000).await.unwrap();
    assert_eq!(due.len(), deferred.len());
    all.extend(deferred);
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// D7, S23: accepted = delivered + queued + quarantined + parked + failed + expired + removed,
    /// at every step, through restarts and power cuts.
    #[test]
    fn the_ledger_adds_up_and_everybody_is_in_one_place(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut run = Run::new().await;
            for step in steps {
                run.step(step).await;
                run.ledger_holds();
            }
            run.everything_is_in_one_place().await;
            run.step(Step::Restart).await;
            run.ledger_holds();
            run.everything_is_in_one_place().await;
        });
    }
}
