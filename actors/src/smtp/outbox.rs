//! Bytes on their way out: small pieces are joined into one write, large ones pass uncopied.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Pieces of at least this many octets are not copied.
const LARGE: usize = 16 * 1024;

/// What a machine wants written, in order. One [`Outbox::take`] per write.
#[derive(Debug, Default)]
pub struct Outbox {
    ready: VecDeque<Bytes>,
    tail: BytesMut,
}

impl Outbox {
    /// Whether nothing waits to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.tail.is_empty()
    }

    /// Octets that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ready.iter().map(Bytes::len).sum::<usize>() + self.tail.len()
    }

    /// Appends a copy.
    pub fn push_slice(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
    }

    /// Appends, without a copy when the piece is large.
    pub fn push(&mut self, bytes: Bytes) {
        if bytes.len() < LARGE {
            self.push_slice(&bytes);
        } else {
            if !self.tail.is_empty() {
                self.ready.push_back(self.tail.split().freeze());
            }
            self.ready.push_back(bytes);
        }
    }

    /// The next bytes to write, if there are any.
    pub fn take(&mut self) -> Option<Bytes> {
        if let Some(bytes) = self.ready.pop_front() {
            return Some(bytes);
        }
        (!self.tail.is_empty()).then(|| self.tail.split().freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pieces_share_a_write_and_the_order_stays() {
        let mut outbox = Outbox::default();
        outbox.push_slice(b"a");
        outbox.push(Bytes::from_static(b"b"));
        outbox.push(Bytes::from(vec![b'c'; LARGE]));
        outbox.push_slice(b"d");
        assert_eq!(outbox.len(), LARGE + 3);
        assert_eq!(outbox.take().as_deref(), Some(&b"ab"[..]));
        assert_eq!(outbox.take().map(|bytes| bytes.len()), Some(LARGE));
        assert_eq!(outbox.take().as_deref(), Some(&b"d"[..]));
        assert_eq!(outbox.take(), None);
        assert!(outbox.is_empty());
    }
}
