//! From a complete message to its durable rows: the last step before the 250.

use std::time::Duration;

use storage::model::{Envelope, MessageId, ReversePath};
use storage::spool::{IntakeState, NewMessage, SpoolError};

use super::intake::Intake;
use super::{judging, recipients};
use crate::continuity::{self, Sample};
use crate::filter::{IncomingBody, Verdict};
use crate::metrics;
use crate::smtp::Reply;
use crate::smtp::server::{Commit, Submission};

/// Makes a message durable. [`Commit::Stored`] means that it is on disk (IN10, Q1).
///
/// The filter judges here, between the complete message and its entries: its verdict becomes a
/// refusal or the entries' disposition.
pub(super) async fn commit(
    intake: &Intake,
    session: u64,
    submission: Submission,
    body: Option<IncomingBody>,
    sample: Option<Sample>,
) -> Commit {
    let clock = intake.clock();
    let started = clock.monotonic();
    let id = submission.id;
    let recipients = submission.envelope.recipients.len();
    match store(intake, submission, body, sample).await {
        Ok(Taken::Refused(reply)) => Commit::Refused(reply),
        Ok(Taken::Stored { size_bytes }) => {
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

/// What became of a message.
enum Taken {
    Stored { size_bytes: u64 },
    Refused(Reply),
}

async fn store(
    intake: &Intake,
    submission: Submission,
    body: Option<IncomingBody>,
    sample: Option<Sample>,
) -> Result<Taken, StoreError> {
    let Submission {
        id,
        mut envelope,
        facts,
        ..
    } = submission;
    let spool = intake.spool();
    let in_force = intake.in_force();
    let host = &in_force.policy.hostname;
    let message = body.ok_or(StoreError::NoBody)?.finish().await?;
    let judged = judging::judge(intake, &in_force.policy, &envelope, &message).await;
    if let Some(reply) = judged.refusal() {
        tell(id, &envelope, &judged);
        return Ok(Taken::Refused(reply));
    }
    let entries = recipients::entries(&spool.directory(), &envelope.recipients, host, |index| {
        judged.disposition(index)
    })
    .ok_or(StoreError::DomainGone)?;
    let fields = judged.fields(host);
    let section = judging::clean_section(&message, host);
    let body = message.store(&fields, section).await?;
    let size_bytes = body.size_bytes();
    tell(id, &envelope, &judged);
    envelope.client.authenticated_sender = judged.is_authenticated_sender(&envelope);
    envelope.authentication = judged.authentication;
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
    Ok(Taken::Stored { size_bytes })
}

/// The trace of every judgement above accept, for the log.
fn tell(id: MessageId, envelope: &Envelope, judged: &judging::Judged) {
    let verdicts = &judged.judgement.verdicts;
    for verdict in verdicts {
        metrics::judged(verdict.as_str(), 1);
    }
    let worst = verdicts.iter().copied().max().unwrap_or_default();
    if worst > Verdict::Accept {
        let trace = judged.judgement.trace.iter().map(ToString::to_string);
        tracing::info!(
            queue.id = %id,
            message.sender = %envelope.reverse_path,
            client.ip = %envelope.client.ip,
            verdict = %worst,
            trace = trace.collect::<Vec<_>>().join("; "),
            "message judged"
        );
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
