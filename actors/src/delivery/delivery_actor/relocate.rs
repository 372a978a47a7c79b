//! A message moves into the queue of another domain, whose route it takes from then on.
//!
//! The envelope stays what it is. The other domain gets a copy of the body under its own key and a
//! queue id of its own, in the commit that removes the message here: in the ledger it leaves one
//! domain as removed by an administrator and is accepted for the other.

use storage::model::{DomainId, Envelope, QueueEntry};
use storage::spool::{NewDisposition, NewEntry, NewMessage, Settlement, Spool, SpoolError};

use super::intents::removed;

/// What is to be written; none when the other domain has gone meanwhile.
pub(super) async fn moved(
    spool: &Spool,
    entry: QueueEntry,
    to: DomainId,
) -> Result<Option<Settlement>, SpoolError> {
    if entry.domain == to || spool.directory().domain(to).is_none() {
        return Ok(None);
    }
    let id = spool.next_id();
    let mut reader = spool.body(&entry);
    let mut writer = spool.begin_body_for(id, &[to])?;
    while let Some(chunk) = reader.next().await? {
        writer.write(chunk).await?;
    }
    let open = entry.open_recipients();
    let recipients: Vec<_> = open.map(|(_, state)| state.recipient.clone()).collect();
    tracing::info!(queue.id = %entry.message, moved.id = %id, "a message takes another route");
    let message = NewMessage {
        id,
        // What is left of the hold period stays.
        accepted_at: entry.accepted_at,
        envelope: Envelope {
            reverse_path: entry.reverse_path.clone(),
            recipients: recipients.clone(),
            body: entry.body,
            smtputf8: entry.smtputf8,
            dsn_return: entry.dsn_return,
            envelope_id: entry.envelope_id.clone(),
            client: entry.client.clone(),
            authentication: entry.authentication.clone(),
        },
        body: writer.finish().await?,
        entries: vec![NewEntry {
            domain: to,
            recipients,
            disposition: NewDisposition::Queue,
        }],
        bulk: entry.bulk,
        copies: None,
    };
    Ok(Some(Settlement {
        outcomes: removed(&entry),
        entry,
        notices: vec![message],
    }))
}
