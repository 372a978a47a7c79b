//! A client that says exactly what it is told to.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Longest wait for a reply; reached only when something is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection.
#[derive(Debug)]
pub struct Client<S = TcpStream> {
    /// The bare stream.
    pub stream: S,
    read: Vec<u8>,
}

impl Client {
    /// Connects from `source`, one of 127.0.0.0/8.
    pub async fn connect(to: SocketAddr, source: Ipv4Addr) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((source, 0)))?;
        Ok(Self::over(socket.connect(to).await?))
    }

    /// Connects, hears the greeting and says EHLO.
    pub async fn greeted(to: SocketAddr) -> Result<Self> {
        let mut client = Self::connect(to, Ipv4Addr::LOCALHOST).await?;
        client.expect("220").await?;
        client.ask("EHLO client.example\r\n", "250").await?;
        Ok(client)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Speaks over a stream.
    pub const fn over(stream: S) -> Self {
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// Says something.
    pub async fn say(&mut self, said: impl AsRef<[u8]>) -> Result<()> {
        Ok(self.stream.write_all(said.as_ref()).await?)
    }

    /// The next whole reply.
    pub async fn reply(&mut self) -> Result<String> {
        let reply = async {
            loop {
                if let Some(end) = end_of_reply(&self.read) {
                    let reply: Vec<u8> = self.read.drain(..end).collect();
                    return Ok(String::from_utf8_lossy(&reply).into_owned());
                }
                if self.stream.read_buf(&mut self.read).await? == 0 {
                    bail!("closed");
                }
            }
        };
        tokio::time::timeout(PATIENCE, reply)
            .await
            .context("no reply")?
    }

    /// The next reply, which has to begin with this.
    pub async fn expect(&mut self, prefix: &str) -> Result<()> {
        let reply = self.reply().await?;
        if !reply.starts_with(prefix) {
            bail!("{reply:?} instead of {prefix}");
        }
        Ok(())
    }

    /// Says something that is answered by this.
    pub async fn ask(&mut self, said: &str, prefix: &str) -> Result<()> {
        self.say(said).await?;
        self.expect(prefix).await.with_context(|| said.to_owned())
    }
}

/// Where the first reply ends: behind the first line whose code is followed by a space (RFC 5321
/// section 4.2.1).
fn end_of_reply(read: &[u8]) -> Option<usize> {
    let mut begin = 0;
    while let Some(length) = read.get(begin..)?.iter().position(|octet| *octet == b'\n') {
        let end = begin + length + 1;
        if read.get(begin + 3) != Some(&b'-') {
            return Some(end);
        }
        begin = end;
    }
    None
}
