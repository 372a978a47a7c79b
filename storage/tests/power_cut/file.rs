//! One file: what its readers see, what the platter has, and which pages differ.

use std::collections::BTreeSet;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

const PAGE: usize = 4096;
/// What a disk writes whole.
const SECTOR: usize = 512;

/// Content of a file, twice.
#[derive(Clone, Default)]
pub(crate) struct Content {
    /// As written.
    live: Vec<u8>,
    /// As last synced.
    durable: Vec<u8>,
    /// Pages written since, by number.
    dirty: BTreeSet<usize>,
}

impl Content {
    /// A file that is on the platter as it is.
    fn synced(content: Vec<u8>) -> Self {
        Self {
            durable: content.clone(),
            live: content,
            dirty: BTreeSet::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.live.len()
    }

    pub(crate) fn read(&self, offset: usize, length: usize) -> &[u8] {
        let end = self.live.len().min(offset.saturating_add(length));
        self.live.get(offset..end).unwrap_or_default()
    }

    pub(crate) fn write(&mut self, offset: usize, data: &[u8]) {
        let end = offset + data.len();
        if end > self.live.len() {
            self.live.resize(end, 0);
        }
        self.live[offset..end].copy_from_slice(data);
        self.dirty.extend(offset / PAGE..end.div_ceil(PAGE));
    }

    /// Cuts the file or lets it grow with zeroes.
    pub(crate) fn resize(&mut self, length: usize) {
        self.live.resize(length, 0);
        // What was cut off is zeroes when the file grows again, whatever the platter has there.
        let cut_off = length / PAGE..self.durable.len().div_ceil(PAGE);
        self.dirty.extend(cut_off);
    }

    /// A sync that works.
    pub(crate) fn sync(&mut self) {
        self.durable.resize(self.live.len(), 0);
        for page in std::mem::take(&mut self.dirty) {
            let start = page * PAGE;
            let end = self.live.len().min(start + PAGE);
            if start < end {
                self.durable[start..end].copy_from_slice(&self.live[start..end]);
            }
        }
    }

    /// A sync that fails as on Linux: the pages count as clean, so that the next sync reports
    /// success, and the platter does not have them.
    pub(crate) fn fail_sync(&mut self) {
        self.dirty.clear();
    }

    /// What is found after the power is back: everything that was synced, and of the rest any
    /// part, as the disk happened to be at it.
    pub(crate) fn after_cut(&self, random: &mut ChaCha8Rng) -> Self {
        let dirty: Vec<usize> = self.dirty.iter().copied().collect();
        let is_shorter = self.live.len() < self.durable.len();
        let mut found = self.durable.clone();
        if is_shorter && random.random() {
            found.truncate(self.live.len());
        }
        let kept = Kept::choose(dirty.len(), random);
        for (position, page) in dirty.iter().enumerate() {
            for start in (page * PAGE..(page + 1) * PAGE).step_by(SECTOR) {
                let sector = (start % PAGE) / SECTOR;
                let end = self.live.len().min(start + SECTOR);
                if start < end && kept.keeps(position, sector, random) {
                    if found.len() < end {
                        found.resize(end, 0);
                    }
                    found[start..end].copy_from_slice(&self.live[start..end]);
                }
            }
        }
        // The new length may be there before what stands in it.
        if !is_shorter && found.len() < self.live.len() && random.random_bool(0.25) {
            found.resize(self.live.len(), 0);
        }
        Self::synced(found)
    }
}

/// Which of the unsynced sectors a cut leaves.
enum Kept {
    Nothing,
    Everything,
    /// Everything up to this sector of this page.
    Prefix(usize, usize),
    /// Each page or none of it.
    Pages(BTreeSet<usize>),
    /// Each sector by itself.
    Sectors,
}

impl Kept {
    fn choose(pages: usize, random: &mut ChaCha8Rng) -> Self {
        match random.random_range(0..8) {
            0 => Self::Nothing,
            1 => Self::Everything,
            2..=4 => Self::Prefix(
                random.random_range(0..=pages),
                random.random_range(0..PAGE / SECTOR),
            ),
            5..=6 => Self::Pages((0..pages).filter(|_| random.random()).collect()),
            _ => Self::Sectors,
        }
    }

    fn keeps(&self, page: usize, sector: usize, random: &mut ChaCha8Rng) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Prefix(last, until) => page < *last || (page == *last && sector < *until),
            Self::Pages(pages) => pages.contains(&page),
            Self::Sectors => random.random(),
        }
    }
}
