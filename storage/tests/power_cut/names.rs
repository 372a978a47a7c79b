//! Names of files as ext4 with an ordered journal keeps them: changes reach the platter in the
//! order in which they were made, and a sync takes along everything that was made before.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// A name in a directory, which is given by its number.
pub(crate) type Name = (u64, OsString);

type Tree = BTreeMap<Name, u64>;

/// One change of names.
#[derive(Clone)]
enum Change {
    Link(Name, u64),
    Unlink(Name, u64),
    Rename(Name, Name, u64),
}

impl Change {
    fn apply(&self, tree: &mut Tree) {
        match self {
            Self::Link(name, number) => {
                tree.insert(name.clone(), *number);
            }
            Self::Unlink(name, _) => {
                tree.remove(name);
            }
            Self::Rename(from, to, number) => {
                tree.remove(from);
                tree.insert(to.clone(), *number);
            }
        }
    }

    /// Whether syncing this file or directory makes the change durable.
    fn touches(&self, of: u64) -> bool {
        match self {
            Self::Link(name, number) | Self::Unlink(name, number) => name.0 == of || *number == of,
            Self::Rename(from, to, number) => from.0 == of || to.0 == of || *number == of,
        }
    }
}

/// Names as they are seen, as they are on the platter, and the changes in between.
#[derive(Default)]
pub(crate) struct Names {
    live: Tree,
    durable: Tree,
    pending: Vec<Change>,
}

impl Names {
    pub(crate) fn find(&self, directory: u64, name: &OsStr) -> Option<u64> {
        self.live.get(&(directory, name.to_owned())).copied()
    }

    /// What a directory holds: numbers and names.
    pub(crate) fn list(&self, directory: u64) -> Vec<(u64, OsString)> {
        let inside = self.live.iter().filter(|((of, _), _)| *of == directory);
        let mut list: Vec<_> = inside
            .map(|((_, name), number)| (*number, name.clone()))
            .collect();
        list.sort();
        list
    }

    pub(crate) fn link(&mut self, name: Name, number: u64) {
        self.change(Change::Link(name, number));
    }

    pub(crate) fn unlink(&mut self, name: Name, number: u64) {
        self.change(Change::Unlink(name, number));
    }

    pub(crate) fn rename(&mut self, from: Name, to: Name, number: u64) {
        self.change(Change::Rename(from, to, number));
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.live);
        self.pending.push(change);
    }

    /// Makes durable what a sync of this file or directory makes durable.
    pub(crate) fn sync(&mut self, of: u64) {
        let last = self.pending.iter().rposition(|change| change.touches(of));
        for change in self.pending.drain(..last.map_or(0, |last| last + 1)) {
            change.apply(&mut self.durable);
        }
    }

    /// Whether a name refers to this file, now or on the platter.
    pub(crate) fn refers_to(&self, number: u64) -> bool {
        let mut all = self.live.values().chain(self.durable.values());
        all.any(|known| *known == number)
    }

    /// The names that are found after a cut: the journal had got this far.
    pub(crate) fn after_cut(&self, random: &mut ChaCha8Rng) -> Self {
        let mut found = self.durable.clone();
        let written = random.random_range(0..=self.pending.len());
        for change in &self.pending[..written] {
            change.apply(&mut found);
        }
        Self {
            live: found.clone(),
            durable: found,
            pending: Vec::new(),
        }
    }
}
