//! Real sockets under a clock that only the test moves.
//!
//! tokio's paused clock jumps to the next timer as soon as nothing can run, and bytes that the
//! kernel is still carrying do not count as something. Here it is kept from jumping, and time passes
//! in steps; before each step everything that is under way on loopback has arrived and been answered.
//! So deadlines of ten minutes cost nothing, and a slow machine misses none.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

/// Round trips in a row without anything happening, after which nothing is under way.
const QUIET: u32 = 8;
/// Round trips after which whatever goes on never ends.
const NEVER: u32 = 200_000;
/// The first step of a wait; each is a little longer than the one before.
const STEP_MIN: Duration = Duration::from_millis(2);
/// Shorter than every deadline that is looked at.
const STEP_MAX: Duration = Duration::from_secs(1);

/// Counts what happens at the peers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Activity(Arc<AtomicU64>);

impl Activity {
    /// Something was read, written, opened or closed.
    pub(crate) fn note(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The clock. Time stands still between two calls.
pub(crate) struct Still {
    activity: Activity,
    /// A connection of our own: what was sent before its bytes has arrived when they have.
    pulse: Mutex<(TcpStream, TcpStream)>,
    passed: Cell<Duration>,
    step_max: Cell<Duration>,
    /// As long as it lives, a blocking task does, and as long as one does, no timer is jumped to.
    _awake: std::sync::mpsc::Sender<()>,
}

impl Still {
    /// Stops the clock of a runtime that was started paused.
    pub(crate) async fn new() -> Self {
        let (awake, asleep) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || {
            // An error is the end of the test.
            let _ = asleep.recv();
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap());
        let (near, far) = tokio::join!(near, listener.accept());
        let (near, (far, _)) = (near.unwrap(), far.unwrap());
        near.set_nodelay(true).unwrap();
        Self {
            activity: Activity::default(),
            pulse: Mutex::new((near, far)),
            passed: Cell::default(),
            step_max: Cell::new(STEP_MAX),
            _awake: awake,
        }
    }

    /// For peers, to say that something happens.
    pub(crate) fn activity(&self) -> Activity {
        self.activity.clone()
    }

    /// Lets time pass in steps of at most this length, for who has to know when something was.
    pub(crate) fn step_by(&self, step_max: Duration) {
        self.step_max.set(step_max);
    }

    /// How much time has passed.
    pub(crate) fn passed(&self) -> Duration {
        self.passed.get()
    }

    /// Lets everything happen that needs no time.
    pub(crate) async fn settle(&self) {
        let mut pulse = self.pulse.lock().await;
        let (near, far) = &mut *pulse;
        let (mut quiet, mut last) = (0, self.activity.count());
        for _ in 0..NEVER {
            near.write_all(b".").await.unwrap();
            far.read_exact(&mut [0]).await.unwrap();
            tokio::task::yield_now().await;
            let count = self.activity.count();
            quiet = if count == last { quiet + 1 } else { 0 };
            last = count;
            if quiet >= QUIET {
                return;
            }
        }
        panic!("what goes on never ends");
    }

    /// Lets time pass until `done`; answers how much, and fails with `explain` after `within`.
    pub(crate) async fn until(
        &self,
        within: Duration,
        done: impl Fn() -> bool,
        explain: impl Fn() -> String,
    ) -> Duration {
        let begun = self.passed();
        let mut step = STEP_MIN;
        loop {
            self.settle().await;
            let elapsed = self.passed() - begun;
            if done() {
                return elapsed;
            }
            assert!(elapsed < within, "not within {within:?}: {}", explain());
            tokio::time::advance(step).await;
            self.passed.set(self.passed() + step);
            step = (step * 5 / 4).min(self.step_max.get());
        }
    }

    /// Lets this much time pass, whatever happens.
    pub(crate) async fn pass(&self, span: Duration) {
        let end = self.passed() + span;
        let over = || self.passed() >= end;
        self.until(span + STEP_MAX, over, String::new).await;
    }
}
