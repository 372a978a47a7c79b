//! Connections to destinations: TCP in production, whatever a test hands out in a test.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};

use crate::dns::{DnsError, Resolver, literal};

/// Time to a TCP connection, over all addresses of the host (delivery.md B2).
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Head start of an address before the next one is tried beside it (RFC 8305 §5).
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// A byte stream to a destination.
pub trait ByteStream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> ByteStream for T {}

/// A fresh connection.
pub struct Connection {
    /// The bytes.
    pub stream: Box<dyn ByteStream>,
    /// The peer's address, when there is one.
    pub peer: Option<SocketAddr>,
    /// Our own end of it, when there is one.
    pub local: Option<SocketAddr>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// Why there is no connection. Every case counts as a connection failure of the endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// The host's name cannot be resolved.
    #[error(transparent)]
    Dns(#[from] DnsError),
    /// Refused, reset or unreachable.
    #[error("{host}:{port}: {why}")]
    Failed {
        /// The host as configured.
        host: String,
        /// The port.
        port: u16,
        /// What the operating system said.
        why: String,
    },
    /// No answer within the deadline.
    #[error("{host}:{port}: no answer within {within:?}")]
    TimedOut {
        /// The host as configured.
        host: String,
        /// The port.
        port: u16,
        /// The deadline.
        within: Duration,
    },
}

/// Opens connections.
pub trait Dialer: Send + Sync + fmt::Debug + 'static {
    /// Connects to a host by name or address. Ends within a few seconds.
    fn dial(&self, host: &str, port: u16) -> BoxFuture<'static, Result<Connection, DialError>>;
}

/// Another dialer with less patience.
#[derive(Debug)]
pub struct HurriedDialer {
    inner: Arc<dyn Dialer>,
    within: Duration,
}

impl HurriedDialer {
    /// Gives up after this time.
    #[must_use]
    pub fn new(inner: Arc<dyn Dialer>, within: Duration) -> Self {
        Self { inner, within }
    }
}

impl Dialer for HurriedDialer {
    fn dial(&self, host: &str, port: u16) -> BoxFuture<'static, Result<Connection, DialError>> {
        let dial = self.inner.dial(host, port);
        let (host, within) = (host.to_owned(), self.within);
        Box::pin(async move {
            let timed_out = |_| DialError::TimedOut { host, port, within };
            let dialled = tokio::time::timeout(within, dial).await;
            dialled.map_err(timed_out).flatten()
        })
    }
}

/// TCP, with the addresses of a host tried one beside the other.
#[derive(Debug, Clone)]
pub struct TcpDialer {
    resolver: Arc<dyn Resolver>,
    sources: Vec<IpAddr>,
    timeout: Duration,
}

impl TcpDialer {
    /// A dialer that looks names up with `resolver`.
    #[must_use]
    pub fn new(resolver: Arc<dyn Resolver>) -> Self {
        Self {
            resolver,
            sources: Vec::new(),
            timeout: CONNECT_TIMEOUT,
        }
    }

    /// Connects from these addresses: the first of the family of the host's address, the system's
    /// choice when there is none.
    #[must_use]
    pub fn from(mut self, sources: Vec<IpAddr>) -> Self {
        self.sources = sources;
        self
    }

    /// Gives up after this time.
    #[must_use]
    pub const fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl Dialer for TcpDialer {
    fn dial(&self, host: &str, port: u16) -> BoxFuture<'static, Result<Connection, DialError>> {
        let Self {
            resolver,
            sources,
            timeout,
        } = self.clone();
        let host = host.to_owned();
        Box::pin(async move {
            let addresses = match literal(&host) {
                Some(address) => vec![address],
                None => resolver.addresses(&host).await?,
            };
            match tokio::time::timeout(timeout, connect(&addresses, port, &sources)).await {
                Ok(Ok((stream, peer))) => Ok(Connection {
                    local: stream.local_addr().ok(),
                    stream: Box::new(stream),
                    peer: Some(peer),
                }),
                Ok(Err(error)) => Err(DialError::Failed {
                    host,
                    port,
                    why: error.to_string(),
                }),
                Err(_) => Err(DialError::TimedOut {
                    host,
                    port,
                    within: timeout,
                }),
            }
        })
    }
}

/// The first connection that succeeds; each address gets a head start before the next one.
async fn connect(
    addresses: &[IpAddr],
    port: u16,
    sources: &[IpAddr],
) -> io::Result<(TcpStream, SocketAddr)> {
    let mut waiting = interleave(addresses)
        .into_iter()
        .map(|address| SocketAddr::new(address, port));
    let mut attempts = FuturesUnordered::new();
    let mut last_error = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    attempts.extend(waiting.next().map(|address| connect_one(address, sources)));
    loop {
        let more = waiting.len() > 0;
        tokio::select! {
            biased;
            done = attempts.next(), if !attempts.is_empty() => match done {
                Some(Ok(connected)) => return Ok(connected),
                Some(Err(error)) => {
                    last_error = error;
                    attempts.extend(waiting.next().map(|address| connect_one(address, sources)));
                }
                None => {}
            },
            () = tokio::time::sleep(NEXT_ADDRESS_AFTER), if more => {
                attempts.extend(waiting.next().map(|address| connect_one(address, sources)));
            }
            else => return Err(last_error),
        }
    }
}

async fn connect_one(
    address: SocketAddr,
    sources: &[IpAddr],
) -> io::Result<(TcpStream, SocketAddr)> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    let same_family = |source: &&IpAddr| source.is_ipv4() == address.is_ipv4();
    if let Some(source) = sources.iter().find(same_family) {
        socket.bind(SocketAddr::new(*source, 0))?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok((stream, address))
}

/// Families alternate, beginning with the family of the first address (RFC 8305 §4).
fn interleave(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let first_is_v6 = addresses.first().is_some_and(IpAddr::is_ipv6);
    let (same, other): (Vec<IpAddr>, Vec<IpAddr>) = addresses
        .iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let mut other = other.into_iter();
    let mut mixed = Vec::with_capacity(addresses.len());
    for address in same {
        mixed.push(address);
        mixed.extend(other.next());
    }
    mixed.extend(other);
    mixed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Exchanger;

    #[derive(Debug)]
    struct Fixed(Vec<IpAddr>);

    impl Resolver for Fixed {
        fn addresses(&self, _: &str) -> BoxFuture<'_, Result<Vec<IpAddr>, DnsError>> {
            let answer = self.0.clone();
            Box::pin(async move { Ok(answer) })
        }

        fn exchangers(&self, _: &str) -> BoxFuture<'_, Result<Vec<Exchanger>, DnsError>> {
            Box::pin(async { Ok(Vec::new()) })
        }
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn families_alternate() {
        let list = ["2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2"].map(address);
        assert_eq!(
            interleave(&list),
            ["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2"].map(address)
        );
        assert_eq!(interleave(&[]), Vec::<IpAddr>::new());
    }

    #[tokio::test]
    async fn an_address_that_refuses_does_not_hide_one_that_answers() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        // 127.0.0.2 with this port is bound by nobody: it refuses at once.
        let resolver = Fixed(vec![address("127.0.0.2"), address("127.0.0.1")]);
        let dialer = TcpDialer::new(Arc::new(resolver));
        let connection = dialer.dial("mail.example.org", port).await.unwrap();
        assert_eq!(connection.peer, Some(listener.local_addr().unwrap()));
    }

    #[tokio::test]
    async fn a_closed_port_is_a_failure_with_its_reason() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let dialer = TcpDialer::new(Arc::new(Fixed(Vec::new())));
        let error = dialer.dial("127.0.0.1", port).await.unwrap_err();
        assert!(error.to_string().contains("refused"), "{error}");
        let error = dialer.dial("nowhere.example", port).await.unwrap_err();
        assert!(error.to_string().contains("no address"), "{error}");
    }
}
