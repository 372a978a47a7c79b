//! Which parts of a journal are whole.

use std::ops::Range;

use super::frame::{FIRST_BYTE, whole_frame};

/// A journal, frame by frame.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Examined {
    /// Whole frames, as runs without a gap; the first run begins at 0 and may be empty.
    runs: Vec<Run>,
    /// Whether anything but zeroes follows the last run. fjall creates journals filled with zeroes.
    has_torn_end: bool,
    /// Whether the search for frames behind a bad one was given up.
    gave_up: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Run {
    bytes: Range<usize>,
    frames: u64,
}

/// Steps that a search for whole frames may take per byte of the journal. A search in what mail
/// brings takes less; content made to look like half frames within half frames would take for ever,
/// and a journal full of that is refused.
const STEPS_PER_BYTE: usize = 16;

/// Finds the whole frames in the content of a journal.
pub(super) fn examine(content: &[u8]) -> Examined {
    let content = without_zeroes_behind(content);
    let first = run(content, 0);
    let mut end = first.bytes.end;
    let mut runs = vec![first];
    let mut steps = (content.len() + 1).saturating_mul(STEPS_PER_BYTE);
    while let Some(start) = next_frame(content, end, &mut steps) {
        let found = run(content, start);
        end = found.bytes.end;
        runs.push(found);
    }
    Examined {
        runs,
        has_torn_end: end < content.len(),
        gave_up: steps == 0,
    }
}

impl Examined {
    /// End of the frames that follow each other from the beginning, in bytes.
    pub(super) fn whole_end(&self) -> u64 {
        self.runs.first().map_or(0, |run| run.bytes.end as u64)
    }

    /// Whole frames, wherever they stand.
    pub(super) fn frames(&self) -> u64 {
        self.runs.iter().map(|run| run.frames).sum()
    }

    /// Whole frames behind the first that is not.
    pub(super) fn frames_behind(&self) -> u64 {
        self.runs.iter().skip(1).map(|run| run.frames).sum()
    }

    /// Whether there is nothing but whole frames and the zeroes behind them.
    pub(super) fn is_clean(&self) -> bool {
        self.frames_behind() == 0 && !self.has_torn_end
    }

    /// Whether every place was looked at where a whole frame could begin.
    pub(super) fn searched_all(&self) -> bool {
        !self.gave_up
    }

    /// The whole frames of the journal that was examined, in their order.
    pub(super) fn whole_frames<'a>(&'a self, content: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.runs
            .iter()
            .filter_map(|run| content.get(run.bytes.clone()))
    }
}

/// The content up to its last byte that is not zero: the last byte of a frame never is. Compared in
/// blocks, because most of a journal may be zeroes.
pub(super) fn without_zeroes_behind(content: &[u8]) -> &[u8] {
    const BLOCK: [u8; 4096] = [0; 4096];
    let is_zero = |block: &&[u8]| BLOCK.get(..block.len()) == Some(*block);
    let blocks = content.rchunks(BLOCK.len()).take_while(is_zero);
    let zeroes: usize = blocks.map(<[u8]>::len).sum();
    let rest = content.get(..content.len() - zeroes).unwrap_or_default();
    let end = rest.iter().rposition(|byte| *byte != 0);
    rest.get(..end.map_or(0, |last| last + 1))
        .unwrap_or_default()
}

/// The frames that follow each other from a position on.
fn run(content: &[u8], start: usize) -> Run {
    let mut end = start;
    let mut frames = 0;
    // Each byte is read once, so there is nothing to bound.
    let mut steps = usize::MAX;
    while let Some(length) = content
        .get(end..)
        .and_then(|rest| whole_frame(rest, &mut steps))
    {
        end += length;
        frames += 1;
    }
    Run {
        bytes: start..end,
        frames,
    }
}

/// Where the next whole frame begins behind a bad one, searched byte by byte.
fn next_frame(content: &[u8], from: usize, steps: &mut usize) -> Option<usize> {
    let rest = content.get(from..)?;
    let mut candidates = rest
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == FIRST_BYTE);
    loop {
        let start = from + candidates.next()?.0;
        let candidate = content.get(start..)?;
        if whole_frame(candidate, steps).is_some() {
            return Some(start);
        }
        if *steps == 0 {
            return None;
        }
    }
}
