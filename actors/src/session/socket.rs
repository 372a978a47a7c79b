//! A listening socket that outlives its listener, so that a restart loses no connection.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket};

/// Connections that wait to be accepted, at most.
const BACKLOG: u32 = 1024;

/// A socket that listens. A cheap clone of one handle.
#[derive(Debug, Clone)]
pub struct ListeningSocket {
    socket: Arc<std::net::TcpListener>,
    address: SocketAddr,
}

impl ListeningSocket {
    /// Binds and listens. An IPv6 address takes IPv6 only, so that both families can have a socket
    /// on one port. Must be called on a runtime.
    ///
    /// # Errors
    /// Those of the operating system, e.g. that the address is in use.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            let socket = TcpSocket::new_v6()?;
            rustix::net::sockopt::set_ipv6_v6only(&socket, true)?;
            socket
        };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let socket = socket.listen(BACKLOG)?.into_std()?;
        let address = socket.local_addr()?;
        Ok(Self {
            socket: Arc::new(socket),
            address,
        })
    }

    /// Where it listens; the port is known even when any was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A handle for one listener. Must be called on a runtime.
    ///
    /// # Errors
    /// When the process has no file descriptor left.
    pub fn listener(&self) -> io::Result<TcpListener> {
        TcpListener::from_std(self.socket.try_clone()?)
    }
}
