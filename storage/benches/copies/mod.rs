//! Mail with a continuity copy, for benchmarks.

use bytes::Bytes;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use storage::model::{Correspondent, Folder, LineId, Scope, Summary, Timestamp};
use storage::spool::{
    NewCopies, NewCopy, NewDisposition, NewEntry, NewMessage, Spool, search_text,
};

use crate::sample::{self, Failure};

/// Words of the texts.
const WORDS: u32 = 5_000;

/// Accepts message number `n` with its copy, as if it had come at `accepted_at`. Body and search text
/// are drawn words.
pub(crate) async fn accept(
    spool: &Spool,
    scope: &Scope,
    n: u64,
    accepted_at: Timestamp,
    body_bytes: usize,
) -> Result<LineId, Failure> {
    let mut random = ChaCha8Rng::seed_from_u64(n);
    let mut words = |bytes: usize| {
        let mut text = String::new();
        while text.len() < bytes {
            text.push_str(&format!("word{} ", random.random_range(0..WORDS)));
        }
        text
    };
    let summary = Summary {
        from: Correspondent {
            name: format!("Sender {n}"),
            address: format!("sender{}@far.example", n % 1_000),
        },
        to: vec![Correspondent {
            name: String::new(),
            address: "alice@x.example".to_owned(),
        }],
        subject: words(40),
        preview: words(180),
        threads: vec![n / 3],
        ..Summary::default()
    };
    let copies = NewCopies {
        text: search_text(&summary, &words(1_000)),
        summary,
        to: vec![NewCopy {
            scope: scope.clone(),
            folder: Folder::Inbox,
            came_to: "alice@x.example".to_owned(),
        }],
    };
    let id = spool.next_id();
    let mut writer = spool.begin_body_for(id, &[scope.domain()])?;
    writer.write(Bytes::from(words(body_bytes))).await?;
    let envelope = sample::envelope()?;
    spool
        .accept(NewMessage {
            id,
            accepted_at,
            body: writer.finish().await?,
            entries: vec![NewEntry {
                domain: scope.domain(),
                recipients: envelope.recipients.clone(),
                disposition: NewDisposition::Queue,
            }],
            envelope,
            bulk: false,
            copies: Some(copies),
        })
        .await?;
    Ok(LineId {
        at: accepted_at,
        message: id,
    })
}
