//! The sockets of a node, bound before anything is started over them.

use std::net::SocketAddr;

use actors::session::ListeningSocket;

use super::start_error::StartError;
use crate::config::Config;

/// Where a node listens; ports are known even when any were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// Intake.
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
    pub(super) smtp: Vec<ListeningSocket>,
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
        let smtp = config.smtp.listen.iter();
        Ok(Self {
            smtp: smtp
                .map(|address| bind("smtp.listen", *address))
                .collect::<Result<_, _>>()?,
            portal: bind("portal.listen", config.portal.listen)?,
            admin: bind("admin.listen", config.admin.listen)?,
            operations: bind("operations.listen", config.operations.listen)?,
        })
    }

    /// Where they are.
    pub(super) fn addresses(&self) -> Addresses {
        Addresses {
            smtp: self.smtp.iter().map(ListeningSocket::address).collect(),
            portal: self.portal.address(),
            admin: self.admin.address(),
            operations: self.operations.address(),
        }
    }
}
