//! The service that lets messages leave when their time has come.
//!
//! It keeps no state: the store says what is due, a hint or the next time wakes it.

use std::time::Duration;

use storage::model::{OutboxEntry, Timestamp};

use super::departure::Departure;
use crate::supervision::{ChildSpec, ServiceError, Stopping};

/// How long it sleeps at most: a lost hint costs no more than this.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);
/// Before a message that could not leave is tried again, and how that grows.
const AGAIN_AFTER: Duration = Duration::from_secs(30);
/// The longest of these pauses.
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(3600);

/// The service as a child of the tree.
#[must_use]
pub fn child_spec(departure: Departure) -> ChildSpec {
    ChildSpec::service("outbox", move |stopping| run(departure.clone(), stopping))
}

async fn run(departure: Departure, mut stopping: Stopping) -> Result<(), ServiceError> {
    let spool = departure.spool().clone();
    loop {
        let now = spool.clock().now();
        let (due, next) = spool.outbox_due(now).await?;
        for entry in &due {
            leave(&departure, entry).await?;
        }
        let wait = wait(now, next, !due.is_empty());
        tokio::select! {
            biased;
            () = stopping.requested() => return Ok(()),
            () = spool.outbox_changed() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Until the next message leaves; no time at all while there may be more of those that are due.
fn wait(now: Timestamp, next: Option<Timestamp>, more: bool) -> Duration {
    match next {
        _ if more => Duration::ZERO,
        Some(next) => next.saturating_since(now).min(LOOK_INTERVAL),
        None => LOOK_INTERVAL,
    }
}

async fn leave(departure: &Departure, entry: &OutboxEntry) -> Result<(), ServiceError> {
    let error = match departure.leave(entry).await {
        Ok(true) => {
            tracing::info!(queue.id = %entry.id, message.recipients = entry.recipients.len(), "a message of a user has left");
            return Ok(());
        }
        Ok(false) => return Ok(()),
        Err(error) => error,
    };
    tracing::warn!(queue.id = %entry.id, %error, "a message of a user could not leave");
    let spool = departure.spool();
    let at = spool.clock().now().saturating_add(pause(entry.attempts));
    spool.send_again(entry, error.to_string(), at).await?;
    Ok(())
}

fn pause(attempts: u32) -> Duration {
    let pause = AGAIN_AFTER.saturating_mul(1_u32.checked_shl(attempts).unwrap_or(u32::MAX));
    pause.min(AGAIN_AFTER_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c27_it_wakes_when_the_next_message_leaves() {
        let now = Timestamp::from_secs(100);
        let at = |secs| Some(Timestamp::from_secs(secs));
        assert_eq!(wait(now, at(110), false), Duration::from_secs(10));
        assert_eq!(wait(now, at(90), false), Duration::ZERO);
        assert_eq!(wait(now, at(9_000), false), LOOK_INTERVAL);
        assert_eq!(wait(now, None, false), LOOK_INTERVAL);
        assert_eq!(wait(now, None, true), Duration::ZERO);
    }

    #[test]
    fn pauses_grow_to_an_hour() {
        assert_eq!(pause(0), Duration::from_secs(30));
        assert_eq!(pause(2), Duration::from_secs(120));
        assert_eq!(pause(31), AGAIN_AFTER_MAX);
        assert_eq!(pause(u32::MAX), AGAIN_AFTER_MAX);
    }
}
