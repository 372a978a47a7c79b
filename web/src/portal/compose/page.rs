//! The form.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use storage::model::MessageId;
use storage::spool::DraftId;

use super::content::{self, Content};
use super::posted::UPLOAD_BYTES_MAX;
use super::send::Fault;
use super::words;
use crate::compose::limits::{ADDRESS_FIELD_BYTES_MAX, SUBJECT_CHARS_MAX};
use crate::language::Language;
use crate::portal::layout::csrf_field;
use crate::portal::navigation::Place;
use crate::portal::refusal::Refusal;
use crate::portal::suggest;
use crate::portal::user::User;

/// People that are listed for browsers without scripts.
const PEOPLE_LISTED: usize = 40;

/// Where a form is sent to, and which state of its draft it shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Version {
    pub(super) id: DraftId,
    /// None while nothing was saved.
    pub(super) revision: Option<u64>,
}

/// `GET /compose/{draft}`.
pub(crate) async fn show(user: User, Path(id): Path<String>) -> Result<Response, Refusal> {
    let id = draft_id(&id)?;
    let kept = content::read(&user, id).await?;
    let version = Version {
        id,
        revision: Some(kept.revision),
    };
    answer(&user, version, &kept.content, &[]).await
}

/// The draft of a path.
pub(super) fn draft_id(text: &str) -> Result<DraftId, Refusal> {
    let id: MessageId = text.parse().map_err(|_| Refusal::NotFound)?;
    Ok(DraftId(id))
}

/// The page with the form, and what is wrong with it.
pub(super) async fn answer(
    user: &User,
    version: Version,
    content: &Content,
    faults: &[Fault],
) -> Result<Response, Refusal> {
    let people = suggest::correspondents(user).await?;
    let language = user.language;
    let title = if content.subject.trim().is_empty() {
        words::new_message(language)
    } else {
        &content.subject
    };
    let body = html! {
        h1 { (words::new_message(language)) }
        (summary(language, faults))
        (form(user, version, content, faults))
        // For browsers without scripts; the script asks `/ac` instead.
        datalist #people {
            @for one in people.iter().take(PEOPLE_LISTED) {
                option value=(one.address) { (one.name) }
            }
        }
    };
    let status = if faults.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    Ok(user.page_with(status, Place::Drafts, title, &body))
}

/// All faults at one place, each leading to its field.
fn summary(language: Language, faults: &[Fault]) -> Markup {
    html! {
        @if !faults.is_empty() {
            div.fault role="alert" {
                strong { (words::fault_summary(language)) }
                ul {
                    @for fault in faults {
                        li { a href={ "#" (fault.field) } { (fault.text) } }
                    }
                }
            }
        }
    }
}

fn form(user: &User, version: Version, content: &Content, faults: &[Fault]) -> Markup {
    let language = user.language;
    let action = format!("/compose/{}", version.id.0);
    let revision = version.revision.map(|revision| revision.to_string());
    let has_more = !(content.cc.is_empty() && content.bcc.is_empty());
    let wrong = |field: &str| faults.iter().any(|fault| fault.field == field);
    let line = |field: &'static str, label: &str, value: &str| {
        html! {
            label for=(field) { (label) }
            input id=(field) name=(field) type="text" value=(value) maxlength=(ADDRESS_FIELD_BYTES_MAX)
                autocomplete="off" list="people" data-suggest autocapitalize="none" spellcheck="false" inputmode="email"
                aria-describedby="addresses-hint" aria-invalid=[wrong(field).then_some("true")];
        }
    };
    html! {
        form.compose method="post" action=(action) enctype="multipart/form-data" {
            (csrf_field(&user.csrf))
            input type="hidden" name="revision" value=(revision.unwrap_or_default());
            input type="hidden" name="in_reply_to" value=(content.in_reply_to.as_deref().unwrap_or_default());
            input type="hidden" name="references" value=(content.references.join(" "));
            input type="hidden" name="answers" value=(content.answers.as_deref().unwrap_or_default());
            (from(user, content, wrong("from")))
            (line("to", words::to(language), &content.to))
            p.hint #addresses-hint { (words::addresses_hint(language)) }
            details.more-recipients open[has_more || wrong("cc") || wrong("bcc")] {
                summary { (words::more_recipients(language)) }
                (line("cc", words::cc(language), &content.cc))
                (line("bcc", words::bcc(language), &content.bcc))
            }
            label for="subject" { (words::subject(language)) }
            input #subject name="subject" type="text" value=(content.subject) maxlength=(SUBJECT_CHARS_MAX) autocomplete="off";
            label for="text" { (words::text(language)) }
            textarea #text name="text" rows="16" aria-invalid=[wrong("text").then_some("true")] { "\n" (content.text) }
            (files(language, content, wrong("files")))
            p.hint { (words::sends_here(language)) }
            p.hint #saved role="status" hidden { (words::saved(language)) }
            div.actions {
                button.primary type="submit" name="do" value="send" { (words::send(language)) }
                @if faults.iter().any(|fault| fault.is_forgotten(language)) {
                    button type="submit" name="do" value="send-anyway" { (words::send_without_files(language)) }
                }
                button type="submit" name="do" value="save" { (words::save_draft(language)) }
                button.danger type="submit" name="do" value="discard" { (words::discard(language)) }
            }
        }
    }
}

fn from(user: &User, content: &Content, is_wrong: bool) -> Markup {
    let language = user.language;
    let own = user.own_addresses();
    let chosen = |address: &str| address.eq_ignore_ascii_case(content.from.trim());
    html! {
        @if let [only] = own.as_slice() {
            input type="hidden" name="from" value=(only);
        } @else {
            label for="from" { (words::from(language)) }
            select #from name="from" aria-invalid=[is_wrong.then_some("true")] {
                @for address in own.iter().map(ToString::to_string) {
                    option value=(address) selected[chosen(&address)] { (address) }
                }
            }
        }
    }
}

fn files(language: Language, content: &Content, is_wrong: bool) -> Markup {
    html! {
        fieldset.files {
            legend { (words::files(language)) }
            @if !content.files.is_empty() {
                ul.rows {
                    @for file in &content.files {
                        li {
                            p { (file.name) " " small { (size(file.size_bytes)) } }
                            button type="submit" name="detach" value=(file.part)
                                aria-label=(words::detach(language, &file.name)) { "\u{2715}" }
                        }
                    }
                }
            }
            @if let Some(carried) = &content.carries {
                label.choice {
                    input type="checkbox" name="carry" value=(carried.word()) checked;
                    span { (if carried.whole { words::carry_whole(language) } else { words::carry_files(language) }) }
                }
            }
            div.inline-form {
                input #files type="file" name="file" multiple aria-label=(words::files(language))
                    aria-invalid=[is_wrong.then_some("true")];
                button type="submit" name="do" value="attach" { (words::attach(language)) }
            }
            p.hint { (words::files_hint(language, UPLOAD_BYTES_MAX / (1024 * 1024))) }
        }
    }
}

/// A size as people read it.
pub(in crate::portal) fn size(bytes: u64) -> String {
    let kilobytes = bytes.div_ceil(1024);
    if kilobytes < 1024 {
        format!("{kilobytes} KB")
    } else {
        format!("{}.{} MB", kilobytes / 1024, kilobytes % 1024 * 10 / 1024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_by_people() {
        for (bytes, shown) in [
            (0, "0 KB"),
            (1, "1 KB"),
            (1_048_575, "1.0 MB"),
            (1_600_000, "1.5 MB"),
        ] {
            assert_eq!(size(bytes), shown);
        }
    }
}
