//! What this process knows about each file: whose body is in it, which may be used again.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::BodyFiles;
use crate::limits::{BODY_FILE_KEPT_MAX, BODY_FILES_KEPT_BYTES};
use crate::model::MessageId;

/// A file that may be free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Suspect {
    /// The file.
    pub(crate) slot: u64,
    /// Whose body it holds or held; none when that cannot be read.
    pub(crate) message: Option<MessageId>,
}

/// The files by what is known about them. A slot is in one place only.
#[derive(Debug, Default)]
pub(super) struct Register {
    next: u64,
    /// Found at start; nobody has looked into them yet.
    unknown: BTreeSet<u64>,
    /// Being written, or complete and not given to a commit yet.
    written: HashMap<MessageId, u64>,
    /// Named by a row or by a commit on its way, or given up.
    named: HashMap<MessageId, u64>,
    /// To be looked at: whoever held the row or the claim has let go.
    suspects: Vec<Suspect>,
    /// A write or a sync of it has failed; never to be used again.
    spoilt: BTreeSet<u64>,
    /// Waiting to be used again, with their bytes.
    free: Vec<(u64, u64)>,
    free_bytes: u64,
}

impl Register {
    pub(super) fn of(slots: Vec<u64>) -> Self {
        Self {
            next: slots.iter().max().map_or(1, |last| last + 1),
            unknown: slots.into_iter().collect(),
            ..Self::default()
        }
    }

    fn take(&mut self, message: MessageId) -> (u64, bool) {
        let recycled = self.free.pop();
        let slot = recycled.map_or(self.next, |(slot, _)| slot);
        match recycled {
            Some((_, bytes)) => self.free_bytes -= bytes,
            None => self.next += 1,
        }
        self.written.insert(message, slot);
        (slot, recycled.is_none())
    }

    /// From now on the rows decide about a file that was being written; whether it was.
    fn name(&mut self, message: MessageId) -> bool {
        let Some(slot) = self.written.remove(&message) else {
            return false;
        };
        self.named.insert(message, slot);
        true
    }

    pub(super) fn suspect(&mut self, message: MessageId) {
        if let Some(slot) = self.named.get(&message).copied() {
            let message = Some(message);
            self.suspects.push(Suspect { slot, message });
        }
    }

    pub(super) fn take_suspects(&mut self) -> Vec<Suspect> {
        std::mem::take(&mut self.suspects)
    }

    /// Every file that may be named, and those that nobody has looked into.
    pub(super) fn all(&mut self) -> (Vec<Suspect>, Vec<u64>) {
        let mut all = self.take_suspects();
        let named = self.named.iter().map(|(message, slot)| Suspect {
            slot: *slot,
            message: Some(*message),
        });
        all.extend(named);
        all.sort_unstable_by_key(|suspect| suspect.slot);
        all.dedup();
        (all, self.unknown.iter().copied().collect())
    }

    /// Notes whose body a file holds that was found at start.
    pub(super) fn found(&mut self, slot: u64, message: Option<MessageId>) -> Option<Suspect> {
        if !self.unknown.remove(&slot) {
            return None;
        }
        if let Some(message) = message {
            self.named.entry(message).or_insert(slot);
        }
        Some(Suspect { slot, message })
    }

    /// Lets go of a file that nobody names; whether it is to be deleted.
    pub(super) fn free(&mut self, suspect: &Suspect, bytes: u64, keep: bool) -> bool {
        let Suspect { slot, message } = *suspect;
        if let Some(message) = message {
            // Somebody was faster, and the file may hold another body by now.
            if self.named.get(&message) != Some(&slot) {
                return false;
            }
            self.named.remove(&message);
        }
        let spoilt = self.spoilt.remove(&slot);
        let fits = bytes <= BODY_FILE_KEPT_MAX && self.free_bytes + bytes <= BODY_FILES_KEPT_BYTES;
        if spoilt || !keep || !fits || bytes == 0 {
            return true;
        }
        self.free.push((slot, bytes));
        self.free_bytes += bytes;
        false
    }

    pub(super) fn take_free(&mut self) -> Vec<u64> {
        self.free_bytes = 0;
        let free = std::mem::take(&mut self.free);
        free.into_iter().map(|(slot, _)| slot).collect()
    }

    pub(super) fn free_files(&self) -> u64 {
        self.free.len() as u64
    }

    /// Files whose body a row may name.
    pub(super) fn wanted(&self) -> Vec<u64> {
        let named = self.named.values().chain(&self.unknown);
        named.copied().collect()
    }
}

/// The right to a file until a commit names it; dropping it before gives the body up.
#[derive(Debug)]
pub(crate) struct FileClaim {
    files: Arc<BodyFiles>,
    message: MessageId,
    slot: u64,
}

impl FileClaim {
    /// Takes a file, and says whether it is a new one.
    pub(super) fn take(files: &Arc<BodyFiles>, message: MessageId) -> (Self, bool) {
        let (slot, is_new) = files.register().take(message);
        let files = Arc::clone(files);
        let claim = Self {
            files,
            message,
            slot,
        };
        (claim, is_new)
    }

    pub(super) const fn slot(&self) -> u64 {
        self.slot
    }

    pub(super) const fn message(&self) -> MessageId {
        self.message
    }

    pub(super) fn files(&self) -> &BodyFiles {
        &self.files
    }

    /// Notes that the file is not to be used again.
    pub(super) fn spoil(&self) {
        self.files.register().spoilt.insert(self.slot);
    }

    /// The commit that names the file has been given to the engine: from now on the rows decide.
    pub(crate) fn accepting(&self) {
        self.files.register().name(self.message);
    }
}

impl Drop for FileClaim {
    fn drop(&mut self) {
        let mut register = self.files.register();
        if register.name(self.message) {
            register.suspect(self.message);
        }
    }
}
