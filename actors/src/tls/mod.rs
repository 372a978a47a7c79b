//! TLS on both sides: certificates of our listeners, and how far a destination is trusted.
//!
//! TLS 1.2 and 1.3 with ECDHE and AEAD only, no renegotiation, no compression, no early data, no
//! client certificates (rustls knows nothing else). A server name offers `smtp` as its only
//! application protocol, so that a browser's `http/1.1` is turned away (ALPACA).

mod client;
mod self_signed;
mod server;
mod verifier;

use std::path::PathBuf;

pub use client::ClientTls;
pub use server::{CertificateFiles, ServerTls};

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file holds no usable PEM.
    #[error("{path}: {reason}")]
    Pem {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Certificate and key do not fit together, or rustls cannot use them.
    #[error("certificate {certificate} with key {key}: {source}")]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What rustls says.
        source: rustls::Error,
    },
    /// The self-signed certificate could not be made.
    #[error("cannot make a self-signed certificate for {name}: {source}")]
    SelfSigned {
        /// The name it was to be made for.
        name: String,
        /// What is wrong.
        source: rcgen::Error,
    },
    /// The library refuses its own defaults.
    #[error("cannot set up TLS: {0}")]
    Setup(#[from] rustls::Error),
}

/// The one cryptography provider, named in every configuration so that no global default is needed.
fn provider() -> std::sync::Arc<rustls::crypto::CryptoProvider> {
    std::sync::Arc::new(rustls::crypto::ring::default_provider())
}
