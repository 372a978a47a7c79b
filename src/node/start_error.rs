//! Why a node did not start, and what the process exits with.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use actors::dns::DnsError;
use actors::tls::TlsError;
use storage::seal::KeyError;
use storage::spool::OpenError;
use web::auth::TokenError;

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be made.
    #[error("data directory {}: {source}", path.display())]
    DataDirectory {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The operator token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Name resolution.
    #[error("name resolution: {0}")]
    Dns(#[from] DnsError),
    /// The operating system gives no random bytes.
    #[error("randomness: {0}")]
    Randomness(String),
    /// The password of the smart host.
    #[error("delivery.smart_host_password_file: {0}")]
    PasswordFile(io::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// An address cannot be listened on.
    #[error("{key}: cannot listen on {address}: {source}")]
    Listen {
        /// The key of the configuration.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// A part of the tree did not start.
    #[error("{0}")]
    Tree(String),
}

impl StartError {
    /// The exit status of the process (sysexits).
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            Self::Tls(_) | Self::Dns(_) | Self::PasswordFile(_) => 78,
            Self::Store(OpenError::Keys(error)) if !matches!(error, KeyError::Io { .. }) => 78,
            Self::Tree(_) | Self::Randomness(_) => 70,
            Self::Listen { source, .. } | Self::DataDirectory { source, .. }
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                77
            }
            Self::Listen { .. } | Self::DataDirectory { .. } | Self::Token(_) | Self::Store(_) => {
                74
            }
        }
    }
}
