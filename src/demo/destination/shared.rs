//! What the sessions of one destination share: limits, script, ledger.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use storage::model::Clock;
use tokio::sync::watch;

use super::DestinationOptions;
use super::capacity::{Capacity, TokenBucket};
use super::ledger::Ledger;
use super::script::{Action, Fault, Phase, Script};

/// Shared by the handle and all sessions; lives through stops and starts.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) ledger: Ledger,
    /// Open connections.
    pub(super) sessions: AtomicUsize,
    /// Whether the destination is shutting down in order.
    pub(super) closing: watch::Sender<bool>,
    in_flight: Arc<AtomicUsize>,
    limits: Mutex<Limits>,
    script: Mutex<Script>,
    options: DestinationOptions,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct Limits {
    capacity: Capacity,
    bucket: Option<TokenBucket>,
}

/// A transaction's place under the limit of transactions at once; free again when dropped.
#[derive(Debug)]
pub(super) struct InFlight(Arc<AtomicUsize>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Shared {
    pub(super) fn new(options: DestinationOptions, clock: Arc<dyn Clock>) -> Self {
        let limits = Limits {
            capacity: options.capacity,
            bucket: bucket(&options.capacity, clock.monotonic()),
        };
        Self {
            ledger: Ledger::new(options.keep_content),
            sessions: AtomicUsize::new(0),
            closing: watch::Sender::new(false),
            in_flight: Arc::default(),
            limits: Mutex::new(limits),
            script: Mutex::default(),
            options,
            clock,
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Resolves when the destination shuts down.
    pub(super) async fn is_closing(&self) {
        let mut closing = self.closing.subscribe();
        // It cannot fail: the sender lives in here.
        let _ = closing.wait_for(|closing| *closing).await;
    }

    pub(super) fn hostname(&self) -> &str {
        &self.options.hostname
    }

    pub(super) const fn chunking(&self) -> bool {
        self.options.chunking
    }

    pub(super) const fn size_max(&self) -> usize {
        self.options.size_max
    }

    pub(super) fn service_time(&self) -> Duration {
        self.limits().capacity.service_time
    }

    pub(super) fn set_capacity(&self, capacity: Capacity) {
        let bucket = bucket(&capacity, self.now());
        *self.limits() = Limits { capacity, bucket };
    }

    pub(super) fn set_script(&self, faults: Vec<Fault>) {
        self.script().set(faults);
    }

    pub(super) fn take_fault(&self, phase: Phase, recipient: Option<&str>) -> Option<Action> {
        let action = self.script().take(phase, recipient)?;
        self.ledger.faulted();
        Some(action)
    }

    /// Whether this connection, already counted in `sessions`, is within the limit.
    pub(super) fn is_within_connections(&self) -> bool {
        let connections_max = self.limits().capacity.connections_max;
        let open = self.sessions.load(Ordering::Acquire);
        connections_max.is_none_or(|connections_max| open <= connections_max)
    }

    pub(super) fn in_flight_place(&self) -> Option<InFlight> {
        let in_flight_max = self.limits().capacity.in_flight_max.unwrap_or(usize::MAX);
        self.in_flight
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| {
                (count < in_flight_max).then_some(count + 1)
            })
            .ok()?;
        Some(InFlight(Arc::clone(&self.in_flight)))
    }

    pub(super) fn take_token(&self) -> bool {
        let now = self.now();
        let mut limits = self.limits();
        limits.bucket.as_mut().is_none_or(|bucket| bucket.take(now))
    }

    fn limits(&self) -> MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bucket(capacity: &Capacity, now: Duration) -> Option<TokenBucket> {
    capacity.rate.map(|rate| TokenBucket::new(rate, now))
}
