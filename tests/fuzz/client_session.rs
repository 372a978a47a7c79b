//! A whole session of the client against arbitrary replies: every transaction ends once, nothing is
//! said after the end, and what is said is clean lines.

use actors::smtp::client::{Client, Event, Options, Origin, StartTls, Transaction};
use bytes::Bytes;
use storage::model::{BodyKind, Recipient};

use crate::signature::Signature;

const BODY: &[u8] = b"Subject: x\r\n\r\n.dot\r\n";

pub(crate) fn words() -> &'static [&'static [u8]] {
    &[
        b"220 mx\r\n",
        b"250 ok\r\n",
        b"250-mx\r\n",
        b"250-PIPELINING\r\n",
        b"250-CHUNKING\r\n",
        b"250-SIZE 10\r\n",
        b"250-STARTTLS\r\n",
        b"250 DSN\r\n",
        b"354 go\r\n",
        b"421 4.3.2 bye\r\n",
        b"451 later\r\n",
        b"550 5.1.1 no\r\n",
        b"554 no\r\n",
        b"\r\n",
        b"\n",
        b"\0",
        b"220",
        b"250",
        b"x",
    ]
}

fn transaction() -> Transaction {
    Transaction {
        reverse_path: "s@y.example".parse().unwrap(),
        recipients: ["a@x.example", "\"b> c\"@x.example"]
            .map(|text| Recipient::new(text.parse().unwrap()))
            .to_vec(),
        size_bytes: BODY.len() as u64,
        body: BodyKind::SevenBit,
        smtputf8: false,
        dsn_return: None,
        envelope_id: None,
        origin: Some(Origin {
            name: None,
            address: [192, 0, 2, 7].into(),
            helo: "mail+=\u{e9} x".to_owned(),
            is_extended: true,
            identifier: "1a2b".to_owned(),
            is_local: false,
        }),
    }
}

pub(crate) fn target(input: &[u8]) -> u64 {
    let kind = input.first().copied().unwrap_or_default();
    let mut client = Client::new(Options {
        helo_name: "relay.example".to_owned(),
        starttls: [StartTls::Never, StartTls::WhenOffered, StartTls::Always][usize::from(kind) % 3],
        chunking: kind & 4 == 0,
        pipelining: kind & 8 == 0,
        login: None,
        eight_bit_only_where_offered: kind & 16 == 0,
    });
    let mut signature = Signature::default();
    let mut said = Vec::new();
    let (mut begun, mut finished, mut ended) = (0_u32, 0_u32, 0_u32);
    let mut rest = input;
    let mut size = 1;
    let path = "a@x.example".parse().unwrap();
    loop {
        while let Some(event) = client.next_event() {
            signature.note(std::mem::discriminant(&event));
            match event {
                Event::Ready if begun > 6 => client.quit(),
                Event::Ready if begun % 3 == 2 => {
                    begun += 1;
                    finished += 1;
                    client.enquire(&path);
                }
                Event::Ready => {
                    begun += 1;
                    client.begin(transaction());
                }
                Event::StartTls => client.tls_established(),
                Event::BodyWanted if client.is_sending_body() => {
                    client.body(Bytes::from_static(BODY)).unwrap();
                    client.end_body().unwrap();
                }
                // The peer has ended the transaction before the body could begin.
                Event::BodyWanted => {}
                Event::Enquired(_) => {}
                Event::Finished(outcome) => {
                    finished += 1;
                    assert_eq!(outcome.recipients.len(), 2);
                }
                Event::Ended(_) => ended += 1,
            }
        }
        while let Some(bytes) = client.take_output() {
            assert_eq!(ended, 0, "said after the end");
            said.extend_from_slice(&bytes);
        }
        if rest.is_empty() {
            break;
        }
        let (piece, more) = rest.split_at(size.min(rest.len()));
        client.receive(piece);
        rest = more;
        size = size % 53 * 2 + 1;
    }
    client.interrupt(actors::smtp::client::Cause::TimedOut);
    while let Some(event) = client.next_event() {
        match event {
            Event::Finished(_) => finished += 1,
            Event::Ended(_) => ended += 1,
            _ => {}
        }
    }
    assert_eq!((finished, ended), (begun, 1), "each transaction ends once");
    let text: String = said.iter().map(|octet| char::from(*octet)).collect();
    assert!(!text.replace("\r\n", "").contains(['\r', '\n', '\0']));
    signature.note_length(said.len());
    signature.end()
}
