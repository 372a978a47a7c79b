//! `GET /compose`: an empty form, or the beginning of an answer. Nothing is kept before something
//! was typed and sent here.

use axum::extract::Query;
use axum::response::Response;
use storage::model::{LineId, Mailbox};
use storage::spool::DraftId;

use super::content::{Carried, Content};
use super::page::{Version, answer};
use super::words;
use crate::compose::answer::Introduction;
use crate::compose::{AnswerKind, Original, OwnAddresses, Party};
use crate::language::{DateStyle, format_date};
use crate::portal::reader;
use crate::portal::refusal::Refusal;
use crate::portal::user::User;

/// What to begin with, as links and `mailto:` say it.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Beginning {
    reply: String,
    kind: String,
    to: String,
    cc: String,
    subject: String,
    body: String,
}

/// Characters of what a link may put into a field.
const FIELD_CHARS_MAX: usize = 10_000;

/// `GET /compose`.
pub(crate) async fn show(
    user: User,
    Query(beginning): Query<Beginning>,
) -> Result<Response, Refusal> {
    let mut content = if beginning.reply.is_empty() {
        blank(&beginning, &user.address)
    } else {
        let line: LineId = beginning.reply.parse().map_err(|_| Refusal::NotFound)?;
        begin_answer(&user, line, kind(&beginning.kind)?).await?
    };
    let signature = user.preferences.signature.trim_end();
    if !signature.is_empty() {
        // Above what is quoted, where people write.
        content.text = format!("\n\n-- \n{signature}\n{}", content.text);
    }
    let version = Version {
        id: DraftId(user.portal.spool.next_id()),
        revision: None,
    };
    answer(&user, version, &content, &[]).await
}

fn kind(word: &str) -> Result<AnswerKind, Refusal> {
    match word {
        "" | "reply" => Ok(AnswerKind::Reply),
        "all" => Ok(AnswerKind::ReplyAll),
        "list" => Ok(AnswerKind::ReplyList),
        "forward" => Ok(AnswerKind::Forward),
        "attached" => Ok(AnswerKind::ForwardAttached),
        _ => Err(Refusal::Malformed),
    }
}

/// A link may fill in who, what and about what; never Bcc and never a file (H7).
fn blank(beginning: &Beginning, own: &Mailbox) -> Content {
    let short = |text: &str| text.chars().take(FIELD_CHARS_MAX).collect::<String>();
    Content {
        from: own.to_string(),
        to: short(&beginning.to),
        cc: short(&beginning.cc),
        subject: short(&beginning.subject),
        text: short(&beginning.body),
        ..Content::default()
    }
}

async fn begin_answer(user: &User, line: LineId, kind: AnswerKind) -> Result<Content, Refusal> {
    let opened = reader::Opened::of(user, &line.to_string()).await?;
    let original = reader::original(user, &opened).await?;
    let language = user.language;
    let zone = &user.portal.zone;
    let date = format_date(language, DateStyle::Exact, line.at, user.now, zone);
    let author = original
        .from
        .first()
        .map_or_else(String::new, Party::to_string);
    let introduction = Introduction {
        wrote: words::wrote(language, &date, &author),
        forwarded: forwarded(user, &original, &date),
    };
    let own = user.own_addresses();
    let answer = crate::compose::answer(&original, kind, OwnAddresses(&own), &introduction);
    let from = answer.from.clone().unwrap_or_else(|| user.address.clone());
    let mut content = Content::of_answer(answer, from.to_string());
    match kind {
        AnswerKind::Forward if opened.line.summary.has_attachments => {
            content.carries = Some(carried(line, false));
        }
        AnswerKind::ForwardAttached => content.carries = Some(carried(line, true)),
        AnswerKind::Forward => {}
        AnswerKind::Reply | AnswerKind::ReplyAll | AnswerKind::ReplyList => {
            content.answers = Some(line.to_string());
        }
    }
    Ok(content)
}

fn carried(line: LineId, whole: bool) -> Carried {
    Carried {
        line: line.to_string(),
        whole,
    }
}

fn forwarded(user: &User, original: &Original, date: &str) -> String {
    let language = user.language;
    let list = |parties: &[Party]| {
        let parties: Vec<String> = parties.iter().map(Party::to_string).collect();
        parties.join(", ")
    };
    format!(
        "---------- {} ----------\n{}: {}\n{}: {date}\n{}: {}\n{}: {}\n",
        words::forwarded(language),
        words::from(language),
        list(&original.from),
        words::date(language),
        words::subject(language),
        original.subject,
        words::to(language),
        list(&original.to),
    )
}
