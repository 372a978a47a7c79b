//! As much of a browser as a form over TLS needs: one connection for each request, cookies kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use storage::model::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A browser at one site.
pub struct Browser {
    site: String,
    tls: TlsConnector,
    cookies: BTreeMap<String, String>,
    clock: Arc<dyn Clock>,
}

/// What the site answered.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Header and body.
    pub text: String,
    /// Octets of header and body.
    pub octets: usize,
    /// From the request to the end of the answer, the connection not counted.
    pub took: Duration,
}

impl Answer {
    /// The value of a form's hidden field.
    pub fn hidden(&self, name: &str) -> Result<String> {
        let start = format!("name=\"{name}\" value=\"");
        let rest = self.text.split(&start).nth(1);
        let value = rest.and_then(|rest| rest.split('"').next());
        Ok(value.context("no such field")?.to_owned())
    }
}

impl Browser {
    /// One without cookies, at `host:port`.
    pub fn new(site: &str, clock: &Arc<dyn Clock>) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody))
            .with_no_client_auth();
        Ok(Self {
            site: site.to_owned(),
            tls: TlsConnector::from(Arc::new(config)),
            cookies: BTreeMap::new(),
            clock: Arc::clone(clock),
        })
    }

    /// Opens a page.
    pub async fn get(&mut self, path: &str) -> Result<Answer> {
        self.ask(&format!("GET {path} HTTP/1.1\r\n"), "").await
    }

    /// Opens a page as browsers do, compressed: only its size and its time can be read.
    pub async fn get_compressed(&mut self, path: &str) -> Result<Answer> {
        let head = format!("GET {path} HTTP/1.1\r\nAccept-Encoding: gzip\r\n");
        self.ask(&head, "").await
    }

    /// Sends a form.
    pub async fn post(&mut self, path: &str, fields: &[(&str, String)]) -> Result<Answer> {
        let pairs = fields.iter().map(|(name, value)| {
            let value: String = value.bytes().map(encoded).collect();
            format!("{name}={value}")
        });
        let body = pairs.collect::<Vec<_>>().join("&");
        let head = format!(
            "POST {path} HTTP/1.1\r\nSec-Fetch-Site: same-origin\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            body.len()
        );
        self.ask(&head, &body).await
    }

    async fn ask(&mut self, head: &str, body: &str) -> Result<Answer> {
        let stream = TcpStream::connect(&self.site).await?;
        let name = self.site.rsplit_once(':').context("no port")?.0;
        let name = ServerName::try_from(name.to_owned())?;
        let mut stream = self.tls.connect(name, stream).await?;
        let cookies = self.cookies.iter();
        let cookies: Vec<_> = cookies
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = format!(
            "{head}Host: {}\r\nCookie: {}\r\nConnection: close\r\n\r\n{body}",
            self.site,
            cookies.join("; ")
        );
        let asked_at = self.clock.monotonic();
        stream.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        // A peer that closes without a farewell has still answered.
        let _ = stream.read_to_end(&mut bytes).await;
        let took = self.clock.monotonic().saturating_sub(asked_at);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for line in text.lines().take_while(|line| !line.is_empty()) {
            let cookie = line
                .split_once(": ")
                .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
            let pair = cookie.and_then(|(_, value)| value.split(';').next()?.split_once('='));
            if let Some((name, value)) = pair {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let status = text.get(9..12).and_then(|status| status.parse().ok());
        Ok(Answer {
            status: status.context("no answer")?,
            text,
            octets: bytes.len(),
            took,
        })
    }
}

fn encoded(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

/// Believes every certificate: the node has just made its own.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
