//! A draft as it is kept: the fields as they were typed, and what is attached.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use storage::spool::{Draft, DraftId, DraftSaved};

use crate::compose::Answer;
use crate::portal::refusal::Refusal;
use crate::portal::user::User;

/// Files of one message, at most.
pub(super) const FILES_MAX: usize = 50;
/// The first part of a draft that holds a file.
const FIRST_FILE: u16 = 2;
/// The last one.
const LAST_FILE: u16 = 20_000;

/// A file that goes with a message; its content is a part of the draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct File {
    /// The part that holds it.
    pub(super) part: u16,
    /// Its name, safe.
    pub(super) name: String,
    /// Media type from our own table.
    pub(super) media_type: String,
    /// Octets.
    pub(super) size_bytes: u64,
}

/// The fields of a draft, addresses as they were typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Content {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) cc: String,
    pub(super) bcc: String,
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) in_reply_to: Option<String>,
    pub(super) references: Vec<String>,
    /// The message that is answered, to mark it so when this one is sent.
    pub(super) answers: Option<String>,
    /// What of another message is attached when this is saved first.
    pub(super) carries: Option<Carried>,
    pub(super) files: Vec<File>,
}

/// What of another message goes along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Carried {
    /// The message.
    pub(super) line: String,
    /// All of it, as it came; otherwise its files.
    pub(super) whole: bool,
}

impl Carried {
    /// As a form says it.
    pub(super) fn word(&self) -> String {
        let what = if self.whole { "whole" } else { "files" };
        format!("{what}.{}", self.line)
    }

    /// What a form says.
    pub(super) fn parse(word: &str) -> Option<Self> {
        let (what, line) = word.split_once('.')?;
        let whole = match what {
            "whole" => true,
            "files" => false,
            _ => return None,
        };
        Some(Self {
            line: line.to_owned(),
            whole,
        })
    }
}

/// What a list of drafts tells of one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Label {
    pub(super) to: String,
    pub(super) subject: String,
}

/// A draft with its content.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) id: DraftId,
    pub(super) revision: u64,
    pub(super) content: Content,
}

/// Octets of a label's fields.
const LABEL_CHARS_MAX: usize = 120;

impl Content {
    /// The beginning of an answer.
    pub(super) fn of_answer(answer: Answer, from: String) -> Self {
        let list = |parties: &[crate::compose::Party]| {
            let parties: Vec<String> = parties.iter().map(ToString::to_string).collect();
            parties.join(", ")
        };
        Self {
            from,
            to: list(&answer.to),
            cc: list(&answer.cc),
            subject: answer.subject,
            text: answer.text,
            in_reply_to: answer.in_reply_to,
            references: answer.references,
            ..Self::default()
        }
    }

    /// A number for one file more.
    pub(super) fn free_part(&self) -> Option<u16> {
        let last = self.files.iter().map(|file| file.part).max();
        let next = last.map_or(FIRST_FILE, |part| part.saturating_add(1));
        (self.files.len() < FILES_MAX && next <= LAST_FILE).then_some(next)
    }

    fn label(&self) -> Label {
        let short = |text: &str| text.chars().take(LABEL_CHARS_MAX).collect();
        Label {
            to: short(&self.to),
            subject: short(&self.subject),
        }
    }
}

/// What a draft's row tells.
pub(super) fn label(draft: &Draft) -> Label {
    serde_json::from_slice(&draft.label).unwrap_or_default()
}

/// Reads a draft; refuses what is not there or not this user's.
pub(super) async fn read(user: &User, id: DraftId) -> Result<Kept, Refusal> {
    let spool = &user.portal.spool;
    let draft = spool.draft(&user.scope, id).await?;
    let draft = draft.ok_or(Refusal::NotFound)?;
    let text = spool.draft_part(&user.scope, id, 1).await?;
    let text = text.unwrap_or_default();
    let content = serde_json::from_slice(&text)
        .map_err(|error| Refusal::Broken(format!("a draft cannot be read: {error}")))?;
    Ok(Kept {
        id,
        revision: draft.revision,
        content,
    })
}

/// Writes a draft. `expected` is the revision that the writer has seen; none starts one.
pub(super) async fn save(
    user: &User,
    id: DraftId,
    expected: Option<u64>,
    content: &Content,
) -> Result<DraftSaved, Refusal> {
    let json = |value: Result<Vec<u8>, serde_json::Error>| {
        value
            .map(Bytes::from)
            .map_err(|error| Refusal::Broken(error.to_string()))
    };
    let label = json(serde_json::to_vec(&content.label()))?;
    let text = json(serde_json::to_vec(content))?;
    let spool = &user.portal.spool;
    Ok(spool
        .save_draft(&user.scope, id, expected, label, text)
        .await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c14_files_get_numbers_of_their_own() {
        let mut content = Content::default();
        assert_eq!(content.free_part(), Some(2));
        for part in [2, 5] {
            content.files.push(File {
                part,
                name: "a".into(),
                media_type: "text/plain".into(),
                size_bytes: 1,
            });
        }
        assert_eq!(content.free_part(), Some(6));
        content.files = vec![content.files.remove(0); FILES_MAX];
        assert_eq!(content.free_part(), None);
    }

    #[test]
    fn what_an_older_version_kept_is_read() {
        let content: Content = serde_json::from_str(r#"{"to":"a@x.test"}"#).unwrap();
        assert_eq!(content.to, "a@x.test");
        assert_eq!(content.files, []);
    }
}
