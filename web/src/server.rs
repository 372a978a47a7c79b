//! An HTTP/1.1 listener, with or without TLS, that bounds what a peer can hold on to.
//!
//! Connections are tasks of the listener: they end with it, and a handler's panic costs its own
//! connection. What a request may take in time and size is decided in `guard` and by the routes.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actors::session::ListeningSocket;
use actors::supervision::{ChildSpec, Stopping};
use actors::tls::ServerTls;
use axum::Router;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::Service as _;

/// Connections at one time, unless more are asked for. Administrators and scrapers are few.
const CONNECTIONS_MAX: usize = 256;
/// Connections of a site for everybody: a thousand browsers with a stream and a page each.
pub const PUBLIC_CONNECTIONS_MAX: usize = 4096;
/// From the connection (or the answer before) to the end of a request's header (web (h)).
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// For the TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a request's header.
const HEADER_BYTES_MAX: usize = 32 * 1024;
/// Fields of a request's header.
const HEADER_FIELDS_MAX: usize = 64;
/// How long requests in progress may take to end after the stop.
const GRACE: Duration = Duration::from_secs(5);
/// What a stop may take beyond that.
const STOP_MARGIN: Duration = Duration::from_secs(1);
/// Pause after a failed accept: file descriptors do not come back faster.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Who sent a request; an extension of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// A bound listener with what it serves.
#[derive(Debug, Clone)]
pub struct HttpServer {
    socket: ListeningSocket,
    tls: Option<Arc<ServerTls>>,
    router: Router,
    connections: usize,
}

impl HttpServer {
    /// Serves `router` on `socket`, in TLS when a certificate is given.
    #[must_use]
    pub const fn new(socket: ListeningSocket, tls: Option<Arc<ServerTls>>, router: Router) -> Self {
        Self {
            socket,
            tls,
            router,
            connections: CONNECTIONS_MAX,
        }
    }

    /// Takes so many connections at one time.
    #[must_use]
    pub const fn with_connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// The listener as a child of a supervisor. After a crash it goes on with the same socket.
    #[must_use]
    pub fn child_spec(self, name: &str) -> ChildSpec {
        ChildSpec::service(name, move |mut stopping: Stopping| {
            let server = self.clone();
            async move { Ok(server.run(stopping.requested()).await?) }
        })
        .with_shutdown(GRACE + STOP_MARGIN)
    }

    /// Serves until `stop` resolves, then lets requests in progress end, for five seconds at most.
    ///
    /// # Errors
    /// When the process has no file descriptor left to begin with.
    pub async fn run(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let listener = self.socket.listener()?;
        let permits = Arc::new(Semaphore::new(self.connections));
        let (stopping, _) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                accepted = accept(&listener, &permits) => match accepted {
                    Ok((stream, peer, permit)) => {
                        let connection = Connection {
                            peer,
                            tls: self.tls.as_ref().map(|tls| TlsAcceptor::from(tls.config())),
                            router: self.router.clone(),
                            stopping: stopping.subscribe(),
                            _permit: permit,
                        };
                        connections.spawn(connection.serve(stream));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "an HTTP connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
        stopping.send_replace(true);
        let ended = async { while connections.join_next().await.is_some() {} };
        // Whatever takes longer is cut off when the set is dropped.
        let _ = tokio::time::timeout(GRACE, ended).await;
        Ok(())
    }
}

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await;
    let permit = permit.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, permit))
}

struct Connection {
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    router: Router,
    stopping: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    async fn serve(mut self, stream: TcpStream) {
        let peer = self.peer;
        // Answers are small; waiting for more to send only delays them.
        let _ = stream.set_nodelay(true);
        let result = match self.tls.take() {
            None => self.serve_stream(stream).await,
            Some(acceptor) => {
                match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => self.serve_stream(stream).await,
                    Ok(Err(error)) => Err(error.to_string()),
                    Err(_) => Err("the TLS handshake took too long".to_owned()),
                }
            }
        };
        if let Err(error) = result {
            tracing::debug!(client.address = %peer, %error, "an HTTP connection ended early");
        }
    }

    async fn serve_stream<S>(mut self, stream: S) -> Result<(), String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (peer, router) = (Peer(self.peer), self.router);
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(peer);
            let mut router = router.clone();
            async move {
                let response: Result<Response, Infallible> = router.call(request).await;
                response
            }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_headers(HEADER_FIELDS_MAX)
            .max_header_size(HEADER_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => return ended.map_err(|error| error.to_string()),
            _ = self.stopping.wait_for(|stopping| *stopping) => {}
        }
        connection.as_mut().graceful_shutdown();
        connection.await.map_err(|error| error.to_string())
    }
}
