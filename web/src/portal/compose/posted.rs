//! The form with files, as a browser sends it: `multipart/form-data`, read with bounds.
//!
//! Like the plain form, its fields are out of reach until its token has been checked.

use axum::extract::{FromRequest, Multipart, Request};
use bytes::Bytes;

use crate::auth::csrf::{self, CsrfFault, CsrfToken};
use crate::compose::limits::TEXT_BYTES_MAX;
use crate::portal::refusal::Refusal;

/// Octets of all files of one request.
pub(in crate::portal) const UPLOAD_BYTES_MAX: usize = 25 * 1024 * 1024;
/// Octets of a request: the files, the text and what frames them.
pub(in crate::portal) const REQUEST_BYTES_MAX: usize = UPLOAD_BYTES_MAX + 4 * 1024 * 1024;
/// Fields and files of one request.
const PARTS_MAX: usize = 100;

/// A file that was sent.
#[derive(Debug, Clone)]
pub(in crate::portal) struct Upload {
    /// Its name as the browser tells it.
    pub(in crate::portal) name: String,
    /// Its content.
    pub(in crate::portal) content: Bytes,
}

/// A form whose token has not been checked.
#[derive(Debug)]
pub(in crate::portal) struct Sent {
    fields: Vec<(String, String)>,
    uploads: Vec<Upload>,
}

/// The fields of a form of ours.
#[derive(Debug)]
pub(super) struct SentForm {
    fields: Vec<(String, String)>,
    /// The files that came with it.
    pub(super) uploads: Vec<Upload>,
}

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let multipart = Multipart::from_request(request, state).await;
        let mut multipart = multipart.map_err(|_| Refusal::Malformed)?;
        let mut sent = Self {
            fields: Vec::new(),
            uploads: Vec::new(),
        };
        let too_large =
            |error: axum::extract::multipart::MultipartError| match error.status().as_u16() {
                413 => Refusal::TooLarge,
                _ => Refusal::Malformed,
            };
        let mut bytes = 0;
        while let Some(field) = multipart.next_field().await.map_err(too_large)? {
            if sent.fields.len() + sent.uploads.len() == PARTS_MAX {
                return Err(Refusal::TooLarge);
            }
            let name = field.name().unwrap_or_default().to_owned();
            let file = field.file_name().map(str::to_owned);
            let content = field.bytes().await.map_err(too_large)?;
            match file {
                // A browser sends an empty file for a field in which none was chosen.
                Some(file) if file.is_empty() && content.is_empty() => {}
                Some(file) => {
                    bytes += content.len();
                    sent.uploads.push(Upload {
                        name: file,
                        content,
                    });
                }
                None if content.len() > 2 * TEXT_BYTES_MAX => return Err(Refusal::TooLarge),
                None => {
                    let text = String::from_utf8(content.into()).map_err(|_| Refusal::Malformed)?;
                    sent.fields.push((name, text));
                }
            }
        }
        if bytes > UPLOAD_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        Ok(sent)
    }
}

impl Sent {
    /// The fields, when the form was on a page made for this session.
    ///
    /// # Errors
    /// [`Refusal::Foreign`].
    pub(super) fn of(self, token: &CsrfToken) -> Result<SentForm, Refusal> {
        let form = SentForm {
            fields: self.fields,
            uploads: self.uploads,
        };
        if token.accepts(form.field(csrf::FIELD)) {
            Ok(form)
        } else {
            Err(Refusal::Foreign(CsrfFault::Token))
        }
    }
}

impl SentForm {
    /// The first value of a field.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        fields
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    /// The first value of a field, line ends as we keep them; empty when it is not there.
    pub(super) fn text(&self, name: &str) -> String {
        self.field(name).unwrap_or_default().replace("\r\n", "\n")
    }
}
