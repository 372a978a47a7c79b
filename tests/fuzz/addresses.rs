//! Addresses: what parses prints back to itself, and nothing in it can become protocol.

use storage::model::{DomainName, ForwardPath, Mailbox, ReversePath};

use crate::signature::Signature;

pub(crate) fn words() -> &'static [&'static [u8]] {
    &[
        b"@",
        b"\"",
        b"\\",
        b".",
        b"..",
        b"<",
        b">",
        b" ",
        b"[192.0.2.1]",
        b"[IPv6:2001:db8::1]",
        b"x.example",
        b"postmaster",
        b"\xc3\xa4",
        b"\xe2\x80\xae",
        b"%",
        b"!",
        b"-",
        b"_",
        b"\r\n",
        b"\0",
        b"aaaaaaaaaaaaaaaa",
    ]
}

pub(crate) fn target(input: &[u8]) -> u64 {
    let mut signature = Signature::default();
    let Ok(text) = std::str::from_utf8(input) else {
        return 0;
    };
    match text.parse::<Mailbox>() {
        Ok(mailbox) => {
            let printed = mailbox.to_string();
            assert_eq!(printed.parse::<Mailbox>().unwrap(), mailbox);
            assert!(!printed.chars().any(char::is_control), "{printed:?}");
            assert!(mailbox.local_part().len() <= 64 && mailbox.domain().as_str().len() <= 255);
            let line = format!("RCPT TO:<{printed}>");
            let command = actors::smtp::Command::parse(line.as_bytes()).unwrap();
            let actors::smtp::Command::Rcpt(recipient) = command else {
                panic!("{line}")
            };
            assert_eq!(recipient.path, ForwardPath::Mailbox(mailbox.clone()));
            signature.note(("mailbox", printed.contains('"'), mailbox.needs_utf8()));
            signature.note_length(mailbox.key().len());
        }
        Err(error) => signature.note(error.to_string()),
    }
    if let Ok(domain) = text.parse::<DomainName>() {
        assert_eq!(domain.to_string().parse::<DomainName>().unwrap(), domain);
        signature.note(("domain", domain.is_literal()));
    }
    signature.note(text.parse::<ReversePath>().is_ok());
    signature.note(text.parse::<ForwardPath>().is_ok());
    signature.end()
}
