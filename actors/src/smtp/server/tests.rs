//! A harness that drives the machine as a shell does, and the rules by topic.

mod content;
mod envelope;
mod properties;
mod session;

use super::*;
use storage::model::BodyKind;

const HOST: &str = "mx.example.net";
const LIMIT: u64 = 2000;

/// Drives a server as a shell does and keeps what came out of it.
struct Session {
    server: Server,
    input: BytesMut,
    said: Vec<u8>,
    body: Option<Vec<u8>>,
    taken: Vec<(Submission, Vec<u8>)>,
    ids: u32,
    admission: Admission,
    commit: Commit,
    is_closed: bool,
    tls_wanted: bool,
}

impl Session {
    fn new() -> Self {
        let config = ServerConfig {
            message_size_max: LIMIT,
            starttls: true,
            ..ServerConfig::new(HOST)
        };
        let client = ClientFacts {
            ip: "192.0.2.7".parse().unwrap(),
            helo: String::new(),
            reverse_name: None,
            tls_version: None,
            tls_cipher: None,
            authenticated_sender: false,
        };
        Self {
            server: Server::new(Arc::new(config), client),
            input: BytesMut::new(),
            said: Vec::new(),
            body: None,
            taken: Vec::new(),
            ids: 0,
            admission: Admission::Open,
            commit: Commit::Stored,
            is_closed: false,
            tls_wanted: false,
        }
    }

    /// Greeted and introduced.
    fn open() -> Self {
        let mut session = Self::new();
        session.server.greet(false);
        session.run();
        session.say("EHLO sender.example\r\n");
        session.said.clear();
        session
    }

    /// With a sender and a recipient.
    fn in_transaction() -> Self {
        let mut session = Self::open();
        let codes = session.say("MAIL FROM:<s@sender.example>\r\nRCPT TO:<a@x.example>\r\n");
        assert_eq!(codes, "250 2.1.0|250 2.1.5");
        session
    }

    /// Hands bytes over and returns the codes of the replies, joined by `|`.
    fn say(&mut self, text: &str) -> String {
        self.say_bytes(text.as_bytes())
    }

    fn say_bytes(&mut self, bytes: &[u8]) -> String {
        self.said.clear();
        self.input.extend_from_slice(bytes);
        self.run();
        self.codes()
    }

    fn codes(&self) -> String {
        let text = String::from_utf8(self.said.clone()).unwrap();
        let lines = text.split_terminator("\r\n");
        let last_lines = lines.filter(|line| line.as_bytes().get(3) == Some(&b' '));
        let code = |line: &str| {
            let mut words = line.splitn(3, ' ');
            let code = words.next().unwrap().to_owned();
            match words
                .next()
                .filter(|word| word.split('.').count() == 3 && !word.contains("example"))
            {
                Some(enhanced) => format!("{code} {enhanced}"),
                None => code,
            }
        };
        last_lines.map(code).collect::<Vec<_>>().join("|")
    }

    fn run(&mut self) {
        while let Some(effect) = self.server.step(&mut self.input) {
            assert!(!self.is_closed, "{effect:?} after the end");
            match effect {
                Effect::Send(reply) => reply.write_to(&mut self.said),
                Effect::CheckSender { .. } => self.server.sender_checked(self.admission),
                Effect::CheckRecipient(query) => {
                    self.server.recipient_checked(&verdict(&query));
                }
                Effect::OpenBody => {
                    assert!(self.body.is_none(), "two bodies at once");
                    self.body = Some(Vec::new());
                    self.ids += 1;
                    let at = Timestamp::from_millis(1_795_325_696_007);
                    self.server
                        .body_opened(MessageId::from_parts(at, 0, self.ids), at);
                }
                Effect::Body(bytes) => self.body.as_mut().unwrap().extend_from_slice(&bytes),
                Effect::DropBody => assert!(self.body.take().is_some()),
                Effect::Commit(submission) => {
                    let body = self.body.take().unwrap();
                    if self.commit == Commit::Stored {
                        self.taken.push((*submission, body));
                    }
                    self.server.committed(self.commit.clone());
                }
                Effect::StartTls => self.tls_wanted = true,
                Effect::Close => self.is_closed = true,
            }
        }
    }

    /// The content of the only message taken, without our trace field.
    fn content(&self) -> &[u8] {
        let [(_, body)] = &self.taken[..] else {
            panic!("{} messages", self.taken.len());
        };
        without_trace(body)
    }
}

fn without_trace(body: &[u8]) -> &[u8] {
    assert!(body.starts_with(b"Received: from "));
    let date_end = memchr::memmem::find(body, b" +0000\r\n").unwrap();
    &body[date_end + 8..]
}

fn verdict(query: &RecipientQuery) -> RecipientVerdict {
    match &query.path {
        ForwardPath::Postmaster => RecipientVerdict::Accepted,
        ForwardPath::Mailbox(mailbox) if mailbox.domain().as_str() != "x.example" => {
            RecipientVerdict::ForeignDomain
        }
        ForwardPath::Mailbox(mailbox) if mailbox.key() == "unknown" => RecipientVerdict::Unknown,
        ForwardPath::Mailbox(mailbox) if mailbox.key() == "later" => RecipientVerdict::Unavailable,
        ForwardPath::Mailbox(mailbox) if mailbox.key() == "off" => RecipientVerdict::Disabled,
        ForwardPath::Mailbox(_) => RecipientVerdict::Accepted,
    }
}
