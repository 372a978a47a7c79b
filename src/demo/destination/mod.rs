//! A destination of our own: the customer's mail server in the demo, in tests and in benchmarks.
//!
//! It listens on a real socket, has the limits of [`Capacity`], goes wrong as a [`Fault`] list
//! says, can be stopped (listener closed, connections reset) and started again on the same
//! address, and keeps a [`Ledger`] of everything it took.
//!
//! It binds to 127.0.0.2 where the system allows it: while it is stopped, no outgoing connection
//! of the machine can be given its port.

pub mod capacity;
pub mod ledger;
pub mod script;
mod session;
mod shared;
mod wire;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use storage::model::Clock;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;

pub use capacity::{Capacity, Rate};
pub use ledger::{Delivery, Ledger, Totals};
pub use script::{Action, Fault, Phase};

use session::Session;
use shared::Shared;

/// Connections that wait for accept, at most.
const BACKLOG: u32 = 1024;
/// Rest after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// How a destination behaves.
#[derive(Debug, Clone)]
pub struct DestinationOptions {
    /// Its name in the greeting.
    pub hostname: String,
    /// Its limits.
    pub capacity: Capacity,
    /// Whether it offers CHUNKING (RFC 3030).
    pub chunking: bool,
    /// Octets of a message, at most; announced with SIZE.
    pub size_max: usize,
    /// Whether the ledger keeps the octets of each message.
    pub keep_content: bool,
}

impl Default for DestinationOptions {
    fn default() -> Self {
        Self {
            hostname: "mail.destination.test".to_owned(),
            capacity: Capacity::default(),
            chunking: false,
            size_max: 64 * 1024 * 1024,
            keep_content: false,
        }
    }
}

/// A handle to a destination; dropping it stops it.
#[derive(Debug)]
pub struct Destination {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinSet<()>,
}

impl Destination {
    /// Starts one on a free port, served by the current runtime (there has to be one).
    ///
    /// # Errors
    /// When no socket can be bound.
    pub fn start(options: DestinationOptions, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let mut destination = Self::stopped(options, clock)?;
        destination.resume()?;
        Ok(destination)
    }

    /// One with an address that does not listen yet.
    ///
    /// # Errors
    /// When no socket can be bound.
    pub fn stopped(options: DestinationOptions, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let own = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), 0));
        let socket = bound(own).or_else(|_| bound(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))?;
        Ok(Self {
            address: socket.local_addr()?,
            shared: Arc::new(Shared::new(options, clock)),
            accepting: JoinSet::new(),
        })
    }

    /// Where it listens when it listens; the same through all stops.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it received.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.shared.ledger
    }

    /// Whether it listens.
    #[must_use]
    pub fn is_up(&self) -> bool {
        !self.accepting.is_empty()
    }

    /// Connections open now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.sessions.load(Ordering::Acquire)
    }

    /// Changes the limits from now on.
    pub fn set_capacity(&self, capacity: Capacity) {
        self.shared.set_capacity(capacity);
    }

    /// Changes what goes wrong from now on.
    pub fn set_script(&self, faults: Vec<Fault>) {
        self.shared.set_script(faults);
    }

    /// Ends like a server that crashes: closes the listener and resets every connection. Returns
    /// when that is done.
    pub async fn stop(&mut self) {
        self.accepting.shutdown().await;
    }

    /// Ends like a server that is shut down: closes the listener, lets transactions in progress
    /// finish and says 421 to everybody else. Returns when all connections are closed.
    pub async fn shut_down(&mut self) {
        self.shared.closing.send_replace(true);
        while self.accepting.join_next().await.is_some() {}
        self.shared.closing.send_replace(false);
    }

    /// Listens again on the same address; returns when it listens.
    ///
    /// # Errors
    /// When the address cannot be bound any more.
    pub fn resume(&mut self) -> io::Result<()> {
        if self.is_up() {
            return Ok(());
        }
        let listener = bound(self.address)?.listen(BACKLOG)?;
        self.accepting
            .spawn(accept(listener, Arc::clone(&self.shared)));
        Ok(())
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Accepts until it is dropped, and its sessions go with it; or until the shutdown, and then waits
/// for them.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            () = shared.is_closing() => break,
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else {
                    // Out of descriptors: sessions that end give some back.
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                };
                // Without it small replies would wait for the peer's acknowledgement.
                let _ = stream.set_nodelay(true);
                shared.ledger.connected();
                shared.sessions.fetch_add(1, Ordering::AcqRel);
                sessions.spawn(Session::new(stream, Arc::clone(&shared)).serve());
            }
            Some(_) = sessions.join_next() => {}
        }
    }
    drop(listener);
    while sessions.join_next().await.is_some() {}
}

#[cfg(test)]
mod tests;
