//! The command line's side of the API: one request a connection, with the operator token, to the
//! address that the configuration gives the administration listener.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use web::api::{Page, Problem};
use web::auth::{OperatorToken, TOKEN_FILE, TokenError};

use super::exit::{Failure, INPUT_OUTPUT, PERMISSION, SOFTWARE, UNAVAILABLE};
use super::pin;
use crate::config::{Config, Scheme};

/// The token of an administrator, instead of the operator's.
const TOKEN_VARIABLE: &str = "MAILHOLD_TOKEN";
/// For the connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For one answer. Longer than the server gives a handler.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// A client of one node.
#[derive(Debug, Clone)]
pub(super) struct Client {
    address: SocketAddr,
    authority: String,
    tls: Option<Arc<rustls::ClientConfig>>,
    token: String,
    data_dir: PathBuf,
    answer_timeout: Option<Duration>,
}

/// A request's body.
#[derive(Debug)]
pub(super) struct Payload {
    content_type: &'static str,
    bytes: Bytes,
}

impl Payload {
    /// A JSON document.
    pub(super) fn json(document: &impl Serialize) -> Result<Self, Failure> {
        let bytes = serde_json::to_vec(document)
            .map_err(|error| Failure::new(SOFTWARE, error.to_string()))?;
        Ok(Self {
            content_type: "application/json",
            bytes: bytes.into(),
        })
    }

    /// A CSV file.
    pub(super) fn csv(bytes: Vec<u8>) -> Self {
        Self {
            content_type: "text/csv; charset=utf-8",
            bytes: bytes.into(),
        }
    }
}

impl Client {
    /// A client of the node that `config` describes.
    pub(super) fn new(config: &Config) -> Result<Self, Failure> {
        let data_dir = config.node.data_dir.clone();
        let token = match std::env::var(TOKEN_VARIABLE) {
            Ok(token) => token,
            Err(_) => {
                OperatorToken::read(&data_dir.join(TOKEN_FILE)).map_err(|error| no_token(&error))?
            }
        };
        let tls = match config.admin.url.scheme() {
            Scheme::Http => None,
            Scheme::Https => Some(pin::client_config(config)?),
        };
        Ok(Self {
            address: reachable(config.admin.listen),
            authority: config.admin.url.authority(),
            tls,
            token,
            data_dir,
            answer_timeout: Some(ANSWER_TIMEOUT),
        })
    }

    /// Asks for a document.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.send(Method::GET, path, None).await
    }

    /// Sends something and takes the document that answers it.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        payload: Option<Payload>,
    ) -> Result<T, Failure> {
        let bytes = self.exchange(method, path, payload).await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            let address = self.address;
            Failure::new(
                SOFTWARE,
                format!("the answer of {address} is not understood: {error}"),
            )
        })
    }

    /// Sends something whose answer is empty.
    pub(super) async fn command(
        &self,
        method: Method,
        path: &str,
        payload: Option<Payload>,
    ) -> Result<(), Failure> {
        self.exchange(method, path, payload).await.map(drop)
    }

    /// The same without a bound on the time of the answer, for what takes as long as it takes.
    pub(super) fn patient(&self) -> Self {
        Self {
            answer_timeout: None,
            ..self.clone()
        }
    }

    /// All rows of a list, page by page, up to `limit`.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &Query,
        limit: Option<usize>,
    ) -> Result<Page<T>, Failure> {
        let mut all = Page {
            items: Vec::new(),
            next: None,
        };
        loop {
            let left = limit.map(|limit| limit.saturating_sub(all.items.len()));
            if left == Some(0) {
                return Ok(all);
            }
            let rows = left.unwrap_or(PAGE).min(PAGE).to_string();
            let mut query = query.clone().with("limit", Some(&rows));
            query = query.with("after", all.next.as_deref());
            let page: Page<T> = self.get(&query.on(path)).await?;
            all.items.extend(page.items);
            all.next = page.next;
            if all.next.is_none() {
                return Ok(all);
            }
        }
    }

    /// The body of an answer that is a file, piece by piece into `out`.
    pub(super) async fn download(
        &self,
        path: &str,
        mut out: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), Failure> {
        let request = self.request(Method::GET, path, None)?;
        self.connected(request, async |response| {
            let mut response = refused_or(response).await?;
            while let Some(frame) = response.frame().await {
                let frame = frame.map_err(|error| self.broken(&error))?;
                if let Some(data) = frame.data_ref() {
                    out(data).map_err(|error| {
                        Failure::new(INPUT_OUTPUT, format!("cannot write the message: {error}"))
                    })?;
                }
            }
            Ok(())
        })
        .await
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        payload: Option<Payload>,
    ) -> Result<Bytes, Failure> {
        let request = self.request(method, path, payload)?;
        self.connected(request, async |response| {
            let response = refused_or(response).await?;
            let body = response.into_body().collect().await;
            body.map(http_body_util::Collected::to_bytes)
                .map_err(|error| self.broken(&error))
        })
        .await
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        payload: Option<Payload>,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let mut builder = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.authority)
            .header(AUTHORIZATION, format!("Bearer {}", self.token));
        if let Some(payload) = &payload {
            builder = builder.header(CONTENT_TYPE, payload.content_type);
        }
        let bytes = payload.map(|payload| payload.bytes).unwrap_or_default();
        builder
            .body(Full::new(bytes))
            .map_err(|error| Failure::new(SOFTWARE, error.to_string()))
    }

    /// Sends a request over a connection of its own and hands the answer to `read`.
    async fn connected<T>(
        &self,
        request: Request<Full<Bytes>>,
        read: impl AsyncFnOnce(Response<Incoming>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let connect = TcpStream::connect(self.address);
        let stream = match tokio::time::timeout(CONNECT_TIMEOUT, connect).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(self.unreachable(&error.to_string())),
            Err(_) => return Err(self.unreachable("no answer within 5 s")),
        };
        let Some(tls) = &self.tls else {
            return self.converse(stream, request, read).await;
        };
        let name = ServerName::from(self.address.ip());
        let connector = TlsConnector::from(Arc::clone(tls));
        match connector.connect(name, stream).await {
            Ok(stream) => self.converse(stream, request, read).await,
            Err(error) => Err(self.unreachable(&error.to_string())),
        }
    }

    async fn converse<S, T>(
        &self,
        stream: S,
        request: Request<Full<Bytes>>,
        read: impl AsyncFnOnce(Response<Incoming>) -> Result<T, Failure>,
    ) -> Result<T, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let opened = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = opened.map_err(|error| self.broken(&error))?;
        let answered = async {
            let sent = sender.send_request(request);
            let sent = match self.answer_timeout {
                None => sent.await,
                Some(limit) => tokio::time::timeout(limit, sent)
                    .await
                    .map_err(|_| self.unreachable("no answer within a minute"))?,
            };
            let response = sent.map_err(|error| self.broken(&error))?;
            read(response).await
        };
        let (mut answered, mut connection) = (std::pin::pin!(answered), std::pin::pin!(connection));
        tokio::select! {
            biased;
            result = &mut answered => return result,
            _ = &mut connection => {}
        }
        // The connection has ended; what it brought is still to be read.
        answered.await
    }

    fn unreachable(&self, why: &str) -> Failure {
        let (address, data_dir) = (self.address, self.data_dir.display());
        let message = format!(
            "the server at {address} (data in {data_dir}) does not answer: {why}; is `mailhold serve` running?"
        );
        Failure::new(UNAVAILABLE, message)
    }

    fn broken(&self, error: &hyper::Error) -> Failure {
        self.unreachable(&error.to_string())
    }
}

/// Rows asked for at once.
const PAGE: usize = 1000;

/// Parameters of a request.
#[derive(Debug, Clone, Default)]
pub(super) struct Query(Vec<(&'static str, String)>);

impl Query {
    /// The same parameters and one more, if it is there.
    pub(super) fn with(mut self, name: &'static str, value: Option<&str>) -> Self {
        self.0.retain(|(other, _)| *other != name);
        if let Some(value) = value {
            self.0.push((name, value.to_owned()));
        }
        self
    }

    /// The target made of `path` and the parameters.
    pub(super) fn on(&self, path: &str) -> String {
        let pairs: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        if pairs.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{}", pairs.join("&"))
        }
    }
}

/// A text as it stands in a path segment or a parameter (RFC 3986 §2.3: unreserved stay).
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The answer, or the refusal that it is.
async fn refused_or(response: Response<Incoming>) -> Result<Response<Incoming>, Failure> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body = response.into_body().collect().await;
    let body = body
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let problem = serde_json::from_slice(&body).unwrap_or_else(|_| {
        Problem::new(status, "unknown").detail(format!("the server answered {status}"))
    });
    Err(problem.into())
}

/// A listener on all addresses is reached on loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    (ip, listen.port()).into()
}

fn no_token(error: &TokenError) -> Failure {
    match error {
        TokenError::Io { source, file } if source.kind() == std::io::ErrorKind::NotFound => {
            let message = format!(
                "there is no operator token at {}: has `mailhold serve` run with this configuration?",
                file.display()
            );
            Failure::new(UNAVAILABLE, message)
        }
        error => Failure::new(PERMISSION, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_encoded() {
        let query = Query::default()
            .with("address", Some("a/b+c d@x.example"))
            .with("domain", None);
        assert_eq!(query.on("/m"), "/m?address=a%2Fb%2Bc%20d%40x.example");
        assert_eq!(Query::default().on("/m"), "/m");
    }

    #[test]
    fn a_listener_on_all_addresses_is_reached_on_loopback() {
        for (listen, reached) in [
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:1", "[::1]:1"),
            ("192.0.2.1:1", "192.0.2.1:1"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), reached);
        }
    }
}
