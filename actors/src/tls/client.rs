//! How far a destination's certificate is trusted, by policy (OUT14).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::ServerCertVerifier;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use storage::model::TlsPolicy;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::verifier::{AnyCertificate, Dane, Judged, Pinned};
use super::{TlsError, provider};

/// Sets of fingerprints and of TLSA records whose configurations are kept.
const NAMED_MAX: usize = 1024;

/// Client configurations: one that verifies, one that does not, and one per set of fingerprints or
/// TLSA records. Each keeps its own sessions for resumption, by the name of the destination, so what was learnt without verification is never used
/// where verification is demanded.
#[derive(Debug, Clone)]
pub struct ClientTls {
    verified: Arc<ClientConfig>,
    unverified: Arc<ClientConfig>,
    /// By the policy that names certificates, so that each keeps its sessions.
    named: Arc<Mutex<BTreeMap<TlsPolicy, Arc<ClientConfig>>>>,
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
            .with_custom_certificate_verifier(Judged::new(AnyCertificate))
            .with_no_client_auth();
        Ok(Self {
            verified: Arc::new(verified),
            unverified: Arc::new(unverified),
            named: Arc::default(),
        })
    }

    /// The configuration for a policy; none where no TLS is wanted.
    #[must_use]
    pub fn config(&self, policy: &TlsPolicy) -> Option<Arc<ClientConfig>> {
        match policy {
            TlsPolicy::None => None,
            TlsPolicy::Opportunistic | TlsPolicy::Required => Some(Arc::clone(&self.unverified)),
            TlsPolicy::Verified => Some(Arc::clone(&self.verified)),
            TlsPolicy::Pinned(pins) => self.named(policy, Judged::new(Pinned(pins.clone()))),
            TlsPolicy::Dane(records) => self.named(policy, Judged::new(Dane(records.clone()))),
        }
    }

    fn named(
        &self,
        policy: &TlsPolicy,
        verifier: Arc<dyn ServerCertVerifier>,
    ) -> Option<Arc<ClientConfig>> {
        let mut known = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = known.get(policy) {
            return Some(Arc::clone(config));
        }
        if known.len() >= NAMED_MAX {
            known.pop_first();
        }
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .ok()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        let config = Arc::new(config);
        known.insert(policy.clone(), Arc::clone(&config));
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
        Err(error) if matches!(policy, TlsPolicy::Verified | TlsPolicy::Dane(_)) => {
            Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, error))
        }
        Err(_) => Ok(ServerName::IpAddress(
            std::net::Ipv4Addr::UNSPECIFIED.into(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::ServerTls;
    use super::*;
    use rustls::HandshakeKind;
    use rustls::server::ParsedCertificate;
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject;
    use sha2::{Digest as _, Sha256, Sha512};
    use storage::model::{Fingerprint, Tlsa};
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

    /// The outcome of a handshake under one TLSA record.
    async fn by_record(
        peer: &Peer,
        host: &str,
        (usage, selector, matching): (u8, u8, u8),
        data: &[u8],
    ) -> bool {
        let record = Tlsa::usable(usage, selector, matching, data).unwrap();
        let client = ClientTls::new().unwrap();
        let policy = TlsPolicy::Dane(vec![record]);
        handshake(&client, policy, host, peer).await.is_ok()
    }

    #[tokio::test]
    async fn out15_dane_ee_takes_the_certificate_or_key_of_the_record_whatever_its_name() {
        let peer = peer("mx.example.net", &["smtp"]);
        let file = peer._dir.path().join("smtp-self-signed.pem");
        let certificate = CertificateDer::from_pem_file(file).unwrap();
        let key = ParsedCertificate::try_from(&certificate)
            .unwrap()
            .subject_public_key_info();
        let forms = |bytes: &[u8]| {
            [
                bytes.to_vec(),
                Sha256::digest(bytes).to_vec(),
                Sha512::digest(bytes).to_vec(),
            ]
        };
        for (selector, bytes) in [(0, &certificate[..]), (1, &key[..])] {
            for (matching, mut data) in (0..).zip(forms(bytes)) {
                let kind = (3, selector, matching);
                assert!(by_record(&peer, "other.example", kind, &data).await);
                data[20] ^= 1;
                assert!(!by_record(&peer, "other.example", kind, &data).await);
                let other = (3, 1 - selector, matching);
                data[20] ^= 1;
                assert!(!by_record(&peer, "other.example", other, &data).await);
            }
        }
        let client = ClientTls::new().unwrap();
        let nothing = TlsPolicy::Dane(Vec::new());
        let shaken = handshake(&client, nothing, "mx.example.net", &peer).await;
        assert!(shaken.is_err());
    }

    /// A server whose certificate comes from an issuer that it shows as well.
    fn issued(name: &str) -> (TlsAcceptor, CertificateDer<'static>) {
        use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let anchor = params.self_signed(&key).unwrap().der().clone();
        let issuer = Issuer::new(params, key);
        let leaf_key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let leaf = leaf.signed_by(&leaf_key, &issuer).unwrap();
        let private = rustls_pki_types::PrivateKeyDer::try_from(leaf_key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone(), anchor.clone()], private)
            .unwrap();
        (TlsAcceptor::from(Arc::new(config)), anchor)
    }

    #[tokio::test]
    async fn out15_dane_ta_takes_what_the_named_issuer_signed_for_the_name() {
        let (acceptor, anchor) = issued("mx.example.net");
        let digest = Sha256::digest(&anchor).to_vec();
        let mut wrong = digest.clone();
        wrong[0] ^= 1;
        for (host, kind, data, good) in [
            ("mx.example.net", (2, 0, 1), &digest, true),
            ("mx.example.net", (2, 0, 0), &anchor.to_vec(), true),
            ("other.example", (2, 0, 1), &digest, false),
            ("mx.example.net", (2, 0, 1), &wrong, false),
            // The issuer is not the server.
            ("mx.example.net", (3, 0, 1), &digest, false),
        ] {
            let (usage, selector, matching) = kind;
            let record = Tlsa::usable(usage, selector, matching, data).unwrap();
            let client = ClientTls::new().unwrap();
            let policy = TlsPolicy::Dane(vec![record]);
            let (near, far) = tokio::io::duplex(64 * 1024);
            let (ours, _) = tokio::join!(client.connect(&policy, host, near), acceptor.accept(far));
            assert_eq!(ours.is_ok(), good, "{host} {kind:?}");
        }
    }
}
