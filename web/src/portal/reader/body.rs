//! The body of a message as it can be shown, HTML or text, and where its images are.

use std::collections::HashMap;
use std::sync::Arc;

use storage::model::{LineId, Timestamp};

use super::opened::Opened;
use crate::message::{MessageView, PartPath, TextPart};
use crate::portal::user::User;
use crate::reader::capability::{Capabilities, Claim, Image};
use crate::sanitize::{ImageSource, NoImages, Refusal, SafeHtml};

/// Images of one message, for one session.
#[derive(Debug)]
struct OwnImages {
    capabilities: Capabilities,
    session: [u8; 32],
    message: LineId,
    inline: HashMap<String, PartPath>,
    now: Timestamp,
}

impl ImageSource for OwnImages {
    fn inline(&self, content_id: &str) -> Option<String> {
        let place = self.inline.get(content_id)?;
        let claim = Claim {
            session: self.session,
            message: self.message.to_string().into_bytes(),
            image: Image::Part(place.to_string()),
        };
        self.capabilities.path(&claim, self.now)
    }

    /// Nothing is fetched on the mail's behalf.
    fn remote(&self, _url: &str) -> Option<String> {
        None
    }
}

/// Makes the HTML of a message safe; none when it has none.
pub(super) async fn html(
    user: &User,
    opened: &Opened,
    view: &MessageView,
) -> Option<Result<SafeHtml, Refusal>> {
    let html = view.html.clone()?;
    let images = OwnImages {
        capabilities: user.portal.reading.capabilities.clone(),
        session: *user.session.as_bytes(),
        message: opened.line.id,
        inline: view.inline.clone(),
        now: user.now,
    };
    Some(
        user.portal
            .reading
            .sanitiser
            .run(html, Arc::new(images))
            .await,
    )
}

/// The text of a message: its text part, else the text of its HTML; empty when that cannot be read.
pub(super) async fn text(user: &User, view: &MessageView) -> TextPart {
    if let Some(text) = &view.text {
        return text.clone();
    }
    let safe = match &view.html {
        Some(html) => {
            let sanitiser = &user.portal.reading.sanitiser;
            sanitiser.run(html.clone(), Arc::new(NoImages)).await.ok()
        }
        None => None,
    };
    // Boxes and tables become lines: work in proportion to what was let through.
    let text = tokio::task::spawn_blocking(move || safe.map(|safe| safe.text()));
    TextPart {
        text: text.await.ok().flatten().unwrap_or_default(),
        is_cut: false,
    }
}
