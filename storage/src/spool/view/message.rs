//! One message of a mailbox: its line and its body.

use bytes::Bytes;

use super::{FoundLine, Window};
use crate::error::SpoolError;
use crate::keyspace::view as keys;
use crate::model::view::day_of;
use crate::model::{Folder, Line, LineId, Scope};
use crate::spool::{BodyReader, Spool};

impl Spool {
    /// A message of a mailbox; none when it is not there (any more), or in another mailbox.
    ///
    /// # Errors
    /// [`SpoolError`] when it cannot be read or opened.
    pub async fn line(&self, scope: &Scope, id: LineId) -> Result<Option<Line>, SpoolError> {
        let Some(window) = self.window(scope).await? else {
            return Ok(None);
        };
        let found = self.find_line(&window, id).await?;
        found.map(|found| window.open(&found)).transpose()
    }

    /// The body of a message of a mailbox, chunk by chunk, each verified, opened and decompressed
    /// before it is given; none as in [`Spool::line`].
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn line_body(
        &self,
        scope: &Scope,
        id: LineId,
    ) -> Result<Option<BodyReader>, SpoolError> {
        let Some(window) = self.window(scope).await? else {
            return Ok(None);
        };
        let Some(found) = self.find_line(&window, id).await? else {
            return Ok(None);
        };
        let header = keys::decode_header(&found.row)?;
        Ok(Some(self.body_at(
            scope.domain(),
            id.message,
            header.place(),
            header.chunks,
        )))
    }

    /// A line wherever it lies, if it is visible.
    pub(super) async fn find_line(
        &self,
        window: &Window,
        id: LineId,
    ) -> Result<Option<FoundLine>, SpoolError> {
        if id.at <= window.cutoff {
            return Ok(None);
        }
        let keyspace = keys::keyspace(day_of(id.at));
        for folder in Folder::ALL {
            let key = Bytes::from(keys::line_key(&window.key, folder, id));
            if let Some(row) = self.engine().get(keyspace, key).await? {
                return Ok(Some(FoundLine { id, folder, row }));
            }
        }
        Ok(None)
    }
}
