//! A message of a mailbox, brought into memory.

use bytes::Bytes;
use storage::model::{Line, LineId, Scope};
use tokio::sync::OwnedSemaphorePermit;

use crate::message::{MessageView, PartPath, TooMuch, content};
use crate::portal::Portal;
use crate::portal::compose::Upload;
use crate::portal::refusal::Refusal;
use crate::portal::user::User;

/// A message with its bytes, while one of the places for messages in memory is held.
#[derive(Debug)]
pub(in crate::portal) struct Opened {
    /// What the list tells of it.
    pub(in crate::portal) line: Line,
    /// All of it, as it came.
    pub(in crate::portal) raw: Bytes,
    _place: OwnedSemaphorePermit,
}

impl Opened {
    /// A message of this user.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::Gone`] when its time is over, [`Refusal::Broken`].
    pub(in crate::portal) async fn of(user: &User, id: &str) -> Result<Self, Refusal> {
        let id: LineId = id.parse().map_err(|_| Refusal::NotFound)?;
        let found = Self::in_mailbox(&user.portal, &user.scope, id).await?;
        found.ok_or_else(|| absent(user, id))
    }

    /// A message of a mailbox; none when it is not there.
    pub(in crate::portal) async fn in_mailbox(
        portal: &Portal,
        scope: &Scope,
        id: LineId,
    ) -> Result<Option<Self>, Refusal> {
        let Some(line) = portal.spool.line(scope, id).await? else {
            return Ok(None);
        };
        let place = portal.reading.opened.clone().acquire_owned().await;
        let place = place.map_err(|closed| Refusal::Broken(closed.to_string()))?;
        let Some(mut body) = portal.spool.line_body(scope, id).await? else {
            return Ok(None);
        };
        let mut raw = Vec::with_capacity(usize::try_from(line.size_bytes).unwrap_or_default());
        while let Some(piece) = body.next().await? {
            raw.extend_from_slice(&piece);
        }
        Ok(Some(Self {
            line,
            raw: raw.into(),
            _place: place,
        }))
    }

    /// The message's own files, for a message that passes them on.
    ///
    /// # Errors
    /// [`Refusal::Broken`] when the reading thread ended.
    pub(in crate::portal) async fn files(&self) -> Result<Vec<Upload>, Refusal> {
        let raw = self.raw.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let view = MessageView::read(&raw, &PartPath::default()).unwrap_or_default();
            let files = view.attachments.into_iter().filter(|file| !file.is_inline);
            let files = files.filter_map(|file| {
                let content = content(&raw, &file.path)?;
                Some(Upload {
                    name: file.name,
                    content: content.bytes.into(),
                })
            });
            files.collect()
        });
        reading
            .await
            .map_err(|ended| Refusal::Broken(ended.to_string()))
    }

    /// Reads the message, or one inside it, beside the event loop.
    ///
    /// # Errors
    /// [`Refusal::Broken`] when the reading thread ended.
    pub(super) async fn view(
        &self,
        place: PartPath,
    ) -> Result<Result<MessageView, TooMuch>, Refusal> {
        let raw = self.raw.clone();
        let reading = tokio::task::spawn_blocking(move || MessageView::read(&raw, &place));
        // A parser that panics costs this message and no more (H23).
        Ok(reading.await.unwrap_or(Err(TooMuch::Empty)))
    }
}

/// The place of a message inside a message, as addresses say it; empty means the message itself.
pub(super) fn place_of(text: &str) -> Result<PartPath, Refusal> {
    if text.is_empty() {
        return Ok(PartPath::default());
    }
    text.parse().map_err(|_| Refusal::NotFound)
}

/// Why a message is not there: its days are over, or it never was this user's.
fn absent(user: &User, id: LineId) -> Refusal {
    let now = user.portal.spool.clock().now();
    let continuity = user.domain.continuity.as_ref();
    match continuity.and_then(|continuity| continuity.cutoff(now)) {
        Some(cutoff) if id.at <= cutoff => Refusal::Gone,
        _ => Refusal::NotFound,
    }
}
