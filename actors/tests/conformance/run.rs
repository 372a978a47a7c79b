//! Plays cases: each on a node of its own, whose queue is looked at afterwards.

use std::sync::Arc;
use std::time::Duration;

use actors::session::{ListenerOptions, SmtpSession};
use actors::smtp::sloppy::Newlines;
use actors::tls::ServerTls;
use ractor::Actor;
use rustls::pki_types::ServerName;
use storage::model::{Alias, AliasTarget, Timestamp};
use storage::spool::NewDomain;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio_rustls::TlsConnector;

use crate::dialogue::{HOST, World, audit, without_trace};
use crate::language::{Case, Step};

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Plays all cases and fails with everything that was wrong.
pub(crate) async fn run_all(cases: Vec<Case>) {
    let directory = tempfile::tempdir().unwrap();
    let tls = ServerTls::self_signed(directory.path(), "smtp", HOST, &["smtp"]).unwrap();
    let tls = Arc::new(tls);
    let mut wrong = Vec::new();
    for case in &cases {
        if let Err(why) = run(case, &tls).await {
            wrong.push(format!("{}: {why}", case.name));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} cases:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

/// Two checked domains, an open one, a catch-all, an alias and a further name.
pub(crate) async fn world(tls: &Arc<ServerTls>, options: ListenerOptions) -> World {
    let mut world = World::with_tls(Some(Arc::clone(tls))).await;
    world.options = options;
    let destination = world
        .spool
        .directory()
        .domain(world.checked)
        .unwrap()
        .destinations
        .clone();
    let catch_all = NewDomain {
        catch_all: true,
        ..NewDomain::new("all.example".parse().unwrap(), destination)
    };
    world.spool.add_domain(catch_all, audit()).await.unwrap();
    let alias = Alias {
        domain: world.checked,
        address: "info@x.example".parse().unwrap(),
        target: AliasTarget {
            mailbox: "alice@x.example".parse().unwrap(),
        },
        created_at: Timestamp::default(),
    };
    world.spool.put_alias(alias, audit()).await.unwrap();
    let further = "x2.example".parse().unwrap();
    let of = "x.example".parse().unwrap();
    world
        .spool
        .add_domain_alias(further, &of, audit())
        .await
        .unwrap();
    world
}

async fn run(case: &Case, tls: &Arc<ServerTls>) -> Result<(), String> {
    let options = ListenerOptions {
        newlines: if case.has("sloppy") {
            Newlines::Normalise
        } else {
            Newlines::Reject
        },
        null_sender_is_single: case.has("single"),
        is_proxied: false,
    };
    let world = world(tls, options).await;
    let mut peer = Peer::connect(&world).await;
    if !case.has("raw") {
        peer.introduce().await?;
    }
    for step in &case.steps {
        peer.step(step)
            .await
            .map_err(|why| format!("{step:?}: {why}"))?;
    }
    drop(peer);
    let bodies = queued(&world).await;
    if bodies.len() != case.queued {
        return Err(format!("{} queued, not {}", bodies.len(), case.queued));
    }
    if let Some(expected) = &case.body {
        let found = bodies.first().cloned().unwrap_or_default();
        if without_trace(&found) != *expected {
            return Err(format!("the body is {:?}", String::from_utf8_lossy(&found)));
        }
    }
    alive(&world).await
}

/// The bodies of all messages in all queues.
pub(crate) async fn queued(world: &World) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for domain in world.spool.directory().domains() {
        for entry in world.queue(domain.id).await {
            if seen.insert(entry.message) {
                bodies.push(world.body(&entry).await);
            }
        }
    }
    bodies
}

/// A fresh connection still takes a message.
pub(crate) async fn alive(world: &World) -> Result<(), String> {
    let before = queued(world).await.len();
    let mut peer = Peer::connect(world).await;
    peer.introduce().await?;
    let message = "MAIL FROM:<s@sender.example>\r\nRCPT TO:<alice@x.example>\r\nDATA\r\n";
    peer.say(message.as_bytes()).await?;
    for code in ["250", "250", "354"] {
        peer.expect(code).await?;
    }
    peer.say(b"Subject: alive\r\n\r\n.\r\nQUIT\r\n").await?;
    peer.expect("250 2.0.0").await?;
    peer.expect("221").await?;
    let after = queued(world).await.len();
    if after == before + 1 {
        Ok(())
    } else {
        Err("no message is taken afterwards".to_owned())
    }
}

pub(crate) struct Peer {
    stream: Option<Box<dyn Stream>>,
    unread: Vec<u8>,
    last: Vec<String>,
}

impl Peer {
    pub(crate) async fn connect(world: &World) -> Self {
        // Room for everything that a case says before it reads.
        let (near, far) = tokio::io::duplex(4 << 20);
        let session = SmtpSession::<DuplexStream>::default();
        let started = SmtpSession::spawn(None, session, world.connection(far)).await;
        started.unwrap();
        Self {
            stream: Some(Box::new(near)),
            unread: Vec::new(),
            last: Vec::new(),
        }
    }

    pub(crate) async fn introduce(&mut self) -> Result<(), String> {
        self.expect("220").await?;
        self.say(b"EHLO sender.example\r\n").await?;
        self.expect("250").await
    }

    async fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Say(octets) => self.say(octets).await,
            Step::Reply { expected, times } => {
                for _ in 0..*times {
                    self.expect(expected).await?;
                }
                Ok(())
            }
            Step::Holds(text) if self.holds(text) => Ok(()),
            Step::HoldsNot(text) if !self.holds(text) => Ok(()),
            Step::Holds(_) | Step::HoldsNot(_) => Err(format!("{:?}", self.last)),
            Step::Tls(how) => self.tls(how).await,
            Step::Closed => self.closed().await,
            Step::Cut => {
                self.stream = None;
                tokio::time::sleep(Duration::from_millis(10)).await;
                Ok(())
            }
            Step::Wait(seconds) => {
                tokio::time::sleep(Duration::from_secs(*seconds)).await;
                Ok(())
            }
        }
    }

    fn holds(&self, text: &str) -> bool {
        self.last.iter().any(|line| line.contains(text))
    }

    pub(crate) async fn say(&mut self, octets: &[u8]) -> Result<(), String> {
        let stream = self.stream.as_mut().ok_or("cut")?;
        // A session that has ended takes nothing more; the next reply tells.
        let _ = stream.write_all(octets).await;
        Ok(())
    }

    pub(crate) async fn expect(&mut self, expected: &str) -> Result<(), String> {
        self.last.clear();
        loop {
            let line = self.line().await?;
            let is_last = line.as_bytes().get(3) != Some(&b'-');
            self.last.push(line);
            if is_last {
                break;
            }
        }
        well_formed(&self.last)?;
        let line = self.last.last().unwrap();
        if line.starts_with(expected) {
            Ok(())
        } else {
            Err(format!("got {line:?}"))
        }
    }

    async fn line(&mut self) -> Result<String, String> {
        loop {
            if let Some(end) = memchr::memmem::find(&self.unread, b"\r\n") {
                let rest = self.unread.split_off(end + 2);
                let mut line = std::mem::replace(&mut self.unread, rest);
                line.truncate(end);
                return String::from_utf8(line).map_err(|error| error.to_string());
            }
            let stream = self.stream.as_mut().ok_or("cut")?;
            match stream.read_buf(&mut self.unread).await {
                Ok(0) => return Err("the session ended instead of answering".to_owned()),
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    async fn closed(&mut self) -> Result<(), String> {
        let stream = self.stream.as_mut().ok_or("cut")?;
        let _ = stream.shutdown().await;
        let rest = stream.read_to_end(&mut self.unread).await;
        match (rest, self.unread.is_empty()) {
            (_, false) => Err(format!("more was said: {:?}", self.unread)),
            (Ok(_) | Err(_), true) => Ok(()),
        }
    }

    async fn tls(&mut self, how: &str) -> Result<(), String> {
        let mut stream = self.stream.take().ok_or("cut")?;
        if how == "garbage" {
            stream.write_all(b"EHLO sender.example\r\n").await.unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
            let text = String::from_utf8_lossy(&rest);
            return if text.contains("250") {
                Err("plaintext was answered".to_owned())
            } else {
                Ok(())
            };
        }
        let connected = TlsConnector::from(Arc::new(client(how)))
            .connect(ServerName::try_from(HOST).unwrap(), stream)
            .await;
        match (connected, how) {
            (Ok(encrypted), "1.2" | "1.3" | "smtp") => {
                self.stream = Some(Box::new(encrypted));
                Ok(())
            }
            (Err(_), "http") => Ok(()),
            (Ok(_), _) => Err("the handshake was made".to_owned()),
            (Err(error), _) => Err(error.to_string()),
        }
    }
}

fn client(how: &str) -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions: &[&rustls::SupportedProtocolVersion] = match how {
        "1.2" => &[&rustls::version::TLS12],
        _ => &[&rustls::version::TLS13],
    };
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
        .with_no_client_auth();
    match how {
        "http" => config.alpn_protocols = vec![b"http/1.1".to_vec()],
        "smtp" => config.alpn_protocols = vec![b"smtp".to_vec()],
        _ => {}
    }
    config
}

/// Every reply is lines of one code; all but the greeting, the answer to EHLO and 354 have an
/// enhanced code of the same class (IN19).
fn well_formed(lines: &[String]) -> Result<(), String> {
    let code = lines[0].get(..3).ok_or("a reply without a code")?;
    let is_greeting = matches!(code, "220" | "354") || lines[0].contains(" greets ");
    for line in lines {
        if line.len() > 510 || line.get(..3) != Some(code) {
            return Err(format!("not a line of a reply: {line:?}"));
        }
        let enhanced = line.get(4..).and_then(|text| text.split(' ').next());
        let parts: Vec<&str> = enhanced.unwrap_or_default().split('.').collect();
        if lines[0].starts_with("250-") && lines[0].contains("greets") {
            continue;
        }
        if !is_greeting && (parts.len() != 3 || parts[0] != &code[..1]) {
            return Err(format!("no enhanced code: {line:?}"));
        }
    }
    Ok(())
}

/// Takes any certificate, as opportunistic senders do.
#[derive(Debug)]
struct Anyone(Arc<rustls::crypto::CryptoProvider>);

impl rustls::client::danger::ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &rustls::pki_types::CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &rustls::pki_types::CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
