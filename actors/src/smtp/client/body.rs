//! The body on its way out: checked, counted, dot-stuffed for DATA (RFC 5321 §4.5.2), as it is for
//! BDAT (RFC 3030). Nothing bare ever leaves (OUT8).

use bytes::Bytes;

use super::super::crlf::{CrlfGuard, LineFault};
use super::super::outbox::Outbox;

/// The body cannot be sent. The connection has to be closed, so that the peer never sees an end of
/// the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It holds what must not be sent.
    #[error("the stored body has a {0}")]
    Line(#[from] LineFault),
    /// It is longer or shorter than announced.
    #[error("the stored body has {actual} octets instead of {announced}")]
    Size {
        /// Octets announced in the transaction.
        announced: u64,
        /// Octets given.
        actual: u64,
    },
    /// No body is wanted now.
    #[error("no body is expected in this phase")]
    NotExpected,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// Dot-stuffed, ended by a dot.
    Dots,
    /// Counted octets.
    Counted,
}

#[derive(Debug)]
pub(super) struct OutgoingBody {
    framing: Framing,
    guard: CrlfGuard,
    announced: u64,
    actual: u64,
}

impl OutgoingBody {
    pub(super) fn new(framing: Framing, announced: u64) -> Self {
        Self {
            framing,
            guard: CrlfGuard::default(),
            announced,
            actual: 0,
        }
    }

    pub(super) fn push(&mut self, chunk: Bytes, outbox: &mut Outbox) -> Result<(), BodyError> {
        self.actual += chunk.len() as u64;
        if self.actual > self.announced {
            return Err(self.wrong_size());
        }
        let at_line_start = self.guard.is_at_line_start();
        self.guard.check(&chunk)?;
        match self.framing {
            Framing::Counted => outbox.push(chunk),
            Framing::Dots => push_stuffed(chunk, at_line_start, outbox),
        }
        Ok(())
    }

    pub(super) fn end(&self, outbox: &mut Outbox) -> Result<(), BodyError> {
        self.guard.finish()?;
        if self.actual != self.announced {
            return Err(self.wrong_size());
        }
        if self.framing == Framing::Dots {
            let end: &[u8] = if self.guard.is_at_line_start() {
                b".\r\n"
            } else {
                b"\r\n.\r\n"
            };
            outbox.push_slice(end);
        }
        Ok(())
    }

    const fn wrong_size(&self) -> BodyError {
        BodyError::Size {
            announced: self.announced,
            actual: self.actual,
        }
    }
}

fn push_stuffed(chunk: Bytes, at_line_start: bool, outbox: &mut Outbox) {
    if at_line_start && chunk.first() == Some(&b'.') {
        outbox.push_slice(b".");
    }
    let mut begin = 0;
    for position in memchr::memmem::find_iter(&chunk, b"\n.") {
        outbox.push(chunk.slice(begin..=position));
        outbox.push_slice(b".");
        begin = position + 1;
    }
    outbox.push(chunk.slice(begin..));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn send(framing: Framing, announced: u64, chunks: &[&[u8]]) -> Result<Vec<u8>, BodyError> {
        let mut body = OutgoingBody::new(framing, announced);
        let mut outbox = Outbox::default();
        for chunk in chunks {
            body.push(Bytes::copy_from_slice(chunk), &mut outbox)?;
        }
        body.end(&mut outbox)?;
        let mut out = Vec::new();
        while let Some(bytes) = outbox.take() {
            out.extend_from_slice(&bytes);
        }
        Ok(out)
    }

    fn dots(chunks: &[&[u8]]) -> Result<Vec<u8>, BodyError> {
        let size = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        send(Framing::Dots, size, chunks)
    }

    #[test]
    fn out8_dots_are_stuffed_wherever_a_chunk_ends() {
        assert_eq!(dots(&[b".a\r\n..\r\n"]).unwrap(), b"..a\r\n...\r\n.\r\n");
        assert_eq!(
            dots(&[b"a\r\n", b".\r", b"\n"]).unwrap(),
            b"a\r\n..\r\n.\r\n"
        );
        assert_eq!(dots(&[b"a\r", b"\n", b".b"]).unwrap(), b"a\r\n..b\r\n.\r\n");
        assert_eq!(dots(&[]).unwrap(), b".\r\n");
        assert_eq!(dots(&[b"no end"]).unwrap(), b"no end\r\n.\r\n");
    }

    #[test]
    fn out8_nothing_bare_leaves() {
        for (content, fault) in [
            (&b"a\nb\r\n"[..], LineFault::BareLf),
            (b"a\rb\r\n", LineFault::BareCr),
            (b"a\0\r\n", LineFault::Nul),
            (b"a\r\n\n.\r\n", LineFault::BareLf),
            (b"a\r", LineFault::BareCr),
        ] {
            assert_eq!(dots(&[content]), Err(BodyError::Line(fault)));
            let counted = send(Framing::Counted, content.len() as u64, &[content]);
            assert_eq!(counted, Err(BodyError::Line(fault)));
        }
    }

    #[test]
    fn out7_counted_bodies_go_as_they_are_and_match_their_count() {
        assert_eq!(
            send(Framing::Counted, 5, &[b".\r\n.x"]).unwrap(),
            b".\r\n.x"
        );
        assert_eq!(
            send(Framing::Counted, 3, &[b"ab"]),
            Err(BodyError::Size {
                announced: 3,
                actual: 2
            })
        );
        assert!(send(Framing::Counted, 1, &[b"ab"]).is_err());
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(
            lines in prop::collection::vec("[.a]{0,4}", 0..6),
            cut in 0_usize..30,
        ) {
            let content: String = lines.iter().flat_map(|line| [line, "\r\n"]).collect();
            let (left, right) = content.as_bytes().split_at(cut.min(content.len()));
            let whole = dots(&[content.as_bytes()]).unwrap();
            prop_assert_eq!(dots(&[left, right]).unwrap(), &whole[..]);
            let stuffed: String = lines
                .iter()
                .flat_map(|line| [if line.starts_with('.') { "." } else { "" }, line, "\r\n"])
                .chain([".\r\n"])
                .collect();
            prop_assert_eq!(whole, stuffed.into_bytes());
        }
    }
}
