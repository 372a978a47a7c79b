//! Bytes between a peer and a session: read buffer, one write per flight, STARTTLS, a close that
//! lets the last reply arrive. Generic over the stream, so tests run over a duplex.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::smtp::limits::{TLS_HANDSHAKE_TIMEOUT, WRITE_TIMEOUT};
use crate::smtp::server::TlsFacts;

/// Room for a read while commands are expected: an idle connection keeps no more.
const COMMAND_READ: usize = 4 * 1024;
/// Room for a read inside a message.
const BODY_READ: usize = 64 * 1024;
/// How long to wait for the peer's side of a close, so that a reset does not destroy our last reply.
const LINGER: Duration = Duration::from_secs(1);
/// What is thrown away of what the peer still sends meanwhile, in bytes.
const LINGER_MAX: usize = 256 * 1024;

enum Stream<S> {
    Plain(S),
    Tls(Box<TlsStream<S>>),
    /// A handshake failed half-way; nothing can be read or written any more.
    Broken,
}

/// One connection's bytes.
pub struct Wire<S> {
    stream: Stream<S>,
    /// Read and not used yet.
    pub input: BytesMut,
    /// Printed and not written yet.
    pub output: Vec<u8>,
}

impl<S> std::fmt::Debug for Wire<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire")
            .field("input_bytes", &self.input.len())
            .field("output_bytes", &self.output.len())
            .finish_non_exhaustive()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Wire<S> {
    /// In clear.
    pub fn new(stream: S) -> Self {
        Self {
            stream: Stream::Plain(stream),
            input: BytesMut::new(),
            output: Vec::new(),
        }
    }

    /// Reads what there is into the input buffer; zero means that the peer has closed its side.
    /// Cancel-safe.
    ///
    /// # Errors
    /// Those of the stream.
    pub async fn read(&mut self, in_body: bool) -> io::Result<usize> {
        let room = if in_body { BODY_READ } else { COMMAND_READ };
        if !in_body && self.input.is_empty() && self.input.capacity() > COMMAND_READ {
            // Give the room of the last message back.
            self.input = BytesMut::new();
        }
        if self.input.capacity() - self.input.len() < room / 2 {
            self.input.reserve(room);
        }
        match &mut self.stream {
            Stream::Plain(stream) => stream.read_buf(&mut self.input).await,
            Stream::Tls(stream) => stream.read_buf(&mut self.input).await,
            Stream::Broken => Ok(0),
        }
    }

    /// Writes everything printed, in one write where the stream permits.
    ///
    /// # Errors
    /// Those of the stream, or a peer that does not read for five minutes.
    pub async fn flush(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let (stream, output) = (&mut self.stream, &self.output);
        let write = async {
            match stream {
                Stream::Plain(stream) => stream.write_all(output).await,
                Stream::Tls(stream) => {
                    stream.write_all(output).await?;
                    stream.flush().await
                }
                Stream::Broken => Err(io::ErrorKind::BrokenPipe.into()),
            }
        };
        timeout(WRITE_TIMEOUT, write).await??;
        self.output.clear();
        if self.output.capacity() > COMMAND_READ {
            self.output = Vec::new();
        }
        Ok(())
    }

    /// Makes the handshake. What was read in clear and not used must be gone before.
    ///
    /// # Errors
    /// When the peer breaks the protocol or the connection, or takes more than 30 s.
    pub async fn start_tls(&mut self, config: Arc<ServerConfig>) -> io::Result<TlsFacts> {
        let Stream::Plain(stream) = std::mem::replace(&mut self.stream, Stream::Broken) else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        self.input.clear();
        let handshake = Box::pin(TlsAcceptor::from(config).accept(stream));
        let stream = timeout(TLS_HANDSHAKE_TIMEOUT, handshake).await??;
        let facts = facts(&stream);
        self.stream = Stream::Tls(Box::new(stream));
        Ok(facts)
    }

    /// Says good-bye and waits a moment for the peer to do the same.
    pub async fn close(&mut self) {
        let stream = &mut self.stream;
        let input = &mut self.input;
        let goodbye = async {
            match stream {
                Stream::Plain(stream) => linger(stream, input).await,
                Stream::Tls(stream) => linger(stream, input).await,
                Stream::Broken => Ok(()),
            }
        };
        // The connection is over either way.
        let _ = timeout(LINGER, goodbye).await;
    }
}

async fn linger<T: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut T,
    input: &mut BytesMut,
) -> io::Result<()> {
    stream.shutdown().await?;
    let mut discarded = 0;
    while discarded < LINGER_MAX {
        input.clear();
        input.reserve(COMMAND_READ);
        match stream.read_buf(input).await? {
            0 => break,
            count => discarded += count,
        }
    }
    Ok(())
}

fn facts<S>(stream: &TlsStream<S>) -> TlsFacts {
    let (_, connection) = stream.get_ref();
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
        _ => "TLS",
    };
    let suite = connection.negotiated_cipher_suite();
    let cipher = suite
        .and_then(|suite| suite.suite().as_str())
        .unwrap_or("unknown");
    TlsFacts {
        version: version.to_owned(),
        cipher: cipher.to_owned(),
    }
}
