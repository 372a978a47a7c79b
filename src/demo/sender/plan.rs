//! What a sender is asked to do.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The content of the messages of a run; each is sent with an `X-Load-Id` header before it.
#[derive(Debug, Clone)]
pub enum Content {
    /// One generated message of about this many octets, random text that does not compress.
    Generated {
        /// Octets of the message with its header.
        size_bytes: usize,
    },
    /// These messages in turn, with CRLF line ends and without dots stuffed.
    Given(Vec<Bytes>),
}

/// One run of a sender.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The relay.
    pub target: SocketAddr,
    /// Name in EHLO.
    pub hostname: String,
    /// Sessions at once.
    pub sessions: usize,
    /// Messages to send in all.
    pub messages: u64,
    /// Messages in one connection before QUIT.
    pub messages_per_connection: u64,
    /// Whether MAIL, RCPT and DATA leave in one write when the relay offers PIPELINING.
    pub pipelining: bool,
    /// `local@domain`, or nothing for the null reverse path.
    pub reverse_path: String,
    /// Recipients; message n goes to number n modulo their count.
    pub recipients: Vec<String>,
    /// How many recipients, from that number on, each message has.
    pub recipients_per_message: usize,
    /// What is sent.
    pub content: Content,
    /// Start of every id of this run.
    pub id_prefix: String,
    /// Messages per second over all sessions; none is as fast as it goes.
    pub per_second: Option<f64>,
    /// How long a session tries to connect before it gives up.
    pub patience: Duration,
    /// Seed of generated content.
    pub seed: u64,
}

impl Plan {
    /// `messages` messages of 4 KiB to one recipient over one session, 25 per connection.
    #[must_use]
    pub fn new(target: SocketAddr, recipient: &str, messages: u64) -> Self {
        Self {
            target,
            hostname: "sender.example.net".to_owned(),
            sessions: 1,
            messages,
            messages_per_connection: 25,
            pipelining: true,
            reverse_path: "sender@example.net".to_owned(),
            recipients: vec![recipient.to_owned()],
            recipients_per_message: 1,
            content: Content::Generated { size_bytes: 4096 },
            id_prefix: "m".to_owned(),
            per_second: None,
            patience: Duration::from_secs(10),
            seed: 1,
        }
    }

    /// The id of message `number`, as it stands in its `X-Load-Id`.
    #[must_use]
    pub fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.id_prefix)
    }

    /// The recipients of message `number`.
    #[must_use]
    pub fn recipients_of(&self, number: u64) -> Vec<String> {
        let count = self.recipients.len().max(1);
        let first = usize::try_from(number % count as u64).unwrap_or_default();
        let in_turn = self.recipients.iter().cycle().skip(first);
        in_turn
            .take(self.recipients_per_message.min(count))
            .cloned()
            .collect()
    }

    /// The contents in turn as they go over the wire: dots stuffed, CRLF at the end, without the
    /// final dot.
    #[must_use]
    pub fn wire_contents(&self) -> Vec<Bytes> {
        match &self.content {
            Content::Generated { size_bytes } => {
                vec![stuffed(&generated(*size_bytes, self.seed))]
            }
            Content::Given(messages) => messages.iter().map(|message| stuffed(message)).collect(),
        }
    }
}

/// A plain message of about `size_bytes` octets of random base-64 text.
fn generated(size_bytes: usize, seed: u64) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const LINE_LETTERS: usize = 76;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut message = b"From: Load <sender@example.net>\r\n\
        To: Load <load@example.net>\r\n\
        Subject: load\r\n\
        Date: Mon, 02 Nov 2026 09:00:00 +0000\r\n\
        MIME-Version: 1.0\r\n\
        Content-Type: text/plain; charset=us-ascii\r\n\r\n"
        .to_vec();
    message.reserve(size_bytes + size_bytes / LINE_LETTERS * 2);
    let mut line = [0; LINE_LETTERS];
    while message.len() < size_bytes {
        random.fill_bytes(&mut line);
        let letters = LINE_LETTERS.min(size_bytes - message.len());
        let letter = |octet: &u8| ALPHABET.get(usize::from(octet & 63)).copied();
        message.extend(line.iter().take(letters).filter_map(letter));
        message.extend_from_slice(b"\r\n");
    }
    message
}

/// Doubles the dot at the start of lines and ends the last line (RFC 5321 §4.5.2).
fn stuffed(message: &[u8]) -> Bytes {
    let mut wire = Vec::with_capacity(message.len() + 16);
    for line in message.split_inclusive(|octet| *octet == b'\n') {
        if line.first() == Some(&b'.') {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
    }
    if !wire.is_empty() && !wire.ends_with(b"\r\n") {
        wire.extend_from_slice(b"\r\n");
    }
    Bytes::from(wire)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_content_has_its_size_and_only_crlf() {
        for size in [400, 4096, 65_536] {
            let message = generated(size, 7);
            assert!((size..size + 4).contains(&message.len()), "{size}");
            let lone = message
                .windows(2)
                .filter(|pair| pair[1] == b'\n' && pair[0] != b'\r');
            assert_eq!(lone.count(), 0);
        }
        assert_eq!(generated(5000, 3), generated(5000, 3));
        assert_ne!(generated(5000, 3), generated(5000, 4));
    }

    #[test]
    fn dots_are_stuffed_and_the_last_line_is_ended() {
        assert_eq!(stuffed(b".a\r\n..\r\nb").as_ref(), b"..a\r\n...\r\nb\r\n");
        assert_eq!(stuffed(b"").as_ref(), b"");
    }

    #[test]
    fn recipients_go_round() {
        let mut plan = Plan::new(SocketAddr::from(([127, 0, 0, 1], 25)), "a@x.example", 1);
        plan.recipients = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
        plan.recipients_per_message = 2;
        assert_eq!(plan.recipients_of(2), ["c", "a"]);
        plan.recipients_per_message = 9;
        assert_eq!(plan.recipients_of(4), ["b", "c", "a"]);
    }
}
