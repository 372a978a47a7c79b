//! DATA and BDAT: split at every octet, against a reference that is slow and obvious.

use actors::smtp::crlf::CrlfGuard;
use actors::smtp::data::DataFramer;
use actors::smtp::sloppy::{Newlines, SloppyChunks};
use bytes::BytesMut;

use crate::signature::Signature;

/// Splits at every octet are tried up to this size.
const SPLIT_MAX: usize = 128;

pub(crate) fn words() -> &'static [&'static [u8]] {
    &[
        b"\r\n",
        b"\r",
        b"\n",
        b"\0",
        b".",
        b"..",
        b"\r\n.\r\n",
        b"\n.\n",
        b"\r.\r",
        b"\r\n.\n",
        b"\n.\r\n",
        b"a",
        b"Subject: x\r\n",
        b"\xff",
    ]
}

/// What the framing made of it: content, rest, fault.
type Framed = (Vec<u8>, Option<Vec<u8>>, bool);

pub(crate) fn target(input: &[u8]) -> u64 {
    let mut signature = Signature::default();
    for newlines in [Newlines::Reject, Newlines::Normalise] {
        let whole = framed(newlines, &[input]);
        assert_eq!(whole.1, end_of(input).map(|end| input[end..].to_vec()));
        if newlines == Newlines::Reject && whole.1.is_some() {
            let (content, is_clean) = reference(&input[..end_of(input).unwrap()]);
            assert_eq!(whole.2, !is_clean);
            if is_clean {
                assert_eq!(whole.0, content);
            }
        }
        if !whole.2 && whole.1.is_some() {
            assert!(
                CrlfGuard::default().check(&whole.0).is_ok(),
                "bare: {:?}",
                whole.0
            );
        }
        if input.len() <= SPLIT_MAX {
            for cut in 0..=input.len() {
                let (left, right) = input.split_at(cut);
                let split = framed(newlines, &[left, right]);
                assert_eq!((&split.1, split.2), (&whole.1, whole.2), "at {cut}");
                if !whole.2 {
                    assert_eq!(split.0, whole.0, "at {cut}");
                }
            }
        }
        signature.note((whole.1.is_some(), whole.2));
        signature.note_length(whole.0.len());
    }
    let is_clean = guarded(&[input]);
    assert_eq!(is_clean, reference_guard(input));
    let middle = input.len() / 2;
    assert_eq!(guarded(&[&input[..middle], &input[middle..]]), is_clean);
    let mut canonical = BytesMut::new();
    SloppyChunks::default().push(input, &mut canonical);
    assert_eq!(guarded(&[&canonical]), !input.contains(&0));
    signature.note(is_clean);
    signature.end()
}

fn framed(newlines: Newlines, pieces: &[&[u8]]) -> Framed {
    let (mut framer, mut content) = (DataFramer::new(newlines), BytesMut::new());
    let mut rest: Option<Vec<u8>> = None;
    for piece in pieces {
        match &mut rest {
            Some(rest) => rest.extend_from_slice(piece),
            None => {
                let framed = framer.push(piece, &mut content);
                rest = framed.is_end.then(|| piece[framed.consumed..].to_vec());
            }
        }
    }
    (content.to_vec(), rest, framer.line_fault().is_some())
}

/// Behind CRLF.CRLF, the CRLF before the data counted in.
fn end_of(input: &[u8]) -> Option<usize> {
    let with_line_start = [b"\r\n", input].concat();
    let end = with_line_start
        .windows(5)
        .position(|five| five == b"\r\n.\r\n");
    end.map(|end| end + 3)
}

/// The content of complete data, and whether it is free of faults.
fn reference(data: &[u8]) -> (Vec<u8>, bool) {
    let data = &data[..data.len() - 3];
    let (mut content, mut is_clean, mut at_line_start, mut index) = (Vec::new(), true, true, 0);
    while index < data.len() {
        if data[index..].starts_with(b"\r\n") {
            content.extend_from_slice(b"\r\n");
            at_line_start = true;
            index += 2;
            continue;
        }
        is_clean &= !matches!(data[index], b'\r' | b'\n' | 0);
        if !(at_line_start && data[index] == b'.') {
            content.push(data[index]);
        }
        at_line_start = false;
        index += 1;
    }
    (content, is_clean)
}

fn guarded(pieces: &[&[u8]]) -> bool {
    let mut guard = CrlfGuard::default();
    pieces.iter().all(|piece| guard.check(piece).is_ok()) && guard.finish().is_ok()
}

fn reference_guard(input: &[u8]) -> bool {
    let text: String = input.iter().map(|octet| char::from(*octet)).collect();
    !text.replace("\r\n", "").contains(['\r', '\n', '\0'])
}
