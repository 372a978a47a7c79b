//! The listener itself, with real sockets and TLS.

use std::sync::Arc;

use actors::session::ListeningSocket;
use actors::tls::ServerTls;
use axum::Router;
use axum::extract::Extension;
use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use web::server::{HttpServer, Peer};

const REQUEST: &[u8] = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n";

/// A stop lets the request in progress end and closes the connection behind it.
#[tokio::test]
async fn a_stop_lets_requests_in_progress_end_and_closes_idle_connections() {
    let socket = ListeningSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.address();
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (begun, go_on) = (Arc::clone(&begun), Arc::clone(&go_on));
        move |Extension(Peer(peer)): Extension<Peer>| async move {
            begun.notify_one();
            go_on.notified().await;
            peer.ip().to_string()
        }
    };
    let router = Router::new().route("/slow", get(handler));
    let server = HttpServer::new(socket, None, router);
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = server.run(async {
        let _ = stopped.await;
    });
    let client = async {
        let mut idle = TcpStream::connect(address).await.unwrap();
        let mut busy = TcpStream::connect(address).await.unwrap();
        busy.write_all(REQUEST).await.unwrap();
        begun.notified().await;
        stop.send(()).unwrap();
        let mut nothing = Vec::new();
        idle.read_to_end(&mut nothing).await.unwrap();
        assert!(nothing.is_empty());
        go_on.notify_one();
        let mut answer = String::new();
        busy.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!(answer.ends_with("127.0.0.1"), "{answer}");
    };
    let (served, ()) = tokio::join!(serving, client);
    served.unwrap();
}

#[tokio::test]
async fn a_tls_listener_speaks_tls_only_and_offers_http() {
    let folder = tempfile::tempdir().unwrap();
    let tls = ServerTls::self_signed(folder.path(), "admin", "localhost", &["http/1.1"]).unwrap();
    let socket = ListeningSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.address();
    let router = Router::new().route("/slow", get(|| async { "over TLS" }));
    let server = HttpServer::new(socket, Some(Arc::new(tls)), router);
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = server.run(async {
        let _ = stopped.await;
    });
    let client = async {
        let mut clear = TcpStream::connect(address).await.unwrap();
        clear.write_all(REQUEST).await.unwrap();
        let mut answer = Vec::new();
        // A reset is as good as a close.
        let _ = clear.read_to_end(&mut answer).await;
        assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
        let roots = actors::tls::ClientTls::new().unwrap();
        let config = roots.config(&storage::model::TlsPolicy::Required).unwrap();
        let connector = tokio_rustls::TlsConnector::from(config);
        let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        let mut stream = connector.connect(name, stream).await.unwrap();
        stream.write_all(REQUEST).await.unwrap();
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        assert!(answer.ends_with("over TLS"), "{answer}");
        stop.send(()).unwrap();
    };
    let (served, ()) = tokio::join!(serving, client);
    served.unwrap();
}
