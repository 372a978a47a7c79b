//! Fetches a policy: `https://mta-sts.DOMAIN/.well-known/mta-sts.txt` (RFC 8461 §3.3).
//!
//! The certificate has to verify for the name; a redirection, another status than 200 and another
//! type than `text/plain` are no policy. Size and time are bounded.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, Either, select};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use storage::model::TlsPolicy;

use super::policy::POLICY_BYTES_MAX;
use crate::delivery::{DialError, Dialer};
use crate::tls::ClientTls;

/// Time for the whole of it. §3.3 suggests a minute; mail for a domain that nobody has sent to waits
/// for it.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);
const HTTPS_PORT: u16 = 443;

/// Why there is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No TCP connection.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The certificate does not verify, or no handshake came about.
    #[error("TLS handshake with {host}: {why}")]
    Tls {
        /// The web server.
        host: String,
        /// What rustls says.
        why: String,
    },
    /// No sound answer.
    #[error("{host}: {why}")]
    Answer {
        /// The web server.
        host: String,
        /// What is wrong with it.
        why: String,
    },
    /// No answer in time.
    #[error("{0}: no answer in time")]
    TimedOut(String),
}

/// Fetches policies.
pub trait PolicyFetcher: Send + Sync + fmt::Debug + 'static {
    /// The text of a domain's policy. Ends within a few seconds.
    fn fetch(&self, domain: &str) -> BoxFuture<'_, Result<Bytes, FetchError>>;
}

/// Over HTTPS.
#[derive(Debug)]
pub struct HttpsFetcher {
    dialer: Arc<dyn Dialer>,
    tls: ClientTls,
}

impl HttpsFetcher {
    /// Connects by `dialer`, and trusts whom `tls` trusts where verification is demanded.
    #[must_use]
    pub fn new(dialer: Arc<dyn Dialer>, tls: ClientTls) -> Self {
        Self { dialer, tls }
    }

    async fn get(&self, host: &str) -> Result<Bytes, FetchError> {
        let failed = |why: String| FetchError::Answer {
            host: host.to_owned(),
            why,
        };
        let connection = self.dialer.dial(host, HTTPS_PORT).await?;
        let stream = self
            .tls
            .connect(&TlsPolicy::Verified, host, connection.stream)
            .await
            .map_err(|error| FetchError::Tls {
                host: host.to_owned(),
                why: error.to_string(),
            })?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failed(error.to_string()))?;
        let request = Request::get("/.well-known/mta-sts.txt")
            .header(header::HOST, host)
            .header(header::ACCEPT, "text/plain")
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(|error| failed(error.to_string()))?;
        let answer = async {
            let response = sender
                .send_request(request)
                .await
                .map_err(|error| failed(error.to_string()))?;
            if response.status() != StatusCode::OK {
                return Err(failed(format!("status {}", response.status().as_u16())));
            }
            let kind = response.headers().get(header::CONTENT_TYPE);
            let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            let kind = kind.split(';').next().unwrap_or_default().trim();
            if !kind.eq_ignore_ascii_case("text/plain") {
                return Err(failed(format!("the content is {kind:?}, not text/plain")));
            }
            let body = Limited::new(response.into_body(), POLICY_BYTES_MAX);
            let body = body.collect().await;
            Ok(body.map_err(|error| failed(error.to_string()))?.to_bytes())
        };
        // The connection is driven beside its only request. How it ends is the answer's to tell: a
        // whole answer is good although the peer did not close politely.
        match select(pin!(answer), pin!(connection)).await {
            Either::Left((answer, _)) => answer,
            Either::Right((_, answer)) => answer.await,
        }
    }
}

impl PolicyFetcher for HttpsFetcher {
    fn fetch(&self, domain: &str) -> BoxFuture<'_, Result<Bytes, FetchError>> {
        let host = format!("mta-sts.{}", domain.trim_end_matches('.'));
        Box::pin(async move {
            let fetched = tokio::time::timeout(FETCH_TIMEOUT, self.get(&host)).await;
            fetched.unwrap_or(Err(FetchError::TimedOut(host)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Connection;
    use crate::tls::ServerTls;
    use rustls::RootCertStore;
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject as _;
    use std::sync::Mutex;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
    use tokio_rustls::TlsAcceptor;

    /// Hands out one end of a pipe.
    #[derive(Debug)]
    struct Pipe(Mutex<Option<DuplexStream>>);

    impl Dialer for Pipe {
        fn dial(&self, host: &str, port: u16) -> BoxFuture<'static, Result<Connection, DialError>> {
            assert_eq!((host, port), ("mta-sts.example.org", 443));
            let stream = self.0.lock().unwrap().take().unwrap();
            Box::pin(async move {
                Ok(Connection {
                    stream: Box::new(stream),
                    peer: None,
                    local: None,
                })
            })
        }
    }

    /// What comes of a server of this name that answers like this; the request that it heard.
    async fn fetched(name: &str, answer: &[u8]) -> (Result<Bytes, FetchError>, String) {
        let dir = tempfile::tempdir().unwrap();
        let server = ServerTls::self_signed(dir.path(), "https", name, &["http/1.1"]).unwrap();
        let mut roots = RootCertStore::empty();
        let certificate = dir.path().join("https-self-signed.pem");
        roots
            .add(CertificateDer::from_pem_file(certificate).unwrap())
            .unwrap();
        let (near, far) = tokio::io::duplex(256 * 1024);
        let fetcher = HttpsFetcher::new(
            Arc::new(Pipe(Mutex::new(Some(near)))),
            ClientTls::with_roots(roots).unwrap(),
        );
        let serve = async {
            let mut heard = Vec::new();
            let accepted = TlsAcceptor::from(server.config()).accept(far).await;
            let Ok(mut stream) = accepted else {
                return String::new();
            };
            while !heard.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => heard.push(byte),
                    Err(_) => return String::new(),
                }
            }
            // A client that has heard enough may be gone.
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
            String::from_utf8(heard).unwrap()
        };
        tokio::join!(fetcher.fetch("example.org"), serve)
    }

    #[tokio::test]
    async fn out15_a_policy_comes_over_verified_https_only() {
        let good =
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nversion: STSv1\n";
        let (text, heard) = fetched("mta-sts.example.org", good).await;
        assert_eq!(text.unwrap(), "version: STSv1\n");
        assert!(heard.starts_with("GET /.well-known/mta-sts.txt HTTP/1.1\r\n"));
        assert!(
            heard
                .to_ascii_lowercase()
                .contains("host: mta-sts.example.org\r\n")
        );
        let (text, heard) = fetched("other.example.org", good).await;
        assert!(matches!(text, Err(FetchError::Tls { .. })), "{text:?}");
        assert_eq!(heard, "");
    }

    #[tokio::test]
    async fn out15_what_is_no_plain_text_under_its_own_address_is_no_policy() {
        let long = [
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n".as_slice(),
            &vec![b'x'; POLICY_BYTES_MAX + 1],
        ]
        .concat();
        for answer in [
            b"HTTP/1.1 301 Moved\r\nLocation: https://mta-sts.example.org/\r\nContent-Type: text/plain\r\n\r\n".as_slice(),
            b"HTTP/1.1 404 No\r\nContent-Type: text/plain\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nversion: STSv1\n",
            b"HTTP/1.1 200 OK\r\n\r\nversion: STSv1\n",
            b"220 mail.example.org ESMTP\r\n",
            b"",
            &long,
        ] {
            let (text, _) = fetched("mta-sts.example.org", answer).await;
            assert!(matches!(text, Err(FetchError::Answer { .. })), "{text:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn out15_a_silent_web_server_is_not_waited_for() {
        let (near, _far) = tokio::io::duplex(1024);
        let fetcher = HttpsFetcher::new(
            Arc::new(Pipe(Mutex::new(Some(near)))),
            ClientTls::new().unwrap(),
        );
        let soon = FETCH_TIMEOUT + Duration::from_millis(1);
        let fetched = tokio::time::timeout(soon, fetcher.fetch("example.org")).await;
        assert!(matches!(fetched, Ok(Err(FetchError::TimedOut(_)))));
    }
}
