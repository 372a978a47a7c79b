//! The mail bombs of the conformance suite, against the real binary: how long each answer takes.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::client::Client;
use crate::idle::milliseconds;
use crate::{RECIPIENT, Row, bombs, node};

/// Every bomb on a connection of its own.
pub async fn mail_bombs(binary: &Path) -> Result<Vec<Row>> {
    let node = node(binary, "message_size = \"8MiB\"\n")?;
    let mut slowest = (Duration::ZERO, "");
    let mut count = 0;
    for (name, content, reply) in bombs::messages() {
        let mut client = Client::greeted(node.smtp()).await?;
        client
            .ask("MAIL FROM:<s@sender.example>\r\n", "250")
            .await?;
        client
            .ask(&format!("RCPT TO:<{RECIPIENT}>\r\n"), "250")
            .await?;
        client.ask("DATA\r\n", "354").await?;
        let begun = Instant::now();
        client.say(&content).await?;
        client.say("\r\n.\r\n").await?;
        client
            .expect(reply)
            .await
            .with_context(|| name.to_owned())?;
        slowest = slowest.max((begun.elapsed(), name));
        count += 1;
    }
    for (name, said, replies) in bombs::dialogues() {
        let mut client = Client::greeted(node.smtp()).await?;
        let begun = Instant::now();
        // A node may close before everything is said.
        let _ = client.say(&said).await;
        for reply in replies {
            client
                .expect(reply)
                .await
                .with_context(|| name.to_owned())?;
        }
        slowest = slowest.max((begun.elapsed(), name));
        count += 1;
    }
    Ok(vec![Row::new(
        &format!("{count} kinds of mail bombs, slowest answer"),
        format!("{} ({})", milliseconds(slowest.0), slowest.1),
        "≤ 5,000 ms",
        slowest.0 <= Duration::from_secs(5),
    )])
}
