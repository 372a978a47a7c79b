//! Writers of an octet at a time beside honest mail.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use mailhold::demo::sender::{Content, Plan, Report, Sender};
use storage::model::{SystemClock, Timestamp};
use tokio::task::JoinSet;

use crate::client::Client;
use crate::idle::milliseconds;
use crate::{RECIPIENT, Row, node};

/// How long honest mail is sent, alone and beside the slow ones.
const RUN: Duration = Duration::from_secs(5);
/// Pause between two octets of a slow writer.
const PAUSE: Duration = Duration::from_millis(50);

/// Honest mail alone, and beside `count` clients in the middle of DATA that send 20 octets a second:
/// three runs each, in turn.
pub async fn slow(binary: &Path, count: usize) -> Result<Vec<Row>> {
    let node = node(binary, "")?;
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        alone.push(honest(node.smtp()).await?);
        let mut writers = JoinSet::new();
        for _ in 0..count {
            let mut client = Client::greeted(node.smtp()).await?;
            client.ask("MAIL FROM:<slow@s.example>\r\n", "250").await?;
            client
                .ask(&format!("RCPT TO:<{RECIPIENT}>\r\n"), "250")
                .await?;
            client.ask("DATA\r\n", "354").await?;
            writers.spawn(async move {
                while client.say("x").await.is_ok() {
                    tokio::time::sleep(PAUSE).await;
                }
            });
        }
        beside.push(honest(node.smtp()).await?);
        ensure!(writers.try_join_next().is_none(), "a slow writer was cut");
        writers.shutdown().await;
    }
    let rate = |reports: &[Report]| {
        let mut rates: Vec<f64> = reports.iter().map(Report::accepted_per_second).collect();
        rates.sort_by(f64::total_cmp);
        rates.get(1).copied().unwrap_or_default()
    };
    let share = rate(&beside) / rate(&alone);
    let p99 = |reports: &[Report]| {
        let mut waits: Vec<_> = reports
            .iter()
            .map(|report| report.final_reply_quantile(0.99))
            .collect();
        waits.sort_unstable();
        waits.get(1).copied().unwrap_or_default()
    };
    Ok(vec![Row::new(
        &format!("honest mail beside {count} slow writers, rate against alone"),
        format!(
            "{:.0} %, p99 of the final reply {} (alone {})",
            share * 100.0,
            milliseconds(p99(&beside)),
            milliseconds(p99(&alone))
        ),
        "≥ 80 %",
        share >= 0.8,
    )])
}

async fn honest(to: std::net::SocketAddr) -> Result<Report> {
    let mut plan = Plan::new(to, RECIPIENT, u64::MAX);
    plan.sessions = 10;
    plan.messages_per_connection = 25;
    plan.content = Content::Generated { size_bytes: 4096 };
    let sender = Sender::start(plan, Arc::new(SystemClock::new(Timestamp::default())));
    tokio::time::sleep(RUN).await;
    sender.stop();
    let report = sender.finish().await;
    let accepted = report.accepted_count();
    ensure!(
        accepted == report.records.len() as u64,
        "honest mail refused: {:?}",
        report.refusals()
    );
    Ok(report)
}
