//! The beginning of a message as it passes by: its header section and some of its body.

use bytes::Bytes;

use crate::smtp::limits::HEADER_SECTION_MAX;

/// Octets of the body that are looked at for a preview and for search.
const BODY_SAMPLE_MAX: usize = 64 * 1024;

/// Keeps the beginning of a message, at most 320 KiB, without copying what arrives in large pieces.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    pieces: Vec<Bytes>,
    octets: usize,
    /// Where the header section ends, once that was seen.
    header: Option<usize>,
    /// The last octets before the next piece, to find the end of the header across pieces.
    tail: Vec<u8>,
}

impl Sample {
    /// Takes note of the next piece.
    pub(crate) fn push(&mut self, piece: &Bytes) {
        let most = match self.header {
            Some(header) => header + BODY_SAMPLE_MAX,
            None => HEADER_SECTION_MAX + BODY_SAMPLE_MAX,
        };
        let room = most.saturating_sub(self.octets);
        if room == 0 {
            return;
        }
        let piece = piece.slice(..piece.len().min(room));
        if self.header.is_none() {
            self.look_for_body(&piece);
        }
        self.octets += piece.len();
        self.pieces.push(piece);
    }

    fn look_for_body(&mut self, piece: &[u8]) {
        let before = self.tail.len();
        self.tail.extend_from_slice(piece);
        let end = memchr::memmem::find(&self.tail, b"\r\n\r\n");
        self.header = end.map(|at| self.octets + at + 4 - before);
        let keep = self.tail.len().saturating_sub(3);
        self.tail.drain(..keep);
    }

    /// The beginning in one piece: the header section and at most 64 KiB behind it.
    pub(crate) fn head(&self) -> Vec<u8> {
        let most = match self.header {
            Some(header) => header + BODY_SAMPLE_MAX,
            None => self.octets,
        };
        let mut head = Vec::with_capacity(self.octets.min(most));
        for piece in &self.pieces {
            let room = most.saturating_sub(head.len());
            head.extend_from_slice(piece.get(..piece.len().min(room)).unwrap_or_default());
        }
        head
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn however_it_arrives_the_beginning_is_the_same(
            header in 0..3_000_usize,
            body in 0..150_000_usize,
            cuts in proptest::collection::vec(1..20_000_usize, 1..8),
        ) {
            let mut message = format!("X: {}\r\n\r\n", "h".repeat(header)).into_bytes();
            let header = message.len();
            message.extend(std::iter::repeat_n(b'b', body));
            let expected = &message[..message.len().min(header + BODY_SAMPLE_MAX)];
            let mut sample = Sample::default();
            let mut rest = Bytes::from(message.clone());
            let mut cuts = cuts.iter().cycle();
            while !rest.is_empty() {
                let cut = rest.len().min(*cuts.next().unwrap());
                sample.push(&rest.split_to(cut));
            }
            prop_assert_eq!(sample.head(), expected);
        }
    }
}
