//! `mailhold store …`: figures and backups of the running node, checks and repairs of one at rest.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::Method;
use serde::Serialize;
use serde_json::json;
use storage::engine::{EngineError, RecoveryReport, recover_journals};
use storage::model::{SystemClock, Timestamp};
use storage::spool::{OpenError, Spool, SpoolCheck, SpoolOptions};
use web::api::{BackupReport, StoreStats};

use super::client::{Client, Payload};
use super::exit::{Failure, INPUT_OUTPUT, REFUSED};
use super::output::Output;
use super::table::Table;
use crate::config::Config;

/// Runs `mailhold store stats`.
pub(super) async fn stats(client: &Client, output: Output) -> Result<(), Failure> {
    let stats: StoreStats = client.get("/api/v1/store").await?;
    output.show(&stats, |stats| {
        let mut table = Table::new(&["keyspace", "rows (about)", "bytes"]);
        for keyspace in &stats.keyspaces {
            let (rows, bytes) = (keyspace.rows.to_string(), keyspace.disk_bytes.to_string());
            table.row([keyspace.name.clone(), rows, bytes]);
        }
        let StoreStats {
            disk_bytes,
            journal_bytes,
            commits,
            groups,
            syncs,
            body_files,
            body_files_free,
            body_files_bytes,
            ..
        } = stats;
        format!(
            "{disk_bytes} bytes on disk, {journal_bytes} of them journal\n\
             {body_files} files of large bodies, {body_files_free} of them free, \
             {body_files_bytes} bytes\n\
             {commits} commits in {groups} groups, {syncs} syncs since the start\n{}",
            table.render()
        )
    })
}

/// Runs `mailhold store backup`.
pub(super) async fn backup(
    directory: &Path,
    client: &Client,
    output: Output,
) -> Result<(), Failure> {
    let absolute = std::path::absolute(directory)
        .map_err(|error| Failure::new(INPUT_OUTPUT, format!("{}: {error}", directory.display())))?;
    let payload = Some(Payload::json(&json!({"directory": absolute}))?);
    let report: BackupReport = client
        .patient()
        .send(Method::POST, "/api/v1/store/backup", payload)
        .await?;
    output.show(&report, |report| {
        let BackupReport {
            directory,
            rows,
            bytes,
        } = report;
        format!("{rows} rows, {bytes} bytes written to {directory}\n")
    })
}

#[derive(Debug, Serialize)]
struct CheckDocument {
    rows: u64,
    bytes: u64,
    problems_total: u64,
    problems: Vec<ProblemDocument>,
}

#[derive(Debug, Serialize)]
struct ProblemDocument {
    keyspace: String,
    subject: String,
    what: String,
}

/// Runs `mailhold store check`. A damaged store is a failure.
pub(super) async fn check(config: &Config, output: Output) -> Result<(), Failure> {
    let data_dir = &config.node.data_dir;
    let exists = data_dir.exists();
    if !exists {
        let message = format!("there is no data directory {}", data_dir.display());
        return Err(Failure::new(REFUSED, message));
    }
    let options = SpoolOptions {
        message_size_limit: config.limits.message_size.bytes(),
        ..SpoolOptions::default()
    };
    let clock = |not_before: Timestamp| Arc::new(SystemClock::new(not_before)) as _;
    let spool = Spool::open_with(data_dir, options, clock).await;
    let spool = spool.map_err(|error| in_use_or(&error))?;
    let checked = spool.check().await;
    let closed = spool.shutdown().await;
    let SpoolCheck {
        rows,
        bytes,
        problems_total,
        problems,
    } = checked.map_err(|error| Failure::new(INPUT_OUTPUT, error.to_string()))?;
    closed.map_err(|error| Failure::new(INPUT_OUTPUT, error.to_string()))?;
    let document = CheckDocument {
        rows,
        bytes,
        problems_total,
        problems: problems
            .into_iter()
            .map(|problem| ProblemDocument {
                keyspace: problem.keyspace.name().to_string(),
                subject: problem.subject,
                what: problem.what,
            })
            .collect(),
    };
    output.show(&document, |document| {
        let mut table = Table::new(&["keyspace", "what", "problem"]);
        for problem in &document.problems {
            let ProblemDocument {
                keyspace,
                subject,
                what,
            } = problem;
            table.row([keyspace.clone(), subject.clone(), what.clone()]);
        }
        let list = if document.problems.is_empty() {
            String::new()
        } else {
            table.render()
        };
        let CheckDocument {
            rows,
            bytes,
            problems_total,
            ..
        } = document;
        format!("{rows} rows, {bytes} bytes read: {problems_total} problems\n{list}")
    })?;
    if problems_total == 0 {
        Ok(())
    } else {
        Err(Failure::new(
            INPUT_OUTPUT,
            "the store is damaged; acknowledged mail may be missing",
        ))
    }
}

#[derive(Debug, Serialize)]
struct RecoveryDocument {
    journals: Vec<JournalDocument>,
}

#[derive(Debug, Serialize)]
struct JournalDocument {
    file: PathBuf,
    set_aside: PathBuf,
    records_kept: u64,
    bytes_left: u64,
}

/// Runs `mailhold store recover`.
pub(super) fn recover(config: &Config, output: Output) -> Result<(), Failure> {
    let report = recover_journals(&config.node.data_dir);
    let RecoveryReport { journals, .. } = report.map_err(|error| engine(&error))?;
    let document = RecoveryDocument {
        journals: journals
            .into_iter()
            .map(|journal| JournalDocument {
                file: journal.file,
                set_aside: journal.set_aside,
                records_kept: journal.records_kept,
                bytes_left: journal.bytes_left,
            })
            .collect(),
    };
    output.show(&document, |document| {
        if document.journals.is_empty() {
            return "nothing to repair\n".to_owned();
        }
        let mut table = Table::new(&["journal", "records kept", "bytes left out", "as found"]);
        for journal in &document.journals {
            table.row([
                journal.file.display().to_string(),
                journal.records_kept.to_string(),
                journal.bytes_left.to_string(),
                journal.set_aside.display().to_string(),
            ]);
        }
        table.render()
    })
}

fn in_use_or(error: &OpenError) -> Failure {
    match error {
        OpenError::Engine(error) => engine(error),
        error => Failure::new(INPUT_OUTPUT, error.to_string()),
    }
}

fn engine(error: &EngineError) -> Failure {
    match error {
        EngineError::Locked { directory } => {
            let directory = directory.display();
            let message = format!("{directory} is in use by a running server; stop it first");
            Failure::new(REFUSED, message)
        }
        error => Failure::new(INPUT_OUTPUT, error.to_string()),
    }
}
