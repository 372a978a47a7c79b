//! A node of the real parts, on ports of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use storage::model::{Destination, TlsPolicy};

use super::*;
use crate::config::ConfigError;

/// A configuration with its data in `folder` and any free ports.
fn config(folder: &Path, more: &str) -> Result<Config, ConfigError> {
    let text = format!(
        "hostname = \"mx.example.net\"\n\
         data_dir = \"data\"\n\
         [smtp]\nlisten = [\"127.0.0.1:0\"]\n\
         [portal]\nlisten = \"127.0.0.1:0\"\n\
         [admin]\nlisten = \"127.0.0.1:0\"\n\
         [operations]\nlisten = \"127.0.0.1:0\"\n\
         {more}"
    );
    let file = folder.join("mailhold.toml");
    fs::write(&file, &text).unwrap();
    Config::load(Some(&file))
}

async fn start(folder: &Path) -> Node {
    let config = config(folder, "").unwrap();
    Node::start(config, Telemetry::none()).await.unwrap()
}

#[tokio::test]
async fn a_node_starts_in_an_empty_folder_and_stops_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path()).await;
    let addresses = node.addresses().clone();
    for address in [addresses.smtp[0], addresses.admin, addresses.operations] {
        assert_ne!(address.port(), 0);
        tokio::net::TcpStream::connect(address).await.unwrap();
    }
    let token = folder.path().join("data").join(TOKEN_FILE);
    assert!(OperatorToken::read(&token).is_ok());
    assert_eq!(node.stop().await, Exit::Requested);
    for address in [addresses.smtp[0], addresses.admin, addresses.operations] {
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
    }
}

#[tokio::test]
async fn a_second_node_on_the_same_folder_is_refused_with_74() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path()).await;
    let second = config(folder.path(), "").unwrap();
    let refused = Node::start(second, Telemetry::none()).await.unwrap_err();
    assert!(refused.to_string().contains("in use"), "{refused}");
    assert_eq!(refused.status(), 74);
    node.stop().await;
}

#[tokio::test]
async fn an_address_in_use_is_named_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let text = format!("data_dir = \"data\"\n[smtp]\nlisten = [\"{address}\"]\n");
    let file = folder.path().join("mailhold.toml");
    fs::write(&file, text).unwrap();
    let config = Config::load(Some(&file)).unwrap();
    let refused = Node::start(config, Telemetry::none()).await.unwrap_err();
    let said = refused.to_string();
    assert!(
        said.contains("smtp.listen") && said.contains(&address.to_string()),
        "{said}"
    );
    assert_eq!(refused.status(), 74);
}

#[tokio::test]
async fn a_reload_applies_limits_at_once_and_keeps_what_needs_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = start(folder.path()).await;
    let limits = "[limits]\nmessage_size = \"1MiB\"\n[dns]\nservers = [\"192.0.2.53\"]\n";
    let next = config(folder.path(), limits).unwrap();
    for _ in 0..2 {
        let changes = node.reload(next.clone()).unwrap();
        assert_eq!(changes.need_restart, ["dns.servers"]);
    }
    assert!(node.config().dns.servers.is_empty());
    assert_eq!(node.config().limits.message_size.bytes(), 1 << 20);
    let size = greeting_of(node.addresses().smtp[0]).await;
    assert!(size.contains("SIZE 1048576"), "{size}");
    node.stop().await;
}

#[tokio::test]
async fn a_reload_with_an_unusable_certificate_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = start(folder.path()).await;
    let broken = "[limits]\nconnections = 5\n";
    let mut next = config(folder.path(), broken).unwrap();
    let nowhere = folder.path().join("nowhere.pem");
    next.smtp.tls = Some(actors::tls::CertificateFiles {
        certificate: nowhere.clone(),
        key: nowhere,
    });
    assert!(node.reload(next).is_err());
    assert_eq!(node.config().limits.connections, 10_000);
    node.stop().await;
}

/// S7, S19: what is added through the store of a running node is in force at once.
#[tokio::test]
async fn s19_a_domain_is_served_as_soon_as_it_is_added() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path()).await;
    let destination = Destination {
        host: "127.0.0.1".to_owned(),
        port: 9,
        priority: 0,
        weight: 1,
        tls: TlsPolicy::None,
        ..Destination::default()
    };
    let name = "example.test".parse().unwrap();
    let new = storage::spool::NewDomain::new(name, vec![destination]);
    let audit = storage::model::AuditRow {
        at: node.spool().clock().wall(),
        actor: storage::model::Actor::System {
            part: "test".to_owned(),
        },
        action: "domain.add".to_owned(),
        subject: "example.test".to_owned(),
        detail: "{}".to_owned(),
    };
    let address = node.addresses().smtp[0];
    let refused = said(
        address,
        &["MAIL FROM:<a@b.test>", "RCPT TO:<x@example.test>"],
    )
    .await;
    assert!(refused.contains("\r\n550"), "{refused}");
    node.spool().add_domain(new, audit).await.unwrap();
    let taken = said(
        address,
        &["MAIL FROM:<a@b.test>", "RCPT TO:<x@example.test>"],
    )
    .await;
    assert!(!taken.contains("\r\n550"), "{taken}");
    node.stop().await;
}

async fn greeting_of(address: SocketAddr) -> String {
    said(address, &[]).await
}

/// Everything a server says to EHLO, these commands and QUIT.
async fn said(address: SocketAddr, commands: &[&str]) -> String {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let mut stream = tokio::io::BufStream::new(stream);
    let mut said = String::new();
    let all = std::iter::once("EHLO client.test").chain(commands.iter().copied());
    for command in std::iter::once("").chain(all).chain(["QUIT"]) {
        if !command.is_empty() {
            stream
                .write_all(format!("{command}\r\n").as_bytes())
                .await
                .unwrap();
            stream.flush().await.unwrap();
        }
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            said.push_str(&line);
            if line.as_bytes().get(3) != Some(&b'-') {
                break;
            }
        }
    }
    said
}
