//! One connection of the sender: an ordinary SMTP client (RFC 5321, RFC 2920).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use storage::model::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::report::Fate;

/// Content up to this size is copied behind its header and leaves in one write.
const COPIED_BYTES_MAX: usize = 128 * 1024;
/// Octets of a reply, at most.
const REPLY_BYTES_MAX: usize = 64 * 1024;

/// A reply: code and text of all its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    code: u16,
    text: String,
}

impl Reply {
    const fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// One line, for reports.
    fn line(&self) -> String {
        self.text.trim_end().replace("\r\n", " / ")
    }
}

/// One message on its way.
#[derive(Debug)]
pub(super) struct Message<'run> {
    pub(super) id: &'run str,
    pub(super) reverse_path: &'run str,
    pub(super) recipients: &'run [String],
    /// Dots stuffed, without the final dot.
    pub(super) content: &'run Bytes,
}

/// How a transaction ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) fate: Fate,
    /// Positions of the recipients that were accepted.
    pub(super) accepted: Vec<usize>,
    pub(super) final_reply: Duration,
    /// Whether the connection can carry another message.
    pub(super) usable: bool,
}

impl Ended {
    fn refused(reply: &Reply) -> Self {
        Self {
            fate: Fate::Refused(reply.line()),
            accepted: Vec::new(),
            final_reply: Duration::ZERO,
            usable: reply.code != 421,
        }
    }
}

/// A greeted connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    inbound: BytesMut,
    outbound: Vec<u8>,
    pipelining: bool,
}

impl Connection {
    /// Connects and says EHLO.
    ///
    /// # Errors
    /// When the connection fails or the relay refuses at the greeting or EHLO.
    pub(super) async fn open(target: SocketAddr, name: &str, pipelining: bool) -> io::Result<Self> {
        let stream = TcpStream::connect(target).await?;
        stream.set_nodelay(true)?;
        let mut connection = Self {
            stream,
            inbound: BytesMut::new(),
            outbound: Vec::new(),
            pipelining: false,
        };
        let greeting = connection.reply().await?;
        refuse(&greeting)?;
        let hello = connection.ask(&format!("EHLO {name}\r\n")).await?;
        refuse(&hello)?;
        let offered = hello.text.to_ascii_uppercase().contains("PIPELINING");
        connection.pipelining = pipelining && offered;
        Ok(connection)
    }

    /// Sends one message. An error means that the connection ended before the final dot was sent.
    pub(super) async fn send(
        &mut self,
        message: &Message<'_>,
        clock: &dyn Clock,
    ) -> io::Result<Ended> {
        let opened = if self.pipelining {
            self.envelope_in_one_flight(message).await?
        } else {
            self.envelope_step_by_step(message).await?
        };
        match opened {
            Ok(accepted) => self.content(message, accepted, clock).await,
            Err(ended) => Ok(ended),
        }
    }

    /// Ends the connection in order.
    pub(super) async fn quit(mut self) -> io::Result<()> {
        self.ask("QUIT\r\n").await.map(drop)
    }

    async fn envelope_in_one_flight(
        &mut self,
        message: &Message<'_>,
    ) -> io::Result<Result<Vec<usize>, Ended>> {
        let mut flight = format!("MAIL FROM:<{}>\r\n", message.reverse_path);
        for recipient in message.recipients {
            flight.push_str(&format!("RCPT TO:<{recipient}>\r\n"));
        }
        flight.push_str("DATA\r\n");
        self.stream.write_all(flight.as_bytes()).await?;
        let mail = self.reply().await?;
        let mut accepted = Vec::new();
        let mut refusal = (!mail.is_positive()).then_some(mail);
        for position in 0..message.recipients.len() {
            let reply = self.reply().await?;
            if reply.is_positive() {
                accepted.push(position);
            } else {
                refusal.get_or_insert(reply);
            }
        }
        let data = self.reply().await?;
        if data.code == 354 {
            if !accepted.is_empty() {
                return Ok(Ok(accepted));
            }
            // Nobody wants it, and the relay waits for content (RFC 2920 §3.1).
            let reply = self.ask(".\r\n").await?;
            return Ok(Err(Ended::refused(&refusal.unwrap_or(reply))));
        }
        let ended = Ended::refused(refusal.as_ref().unwrap_or(&data));
        self.reset(ended).await
    }

    async fn envelope_step_by_step(
        &mut self,
        message: &Message<'_>,
    ) -> io::Result<Result<Vec<usize>, Ended>> {
        let mail = format!("MAIL FROM:<{}>\r\n", message.reverse_path);
        let mail = self.ask(&mail).await?;
        if !mail.is_positive() {
            return Ok(Err(Ended::refused(&mail)));
        }
        let mut accepted = Vec::new();
        let mut refusal = None;
        for (position, recipient) in message.recipients.iter().enumerate() {
            let reply = self.ask(&format!("RCPT TO:<{recipient}>\r\n")).await?;
            if reply.is_positive() {
                accepted.push(position);
            } else {
                refusal.get_or_insert(reply);
            }
        }
        if let (true, Some(refusal)) = (accepted.is_empty(), &refusal) {
            return self.reset(Ended::refused(refusal)).await;
        }
        let data = self.ask("DATA\r\n").await?;
        if data.code == 354 {
            return Ok(Ok(accepted));
        }
        self.reset(Ended::refused(&data)).await
    }

    /// Clears the transaction after a refusal, when the connection goes on.
    async fn reset(&mut self, ended: Ended) -> io::Result<Result<Vec<usize>, Ended>> {
        if ended.usable {
            self.ask("RSET\r\n").await?;
        }
        Ok(Err(ended))
    }

    async fn content(
        &mut self,
        message: &Message<'_>,
        accepted: Vec<usize>,
        clock: &dyn Clock,
    ) -> io::Result<Ended> {
        self.outbound.clear();
        self.outbound.extend_from_slice(b"X-Load-Id: ");
        self.outbound.extend_from_slice(message.id.as_bytes());
        self.outbound.extend_from_slice(b"\r\n");
        if message.content.len() > COPIED_BYTES_MAX {
            self.stream.write_all(&self.outbound).await?;
            self.stream.write_all(message.content).await?;
            self.outbound.clear();
        } else {
            self.outbound.extend_from_slice(message.content);
        }
        self.outbound.extend_from_slice(b".\r\n");
        self.stream.write_all(&self.outbound).await?;
        let sent_at = clock.monotonic();
        let reply = self.reply().await;
        let final_reply = clock.monotonic().saturating_sub(sent_at);
        let (fate, usable) = match reply {
            Ok(reply) if reply.is_positive() => (Fate::Accepted, true),
            Ok(reply) => (Fate::Refused(reply.line()), reply.code != 421),
            Err(_) => (Fate::Unknown, false),
        };
        Ok(Ended {
            fate,
            accepted,
            final_reply,
            usable,
        })
    }

    async fn ask(&mut self, command: &str) -> io::Result<Reply> {
        self.stream.write_all(command.as_bytes()).await?;
        self.reply().await
    }

    async fn reply(&mut self) -> io::Result<Reply> {
        loop {
            if let Some(length) = reply_length(&self.inbound)? {
                let text = self.inbound.split_to(length);
                let text = String::from_utf8_lossy(&text).into_owned();
                let code = text.get(..3).and_then(|code| code.parse().ok());
                let code = code.ok_or_else(|| malformed(&text))?;
                return Ok(Reply { code, text });
            }
            if self.inbound.len() > REPLY_BYTES_MAX {
                return Err(malformed("a reply without end"));
            }
            if self.stream.read_buf(&mut self.inbound).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

fn refuse(reply: &Reply) -> io::Result<()> {
    if reply.is_positive() {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::ConnectionRefused,
        reply.line(),
    ))
}

fn malformed(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not a reply: {text:?}"))
}

/// The length of the first complete reply in `buffer` (RFC 5321 §4.2.1).
fn reply_length(buffer: &[u8]) -> io::Result<Option<usize>> {
    let mut length = 0;
    for line in buffer.split_inclusive(|octet| *octet == b'\n') {
        if !line.ends_with(b"\r\n") {
            return if line.ends_with(b"\n") {
                Err(malformed(&String::from_utf8_lossy(line)))
            } else {
                Ok(None)
            };
        }
        length += line.len();
        if line.get(3) != Some(&b'-') {
            return Ok(Some(length));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_ends_with_its_last_line() {
        assert_eq!(reply_length(b"250-a\r\n250 b\r\n354 c").unwrap(), Some(14));
        assert_eq!(reply_length(b"250-a\r\n250 b").unwrap(), None);
        assert_eq!(reply_length(b"250-a\r\n").unwrap(), None);
        assert_eq!(reply_length(b"").unwrap(), None);
        assert!(reply_length(b"250 a\n").is_err());
    }
}
