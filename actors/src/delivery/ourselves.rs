//! Whether a connection has reached this node itself (OUT24): mail that is sent there comes back.

use std::net::SocketAddr;

use storage::model::{Destination, HostRole};

use super::dialer::Connection;

/// The address that is ours, when it is: one of our listeners, and for a host that an MX record
/// named also any other address of this machine. A configured server may well be a neighbour on
/// another port.
#[must_use]
pub fn reached(
    connection: &Connection,
    host: &Destination,
    listeners: &[SocketAddr],
) -> Option<SocketAddr> {
    let peer = connection.peer?;
    // Whoever connects to an address of the own machine has the same one at both ends.
    let is_local = peer.ip().is_loopback()
        || peer.ip().is_unspecified()
        || connection
            .local
            .is_some_and(|local| local.ip() == peer.ip());
    let listens = |listener: &SocketAddr| {
        listener.port() == peer.port()
            && (listener.ip() == peer.ip() || (listener.ip().is_unspecified() && is_local))
    };
    let ours = listeners.iter().any(listens) || (host.role == HostRole::Exchanger && is_local);
    ours.then_some(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(peer: &str, local: &str, role: HostRole, listeners: &[&str]) -> bool {
        let connection = Connection {
            stream: Box::new(tokio::io::empty()),
            peer: Some(peer.parse().unwrap()),
            local: Some(local.parse().unwrap()),
        };
        let host = Destination {
            role,
            ..Destination::default()
        };
        let listeners: Vec<SocketAddr> = listeners.iter().map(|at| at.parse().unwrap()).collect();
        reached(&connection, &host, &listeners).is_some()
    }

    #[test]
    fn out24_our_own_listeners_are_no_destination() {
        use HostRole::{Exchanger, Server};
        let (there, here) = ("192.0.2.9:25", "192.0.2.1:40000");
        assert!(!ours(there, here, Server, &["0.0.0.0:25"]));
        assert!(!ours(there, here, Exchanger, &["0.0.0.0:25"]));
        // Bound to one address, and to all.
        assert!(ours("192.0.2.1:25", here, Server, &["192.0.2.1:25"]));
        assert!(ours("192.0.2.1:25", here, Server, &["0.0.0.0:25"]));
        assert!(ours("[::1]:25", "[::1]:4000", Server, &["[::]:25"]));
        assert!(ours(
            "127.0.0.1:25",
            "127.0.0.1:4000",
            Server,
            &["0.0.0.0:25"]
        ));
        // A server beside us on another port is a destination, but nothing that MX may name.
        let neighbour = ("127.0.0.1:2526", "127.0.0.1:4000");
        assert!(!ours(neighbour.0, neighbour.1, Server, &["127.0.0.1:25"]));
        assert!(ours(neighbour.0, neighbour.1, Exchanger, &["127.0.0.1:25"]));
        assert!(ours("192.0.2.1:25", here, Exchanger, &[]));
    }
}
