//! A form as a browser sent it. Its fields are out of reach until its token has been checked, so no
//! page can forget to.

use std::fmt;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};

use super::refusal::Refusal;
use crate::auth::csrf::{self, CsrfFault, CsrfToken};

/// Fields of one form, at most.
const FIELDS_MAX: usize = 20_000;

/// A form whose token has not been checked.
pub(crate) struct Posted(Vec<(String, String)>);

impl fmt::Debug for Posted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Posted")
    }
}

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(|error| match error.status().as_u16() {
            413 => Refusal::TooLarge,
            _ => Refusal::Malformed,
        })?;
        let pairs = url::form_urlencoded::parse(&body);
        let pairs = pairs.map(|(name, value)| (name.into_owned(), value.into_owned()));
        let fields: Vec<_> = pairs.take(FIELDS_MAX + 1).collect();
        if fields.len() > FIELDS_MAX {
            return Err(Refusal::TooLarge);
        }
        Ok(Self(fields))
    }
}

impl Posted {
    /// The fields, when the form was on a page made for this session.
    ///
    /// # Errors
    /// [`Refusal::Foreign`].
    pub(crate) fn of(self, token: &CsrfToken) -> Result<Form, Refusal> {
        let form = Form(self.0);
        if token.accepts(form.field(csrf::FIELD)) {
            Ok(form)
        } else {
            Err(Refusal::Foreign(CsrfFault::Token))
        }
    }
}

/// The fields of a form of ours. May hold passwords: nothing of it is ever shown in a log.
pub(crate) struct Form(Vec<(String, String)>);

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Form")
    }
}

impl Form {
    /// The first value of a field, as it was typed.
    pub(crate) fn field<'f>(&'f self, name: &'f str) -> Option<&'f str> {
        self.all(name).next()
    }

    /// The first value of a field; empty when it is not there.
    pub(crate) fn text<'f>(&'f self, name: &'f str) -> &'f str {
        self.field(name).unwrap_or_default()
    }

    /// Every value of a field, e.g. of ticked boxes.
    pub(crate) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        let named = self.0.iter().filter(move |(field, _)| field == name);
        named.map(|(_, value)| value.as_str())
    }

    /// Whether a box was ticked.
    pub(crate) fn is_ticked(&self, name: &str) -> bool {
        self.field(name).is_some()
    }
}
