//! Replies of a peer: split at every octet, bounded, and printed back without a new line in them.

use actors::smtp::Reply;
use actors::smtp::reply_parser::ReplyParser;

use crate::signature::Signature;

pub(crate) fn words() -> &'static [&'static [u8]] {
    &[
        b"250 ",
        b"250-",
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b"5.1.1 ",
        b"2.0.0",
        b"421 4.3.2 ",
        b"550",
        b"354",
        b"999 ",
        b"199 ",
        b"SIZE 1000",
        b"PIPELINING",
        b"\xff\xfe",
        b"4.7.",
        b"\x1b[31m",
    ]
}

pub(crate) fn target(input: &[u8]) -> u64 {
    let whole = parsed(&[input]);
    let middle = input.len() / 2;
    assert_eq!(parsed(&[&input[..middle], &input[middle..]]), whole);
    if input.len() <= 2_000 {
        let octets: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(parsed(&octets), whole);
    }
    let mut signature = Signature::default();
    for reply in &whole.0 {
        let mut printed = Vec::new();
        reply.write_to(&mut printed);
        let lines = printed.split(|octet| *octet == b'\n').count() - 1;
        assert_eq!(lines, reply.lines.len().max(1), "{reply:?}");
        let (again, error) = parsed(&[&printed]);
        assert_eq!((again.len(), &error), (1, &None), "{reply:?}");
        assert_eq!(again[0].code, reply.code);
        signature.note((reply.code / 100, reply.enhanced.is_some()));
        signature.note_length(reply.lines.len());
    }
    signature.note(whole.1);
    signature.end()
}

fn parsed(pieces: &[&[u8]]) -> (Vec<Reply>, Option<String>) {
    let (mut parser, mut replies) = (ReplyParser::default(), Vec::new());
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            match parser.push(&mut rest) {
                Ok(Some(reply)) => replies.push(reply),
                Ok(None) => {}
                Err(error) => return (replies, Some(error.to_string())),
            }
        }
    }
    (replies, None)
}
