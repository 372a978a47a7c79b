//! A listener on a real socket, under a supervisor.

use std::net::SocketAddr;
use std::sync::Arc;

use actors::session::{
    Destinations, Intake, ListenerOptions, ListeningSocket, Policy, SmtpListener,
};
use actors::supervision::{Intensity, Supervisor, SupervisorArguments, stop_child};
use ractor::{Actor, ActorCell};
use storage::model::{Clock, SystemClock, Timestamp};
use storage::spool::Spool;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    supervisor: ActorCell,
    intake: Arc<Intake>,
}

impl Listening {
    pub(crate) async fn stop(&self) {
        stop_child(&self.supervisor, "smtp", std::time::Duration::from_secs(60)).await;
    }
}

async fn listening(policy: Policy) -> Listening {
    listening_as(ListenerOptions::default(), policy).await
}

pub(crate) async fn listening_as(options: ListenerOptions, policy: Policy) -> Listening {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(Timestamp::default()));
    let spool = Spool::in_memory(clock).await;
    let destinations = Destinations::new(spool.clone());
    listening_for(spool, destinations, options, policy).await
}

async fn listening_for(
    spool: Spool,
    destinations: Destinations,
    options: ListenerOptions,
    policy: Policy,
) -> Listening {
    let clock = Arc::clone(spool.clock());
    let intake = Intake::asking(spool, None, policy, destinations);
    let socket = ListeningSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.address();
    let arguments = SupervisorArguments {
        name: "smtp".into(),
        children: vec![SmtpListener::child_spec(
            socket,
            options,
            Arc::clone(&intake),
        )],
        intensity: Intensity::new(3, std::time::Duration::from_secs(300)),
        clock,
        exit: None,
    };
    let (supervisor, _) = Supervisor::spawn(None, Supervisor, arguments)
        .await
        .unwrap();
    Listening {
        address,
        supervisor: supervisor.get_cell(),
        intake,
    }
}

pub(crate) async fn first_line(address: SocketAddr) -> (BufReader<TcpStream>, String) {
    let stream = TcpStream::connect(address).await.unwrap();
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    (stream, line)
}

#[tokio::test]
async fn q17_a_client_over_its_limit_is_answered_421_and_others_go_on() {
    let listening = listening(Policy {
        connections_per_client: 2,
        ..Policy::new("mx.example.net")
    })
    .await;
    let first = first_line(listening.address).await;
    let second = first_line(listening.address).await;
    assert!(first.1.starts_with("220 mx.example.net") && second.1.starts_with("220 "));
    let (mut refused, line) = first_line(listening.address).await;
    assert!(line.starts_with("421 4.7.0"), "{line}");
    let mut rest = String::new();
    assert_eq!(refused.read_line(&mut rest).await.unwrap(), 0);
    assert_eq!(listening.intake.connections(), 2);
    // A change of policy is for the next connection.
    listening.intake.set_policy(Policy {
        exempt: Arc::new(|address| address.is_loopback()),
        ..Policy::new("mx.example.net")
    });
    let (_third, line) = first_line(listening.address).await;
    assert!(line.starts_with("220 "), "{line}");
}

#[tokio::test]
async fn in30_a_stop_tells_idle_peers_and_closes_the_socket() {
    let listening = listening(Policy::new("mx.example.net")).await;
    let (mut idle, line) = first_line(listening.address).await;
    assert!(line.starts_with("220 "));
    let stopping = listening.stop();
    let told = async {
        let mut line = String::new();
        idle.read_line(&mut line).await.unwrap();
        idle.shutdown().await.unwrap();
        line
    };
    let ((), line) = tokio::join!(stopping, told);
    assert!(line.starts_with("421 4.3.2"), "{line}");
    assert_eq!(listening.intake.connections(), 0);
    drop(listening.intake);
    assert!(TcpStream::connect(listening.address).await.is_err());
}

#[tokio::test]
async fn a_listener_that_is_killed_comes_back_on_the_same_socket() {
    let listening = listening(Policy::new("mx.example.net")).await;
    let (_first, line) = first_line(listening.address).await;
    assert!(line.starts_with("220 "));
    for child in listening.supervisor.get_children() {
        child.kill();
    }
    // The backlog holds the connection until the listener is there again.
    let (_second, line) = first_line(listening.address).await;
    assert!(line.starts_with("220 "), "{line}");
}

#[tokio::test]
async fn both_families_can_have_a_socket_on_one_port() {
    let four = ListeningSocket::bind("0.0.0.0:0".parse().unwrap()).unwrap();
    let six = SocketAddr::new("::".parse().unwrap(), four.address().port());
    match ListeningSocket::bind(six) {
        Ok(_) => {}
        // A machine without IPv6 has nothing to show here.
        Err(error) => assert!(matches!(error.raw_os_error(), Some(97 | 99)), "{error}"),
    }
    let again = ListeningSocket::bind(four.address());
    assert!(again.is_err());
}

#[tokio::test]
async fn b3_a_call_from_the_address_of_a_destination_is_a_sign_of_life() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(Timestamp::default()));
    let spool = Spool::in_memory(clock).await;
    let destinations = Destinations::new(spool.clone());
    let signs = destinations.announced.signs_of_life().clone();
    let listening = listening_for(
        spool,
        destinations,
        ListenerOptions::default(),
        Policy::new("mx.example.net"),
    )
    .await;
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let mut lookout = signs.look_out(Arc::new(move || {
        let _ = told.send(());
    }));
    lookout.watch(["127.0.0.1".parse().unwrap()]);
    let (_session, line) = first_line(listening.address).await;
    assert!(line.starts_with("220 "), "{line}");
    assert_eq!(heard.try_recv(), Ok(()), "before the greeting");
    listening.stop().await;
}
