//! A scripted destination behind a real socket.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::loopback;
use super::script::Script;
use super::session::Session;
use super::still::Activity;

/// The name that its certificate has.
pub(crate) const NAME: &str = "mail.example.org";

/// One message that it took over, whether it said so or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) mail: String,
    pub(crate) recipients: Vec<String>,
    pub(crate) message: Vec<u8>,
    /// Its number.
    pub(crate) connection: usize,
    pub(crate) encrypted: bool,
}

/// What happened at the peer.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) taken: Vec<Taken>,
    /// Per connection, every line that was heard, `*` standing for a handshake and `$` for the end.
    pub(crate) heard: Vec<Vec<String>>,
    /// Connections that are open.
    pub(crate) open: usize,
}

impl Ledger {
    /// Copies that a recipient got.
    pub(crate) fn copies(&self, recipient: &str) -> usize {
        let has = |taken: &&Taken| taken.recipients.iter().any(|one| one == recipient);
        self.taken.iter().filter(has).count()
    }

    /// How often a line was heard that begins like this.
    pub(crate) fn count(&self, begin: &str) -> usize {
        let lines = self.heard.iter().flatten();
        lines.filter(|line| line.starts_with(begin)).count()
    }
}

/// What its sessions share.
#[derive(Debug)]
pub(crate) struct Shared {
    script: Mutex<Script>,
    ledger: Mutex<Ledger>,
    pub(crate) activity: Activity,
    pub(crate) tls: Arc<ServerConfig>,
    /// Open connections are reset when it changes.
    pub(crate) crashes: watch::Sender<u64>,
}

impl Shared {
    pub(crate) fn script(&self) -> Script {
        self.script.lock().unwrap().clone()
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }
}

/// What stands at the address.
enum Door {
    Nobody,
    Open(JoinHandle<()>),
    /// A listener whose queue is full: the kernel drops whatever comes.
    BlackHole {
        _listener: TcpListener,
        _filling: TcpStream,
    },
}

/// The peer.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) shared: Arc<Shared>,
    door: tokio::sync::Mutex<Door>,
}

impl Peer {
    /// A polite one that listens.
    pub(crate) async fn new(activity: Activity) -> Self {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        let peer = Self {
            address: loopback::address(),
            certificate,
            shared: Arc::new(Shared {
                script: Mutex::default(),
                ledger: Mutex::default(),
                activity,
                tls: Arc::new(tls),
                crashes: watch::Sender::new(0),
            }),
            door: tokio::sync::Mutex::new(Door::Nobody),
        };
        peer.open().await;
        peer
    }

    /// It behaves like this from now on.
    pub(crate) fn behave(&self, script: Script) {
        *self.shared.script.lock().unwrap() = script;
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.shared.ledger()
    }

    /// It takes connections.
    pub(crate) async fn open(&self) {
        let mut door = self.door.lock().await;
        shut(&mut door).await;
        let listener = TcpListener::bind(self.address).await.unwrap();
        *door = Door::Open(accept(listener, Arc::clone(&self.shared)));
    }

    /// The process is gone: connections are refused, and those that are open reset.
    pub(crate) async fn refuse(&self) {
        shut(&mut *self.door.lock().await).await;
        self.hang_up();
    }

    /// The machine is gone: nobody answers a SYN any more.
    pub(crate) async fn swallow(&self) {
        let mut door = self.door.lock().await;
        shut(&mut door).await;
        self.hang_up();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.address).unwrap();
        let listener = socket.listen(0).unwrap();
        let filling = TcpStream::connect(self.address).await.unwrap();
        *door = Door::BlackHole {
            _listener: listener,
            _filling: filling,
        };
    }

    fn hang_up(&self) {
        self.shared.crashes.send_modify(|crashes| *crashes += 1);
    }
}

async fn shut(door: &mut Door) {
    if let Door::Open(accepting) = std::mem::replace(door, Door::Nobody) {
        accepting.abort();
        // The listener is closed when the task is gone.
        let _ = accepting.await;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the peer is not part of the tree"
)]
fn accept(listener: TcpListener, shared: Arc<Shared>) -> JoinHandle<()> {
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            shared.activity.note();
            let number = {
                let mut ledger = shared.ledger();
                ledger.open += 1;
                ledger.heard.push(Vec::new());
                ledger.heard.len() - 1
            };
            tokio::spawn(Session::new(stream, number, Arc::clone(&shared)).run());
        }
    })
}
