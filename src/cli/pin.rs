//! TLS to the own node: exactly the certificate that the configuration names is accepted, whatever
//! names or dates it has, and no other.

use std::path::Path;
use std::sync::Arc;

use actors::tls::CertificateFiles;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use super::exit::{CONFIGURATION, Failure, UNAVAILABLE};
use crate::config::Config;

/// A client configuration that accepts the administration listener of `config`.
pub(super) fn client_config(config: &Config) -> Result<Arc<ClientConfig>, Failure> {
    let own = CertificateFiles::self_signed(&config.node.data_dir, "admin");
    let (files, missing) = match &config.admin.tls {
        Some(files) => (files, CONFIGURATION),
        None => (&own, UNAVAILABLE),
    };
    let certificate = read(&files.certificate, missing)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Pinned {
        certificate,
        provider: Arc::clone(&provider),
    };
    let built = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::new(CONFIGURATION, error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(built))
}

fn read(file: &Path, missing: u8) -> Result<CertificateDer<'static>, Failure> {
    CertificateDer::from_pem_file(file).map_err(|error| {
        let message = format!(
            "cannot read the certificate of the administration listener at {}: {error}",
            file.display()
        );
        Failure::new(missing, message)
    })
}

/// Accepts one certificate. The handshake still proves that the server has its key.
#[derive(Debug)]
struct Pinned {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *end_entity == self.certificate {
            return Ok(ServerCertVerified::assertion());
        }
        let expected = "the server shows another certificate than the configuration names";
        Err(Error::General(expected.to_owned()))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actors::tls::ServerTls;
    use std::net::Ipv4Addr;
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    /// Whether a client that pins the certificate in `pinned` talks to a server with that in `shown`.
    async fn meet(pinned: &Path, shown: &Path) -> Result<(), String> {
        let text = format!("data_dir = {:?}", pinned.display().to_string());
        let config = Config::parse(&text, None).unwrap();
        let client = client_config(&config).map_err(|error| error.to_string())?;
        let server = ServerTls::self_signed(shown, "admin", "localhost", &["http/1.1"]).unwrap();
        let (near, far) = tokio::io::duplex(16 * 1024);
        let acceptor = TlsAcceptor::from(server.config());
        let connector = TlsConnector::from(client);
        let name = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
        let (connected, _) = tokio::join!(connector.connect(name, near), acceptor.accept(far));
        connected.map(drop).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn the_nodes_own_certificate_is_accepted_and_no_other() {
        let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let missing = meet(own.path(), other.path()).await.unwrap_err();
        assert!(missing.contains("admin-self-signed.pem"), "{missing}");
        ServerTls::self_signed(own.path(), "admin", "localhost", &[]).unwrap();
        assert_eq!(meet(own.path(), own.path()).await, Ok(()));
        let refused = meet(own.path(), other.path()).await.unwrap_err();
        assert!(refused.contains("another certificate"), "{refused}");
    }
}
