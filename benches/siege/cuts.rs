//! Connections cut at every phase: nothing may be left of them.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::client::Client;
use crate::idle::mebibytes;
use crate::{RECIPIENT, Row, memory_bytes, node, queued};

/// What a client says before it is gone: lines with the reply that each has to get, or none.
type Script = Vec<(String, Option<&'static str>)>;

/// Octets of a body that does not stay in memory.
const LARGE_BYTES: usize = 700_000;
/// Longest wait for what was left to be swept.
const SWEPT_WITHIN: Duration = Duration::from_secs(60);

/// Cuts `count` connections, in turn at each phase, every other with a reset instead of a close.
pub async fn cuts(binary: &Path, count: usize) -> Result<Vec<Row>> {
    let node = node(binary, "")?;
    let phases = phases();
    let disk_before = disk_bytes(&node.data_dir())?;
    let memory_before = memory_bytes(&node)?;
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for number in 0..count {
        let mut client = Client::greeted(node.smtp()).await?;
        let Some(script) = phases.get(number % phases.len()) else {
            continue;
        };
        for (said, reply) in script {
            let (said, reply) = match reply {
                Some(reply) => (said.as_str(), *reply),
                None => {
                    let cut = random.random_range(0..=said.len());
                    client
                        .say(said.as_bytes().get(..cut).unwrap_or_default())
                        .await?;
                    break;
                }
            };
            client.ask(said, reply).await?;
        }
        if number % 2 == 0 {
            client.stream.set_zero_linger()?;
        }
    }
    let waited = Instant::now();
    let mut disk_after = disk_bytes(&node.data_dir())?;
    // Journal space of the domain and the like stays; a body that nobody names does not.
    while disk_after > disk_before + LARGE_BYTES as u64 && waited.elapsed() < SWEPT_WITHIN {
        tokio::time::sleep(Duration::from_millis(100)).await;
        disk_after = disk_bytes(&node.data_dir())?;
    }
    let left = queued(&node)?;
    let grown = disk_after.saturating_sub(disk_before);
    let memory = memory_bytes(&node)?.saturating_sub(memory_before);
    Ok(vec![
        Row::new(
            &format!("{count} connections cut at {} phases, queued", phases.len()),
            left.to_string(),
            "0",
            left == 0,
        ),
        Row::new(
            "disk used by what they left",
            format!(
                "{:.1} MiB after {:.1} s",
                mebibytes(grown),
                waited.elapsed().as_secs_f64()
            ),
            "less than one body",
            grown < LARGE_BYTES as u64,
        ),
        Row::new(
            "memory more than before",
            format!("{:.1} MiB", mebibytes(memory)),
            "≤ 64 MiB",
            memory <= 64 << 20,
        ),
    ])
}

/// After EHLO, in each command, between them, in small and large bodies, before the final dot, in a
/// BDAT chunk and between two, and in a TLS handshake.
fn phases() -> Vec<Script> {
    let mail = || ("MAIL FROM:<s@sender.example>\r\n".to_owned(), Some("250"));
    let rcpt = || (format!("RCPT TO:<{RECIPIENT}>\r\n"), Some("250"));
    let data = || ("DATA\r\n".to_owned(), Some("354"));
    let cut = |said: String| (said, None);
    let line = "All work and no play makes a message that nobody wants to read.\r\n";
    let large = format!(
        "Subject: a\r\n\r\n{}",
        line.repeat(LARGE_BYTES / line.len())
    );
    let chunk = format!("BDAT {}\r\n{large}", large.len());
    vec![
        vec![],
        vec![cut("MAIL FROM:<s@sender.example>".into())],
        vec![mail()],
        vec![mail(), cut(format!("RCPT TO:<{RECIPIENT}>"))],
        vec![mail(), rcpt()],
        vec![mail(), rcpt(), cut("DATA".into())],
        vec![mail(), rcpt(), data()],
        vec![mail(), rcpt(), data(), cut("Subject: a\r\n\r\ntext".into())],
        vec![mail(), rcpt(), data(), cut(large.clone())],
        vec![mail(), rcpt(), data(), cut(format!("{large}\r\n."))],
        vec![mail(), rcpt(), cut(chunk.clone())],
        vec![mail(), rcpt(), (chunk, Some("250"))],
        vec![
            ("STARTTLS\r\n".to_owned(), Some("220")),
            cut("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0".into()),
        ],
    ]
}

/// Blocks that a folder takes, in bytes.
fn disk_bytes(folder: &Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // What is deleted meanwhile takes no space.
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        sum += if metadata.is_dir() {
            disk_bytes(&entry.path()).or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(0),
                _ => Err(error),
            })?
        } else {
            metadata.blocks() * 512
        };
    }
    Ok(sum)
}
