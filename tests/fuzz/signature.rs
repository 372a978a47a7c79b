//! A number for what an input made happen: inputs that make something new happen are kept.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Gathers what happened.
#[derive(Default)]
pub(crate) struct Signature(DefaultHasher);

impl Signature {
    pub(crate) fn note(&mut self, what: impl Hash) {
        what.hash(&mut self.0);
    }

    /// Lengths count by their order of magnitude, or every input would be new.
    pub(crate) fn note_length(&mut self, length: usize) {
        self.note(usize::BITS - length.leading_zeros());
    }

    pub(crate) fn end(&self) -> u64 {
        self.0.finish()
    }
}
