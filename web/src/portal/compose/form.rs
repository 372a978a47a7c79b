//! What the form's buttons do. Every one of them keeps the draft first.

use axum::extract::Path;
use axum::response::Response;
use storage::model::LineId;
use storage::spool::{DraftId, DraftSaved, Selection, ViewChange};

use super::content::{self, Carried, Content, FILES_MAX, File, Kept};
use super::forgotten;
use super::page::{Version, answer, draft_id};
use super::posted::{Sent, SentForm, Upload};
use super::send::{self, Fault};
use super::words;
use crate::compose::limits::REFERENCES_MAX;
use crate::message;
use crate::portal::banner::is_full;
use crate::portal::flash::Flash;
use crate::portal::reader;
use crate::portal::refusal::Refusal;
use crate::portal::user::User;

/// Octets of a Message-ID.
const ID_BYTES_MAX: usize = 998;

/// `POST /compose/{draft}`.
pub(crate) async fn submit(
    user: User,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, Refusal> {
    let id = draft_id(&id)?;
    let form = sent.of(&user.csrf)?;
    if form.field("do") == Some("discard") {
        user.portal.spool.delete_draft(&user.scope, id).await?;
        return Ok(user.lead_to("/drafts", Flash::Discarded));
    }
    let expected = form.field("revision").and_then(|text| text.parse().ok());
    let before = match expected {
        Some(_) => content::read(&user, id).await?.content,
        None => Content::default(),
    };
    let mut typed = fields(&form, before);
    if is_full(&user.portal) {
        let version = Version {
            id,
            revision: expected,
        };
        return answer(&user, version, &typed, &[storage_full(&user)]).await;
    }
    let detach = form
        .field("detach")
        .and_then(|part| part.parse::<u16>().ok());
    let removed: Vec<File> = typed
        .files
        .extract_if(.., |file| Some(file.part) == detach)
        .collect();
    let revision = match content::save(&user, id, expected, &typed).await? {
        DraftSaved::Saved(revision) => revision,
        DraftSaved::Conflict(now) => {
            let version = Version {
                id,
                revision: Some(now),
            };
            return answer(&user, version, &typed, &[send::conflict(user.language)]).await;
        }
        DraftSaved::Gone => {
            // It was sent or discarded elsewhere; what was typed here begins another draft.
            let version = Version {
                id: DraftId(user.portal.spool.next_id()),
                revision: None,
            };
            return answer(&user, version, &typed, &[send::conflict(user.language)]).await;
        }
        DraftSaved::Full => {
            let version = Version {
                id,
                revision: expected,
            };
            return answer(&user, version, &typed, &[no_room(&user)]).await;
        }
    };
    let kept = Kept {
        id,
        revision,
        content: typed,
    };
    let kept = drop_files(&user, kept, &removed).await?;
    let mut files = carried(&user, &form).await?;
    files.extend(form.uploads.iter().cloned());
    let (kept, fault) = attach(&user, kept, &files).await?;
    if let Some(fault) = fault {
        let version = Version {
            id,
            revision: Some(kept.revision),
        };
        return answer(&user, version, &kept.content, &[fault]).await;
    }
    let path = format!("/compose/{}", id.0);
    match form.field("do") {
        Some("send") if forgotten::is_likely(&kept.content) => {
            let version = Version {
                id: kept.id,
                revision: Some(kept.revision),
            };
            let fault = Fault::forgotten(user.language);
            answer(&user, version, &kept.content, &[fault]).await
        }
        Some("send" | "send-anyway") => leave(&user, kept).await,
        Some("save") => Ok(user.lead_to(&path, Flash::DraftSaved)),
        // A file was added or taken away: the form shows it.
        _ => Ok(user.go_to(&path)),
    }
}

fn fields(form: &SentForm, before: Content) -> Content {
    let id = |text: &str| {
        let sound = !text.is_empty()
            && text.len() <= ID_BYTES_MAX
            && text
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"<>".contains(&byte));
        sound.then(|| text.to_owned())
    };
    let references = form.text("references");
    Content {
        from: form.text("from"),
        to: form.text("to"),
        cc: form.text("cc"),
        bcc: form.text("bcc"),
        subject: form.text("subject"),
        text: form.text("text"),
        in_reply_to: id(&form.text("in_reply_to")),
        references: references
            .split(' ')
            .take(REFERENCES_MAX)
            .filter_map(id)
            .collect(),
        answers: form
            .field("answers")
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
        carries: None,
        files: before.files,
    }
}

/// The files that come from the message that is passed on.
async fn carried(user: &User, form: &SentForm) -> Result<Vec<Upload>, Refusal> {
    let Some(carried) = form.field("carry").and_then(Carried::parse) else {
        return Ok(Vec::new());
    };
    let opened = reader::Opened::of(user, &carried.line).await?;
    if carried.whole {
        let name = format!(
            "{}.eml",
            opened.line.summary.subject.replace(['/', '\\'], "_")
        );
        let content = opened.raw.clone();
        return Ok(vec![Upload { name, content }]);
    }
    opened.files().await
}

fn storage_full(user: &User) -> Fault {
    Fault {
        field: "text",
        text: words::fault_storage_full(user.language).to_owned(),
    }
}

fn no_room(user: &User) -> Fault {
    Fault {
        field: "text",
        text: words::fault_no_room(user.language).to_owned(),
    }
}

async fn drop_files(user: &User, mut kept: Kept, removed: &[File]) -> Result<Kept, Refusal> {
    for file in removed {
        let spool = &user.portal.spool;
        let saved = spool
            .put_draft_part(&user.scope, kept.id, kept.revision, file.part, None)
            .await?;
        if let DraftSaved::Saved(revision) = saved {
            kept.revision = revision;
        }
    }
    Ok(kept)
}

/// Keeps the files that came with the form. What does not fit is told; the rest is kept.
async fn attach(
    user: &User,
    mut kept: Kept,
    uploads: &[Upload],
) -> Result<(Kept, Option<Fault>), Refusal> {
    for upload in uploads {
        let Some(part) = kept.content.free_part() else {
            let text = words::fault_too_many_files(user.language, FILES_MAX);
            return Ok((
                kept,
                Some(Fault {
                    field: "files",
                    text,
                }),
            ));
        };
        let name = message::safe_name(&upload.name);
        let file = File {
            part,
            media_type: message::media_type_of_name(&name).to_owned(),
            size_bytes: upload.content.len() as u64,
            name,
        };
        let spool = &user.portal.spool;
        let saved = spool
            .put_draft_part(
                &user.scope,
                kept.id,
                kept.revision,
                part,
                Some(upload.content.clone()),
            )
            .await?;
        match saved {
            DraftSaved::Saved(revision) => kept.revision = revision,
            DraftSaved::Full => return Ok((kept, Some(send::too_large(user.language)))),
            DraftSaved::Conflict(_) | DraftSaved::Gone => {
                return Ok((kept, Some(send::conflict(user.language))));
            }
        }
        kept.content.files.push(file);
        let saved = content::save(user, kept.id, Some(kept.revision), &kept.content).await?;
        match saved {
            DraftSaved::Saved(revision) => kept.revision = revision,
            _ => return Ok((kept, Some(send::conflict(user.language)))),
        }
    }
    Ok((kept, None))
}

async fn leave(user: &User, kept: Kept) -> Result<Response, Refusal> {
    match send::send(user, &kept).await? {
        Ok(id) => {
            let answered = kept.content.answers.as_deref().map(str::parse::<LineId>);
            if let Some(Ok(line)) = answered {
                let change = ViewChange {
                    answered: Some(true),
                    ..ViewChange::default()
                };
                let spool = &user.portal.spool;
                spool
                    .change_selection(&user.scope, Selection::These(&[line]), change)
                    .await?;
            }
            let flash = if user.preferences.undo_seconds == 0 {
                Flash::Left
            } else {
                Flash::Sending(id)
            };
            Ok(user.lead_to("/outbox", flash))
        }
        Err(faults) => {
            let kept = send::again(user, &kept).await?;
            let version = Version {
                id: kept.id,
                revision: Some(kept.revision),
            };
            answer(user, version, &kept.content, &faults).await
        }
    }
}
