//! STARTTLS beside the bare library: what of its handshakes a second is left.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use actors::tls::{ClientTls, ServerTls};
use anyhow::{Context, Result};
use rustls::pki_types::ServerName;
use storage::model::TlsPolicy;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::client::Client;
use crate::{Row, node};

/// Clients at one time.
const AT_ONCE: usize = 32;

/// `count` handshakes against the library alone, then against the node, three times in turn. Client
/// and server share the machine, so both figures are below what a server alone could do.
pub async fn handshakes(binary: &Path, count: usize) -> Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let tls = ServerTls::self_signed(folder.path(), "bench", "mx.example.net", &["smtp"])?;
    let library = library(TlsAcceptor::from(tls.config()))?;
    let node = node(binary, "connections_per_minute = 1000000\n")?;
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        bare.push(rate(library, false, count).await?);
        ours.push(rate(node.smtp(), true, count).await?);
    }
    bare.sort_by(f64::total_cmp);
    ours.sort_by(f64::total_cmp);
    let [Some(bare), Some(ours)] = [bare.get(1), ours.get(1)] else {
        anyhow::bail!("no figures");
    };
    let share = ours / bare;
    Ok(vec![Row::new(
        "STARTTLS handshakes, with connection, greeting and EHLO, against the library alone",
        format!("{ours:.0}/s of {bare:.0}/s = {:.0} %", share * 100.0),
        "shown",
        true,
    )])
}

/// A server that does a handshake and nothing else, on a thread of its own.
fn library(acceptor: TlsAcceptor) -> Result<SocketAddr> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.spawn(async move {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            let acceptor = acceptor.clone();
            tokio::spawn(async move { acceptor.accept(stream).await.map(drop) });
        }
        #[allow(unreachable_code, reason = "names the type of the errors")]
        std::io::Result::Ok(())
    });
    // Serves until the process ends.
    std::mem::forget(runtime);
    Ok(address)
}

async fn rate(to: SocketAddr, is_smtp: bool, count: usize) -> Result<f64> {
    let config = ClientTls::new()?;
    let config = config.config(&TlsPolicy::Opportunistic).context("no TLS")?;
    let done = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..AT_ONCE {
        // No tickets of an earlier handshake: each is a whole one.
        let mut config = rustls::ClientConfig::clone(&config);
        config.resumption = rustls::client::Resumption::disabled();
        let connector = TlsConnector::from(Arc::new(config));
        let done = Arc::clone(&done);
        clients.spawn(async move {
            while done.fetch_add(1, Ordering::Relaxed) < count {
                let mut client = if is_smtp {
                    Client::greeted(to).await?
                } else {
                    Client::connect(to, Ipv4Addr::LOCALHOST).await?
                };
                if is_smtp {
                    client.ask("STARTTLS\r\n", "220").await?;
                }
                let name = ServerName::try_from("mx.example.net")?;
                connector.connect(name, client.stream).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}
