//! A disk in memory that loses what was not synced when its power is cut, and fails when told to.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use fuser::Errno;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::file::Content;
use crate::names::{Name, Names};

/// Number of the directory at the top.
pub(crate) const ROOT: u64 = 1;

const CAPACITY_BYTES: usize = 4 << 30;

/// What is wrong with the disk.
#[derive(Clone, Default)]
pub(crate) struct Faults {
    /// No byte and no name more fits.
    pub(crate) full: bool,
    /// Share of syncs that fail with EIO.
    pub(crate) failing_syncs: f64,
    /// Share of writes that fail with EIO.
    pub(crate) failing_writes: f64,
    /// Syncs report success and do nothing.
    pub(crate) lying: bool,
}

/// A file or a directory.
pub(crate) struct Node {
    pub(crate) is_directory: bool,
    pub(crate) mode: u16,
    pub(crate) content: Content,
    opened: u64,
}

/// The disk.
pub(crate) struct Disk {
    nodes: BTreeMap<u64, Node>,
    names: Names,
    next: u64,
    random: ChaCha8Rng,
    pub(crate) faults: Faults,
    /// Changes until the power is cut.
    until_cut: Option<u64>,
    /// What the platter has, once the power is cut.
    found: Option<Box<Disk>>,
}

impl Disk {
    /// An empty one.
    pub(crate) fn new(seed: u64) -> Self {
        let root = Node::new(true, 0o755);
        Self {
            nodes: BTreeMap::from([(ROOT, root)]),
            names: Names::default(),
            // Positions 1 and 2 of a listing are the directory itself and the one above it.
            next: 3,
            random: ChaCha8Rng::seed_from_u64(seed),
            faults: Faults::default(),
            until_cut: None,
            found: None,
        }
    }

    /// Cuts the power in the middle of the change that many changes from now.
    pub(crate) fn cut_after(&mut self, changes: u64) {
        self.until_cut = Some(changes);
    }

    /// Cuts the power now, if that has not happened, and answers what is found afterwards.
    pub(crate) fn cut(&mut self) -> Disk {
        let found = self.found.take();
        found.map_or_else(|| self.after_cut(), |found| *found)
    }

    fn after_cut(&mut self) -> Self {
        let names = self.names.after_cut(&mut self.random);
        let mut nodes = BTreeMap::new();
        for (number, node) in &self.nodes {
            if *number == ROOT || names.refers_to(*number) {
                let content = node.content.after_cut(&mut self.random);
                let found = Node {
                    content,
                    ..Node::new(node.is_directory, node.mode)
                };
                nodes.insert(*number, found);
            }
        }
        Self {
            nodes,
            names,
            next: self.next,
            random: ChaCha8Rng::seed_from_u64(self.random.random()),
            faults: Faults::default(),
            until_cut: None,
            found: None,
        }
    }

    /// Fails once the power is cut.
    pub(crate) fn powered(&self) -> Result<(), Errno> {
        self.found.as_ref().map_or(Ok(()), |_| Err(Errno::EIO))
    }

    /// Notes that something changes or is synced. The power may go in the middle of it: then
    /// `change` has happened to what is in memory and nobody learns of it.
    fn change<T>(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        self.powered()?;
        let result = change(self)?;
        match &mut self.until_cut {
            Some(0) => {
                self.found = Some(Box::new(self.after_cut()));
                Err(Errno::EIO)
            }
            Some(left) => {
                *left -= 1;
                Ok(result)
            }
            None => Ok(result),
        }
    }

    pub(crate) fn node(&self, number: u64) -> Result<&Node, Errno> {
        self.powered()?;
        self.nodes.get(&number).ok_or(Errno::ENOENT)
    }

    fn node_mut(&mut self, number: u64) -> Result<&mut Node, Errno> {
        self.nodes.get_mut(&number).ok_or(Errno::ENOENT)
    }

    pub(crate) fn find(&self, directory: u64, name: &OsStr) -> Result<u64, Errno> {
        self.powered()?;
        self.names.find(directory, name).ok_or(Errno::ENOENT)
    }

    pub(crate) fn list(&self, directory: u64) -> Result<Vec<(u64, std::ffi::OsString)>, Errno> {
        self.powered()?;
        Ok(self.names.list(directory))
    }

    pub(crate) fn create(
        &mut self,
        name: Name,
        is_directory: bool,
        mode: u16,
    ) -> Result<u64, Errno> {
        self.change(|disk| {
            if disk.faults.full {
                return Err(Errno::ENOSPC);
            }
            if disk.names.find(name.0, &name.1).is_some() {
                return Err(Errno::EEXIST);
            }
            let number = disk.next;
            disk.next += 1;
            disk.nodes.insert(number, Node::new(is_directory, mode));
            disk.names.link(name, number);
            Ok(number)
        })
    }

    pub(crate) fn remove(&mut self, name: Name) -> Result<(), Errno> {
        self.change(|disk| {
            let number = disk.find(name.0, &name.1)?;
            if !disk.names.list(number).is_empty() {
                return Err(Errno::ENOTEMPTY);
            }
            disk.names.unlink(name, number);
            disk.sweep();
            Ok(())
        })
    }

    pub(crate) fn rename(&mut self, from: Name, to: Name) -> Result<(), Errno> {
        self.change(|disk| {
            let number = disk.find(from.0, &from.1)?;
            let replaced = disk.names.find(to.0, &to.1);
            if replaced.is_some_and(|number| !disk.names.list(number).is_empty()) {
                return Err(Errno::ENOTEMPTY);
            }
            disk.names.rename(from, to, number);
            disk.sweep();
            Ok(())
        })
    }

    pub(crate) fn open(&mut self, number: u64) -> Result<(), Errno> {
        self.powered()?;
        self.node_mut(number)?.opened += 1;
        Ok(())
    }

    pub(crate) fn close(&mut self, number: u64) {
        if let Ok(node) = self.node_mut(number) {
            node.opened = node.opened.saturating_sub(1);
        }
        self.sweep();
    }

    pub(crate) fn write(&mut self, number: u64, offset: usize, data: &[u8]) -> Result<(), Errno> {
        self.change(|disk| {
            let share = disk.faults.failing_writes;
            if share > 0.0 && disk.random.random_bool(share) {
                return Err(Errno::EIO);
            }
            let is_full = disk.faults.full || disk.used() + data.len() > CAPACITY_BYTES;
            let node = disk.node_mut(number)?;
            if is_full && offset + data.len() > node.content.len() {
                return Err(Errno::ENOSPC);
            }
            node.content.write(offset, data);
            Ok(())
        })
    }

    pub(crate) fn resize(&mut self, number: u64, length: usize) -> Result<(), Errno> {
        self.change(|disk| {
            disk.node_mut(number)?.content.resize(length);
            Ok(())
        })
    }

    /// A sync of a file or a directory. When the power goes in the middle of it, nothing is sure.
    pub(crate) fn sync(&mut self, number: u64) -> Result<(), Errno> {
        self.change(|_| Ok(()))?;
        if self.faults.lying {
            return Ok(());
        }
        let share = self.faults.failing_syncs;
        if share > 0.0 && self.random.random_bool(share) {
            self.node_mut(number)?.content.fail_sync();
            return Err(Errno::EIO);
        }
        self.node_mut(number)?.content.sync();
        self.names.sync(number);
        self.sweep();
        Ok(())
    }

    /// Blocks in all, and free ones.
    pub(crate) fn space(&self) -> (u64, u64) {
        const BLOCK: usize = 4096;
        let free = if self.faults.full {
            0
        } else {
            CAPACITY_BYTES.saturating_sub(self.used())
        };
        ((CAPACITY_BYTES / BLOCK) as u64, (free / BLOCK) as u64)
    }

    fn used(&self) -> usize {
        self.nodes.values().map(|node| node.content.len()).sum()
    }

    /// Forgets files that nobody can reach any more, not even after a cut.
    fn sweep(&mut self) {
        let names = &self.names;
        self.nodes
            .retain(|number, node| *number == ROOT || node.opened > 0 || names.refers_to(*number));
    }
}

impl Node {
    fn new(is_directory: bool, mode: u16) -> Self {
        Self {
            is_directory,
            mode,
            content: Content::default(),
            opened: 0,
        }
    }
}
