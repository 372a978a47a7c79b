//! A browser without scripts: pages and forms over HTTPS, with cookies.
//!
//! It trusts the one certificate that the portal made for itself, and nothing else.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How long one page may take.
const PAGE_TIMEOUT: Duration = Duration::from_secs(30);
/// The name in the portal's certificate.
const NAME: &str = "localhost";
/// Between the parts of a form; no text of ours contains it.
const BOUNDARY: &str = "mailhold-demo-7d3c5b1e";

/// What can go wrong on the way to a page.
#[derive(Debug, thiserror::Error)]
pub(in crate::demo) enum BrowserError {
    /// The connection.
    #[error("the portal could not be reached: {0}")]
    Io(#[from] std::io::Error),
    /// The exchange.
    #[error("the portal did not answer: {0}")]
    Http(#[from] hyper::Error),
    /// A request of ours.
    #[error(transparent)]
    Request(#[from] hyper::http::Error),
    /// The certificate.
    #[error("the portal's certificate: {0}")]
    Certificate(#[from] rustls::pki_types::pem::Error),
    /// Trusting it.
    #[error("the portal's certificate: {0}")]
    Tls(#[from] rustls::Error),
    /// Nothing came.
    #[error("the portal did not answer within 30 s")]
    TooLong,
}

/// A page, or where to go instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) status: StatusCode,
    /// `Location`, for 303.
    pub(super) leads_to: Option<String>,
    pub(super) text: String,
}

/// The browser.
#[derive(Debug)]
pub(in crate::demo) struct Browser {
    portal: SocketAddr,
    tls: Arc<ClientConfig>,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// A browser for the portal at this address, whose certificate is in this file.
    ///
    /// # Errors
    /// When there is no certificate in it.
    pub(in crate::demo) fn new(
        portal: SocketAddr,
        certificate: &Path,
    ) -> Result<Self, BrowserError> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(certificate)?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            portal,
            tls: Arc::new(config),
            cookies: BTreeMap::new(),
        })
    }

    /// Opens a page.
    pub(super) async fn get(&mut self, path: &str) -> Result<Page, BrowserError> {
        let request = self.request(Method::GET, path).body(Full::default())?;
        self.fetch(request).await
    }

    /// Sends a form, as the kind that can carry files.
    pub(super) async fn send(
        &mut self,
        path: &str,
        fields: &[(String, String)],
    ) -> Result<Page, BrowserError> {
        let mut body = String::new();
        for (name, value) in fields {
            let value = value.replace('\n', "\r\n");
            body.push_str(&format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        body.push_str(&format!("--{BOUNDARY}--\r\n"));
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        self.post(path, &kind, body).await
    }

    /// Sends a plain form.
    pub(super) async fn submit(
        &mut self,
        path: &str,
        fields: &[(String, String)],
    ) -> Result<Page, BrowserError> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.post(path, "application/x-www-form-urlencoded", body)
            .await
    }

    async fn post(&mut self, path: &str, kind: &str, body: String) -> Result<Page, BrowserError> {
        let request = self
            .request(Method::POST, path)
            .header(CONTENT_TYPE, kind)
            .body(Full::new(Bytes::from(body)))?;
        self.fetch(request).await
    }

    fn request(&self, method: Method, path: &str) -> hyper::http::request::Builder {
        let cookies = self.cookies.iter();
        let cookies: Vec<_> = cookies
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.portal.to_string())
            .header(ACCEPT_LANGUAGE, "en")
            .header(COOKIE, cookies.join("; "))
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
    }

    async fn fetch(&mut self, request: Request<Full<Bytes>>) -> Result<Page, BrowserError> {
        let exchange = tokio::time::timeout(PAGE_TIMEOUT, self.exchange(request)).await;
        let answer = exchange.map_err(|_| BrowserError::TooLong)??;
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap_or_default();
            let pair = cookie
                .split(';')
                .next()
                .and_then(|pair| pair.split_once('='));
            if let Some((name, value)) = pair {
                if value.is_empty() {
                    self.cookies.remove(name);
                } else {
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        let leads_to = answer.headers().get(LOCATION);
        let leads_to = leads_to.and_then(|place| place.to_str().ok());
        Ok(Page {
            status: answer.status(),
            leads_to: leads_to.map(str::to_owned),
            text: String::from_utf8_lossy(answer.body()).into_owned(),
        })
    }

    /// One request over a connection of its own.
    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, BrowserError> {
        let stream = TcpStream::connect(self.portal).await?;
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let name = ServerName::try_from(NAME).map_err(std::io::Error::other)?;
        let stream = connector.connect(name, stream).await?;
        let opened = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = opened?;
        let answered = async {
            let (head, body) = sender.send_request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(Response::from_parts(head, body))
        };
        let (mut answered, mut connection) = (std::pin::pin!(answered), std::pin::pin!(connection));
        tokio::select! {
            biased;
            answer = &mut answered => return answer,
            _ = &mut connection => {}
        }
        // The connection has ended; what it brought is still to be read.
        answered.await
    }
}
