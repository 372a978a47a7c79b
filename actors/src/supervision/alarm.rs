//! One timer of an actor: armed for the earliest of its times, gone with the actor.

use std::time::Duration;

use ractor::{ActorRef, Message};
use tokio::task::AbortHandle;

/// A message to itself at one time. Dropping it disarms it.
#[derive(Debug)]
pub struct Alarm<T> {
    /// When.
    pub at: T,
    handle: AbortHandle,
}

impl<T> Alarm<T> {
    /// Sends the message after `pause`, which ends at `at`.
    pub fn set<M: Message>(
        actor: &ActorRef<M>,
        at: T,
        pause: Duration,
        message: impl Fn() -> M + Send + 'static,
    ) -> Self {
        let handle = actor.send_after(pause, message).abort_handle();
        Self { at, handle }
    }
}

impl<T> Drop for Alarm<T> {
    fn drop(&mut self) {
        self.handle.abort();
    }
}
