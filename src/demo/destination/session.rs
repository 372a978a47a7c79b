//! One dialogue of the destination: an ordinary, strict SMTP server (RFC 5321).
//!
//! It offers PIPELINING, 8BITMIME, SIZE, ENHANCEDSTATUSCODES and, when switched on, CHUNKING. It
//! takes mail for anybody; who is refused is a matter of the script. It shares no code with the
//! relay's own SMTP machines, so it is an honest peer to them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::{Bytes, BytesMut};
use tokio::net::TcpStream;

use super::script::{Action, Phase};
use super::shared::{InFlight, Shared};
use super::wire::{Wire, WireError};

/// Recipients of one message, at most.
const RECIPIENTS_MAX: usize = 1000;

/// Why a session ended early; nothing needs to be done about it.
#[derive(Debug)]
enum End {
    /// The connection is over: closed by the peer, or to be reset.
    Gone,
    /// We say no more after the replies that are pending.
    Close,
}

impl From<std::io::Error> for End {
    fn from(_: std::io::Error) -> Self {
        Self::Gone
    }
}

/// A transaction between MAIL and its end.
#[derive(Debug)]
struct Transaction {
    recipients: Vec<String>,
    chunks: BytesMut,
    _in_flight: InFlight,
}

/// One connection being served.
#[derive(Debug)]
pub(super) struct Session {
    wire: Wire,
    shared: Arc<Shared>,
    greeted: bool,
    transaction: Option<Transaction>,
}

impl Session {
    pub(super) fn new(stream: TcpStream, shared: Arc<Shared>) -> Self {
        Self {
            wire: Wire::new(stream),
            shared,
            greeted: false,
            transaction: None,
        }
    }

    /// Serves the connection to its end.
    pub(super) async fn serve(mut self) {
        let end = match self.dialogue().await {
            Ok(()) => End::Close,
            Err(end) => end,
        };
        if matches!(end, End::Close) {
            // The peer may be gone already; there is nobody to tell.
            let _ = self.wire.close().await;
        }
    }

    async fn dialogue(&mut self) -> Result<(), End> {
        if !self.shared.is_within_connections() {
            self.shared.ledger.refused();
            self.wire.reply("421 4.7.0 too many connections");
            return Ok(());
        }
        if !self.fault(Phase::Greeting, None).await? {
            let hostname = self.shared.hostname();
            self.wire.reply(&format!("220 {hostname} ESMTP"));
        }
        loop {
            let Some(line) = self.line().await? else {
                return Ok(());
            };
            let text = String::from_utf8_lossy(&line).into_owned();
            let (verb, argument) = text.split_once(' ').unwrap_or((text.as_str(), ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => self.hello(true).await?,
                "HELO" => self.hello(false).await?,
                "MAIL" => self.mail(argument).await?,
                "RCPT" => self.recipient(argument).await?,
                "DATA" => self.data().await?,
                "BDAT" => self.chunk(argument).await?,
                "RSET" => {
                    self.transaction = None;
                    self.wire.reply("250 2.0.0 reset");
                }
                "NOOP" => self.wire.reply("250 2.0.0 nothing done"),
                "QUIT" => {
                    self.wire.reply("221 2.0.0 bye");
                    return Ok(());
                }
                _ => self.wire.reply("502 5.5.1 not known here"),
            }
        }
    }

    async fn hello(&mut self, extended: bool) -> Result<(), End> {
        if self.fault(Phase::Hello, None).await? {
            return Ok(());
        }
        self.greeted = true;
        self.transaction = None;
        let hostname = self.shared.hostname().to_owned();
        if !extended {
            self.wire.reply(&format!("250 {hostname}"));
            return Ok(());
        }
        self.wire.reply(&format!("250-{hostname}"));
        self.wire.reply("250-PIPELINING");
        self.wire.reply("250-8BITMIME");
        if self.shared.chunking() {
            self.wire.reply("250-CHUNKING");
        }
        self.wire.reply("250-ENHANCEDSTATUSCODES");
        let size_max = self.shared.size_max();
        self.wire.reply(&format!("250 SIZE {size_max}"));
        Ok(())
    }

    async fn mail(&mut self, argument: &str) -> Result<(), End> {
        if !self.greeted || self.transaction.is_some() {
            self.breach("MAIL out of order");
            self.wire.reply("503 5.5.1 not now");
            return Ok(());
        }
        if path(argument, "FROM:").is_none() {
            self.breach("MAIL without a path");
            self.wire.reply("501 5.5.4 MAIL FROM:<path>");
            return Ok(());
        }
        if self.fault(Phase::Mail, None).await? {
            return Ok(());
        }
        let declared = parameter(argument, "SIZE=").and_then(|size| size.parse::<usize>().ok());
        if declared.is_some_and(|size| size > self.shared.size_max()) {
            self.wire.reply("552 5.3.4 too big");
            return Ok(());
        }
        if !self.shared.take_token() {
            self.shared.ledger.refused();
            self.wire.reply("451 4.7.1 too many messages, slow down");
            return Ok(());
        }
        let Some(in_flight) = self.shared.in_flight_place() else {
            self.shared.ledger.refused();
            self.wire.reply("452 4.3.1 too much at once");
            return Ok(());
        };
        self.transaction = Some(Transaction {
            recipients: Vec::new(),
            chunks: BytesMut::new(),
            _in_flight: in_flight,
        });
        self.wire.reply("250 2.1.0 ok");
        Ok(())
    }

    async fn recipient(&mut self, argument: &str) -> Result<(), End> {
        let Some(recipient) = path(argument, "TO:").filter(|path| !path.is_empty()) else {
            self.breach("RCPT without a path");
            self.wire.reply("501 5.5.4 RCPT TO:<path>");
            return Ok(());
        };
        if self.transaction.is_none() {
            self.wire.reply("503 5.5.1 MAIL first");
            return Ok(());
        }
        if self.fault(Phase::Recipient, Some(recipient)).await? {
            return Ok(());
        }
        let recipient = recipient.to_owned();
        if let Some(transaction) = &mut self.transaction {
            if transaction.recipients.len() < RECIPIENTS_MAX {
                transaction.recipients.push(recipient);
                self.wire.reply("250 2.1.5 ok");
            } else {
                self.wire.reply("452 4.5.3 too many recipients");
            }
        }
        Ok(())
    }

    async fn data(&mut self) -> Result<(), End> {
        let addressed = self
            .transaction
            .as_ref()
            .is_some_and(|transaction| !transaction.recipients.is_empty());
        if !addressed {
            self.wire.reply("503 5.5.1 no valid recipients");
            return Ok(());
        }
        if self.wire.has_more() {
            self.breach("content sent before 354");
        }
        if self.fault(Phase::Data, None).await? {
            self.transaction = None;
            return Ok(());
        }
        self.wire.reply("354 end with a dot");
        let content = match self.wire.content().await {
            Ok(content) => content,
            Err(error) => return Err(self.broken(&error)),
        };
        self.end_of_data(content).await
    }

    async fn chunk(&mut self, argument: &str) -> Result<(), End> {
        let mut words = argument.split(' ');
        let count = words.next().and_then(|count| count.parse::<usize>().ok());
        let last = words
            .next()
            .is_some_and(|word| word.eq_ignore_ascii_case("LAST"));
        let Some(count) = count.filter(|count| *count <= self.shared.size_max()) else {
            self.breach("BDAT without a usable count");
            self.wire.reply("501 5.5.4 BDAT count [LAST]");
            return Err(End::Close);
        };
        let octets = match self.wire.octets(count).await {
            Ok(octets) => octets,
            Err(error) => return Err(self.broken(&error)),
        };
        let Some(transaction) = self
            .transaction
            .as_mut()
            .filter(|transaction| self.shared.chunking() && !transaction.recipients.is_empty())
        else {
            self.wire.reply("503 5.5.1 not now");
            return Ok(());
        };
        transaction.chunks.extend_from_slice(&octets);
        if last {
            let content = std::mem::take(&mut transaction.chunks).freeze();
            return self.end_of_data(content).await;
        }
        self.wire.reply("250 2.0.0 chunk taken");
        Ok(())
    }

    async fn end_of_data(&mut self, content: Bytes) -> Result<(), End> {
        let Some(transaction) = self.transaction.take() else {
            return Err(End::Gone);
        };
        let service_time = self.shared.service_time();
        if !service_time.is_zero() {
            tokio::time::sleep(service_time).await;
        }
        if content.len() > self.shared.size_max() {
            self.wire.reply("552 5.3.4 too big");
            return Ok(());
        }
        let action = self.shared.take_fault(Phase::EndOfData, None);
        let taken = matches!(action, None | Some(Action::LoseReply));
        if taken {
            let id = message_id(&content);
            let at = self.shared.now();
            let recipients = &transaction.recipients;
            self.shared.ledger.delivered(id, recipients, &content, at);
        }
        match action {
            None => self.wire.reply("250 2.0.0 taken"),
            Some(action) => self.act(action).await?,
        }
        Ok(())
    }

    /// Carries out the fault due here, if any; true when it stood in for the reply.
    async fn fault(&mut self, phase: Phase, recipient: Option<&str>) -> Result<bool, End> {
        match self.shared.take_fault(phase, recipient) {
            None => Ok(false),
            Some(action) => {
                self.act(action).await?;
                Ok(true)
            }
        }
    }

    async fn act(&mut self, action: Action) -> Result<(), End> {
        match action {
            Action::Reply(reply) => {
                self.wire.reply(&reply);
                if reply.starts_with("421") || !self.greeted && reply.starts_with('5') {
                    return Err(End::Close);
                }
                Ok(())
            }
            Action::Silence => {
                self.wire.silence().await?;
                Err(End::Gone)
            }
            Action::Reset | Action::LoseReply => Err(End::Gone),
        }
    }

    /// The next command line. Between transactions a shutdown of the destination comes first.
    async fn line(&mut self) -> Result<Option<Bytes>, End> {
        self.wire.flush().await?;
        let is_idle = self.transaction.is_none() && !self.wire.has_more();
        let line = tokio::select! {
            biased;
            line = self.wire.line() => line,
            () = self.shared.is_closing(), if is_idle => {
                self.wire.reply("421 4.3.2 shutting down");
                return Err(End::Close);
            }
        };
        line.map_err(|error| self.broken(&error))
    }

    fn broken(&mut self, error: &WireError) -> End {
        match error {
            WireError::Io(_) => End::Gone,
            WireError::Breach(what) => {
                self.breach(what);
                self.wire.reply("554 5.5.0 protocol broken");
                End::Close
            }
        }
    }

    fn breach(&self, what: &str) {
        self.shared.ledger.violated(what);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shared.sessions.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The path between `<` and `>` after `keyword`, which is compared without case.
fn path<'line>(argument: &'line str, keyword: &str) -> Option<&'line str> {
    let (head, rest) = argument.split_at_checked(keyword.len())?;
    let rest = head.eq_ignore_ascii_case(keyword).then_some(rest)?;
    let (path, _) = rest.strip_prefix('<')?.rsplit_once('>')?;
    Some(path)
}

/// The value of an ESMTP parameter such as `SIZE=`.
fn parameter<'line>(argument: &'line str, name: &str) -> Option<&'line str> {
    let (_, parameters) = argument.rsplit_once('>')?;
    parameters.split(' ').find_map(|word| {
        let (head, value) = word.split_at_checked(name.len())?;
        head.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// `X-Load-Id`, or else `Message-ID`, or else nothing but an empty text.
fn message_id(content: &Bytes) -> String {
    let mut found = String::new();
    for line in content.split(|octet| *octet == b'\n') {
        let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if name.eq_ignore_ascii_case("x-load-id") {
            return value.trim().to_owned();
        }
        if name.eq_ignore_ascii_case("message-id") {
            value.trim().clone_into(&mut found);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_parameters_are_found_where_the_standard_puts_them() {
        assert_eq!(
            path("FROM:<a@b.example> SIZE=3", "FROM:"),
            Some("a@b.example")
        );
        assert_eq!(path("from:<>", "FROM:"), Some(""));
        assert_eq!(path("TO:a@b.example", "TO:"), None);
        assert_eq!(
            path("TO:<\"a>\"@b.example>", "TO:"),
            Some("\"a>\"@b.example")
        );
        assert_eq!(
            parameter("FROM:<a@b> BODY=8BITMIME size=30", "SIZE="),
            Some("30")
        );
        assert_eq!(parameter("FROM:<a@b>", "SIZE="), None);
    }

    #[test]
    fn the_load_id_wins_over_the_message_id_and_the_body_is_not_searched() {
        let id = |text: &'static str| message_id(&Bytes::from_static(text.as_bytes()));
        assert_eq!(id("Message-ID: <1@x>\r\nX-Load-Id: 7\r\n\r\n"), "7");
        assert_eq!(id("Message-Id: <1@x>\r\n\r\nX-Load-Id: 7\r\n"), "<1@x>");
        assert_eq!(id("\r\nX-Load-Id: 7\r\n"), "");
    }
}
