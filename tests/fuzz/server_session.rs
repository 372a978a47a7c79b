//! A whole session of the server from bytes: whatever is said, nothing is taken that was not
//! complete and clean, and every reply is well formed.

use std::sync::Arc;

use actors::smtp::server::{
    Admission, Commit, Effect, RecipientVerdict, Server, ServerConfig, TlsFacts,
};
use actors::smtp::sloppy::Newlines;
use bytes::BytesMut;
use storage::model::{ClientFacts, ForwardPath, MessageId, Timestamp};

use crate::signature::Signature;

pub(crate) fn words() -> &'static [&'static [u8]] {
    &[
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b".",
        b"\r\n.\r\n",
        b"EHLO a\r\n",
        b"HELO a\r\n",
        b"MAIL FROM:<s@y.example>\r\n",
        b"RCPT TO:<a@x.example>\r\n",
        b"RCPT TO:<a@y.example>\r\n",
        b"DATA\r\n",
        b"BDAT 3\r\na\r\n",
        b"BDAT 3 LAST\r\na\r\n",
        b"BDAT 0 LAST\r\n",
        b"RSET\r\n",
        b"NOOP\r\n",
        b"QUIT\r\n",
        b"STARTTLS\r\n",
        b"VRFY a\r\n",
        b"GET / HTTP/1.1\r\n",
        b" SIZE=99999999",
        b" SMTPUTF8",
        b"Received: by mx.example.net\r\n",
    ]
}

pub(crate) fn target(input: &[u8]) -> u64 {
    let mut signature = Signature::default();
    let sloppy = input.first().is_some_and(|octet| octet & 1 == 1);
    let config = ServerConfig {
        message_size_max: 2_000,
        starttls: true,
        newlines: if sloppy {
            Newlines::Normalise
        } else {
            Newlines::Reject
        },
        null_sender_is_single: input.len() % 2 == 1,
        ..ServerConfig::new("mx.example.net")
    };
    let mut session = Session {
        server: Server::new(Arc::new(config), client()),
        body: None,
        is_closed: false,
    };
    session.server.greet(false);
    let mut buffer = BytesMut::new();
    session.run(&mut buffer, &mut signature);
    // In pieces of changing size, as a network gives them.
    let mut rest = input;
    let mut size = 1;
    while !rest.is_empty() && !session.is_closed {
        let (piece, more) = rest.split_at(size.min(rest.len()));
        buffer.extend_from_slice(piece);
        session.run(&mut buffer, &mut signature);
        assert!(buffer.len() <= 4_096, "the input is not used");
        rest = more;
        size = size % 61 * 3 + 1;
    }
    session.server.idle_timeout();
    session.run(&mut buffer, &mut signature);
    assert!(session.body.is_none(), "a body is left");
    signature.end()
}

fn client() -> ClientFacts {
    ClientFacts {
        ip: [192, 0, 2, 7].into(),
        helo: String::new(),
        reverse_name: None,
        tls_version: None,
        tls_cipher: None,
        authenticated_sender: false,
    }
}

struct Session {
    server: Server,
    body: Option<Vec<u8>>,
    is_closed: bool,
}

impl Session {
    fn run(&mut self, input: &mut BytesMut, signature: &mut Signature) {
        while let Some(effect) = self.server.step(input) {
            assert!(!self.is_closed, "{effect:?} after the end");
            self.carry_out(effect, signature);
        }
    }

    fn carry_out(&mut self, effect: Effect, signature: &mut Signature) {
        match effect {
            Effect::Send(reply) => {
                let mut printed = Vec::new();
                reply.write_to(&mut printed);
                assert!(printed.ends_with(b"\r\n") && printed.is_ascii());
                signature.note(reply.code);
            }
            Effect::CheckSender { .. } => self.server.sender_checked(Admission::Open),
            Effect::CheckRecipient(query) => {
                let ours = match &query.path {
                    ForwardPath::Mailbox(mailbox) => mailbox.domain().as_str() == "x.example",
                    ForwardPath::Postmaster => true,
                };
                self.server.recipient_checked(&if ours {
                    RecipientVerdict::Accepted
                } else {
                    RecipientVerdict::ForeignDomain
                });
            }
            Effect::OpenBody => {
                assert!(self.body.replace(Vec::new()).is_none(), "two bodies");
                let at = Timestamp::from_secs(1_790_000_000);
                self.server.body_opened(MessageId::from_parts(at, 0, 1), at);
            }
            Effect::Body(bytes) => self.body.as_mut().unwrap().extend_from_slice(&bytes),
            Effect::DropBody => assert!(self.body.take().is_some()),
            Effect::Commit(submission) => {
                let body = self.body.take().unwrap();
                let text: String = body.iter().map(|octet| char::from(*octet)).collect();
                assert!(!text.replace("\r\n", "").contains(['\r', '\n', '\0']));
                assert!(body.len() < 12_000 && text.starts_with("Received: from "));
                for recipient in &submission.envelope.recipients {
                    if let ForwardPath::Mailbox(mailbox) = &recipient.path {
                        assert_eq!(mailbox.domain().as_str(), "x.example");
                    }
                }
                assert!(!submission.envelope.recipients.is_empty());
                signature.note("taken");
                self.server.committed(Commit::Stored);
            }
            Effect::StartTls => self.server.tls_established(TlsFacts {
                version: "TLSv1.3".to_owned(),
                cipher: "x".to_owned(),
            }),
            Effect::Close => self.is_closed = true,
        }
    }
}
