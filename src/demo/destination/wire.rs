//! The destination's side of the stream: strict lines in, batched replies out.
//!
//! Only CRLF ends a line (RFC 5321 §2.3.8). A bare CR or LF, a NUL or a line longer than 1,000
//! octets of text is a breach by the peer and ends the read with [`WireError::Breach`]. Replies are
//! collected and leave when the peer has nothing more in the buffer (RFC 2920 §3.2).

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Octets of a text line with its CRLF and a stuffed dot, at most (RFC 5321 §4.5.3.1.6).
const TEXT_LINE_MAX: usize = 1001;
/// Octets of a command line with its CRLF that we take.
const COMMAND_LINE_MAX: usize = 2048;
/// How much is read at once.
const READ_BYTES: usize = 64 * 1024;

/// Why a read ended without what was wanted.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    /// The connection ended or failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The peer broke the protocol.
    #[error("{0}")]
    Breach(&'static str),
}

/// One connection. Dropped without [`Wire::close`] it is reset.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    inbound: BytesMut,
    outbound: Vec<u8>,
    closed: bool,
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            inbound: BytesMut::new(),
            outbound: Vec::new(),
            closed: false,
        }
    }

    /// Adds a reply (its CRLF is added) to what will be sent.
    pub(super) fn reply(&mut self, reply: &str) {
        self.outbound.extend_from_slice(reply.as_bytes());
        self.outbound.extend_from_slice(b"\r\n");
    }

    /// Sends what is collected.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        if !self.outbound.is_empty() {
            self.stream.write_all(&self.outbound).await?;
            self.outbound.clear();
        }
        Ok(())
    }

    /// Whether the peer has sent more than was read: before a reply that it must wait for, that is
    /// a breach (RFC 2920 §3.1).
    pub(super) fn has_more(&self) -> bool {
        !self.inbound.is_empty()
    }

    /// One command line without its CRLF; `None` when the peer has closed between commands.
    pub(super) async fn line(&mut self) -> Result<Option<Bytes>, WireError> {
        loop {
            if let Some(length) = line_length(&self.inbound, COMMAND_LINE_MAX)? {
                let mut line = self.inbound.split_to(length).freeze();
                line.truncate(length - 2);
                return Ok(Some(line));
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// The content after 354, dots unstuffed, without the final `.` line (RFC 5321 §4.5.2).
    pub(super) async fn content(&mut self) -> Result<Bytes, WireError> {
        let mut content = BytesMut::new();
        loop {
            while let Some(length) = line_length(&self.inbound, TEXT_LINE_MAX)? {
                let line = self.inbound.split_to(length);
                match line.as_ref() {
                    b".\r\n" => return Ok(content.freeze()),
                    [b'.', rest @ ..] => content.extend_from_slice(rest),
                    whole => content.extend_from_slice(whole),
                }
            }
            if !self.fill().await? {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
    }

    /// Exactly `count` octets (BDAT, RFC 3030 §2).
    pub(super) async fn octets(&mut self, count: usize) -> Result<Bytes, WireError> {
        while self.inbound.len() < count {
            if !self.fill().await? {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
        Ok(self.inbound.copy_to_bytes(count))
    }

    /// Waits until the peer gives up, answering nothing.
    pub(super) async fn silence(&mut self) -> io::Result<()> {
        while self.fill().await? {
            self.inbound.clear();
        }
        Ok(())
    }

    /// Sends what is collected and ends the connection in order.
    pub(super) async fn close(&mut self) -> io::Result<()> {
        self.closed = true;
        self.flush().await?;
        self.stream.shutdown().await
    }

    /// Sends the pending replies, then reads more; false at the end of the stream.
    async fn fill(&mut self) -> io::Result<bool> {
        self.flush().await?;
        self.inbound.reserve(READ_BYTES);
        Ok(self.stream.read_buf(&mut self.inbound).await? > 0)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if !self.closed {
            // Nothing is left to tell if this fails: the descriptor is closed next.
            let _ = self.stream.set_zero_linger();
        }
    }
}

/// The length of the first line in `buffer` with its CRLF, when it is complete.
fn line_length(buffer: &[u8], line_max: usize) -> Result<Option<usize>, WireError> {
    let Some(at) = buffer.iter().position(|octet| *octet == b'\n') else {
        return if buffer.len() > line_max {
            Err(WireError::Breach("line too long"))
        } else {
            Ok(None)
        };
    };
    let line = buffer.get(..at).unwrap_or_default();
    let Some((b'\r', text)) = line.split_last() else {
        return Err(WireError::Breach("bare LF"));
    };
    if text.contains(&b'\r') {
        return Err(WireError::Breach("bare CR"));
    }
    if text.contains(&0) {
        return Err(WireError::Breach("NUL"));
    }
    if at + 1 > line_max {
        return Err(WireError::Breach("line too long"));
    }
    Ok(Some(at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_crlf_ends_a_line() {
        let breach = |bytes: &[u8]| line_length(bytes, 10).unwrap_err().to_string();
        assert_eq!(line_length(b"NOOP\r\nQUIT", 10).unwrap(), Some(6));
        assert_eq!(line_length(b"NOOP\r", 10).unwrap(), None);
        assert_eq!(breach(b"NOOP\n"), "bare LF");
        assert_eq!(breach(b"NO\rOP\r\n"), "bare CR");
        assert_eq!(breach(b"NO\0OP\r\n"), "NUL");
        assert_eq!(breach(b"NOOP NOOP NOOP\r\n"), "line too long");
        assert_eq!(breach(b"NOOP NOOP NOOP"), "line too long");
    }
}
