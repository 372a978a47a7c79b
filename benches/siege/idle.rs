//! Many connections that do nothing, and more connections than file descriptors.

use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;

use crate::client::Client;
use crate::{RECIPIENT, Row, memory_bytes, node, queued};

/// Connections that are opened at one time.
const AT_ONCE: usize = 200;
/// Connections that are greeted while the others idle, for the median and the slowest.
const GREETED: usize = 50;

/// `count` idle connections after EHLO: what each costs, and how long a new one waits.
pub async fn idle(binary: &Path, count: usize) -> Result<Vec<Row>> {
    let limits = format!("connections = {}\n", count + GREETED + 10);
    let node = node(binary, &limits)?;
    let before = memory_bytes(&node)?;
    let mut clients = Vec::with_capacity(count);
    while clients.len() < count {
        let mut joining = JoinSet::new();
        for _ in 0..AT_ONCE.min(count - clients.len()) {
            joining.spawn(Client::greeted(node.smtp()));
        }
        while let Some(client) = joining.join_next().await {
            clients.push(client??);
        }
    }
    let each_mib = mebibytes(memory_bytes(&node)?.saturating_sub(before)) / count as f64 * 1e3;
    let mut waits = Vec::new();
    for _ in 0..GREETED {
        let begun = Instant::now();
        let mut client = Client::connect(node.smtp(), Ipv4Addr::LOCALHOST).await?;
        client.expect("220").await?;
        waits.push(begun.elapsed());
    }
    waits.sort_unstable();
    let slowest = waits.last().copied().unwrap_or_default();
    let mut still = 0;
    for client in &mut clients {
        client.ask("NOOP\r\n", "250").await?;
        still += 1;
    }
    Ok(vec![
        Row::new(
            &format!("{count} idle connections, memory per thousand"),
            format!("{each_mib:.1} MiB"),
            "≤ 24 MiB",
            each_mib <= 24.0,
        ),
        Row::new(
            &format!("a new client beside them, greeting (slowest of {GREETED})"),
            milliseconds(slowest),
            "≤ 200 ms",
            slowest <= Duration::from_millis(200),
        ),
        Row::new(
            "idle connections that still answer afterwards",
            still.to_string(),
            &count.to_string(),
            still == count,
        ),
    ])
}

/// More connections than file descriptors: who finds none left hears 421 or waits, what is accepted
/// meanwhile is kept, and a new client is greeted soon after descriptors are back.
pub async fn descriptors(binary: &Path) -> Result<Vec<Row>> {
    const DESCRIPTORS: usize = 400;
    const CLIENTS: usize = 600;
    let folder = tempfile::tempdir()?;
    let limited = folder.path().join("mailhold");
    let binary = binary.display();
    let script = format!("#!/bin/sh\nulimit -n {DESCRIPTORS}\nexec '{binary}' \"$@\"\n");
    std::fs::write(&limited, script)?;
    std::fs::set_permissions(&limited, std::fs::Permissions::from_mode(0o755))?;
    let node = node(&limited, "")?;
    let mut held = Vec::new();
    let mut refused = 0;
    for _ in 0..CLIENTS {
        match Client::greeted(node.smtp()).await {
            Ok(client) => held.push(client),
            Err(_) => refused += 1,
        }
    }
    let mut accepted = 0;
    for client in &mut held {
        let envelope = format!("MAIL FROM:<>\r\nRCPT TO:<{RECIPIENT}>\r\nDATA\r\n");
        client.say(&envelope).await?;
        for prefix in ["250", "250", "354"] {
            client.expect(prefix).await?;
        }
        client.ask("Subject: a\r\n\r\nx\r\n.\r\n", "250").await?;
        accepted += 1;
    }
    let sessions = held.len();
    let released = Instant::now();
    drop(held);
    while Client::greeted(node.smtp()).await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let back = released.elapsed();
    let kept = queued(&node)?;
    Ok(vec![
        Row::new(
            &format!("{CLIENTS} clients, {DESCRIPTORS} descriptors: messages accepted, kept"),
            format!("{accepted}, {kept} ({sessions} sessions, {refused} turned away)"),
            "all",
            kept == accepted && refused > 0,
        ),
        Row::new(
            "descriptors back: a new client is greeted after",
            milliseconds(back),
            "≤ 1,000 ms",
            back <= Duration::from_secs(1),
        ),
    ])
}

/// Octets in MiB.
pub fn mebibytes(octets: u64) -> f64 {
    octets as f64 / f64::from(1 << 20)
}

/// A time for people.
pub fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
