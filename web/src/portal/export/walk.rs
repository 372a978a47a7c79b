//! All messages of a mailbox, folder after folder, newest first, one in memory at a time.

use std::collections::VecDeque;

use storage::model::{Folder, LineId, Scope};
use storage::spool::{List, Toward};

use crate::portal::Portal;
use crate::portal::reader::Opened;
use crate::portal::refusal::Refusal;

/// Lines that are read at once.
const PAGE_LINES: usize = 200;

/// Where an export stands.
pub(super) struct Walk {
    portal: Portal,
    scope: Scope,
    folders: VecDeque<Folder>,
    toward: Toward,
    waiting: VecDeque<LineId>,
    /// Messages that could not be read.
    pub(super) unreadable: Vec<LineId>,
}

impl Walk {
    pub(super) fn new(portal: Portal, scope: Scope) -> Self {
        let folders = [Folder::Inbox, Folder::Sent, Folder::Archive, Folder::Trash];
        Self {
            portal,
            scope,
            folders: folders.into(),
            toward: Toward::Newest,
            waiting: VecDeque::new(),
            unreadable: Vec::new(),
        }
    }

    /// The next message; none behind the last. A message that cannot be read is noted and passed
    /// over, one that has gone meanwhile is no matter.
    pub(super) async fn next(&mut self) -> Result<Option<Opened>, Refusal> {
        loop {
            let Some(id) = self.waiting.pop_front() else {
                if self.read_page().await? {
                    continue;
                }
                return Ok(None);
            };
            match Opened::in_mailbox(&self.portal, &self.scope, id).await {
                Ok(Some(opened)) => return Ok(Some(opened)),
                Ok(None) => {}
                Err(_) => self.unreadable.push(id),
            }
        }
    }

    /// Reads on in the list; false behind the last folder.
    async fn read_page(&mut self) -> Result<bool, Refusal> {
        let Some(folder) = self.folders.front().copied() else {
            return Ok(false);
        };
        let list = List::Folder(folder);
        let spool = &self.portal.spool;
        let page = spool
            .list(&self.scope, list, self.toward, PAGE_LINES)
            .await?;
        self.waiting.extend(page.lines.iter().map(|line| line.id));
        match page.next {
            Some(next) => self.toward = Toward::OlderThan(next),
            None => {
                self.folders.pop_front();
                self.toward = Toward::Newest;
            }
        }
        Ok(true)
    }
}
