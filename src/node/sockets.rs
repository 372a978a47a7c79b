//! The sockets of a node, bound before anything is started over them.

use std::net::SocketAddr;

use actors::session::{ListenerOptions, ListeningSocket};
use actors::smtp::sloppy::Newlines;

use super::start_error::StartError;
use crate::config::Config;

/// Where a node listens; ports are known even when any were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// Intake: those of `smtp.listen`, then those of `smtp.proxy_listen`.
    pub smtp: Vec<SocketAddr>,
    /// The users' portal.
    pub portal: SocketAddr,
    /// Administration.
    pub admin: SocketAddr,
    /// Metrics and health.
    pub operations: SocketAddr,
}

/// Everything a node listens with.
pub(super) struct Sockets {
    pub(super) smtp: Vec<(ListeningSocket, ListenerOptions)>,
    pub(super) portal: ListeningSocket,
    pub(super) admin: ListeningSocket,
    pub(super) operations: ListeningSocket,
}

impl Sockets {
    /// Binds all addresses of the configuration.
    pub(super) fn bind(config: &Config) -> Result<Self, StartError> {
        let bind = |key, address| {
            ListeningSocket::bind(address).map_err(|source| StartError::Listen {
                key,
                address,
                source,
            })
        };
        let smtp = &config.smtp;
        let direct = smtp.listen.iter().map(|address| ("smtp.listen", address));
        let proxied = smtp.proxy_listen.iter();
        let proxied = proxied.map(|address| ("smtp.proxy_listen", address));
        let listeners = direct.chain(proxied).map(|(key, address)| {
            let is_proxied = key == "smtp.proxy_listen";
            let socket = bind(key, *address)?;
            Ok::<_, StartError>((socket, options(config, address, is_proxied)))
        });
        Ok(Self {
            smtp: listeners.collect::<Result<_, _>>()?,
            portal: bind("portal.listen", config.portal.listen)?,
            admin: bind("admin.listen", config.admin.listen)?,
            operations: bind("operations.listen", config.operations.listen)?,
        })
    }

    /// Where they are.
    pub(super) fn addresses(&self) -> Addresses {
        Addresses {
            smtp: self
                .smtp
                .iter()
                .map(|(socket, _)| socket.address())
                .collect(),
            portal: self.portal.address(),
            admin: self.admin.address(),
            operations: self.operations.address(),
        }
    }
}

/// What is particular to the listener on one address.
fn options(config: &Config, address: &SocketAddr, is_proxied: bool) -> ListenerOptions {
    let smtp = &config.smtp;
    ListenerOptions {
        is_proxied,
        newlines: if smtp.normalise_on.contains(address) {
            Newlines::Normalise
        } else {
            Newlines::Reject
        },
        null_sender_is_single: smtp.single_null_recipient_on.contains(address),
    }
}
