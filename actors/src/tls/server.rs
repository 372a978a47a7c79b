//! The certificate that our listeners show, exchangeable while they run.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::server::ParsedCertificate;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};

use super::{TlsError, provider, self_signed};

/// A certificate chain and its key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key (PKCS #8, PKCS #1 or SEC 1).
    pub key: PathBuf,
}

impl CertificateFiles {
    /// Where [`ServerTls::self_signed`] keeps a listener's certificate.
    #[must_use]
    pub fn self_signed(data_dir: &Path, listener: &str) -> Self {
        self_signed::files(data_dir, listener)
    }
}

/// What connections are shown.
#[derive(Debug, Clone)]
struct Shown {
    config: Arc<ServerConfig>,
    /// SHA-256 of the public key of the server's own certificate.
    key_sha256: [u8; 32],
}

/// The TLS side of a listener. Connections take the configuration that is current when they begin;
/// a reload changes it for the next ones.
#[derive(Debug)]
pub struct ServerTls {
    files: CertificateFiles,
    protocols: Vec<Vec<u8>>,
    current: RwLock<Shown>,
}

impl ServerTls {
    /// Serves the certificate in `files`. `protocols` are the application protocols (ALPN) that a
    /// peer may ask for; one that asks for others only is refused.
    ///
    /// # Errors
    /// When a file cannot be read or the two do not fit together.
    pub fn from_files(files: CertificateFiles, protocols: &[&str]) -> Result<Self, TlsError> {
        let protocols: Vec<Vec<u8>> = protocols
            .iter()
            .map(|name| name.as_bytes().into())
            .collect();
        let shown = load(&files, &protocols)?;
        Ok(Self {
            files,
            protocols,
            current: RwLock::new(shown),
        })
    }

    /// Serves a self-signed certificate for `name` that is kept in `data_dir` and made at the first
    /// start; each `listener` (`smtp`, `admin`) has its own.
    ///
    /// # Errors
    /// When it can be neither read nor made.
    pub fn self_signed(
        data_dir: &Path,
        listener: &str,
        name: &str,
        protocols: &[&str],
    ) -> Result<Self, TlsError> {
        Self::from_files(self_signed::ensure(data_dir, listener, name)?, protocols)
    }

    /// The configuration for the next connection.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        self.shown().config
    }

    /// SHA-256 of the public key that is shown: what TLSA 3 1 1 publishes (RFC 7672 §3.1.1).
    #[must_use]
    pub fn public_key_sha256(&self) -> [u8; 32] {
        self.shown().key_sha256
    }

    fn shown(&self) -> Shown {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// Shows what `other` shows, from the next connection on: for files that have moved.
    pub fn take_over(&self, other: &Self) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = other.shown();
    }

    /// Reads the files again.
    ///
    /// # Errors
    /// When they are unusable; the old certificate stays in force.
    pub fn reload(&self) -> Result<(), TlsError> {
        let shown = load(&self.files, &self.protocols)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = shown;
        Ok(())
    }
}

fn load(files: &CertificateFiles, protocols: &[Vec<u8>]) -> Result<Shown, TlsError> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable(&files.certificate, error))?;
    let unusable = |reason: String| TlsError::Pem {
        path: files.certificate.clone(),
        reason,
    };
    let own = chain
        .first()
        .ok_or_else(|| unusable("holds no certificate".to_owned()))?;
    let own = ParsedCertificate::try_from(own).map_err(|error| unusable(error.to_string()))?;
    let key_sha256 = Sha256::digest(own.subject_public_key_info().as_ref()).into();
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unreadable(&files.key, error))?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|source| TlsError::Pair {
            certificate: files.certificate.clone(),
            key: files.key.clone(),
            source,
        })?;
    config.alpn_protocols = protocols.to_vec();
    Ok(Shown {
        config: Arc::new(config),
        key_sha256,
    })
}

fn unreadable(path: &Path, error: rustls_pki_types::pem::Error) -> TlsError {
    let path = path.to_owned();
    match error {
        rustls_pki_types::pem::Error::Io(source) => TlsError::File { path, source },
        other => TlsError::Pem {
            path,
            reason: other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn in20_the_first_start_makes_a_certificate_and_the_next_one_keeps_it() {
        let dir = tempfile::tempdir().unwrap();
        ServerTls::self_signed(dir.path(), "smtp", "mx.example.net", &["smtp"]).unwrap();
        let key = dir.path().join("smtp-self-signed.key");
        let mode = fs::metadata(&key).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let before = fs::read(&key).unwrap();
        ServerTls::self_signed(dir.path(), "smtp", "mx.example.net", &["smtp"]).unwrap();
        assert_eq!(fs::read(&key).unwrap(), before);
    }

    #[test]
    fn a_reload_takes_the_new_certificate_and_a_broken_one_leaves_the_old_in_force() {
        let dir = tempfile::tempdir().unwrap();
        let tls = ServerTls::self_signed(dir.path(), "smtp", "mx.example.net", &["smtp"]).unwrap();
        let first = tls.config();
        let other = tempfile::tempdir().unwrap();
        ServerTls::self_signed(other.path(), "smtp", "mx.example.net", &["smtp"]).unwrap();
        for name in ["smtp-self-signed.key", "smtp-self-signed.pem"] {
            fs::copy(other.path().join(name), dir.path().join(name)).unwrap();
        }
        tls.reload().unwrap();
        let second = tls.config();
        assert!(!Arc::ptr_eq(&first, &second));
        fs::write(dir.path().join("smtp-self-signed.pem"), "nonsense").unwrap();
        assert!(matches!(tls.reload(), Err(TlsError::Pem { .. })));
        fs::remove_file(dir.path().join("smtp-self-signed.pem")).unwrap();
        assert!(matches!(tls.reload(), Err(TlsError::File { .. })));
        assert!(Arc::ptr_eq(&second, &tls.config()));
    }

    #[test]
    fn a_key_that_does_not_belong_to_the_certificate_is_named() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        ServerTls::self_signed(one.path(), "smtp", "a.example", &[]).unwrap();
        ServerTls::self_signed(two.path(), "smtp", "a.example", &[]).unwrap();
        let files = CertificateFiles {
            certificate: one.path().join("smtp-self-signed.pem"),
            key: two.path().join("smtp-self-signed.key"),
        };
        let error = ServerTls::from_files(files, &[]).unwrap_err();
        assert!(matches!(error, TlsError::Pair { .. }), "{error}");
    }
}
