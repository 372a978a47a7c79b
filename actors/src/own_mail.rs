//! Mail that the node itself writes: notifications about delivery, links and notices for people.
//!
//! It leaves with the null reverse path (RFC 5321 §4.5.5), so that nothing answers it, and goes
//! through the same queues as all mail. Nobody's continuity mailbox gets a copy.

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use storage::model::{
    BodyKind, ClientFacts, Envelope, ForwardPath, Mailbox, MessageId, Recipient, ReversePath,
};
use storage::spool::{NewDisposition, NewEntry, NewMessage, Spool, SpoolError};

/// A message of the node `hostname` to one recipient, ready for [`Spool::accept`]. Its body is
/// sealed, for other people's domains with a key of the node's own.
///
/// # Errors
/// [`SpoolError`].
pub async fn own_message(
    spool: &Spool,
    hostname: &str,
    id: MessageId,
    recipient: &Mailbox,
    text: Bytes,
) -> Result<NewMessage, SpoolError> {
    let domain = spool.domain_for_outbound(recipient.domain()).await?;
    let body = if text.is_ascii() {
        BodyKind::SevenBit
    } else {
        BodyKind::EightBitMime
    };
    let mut writer = spool.begin_body_for(id, &[domain])?;
    writer.write(text).await?;
    let recipients = vec![Recipient::new(ForwardPath::Mailbox(recipient.clone()))];
    Ok(NewMessage {
        id,
        accepted_at: spool.clock().now(),
        envelope: Envelope {
            reverse_path: ReversePath::Null,
            recipients: recipients.clone(),
            body,
            smtputf8: recipient.needs_utf8(),
            dsn_return: None,
            envelope_id: None,
            client: ourselves(hostname),
            authentication: None,
        },
        body: writer.finish().await?,
        entries: vec![NewEntry {
            domain,
            recipients,
            disposition: NewDisposition::Queue,
        }],
        bulk: true,
        copies: None,
    })
}

/// Whether a message was made here: nobody else speaks to this node from itself by its own name.
#[must_use]
pub fn is_ours(client: &ClientFacts, hostname: &str) -> bool {
    client.ip.is_loopback() && client.helo.eq_ignore_ascii_case(hostname)
}

/// Nobody handed it in: it was made here.
fn ourselves(hostname: &str) -> ClientFacts {
    ClientFacts {
        ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        helo: hostname.to_owned(),
        reverse_name: None,
        tls_version: None,
        tls_cipher: None,
        authenticated_sender: false,
    }
}
