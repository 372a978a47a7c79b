//! From a complete message to its durable rows: the last step before the 250.

use std::time::Duration;

use storage::model::ReversePath;
use storage::spool::{BodyWriter, IntakeState, NewMessage, SpoolError};

use super::intake::Intake;
use super::recipients;
use crate::continuity::{self, Sample};
use crate::metrics;
use crate::smtp::server::{Commit, Submission};

/// Makes a message durable. [`Commit::Stored`] means that it is on disk (IN10, Q1).
///
/// A filter judges here, between the complete message and its entries: it sees envelope, header and
/// body before anything is committed, and its verdict becomes a refusal or the entries' disposition.
pub(super) async fn commit(
    intake: &Intake,
    session: u64,
    submission: Submission,
    body: Option<BodyWriter>,
    sample: Option<Sample>,
) -> Commit {
    let clock = intake.clock();
    let started = clock.monotonic();
    let id = submission.id;
    let recipients = submission.envelope.recipients.len();
    match store(intake, submission, body, sample).await {
        Ok(size_bytes) => {
            let took = clock.monotonic().saturating_sub(started);
            metrics::message_accepted(size_bytes, took);
            tracing::info!(
                queue.id = %id,
                session.id = session,
                message.size_bytes = size_bytes,
                message.recipients = recipients,
                duration_ms = millis(took),
                "message accepted"
            );
            Commit::Stored
        }
        Err(error) => {
            metrics::message_failed();
            tracing::error!(queue.id = %id, session.id = session, %error, "message not stored");
            match intake.spool().intake() {
                IntakeState::Full | IntakeState::Critical => Commit::Full,
                _ => Commit::Failed,
            }
        }
    }
}

/// Why a message was not stored.
#[derive(Debug, thiserror::Error)]
enum StoreError {
    #[error("its body could not be written")]
    NoBody,
    #[error("a recipient's domain was removed meanwhile")]
    DomainGone,
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

async fn store(
    intake: &Intake,
    submission: Submission,
    body: Option<BodyWriter>,
    sample: Option<Sample>,
) -> Result<u64, StoreError> {
    let Submission {
        id,
        envelope,
        facts,
        ..
    } = submission;
    let spool = intake.spool();
    let host = &intake.in_force().policy.hostname;
    let entries = recipients::entries(&spool.directory(), &envelope.recipients, host)
        .ok_or(StoreError::DomainGone)?;
    let body = body.ok_or(StoreError::NoBody)?.finish().await?;
    let size_bytes = body.size_bytes();
    let bulk = facts.is_bulk || envelope.reverse_path == ReversePath::Null;
    let copies = sample.and_then(|sample| {
        let recipients = entries.iter().flat_map(|entry| &entry.recipients);
        continuity::copies(&spool.directory(), recipients, || sample.head())
    });
    let message = NewMessage {
        id,
        accepted_at: intake.clock().now(),
        envelope,
        body,
        entries,
        bulk,
        copies,
    };
    spool.accept(message).await?;
    Ok(size_bytes)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
