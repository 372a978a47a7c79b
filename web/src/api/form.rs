//! Reading what a client sent so that one answer names everything that is wrong with it.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::problem::{FieldFault, Problem};

/// Keys of an object that no field took.
pub(super) type Unknown = BTreeMap<String, Value>;

/// A field that may be absent, null, of the right type, or of another one: reading it never fails,
/// so that all fields of a request are read before it is refused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Given<T> {
    /// Not there.
    #[default]
    Absent,
    /// `null`.
    Null,
    /// A value.
    Value(T),
    /// Something else; what the type expected.
    Wrong(String),
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if value.is_null() {
            return Ok(Self::Null);
        }
        Ok(match serde_json::from_value(value) {
            Ok(value) => Self::Value(value),
            Err(error) => Self::Wrong(error.to_string()),
        })
    }
}

/// Collects what is wrong.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<FieldFault>);

impl Faults {
    /// Notes a faulty field.
    pub(super) fn add(&mut self, field: impl Into<String>, problem: impl Into<String>) {
        self.0.push(FieldFault {
            field: field.into(),
            line: None,
            problem: problem.into(),
        });
    }

    /// Notes every key that is no field.
    pub(super) fn refuse_unknown(&mut self, prefix: &str, unknown: &Unknown) {
        for key in unknown.keys() {
            self.add(format!("{prefix}{key}"), "unknown field");
        }
    }

    /// A field's value; notes it when its type is wrong.
    pub(super) fn optional<T>(&mut self, field: &str, given: Given<T>) -> Option<T> {
        match given {
            Given::Value(value) => Some(value),
            Given::Absent | Given::Null => None,
            Given::Wrong(problem) => {
                self.add(field, problem);
                None
            }
        }
    }

    /// A field's value; notes it when it is missing, too.
    pub(super) fn required<T>(&mut self, field: &str, given: Given<T>) -> Option<T> {
        if matches!(given, Given::Absent | Given::Null) {
            self.add(field, "missing");
        }
        self.optional(field, given)
    }

    /// A text that has to parse.
    pub(super) fn parsed<T>(&mut self, field: &str, text: Option<String>) -> Option<T>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        match text?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(field, error.to_string());
                None
            }
        }
    }

    /// Whether nothing is wrong so far.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value, or the refusal that names all faults.
    pub(super) fn check<T>(self, value: Option<T>) -> Result<T, Problem> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(Problem::invalid(self.0)),
        }
    }
}

/// A JSON body. Refused as a whole when it is no JSON or no object of that shape.
#[derive(Debug)]
pub(super) struct JsonBody<T>(pub(super) T);

impl<S, T> FromRequest<S> for JsonBody<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = content_type(&request).is_some_and(|kind| {
            let kind = kind.split(';').next().unwrap_or_default();
            kind.trim().eq_ignore_ascii_case("application/json")
        });
        if !is_json {
            return Err(
                Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type")
                    .detail("expected Content-Type: application/json"),
            );
        }
        let bytes = body(request, state).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, "malformed").detail(format!("body: {error}"))
        })
    }
}

/// A request's body within the limit of its route.
pub(super) async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state)
        .await
        .map_err(|error| Problem::new(error.status(), "body").detail(error.body_text()))
}

/// What a request says its body is.
pub(super) fn content_type(request: &Request) -> Option<&str> {
    request.headers().get(header::CONTENT_TYPE)?.to_str().ok()
}
