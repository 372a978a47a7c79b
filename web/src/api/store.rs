//! `/api/v1/store`: figures and backups of the running store.

use std::path::PathBuf;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::audited::Operator;
use super::form::{Faults, Given, JsonBody, Unknown};
use super::problem::Problem;
use crate::AdminSite;

/// Sizes and counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoreStats {
    /// Everything the store occupies.
    pub disk_bytes: u64,
    /// The part of it that is write-ahead log.
    pub journal_bytes: u64,
    /// Commits since the start.
    pub commits: u64,
    /// Groups in which they were written.
    pub groups: u64,
    /// Groups that were synced.
    pub syncs: u64,
    /// Bytes of commits that wait for their turn.
    pub waiting_bytes: u64,
    /// Files of large bodies.
    pub body_files: u64,
    /// Those of them that wait to be used again.
    pub body_files_free: u64,
    /// What the files of large bodies occupy; part of `disk_bytes`.
    pub body_files_bytes: u64,
    /// Every keyspace.
    pub keyspaces: Vec<KeyspaceView>,
}

/// One keyspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyspaceView {
    /// Its name.
    pub name: String,
    /// Rows, roughly.
    pub rows: u64,
    /// Bytes in its tables.
    pub disk_bytes: u64,
}

/// Where to.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct BackupInput {
    /// An absolute path on the server that does not exist yet.
    #[serde(default)]
    #[schema(value_type = String, example = "/var/backups/mailhold/monday")]
    directory: Given<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// What a backup contains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackupReport {
    /// Where it is.
    pub directory: String,
    /// Rows written.
    pub rows: u64,
    /// Bytes written.
    pub bytes: u64,
}

impl BackupInput {
    fn read(self, faults: &mut Faults) -> Option<PathBuf> {
        faults.refuse_unknown("", &self.unknown);
        let directory = PathBuf::from(faults.required("directory", self.directory)?);
        if !directory.is_absolute() {
            faults.add("directory", "expected an absolute path");
            return None;
        }
        if directory.exists() {
            faults.add("directory", "exists already; expected a path that does not");
            return None;
        }
        Some(directory)
    }
}

/// Shows sizes and counts of the store.
#[utoipa::path(get, path = "/store", tag = "store", responses((status = 200, body = StoreStats)))]
pub(super) async fn stats(State(site): State<AdminSite>) -> Result<Json<StoreStats>, Problem> {
    let stats = site.spool.stats().await?;
    let (bodies, stats) = (stats.bodies, stats.engine);
    let keyspaces = stats.keyspaces.iter().map(|keyspace| KeyspaceView {
        name: keyspace.keyspace.name().to_string(),
        rows: keyspace.rows,
        disk_bytes: keyspace.disk_bytes,
    });
    Ok(Json(StoreStats {
        disk_bytes: stats.disk_bytes + bodies.disk_bytes,
        body_files: bodies.files,
        body_files_free: bodies.free_files,
        body_files_bytes: bodies.disk_bytes,
        journal_bytes: stats.journal_bytes,
        commits: stats.commits,
        groups: stats.groups,
        syncs: stats.syncs,
        waiting_bytes: stats.waiting_bytes,
        keyspaces: keyspaces.collect(),
    }))
}

/// Writes a backup of the running store, as it is at one moment, into a new directory on the server.
#[utoipa::path(post, path = "/store/backup", tag = "store", request_body = BackupInput,
    responses((status = 200, body = BackupReport), (status = 422, body = Problem)))]
pub(super) async fn backup(
    State(site): State<AdminSite>,
    operator: Operator,
    JsonBody(input): JsonBody<BackupInput>,
) -> Result<Json<BackupReport>, Problem> {
    let mut faults = Faults::default();
    let read = input.read(&mut faults);
    let directory = faults.check(read)?;
    let name = directory.display().to_string();
    let audit = operator.row(&site, "store.backup", name.as_str(), &json!({}));
    site.spool.add_audit(audit).await?;
    let report = site.spool.backup(directory).await?;
    Ok(Json(BackupReport {
        directory: name,
        rows: report.rows,
        bytes: report.bytes,
    }))
}
