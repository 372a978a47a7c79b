//! The message that is answered, as an answer needs it.

use storage::model::Mailbox;

use super::body;
use super::opened::Opened;
use crate::compose::{Original, Party};
use crate::links::{Target, target};
use crate::message::{self, MessageView, PartPath};
use crate::portal::refusal::Refusal;
use crate::portal::user::User;

/// Reads a message of this user for an answer.
///
/// # Errors
/// As [`Opened::of`]. What is beyond the limits of a reader is answered without a quote.
pub(in crate::portal) async fn original(user: &User, opened: &Opened) -> Result<Original, Refusal> {
    let view = opened.view(PartPath::default()).await?;
    let view = view.unwrap_or_default();
    let text = body::text(user, &view).await;
    let received_at = opened.line.came_to.parse::<Mailbox>().ok();
    Ok(Original {
        message_id: view.message_id.clone(),
        in_reply_to: Vec::new(),
        references: view.references.clone(),
        from: parties(&view.from),
        reply_to: parties(&view.reply_to),
        to: parties(&view.to),
        cc: parties(&view.cc),
        list_post: list_post(&view),
        subject: view.subject,
        date: None,
        text: text.text,
        received_at: received_at.map(Party::nameless),
    })
}

/// Those whose addresses can be written to.
fn parties(people: &[message::Mailbox]) -> Vec<Party> {
    let known = people.iter().filter_map(|person| {
        let address: Mailbox = person.address.parse().ok()?;
        Some(Party::named(&person.name, address))
    });
    known.collect()
}

/// `List-Post: <mailto:…>` (RFC 2369 §3.4).
fn list_post(view: &MessageView) -> Option<Party> {
    let mut fields = view.fields.iter();
    let (_, value) = fields.find(|(name, _)| name.eq_ignore_ascii_case("List-Post"))?;
    let address = value.split('<').nth(1)?.split('>').next()?;
    match target(address)? {
        Target::Mail(mail) => mail.to.parse().ok().map(Party::nameless),
        Target::Web(_) | Target::Telephone(_) => None,
    }
}
