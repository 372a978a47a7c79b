//! Who asks, and the audit row of what is done for them.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde_json::Value;

use storage::model::{Actor, AuditRow, Timestamp};
use storage::spool::{ChangeError, SpoolError};

use super::problem::{FieldFault, Problem};
use crate::AdminSite;
use crate::server::Peer;

/// The operator, and where the request came from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operator {
    from: Option<SocketAddr>,
}

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let from = parts.extensions.get::<Peer>().map(|peer| peer.0);
        Ok(Self { from })
    }
}

impl Operator {
    /// The row for `action` on `subject`.
    pub(super) fn row(
        self,
        site: &AdminSite,
        action: &str,
        subject: impl Into<String>,
        detail: &Value,
    ) -> AuditRow {
        let from = self.from.map(|from| from.ip().to_string());
        AuditRow {
            at: site.spool.clock().wall(),
            actor: Actor::Operator {
                from: from.unwrap_or_else(|| "unknown".to_owned()),
            },
            action: action.to_owned(),
            subject: subject.into(),
            detail: detail.to_string(),
        }
    }
}

/// A time in the API's form; none for the zero that stands for "not known".
pub(super) fn time(at: Timestamp) -> Option<String> {
    (at.as_millis() > 0).then(|| at.rfc3339())
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Unknown(_) => Self::not_found(error.to_string()),
            ChangeError::Exists(_)
            | ChangeError::MailQueued { .. }
            | ChangeError::ContinuityGaps(_)
            | ChangeError::HasAliases { .. } => Self::conflict(error.to_string()),
            ChangeError::BadValue { field, reason } => Self::invalid(vec![FieldFault {
                field: field.to_owned(),
                line: None,
                problem: reason,
            }]),
            ChangeError::Rejected(rows) => Self::invalid(
                rows.into_iter()
                    .map(|row| FieldFault {
                        field: row.address,
                        line: None,
                        problem: row.reason,
                    })
                    .collect(),
            ),
            ChangeError::Spool(error) => error.into(),
        }
    }
}

impl From<SpoolError> for Problem {
    fn from(error: SpoolError) -> Self {
        match error {
            SpoolError::UnknownEntry { .. } | SpoolError::UnknownDomain(_) => {
                Self::not_found(error.to_string())
            }
            SpoolError::NotReleasable => Self::conflict(error.to_string()),
            SpoolError::Engine(_)
            | SpoolError::Seal(_)
            | SpoolError::Keys(_)
            | SpoolError::Row(_)
            | SpoolError::CorruptBody { .. }
            | SpoolError::Invalid(_) => {
                tracing::error!(%error, "the store could not do what the API asked for");
                Self::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "store")
                    .detail(error.to_string())
            }
        }
    }
}
