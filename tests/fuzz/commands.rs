//! Command lines, in pieces and whole: the same lines, and paths that print back to themselves.

use actors::smtp::Command;
use actors::smtp::line::{Found, Line, LineReader};
use storage::model::{ForwardPath, ReversePath};

use crate::signature::Signature;

pub(crate) fn words() -> &'static [&'static [u8]] {
    &[
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b"MAIL FROM:<",
        b"RCPT TO:<",
        b">",
        b" SIZE=",
        b" BODY=8BITMIME",
        b" SMTPUTF8",
        b" RET=FULL",
        b" ENVID=a+2B",
        b" NOTIFY=NEVER",
        b" ORCPT=rfc822;a",
        b"BDAT 1 LAST",
        b"EHLO ",
        b"DATA",
        b"@",
        b"\"",
        b"\\",
        b"a@b.example",
        b"[IPv6:::1]",
        b"<>",
        b"\xc3\xa4",
        b"%",
        b"!",
    ]
}

pub(crate) fn target(input: &[u8]) -> u64 {
    let whole = lines(&[input]);
    let middle = input.len() / 2;
    assert_eq!(lines(&[&input[..middle], &input[middle..]]), whole);
    let octets: Vec<&[u8]> = input.chunks(1).take(2_000).collect();
    if octets.len() == input.len() {
        assert_eq!(lines(&octets), whole);
    }
    let mut signature = Signature::default();
    for line in whole.iter().flatten() {
        match Command::parse(line) {
            Ok(command) => {
                signature.note(std::mem::discriminant(&command));
                check(&command);
            }
            Err(error) => signature.note(error.to_string()),
        }
    }
    signature.end()
}

/// Clean lines as they are; faulty ones as none.
fn lines(pieces: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
    let (mut reader, mut buffer, mut seen) = (LineReader::default(), Vec::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            let (line, taken) = match reader.next(&buffer) {
                Found::Line(Line::Clean(line), taken) => {
                    assert!(!line.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)));
                    (Some(Some(line.to_vec())), taken)
                }
                Found::Line(_, taken) => (Some(None), taken),
                Found::Nothing(taken) => (None, taken),
            };
            buffer.drain(..taken);
            match line {
                Some(line) => seen.push(line),
                None => break,
            }
        }
    }
    seen
}

fn check(command: &Command) {
    match command {
        Command::Mail(mail) => {
            let printed = mail.reverse_path.to_string();
            assert_eq!(printed.parse::<ReversePath>().unwrap(), mail.reverse_path);
        }
        Command::Rcpt(recipient) => {
            let printed = recipient.path.to_string();
            assert_eq!(printed.parse::<ForwardPath>().unwrap(), recipient.path);
        }
        _ => {}
    }
}
