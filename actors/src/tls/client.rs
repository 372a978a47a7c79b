//! How far a destination's certificate is trusted, by policy (OUT14).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest as _, Sha256};
use storage::model::{Fingerprint, TlsPolicy};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{TlsError, provider};

/// Sets of fingerprints whose configurations are kept.
const PINNED_MAX: usize = 1024;

/// Client configurations: one that verifies, one that does not, and one per set of fingerprints. Each keeps its own sessions for
/// resumption, by the name of the destination, so what was learnt without verification is never used
/// where verification is demanded.
#[derive(Debug, Clone)]
pub struct ClientTls {
    verified: Arc<ClientConfig>,
    unverified: Arc<ClientConfig>,
    /// By the fingerprints that are asked for, so that each keeps its sessions.
    pinned: Arc<Mutex<BTreeMap<Vec<Fingerprint>, Arc<ClientConfig>>>>,
}

impl ClientTls {
    /// Trusts Mozilla's roots where verification is demanded.
    ///
    /// # Errors
    /// When rustls refuses its own defaults.
    pub fn new() -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        Self::with_roots(roots)
    }

    /// Trusts these roots where verification is demanded.
    ///
    /// # Errors
    /// When rustls refuses its own defaults.
    pub fn with_roots(roots: RootCertStore) -> Result<Self, TlsError> {
        let builder = || {
            ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()
        };
        let verified = builder()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let unverified = builder()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider())))
            .with_no_client_auth();
        Ok(Self {
            verified: Arc::new(verified),
            unverified: Arc::new(unverified),
            pinned: Arc::default(),
        })
    }

    /// The configuration for a policy; none where no TLS is wanted.
    #[must_use]
    pub fn config(&self, policy: &TlsPolicy) -> Option<Arc<ClientConfig>> {
        match policy {
            TlsPolicy::None => None,
            TlsPolicy::Opportunistic | TlsPolicy::Required => Some(Arc::clone(&self.unverified)),
            TlsPolicy::Verified => Some(Arc::clone(&self.verified)),
            TlsPolicy::Pinned(pins) => self.pinned(pins),
        }
    }

    fn pinned(&self, pins: &[Fingerprint]) -> Option<Arc<ClientConfig>> {
        let mut known = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = known.get(pins) {
            return Some(Arc::clone(config));
        }
        if known.len() >= PINNED_MAX {
            known.pop_first();
        }
        let verifier = Pinned {
            pins: pins.to_vec(),
            signatures: AnyCertificate(provider()),
        };
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .ok()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        let config = Arc::new(config);
        known.insert(pins.to_vec(), Arc::clone(&config));
        Some(config)
    }

    /// Makes the handshake on `stream`, after the 220 to STARTTLS. `host` is the destination's
    /// configured name or address, for SNI, verification and session resumption.
    ///
    /// # Errors
    /// When the peer breaks the protocol or the connection, or its certificate is not good enough
    /// for the policy.
    pub async fn connect<S>(
        &self,
        policy: &TlsPolicy,
        host: &str,
        stream: S,
    ) -> std::io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = match self.config(policy) {
            Some(config) => config,
            None if policy.is_strict() => return Err(std::io::Error::other("no TLS settings")),
            None => Arc::clone(&self.unverified),
        };
        let name = server_name(host, policy)?;
        TlsConnector::from(config).connect(name, stream).await
    }
}

/// A host name that TLS cannot express is no hindrance where nothing is verified.
fn server_name(host: &str, policy: &TlsPolicy) -> std::io::Result<ServerName<'static>> {
    match ServerName::try_from(host.to_owned()) {
        Ok(name) => Ok(name),
        Err(error) if *policy == TlsPolicy::Verified => {
            Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, error))
        }
        Err(_) => Ok(ServerName::IpAddress(
            std::net::Ipv4Addr::UNSPECIFIED.into(),
        )),
    }
}

/// Takes any certificate, but still demands the proof that the peer has its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Takes the certificates and keys that were named, whoever signed them.
#[derive(Debug)]
struct Pinned {
    pins: Vec<Fingerprint>,
    signatures: AnyCertificate,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let key = ParsedCertificate::try_from(end_entity)?.subject_public_key_info();
        let known = |bytes: &[u8]| {
            self.pins
                .contains(&Fingerprint(Sha256::digest(bytes).into()))
        };
        if known(end_entity) || known(&key) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signatures
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signatures
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::super::ServerTls;
    use super::*;
    use rustls::HandshakeKind;
    use rustls_pki_types::pem::PemObject;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_rustls::TlsAcceptor;

    struct Peer {
        tls: ServerTls,
        roots: RootCertStore,
        _dir: tempfile::TempDir,
    }

    fn peer(name: &str, protocols: &[&str]) -> Peer {
        let dir = tempfile::tempdir().unwrap();
        let tls = ServerTls::self_signed(dir.path(), "smtp", name, protocols).unwrap();
        let certificate = dir.path().join("smtp-self-signed.pem");
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(certificate).unwrap())
            .unwrap();
        Peer {
            tls,
            roots,
            _dir: dir,
        }
    }

    async fn handshake(
        client: &ClientTls,
        policy: TlsPolicy,
        host: &str,
        peer: &Peer,
    ) -> std::io::Result<()> {
        let (near, far) = tokio::io::duplex(16 * 1024);
        let acceptor = TlsAcceptor::from(peer.tls.config());
        let (ours, theirs) =
            tokio::join!(client.connect(&policy, host, near), acceptor.accept(far));
        ours?;
        theirs.map(|_| ())
    }

    #[tokio::test]
    async fn out14_opportunistic_and_required_take_any_certificate() {
        let peer = peer("mx.example.net", &["smtp"]);
        let client = ClientTls::new().unwrap();
        for policy in [TlsPolicy::Opportunistic, TlsPolicy::Required] {
            for host in ["other.example", "192.0.2.1", "not a name"] {
                handshake(&client, policy.clone(), host, &peer)
                    .await
                    .unwrap();
            }
        }
        assert!(client.config(&TlsPolicy::None).is_none());
    }

    #[tokio::test]
    async fn out14_verified_wants_a_trusted_certificate_for_the_name() {
        let peer = peer("mx.example.net", &["smtp"]);
        let stranger = ClientTls::new().unwrap();
        let knowing = ClientTls::with_roots(peer.roots.clone()).unwrap();
        let verified = TlsPolicy::Verified;
        let refused = handshake(&stranger, verified.clone(), "mx.example.net", &peer).await;
        assert!(refused.is_err());
        let refused = handshake(&knowing, verified.clone(), "other.example", &peer).await;
        assert!(refused.is_err());
        handshake(&knowing, verified, "mx.example.net", &peer)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn out14_pinned_wants_the_certificate_or_the_key_that_was_named() {
        let peer = peer("mx.example.net", &["smtp"]);
        let file = peer._dir.path().join("smtp-self-signed.pem");
        let certificate = CertificateDer::from_pem_file(file).unwrap();
        let key = ParsedCertificate::try_from(&certificate)
            .unwrap()
            .subject_public_key_info();
        let client = ClientTls::new().unwrap();
        let pin = |bytes: &[u8]| Fingerprint(Sha256::digest(bytes).into());
        let other = pin(b"another");
        for (pins, good) in [
            (vec![pin(&certificate)], true),
            (vec![other, pin(&key)], true),
            (vec![other], false),
            (Vec::new(), false),
        ] {
            let policy = TlsPolicy::Pinned(pins);
            let shaken = handshake(&client, policy, "whatever.example", &peer).await;
            assert_eq!(shaken.is_ok(), good);
        }
    }

    #[tokio::test]
    async fn out14_a_second_connection_resumes_the_session_of_the_first() {
        let peer = peer("mx.example.net", &["smtp"]);
        let client = ClientTls::new().unwrap();
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let (near, far) = tokio::io::duplex(64 * 1024);
            let acceptor = TlsAcceptor::from(peer.tls.config());
            let policy = TlsPolicy::Required;
            let (ours, theirs) = tokio::join!(
                client.connect(&policy, "mx.example.net", near),
                acceptor.accept(far)
            );
            let (mut ours, mut theirs) = (ours.unwrap(), theirs.unwrap());
            kinds.push(ours.get_ref().1.handshake_kind().unwrap());
            // The tickets come with the first data.
            theirs.write_all(b"x").await.unwrap();
            theirs.flush().await.unwrap();
            ours.read_exact(&mut [0]).await.unwrap();
        }
        assert_eq!(kinds, [HandshakeKind::Full, HandshakeKind::Resumed]);
    }

    #[tokio::test]
    async fn a_peer_that_asks_for_http_is_turned_away() {
        let peer = peer("mx.example.net", &["smtp"]);
        let mut config = (*ClientTls::new().unwrap().unverified).clone();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let (near, far) = tokio::io::duplex(16 * 1024);
        let name = ServerName::try_from("mx.example.net").unwrap();
        let (ours, theirs) = tokio::join!(
            TlsConnector::from(Arc::new(config)).connect(name, near),
            TlsAcceptor::from(peer.tls.config()).accept(far)
        );
        assert!(ours.is_err() && theirs.is_err());
    }
}
