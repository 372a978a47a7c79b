//! What intake costs without its network peers: the protocol machine alone, sessions over loopback
//! into a store, and the memory of idle connections.
//!
//! ```text
//! cargo bench -p mailhold-actors --bench session -- [directory=PATH] [seconds=5] [large=SENDERS]
//! ```
//!
//! Without a directory the store is in memory and nothing is synced. The senders run in the same
//! process and are part of the cost: 50 connections, 25 messages of 4 KiB each, pipelined. With
//! `large`, so many senders hand in 50 MB each at once instead, and the peak of memory is told.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock and spawns its senders"
)]

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actors::session::{
    Intake, ListenerArguments, ListenerOptions, ListeningSocket, Policy, SmtpListener,
};
use actors::smtp::server::{Admission, Commit, Effect, RecipientVerdict, Server, ServerConfig};
use bytes::BytesMut;
use ractor::Actor;
use storage::model::{
    AuditRow, ClientFacts, Clock, Destination, MessageId, SystemClock, Timestamp, TlsPolicy,
};
use storage::spool::{NewDomain, Spool, SpoolOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

const SESSIONS: usize = 50;
const MESSAGES_PER_CONNECTION: usize = 25;
const IDLE: usize = 1_000;
const LARGE: usize = 50_000_000;
const ENVELOPE: &[u8] = b"MAIL FROM:<s@sender.example>\r\nRCPT TO:<alice@x.example>\r\nDATA\r\n";

fn main() -> Result<(), Failure> {
    let mut directory = None;
    let (mut seconds, mut large) = (5, 0);
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some(("directory", value)) => directory = Some(PathBuf::from(value)),
            Some(("seconds", value)) => seconds = value.parse()?,
            Some(("large", value)) => large = value.parse()?,
            // What cargo adds.
            _ if argument == "--bench" => {}
            _ => return Err(format!("{argument}: not known").into()),
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    if large > 0 {
        return runtime.block_on(large_messages(directory, large));
    }
    let time = Duration::from_secs(seconds);
    let (rate, _) = machine(&message(4 << 10), time);
    println!("machine, 4 KiB messages      {rate:>10.0} messages/s");
    let (_, bytes) = machine(&message(50 << 20), time);
    println!(
        "machine, 50 MiB messages     {:>10.0} MiB/s",
        bytes / 1_048_576.0
    );
    runtime.block_on(async {
        let address = listen(directory).await?;
        let kib = idle(address).await?;
        println!("idle connection              {kib:>10.1} KiB (both ends)");
        let rate = sessions(address, time).await?;
        println!("{SESSIONS} sessions over loopback   {rate:>10.0} messages/s");
        Ok(())
    })
}

/// A message of about this size, with its final dot.
fn message(size: usize) -> Vec<u8> {
    let line = b"The quick brown fox jumps over the lazy dog; 0123456789 abcdefghijklmnop.\r\n";
    let mut text = b"From: s@sender.example\r\nSubject: a message\r\n\r\n".to_vec();
    while text.len() < size {
        text.extend_from_slice(line);
    }
    text.extend_from_slice(b".\r\n");
    text
}

/// Messages and bytes per second through the machine alone.
fn machine(message: &[u8], time: Duration) -> (f64, f64) {
    let config = Arc::new(ServerConfig {
        message_size_max: 100 << 20,
        ..ServerConfig::new("mx.example.net")
    });
    let begun = Instant::now();
    let mut messages = 0_u32;
    while begun.elapsed() < time {
        let mut server = Server::new(Arc::clone(&config), stranger());
        let (mut input, mut output) = (BytesMut::new(), Vec::new());
        server.greet(false);
        feed(
            &mut server,
            &mut input,
            &mut output,
            b"EHLO sender.example\r\n",
        );
        for _ in 0..MESSAGES_PER_CONNECTION {
            feed(&mut server, &mut input, &mut output, ENVELOPE);
            for packet in message.chunks(64 << 10) {
                feed(&mut server, &mut input, &mut output, packet);
            }
            messages += 1;
            if begun.elapsed() > time {
                break;
            }
        }
    }
    let rate = f64::from(messages) / begun.elapsed().as_secs_f64();
    (rate, rate * message.len() as f64)
}

fn feed(server: &mut Server, input: &mut BytesMut, output: &mut Vec<u8>, bytes: &[u8]) {
    output.clear();
    input.extend_from_slice(bytes);
    while let Some(effect) = server.step(input) {
        match effect {
            Effect::Send(reply) => reply.write_to(output),
            Effect::CheckSender { .. } => server.sender_checked(Admission::Open),
            Effect::CheckRecipient(_) => server.recipient_checked(&RecipientVerdict::Accepted),
            Effect::OpenBody => {
                server.body_opened(MessageId::from_bytes([0; 12]), Timestamp::default());
            }
            Effect::Commit(_) => server.committed(Commit::Stored),
            Effect::Body(_) | Effect::DropBody | Effect::StartTls | Effect::Close => {}
        }
    }
}

fn stranger() -> ClientFacts {
    ClientFacts {
        ip: IpAddr::from([192, 0, 2, 1]),
        helo: String::new(),
        reverse_name: None,
        tls_version: None,
        tls_cipher: None,
        authenticated_sender: false,
    }
}

async fn listen(directory: Option<PathBuf>) -> Result<SocketAddr, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(Timestamp::default()));
    let spool = match directory {
        Some(directory) => Spool::open(&directory, SpoolOptions::default(), clock).await?,
        None => Spool::in_memory(clock).await,
    };
    let destination = Destination {
        host: "mail.x.example".to_owned(),
        port: 25,
        priority: 10,
        weight: 1,
        tls: TlsPolicy::None,
        ..Destination::default()
    };
    let audit = AuditRow {
        at: Timestamp::default(),
        actor: storage::model::Actor::System {
            part: "benchmark".to_owned(),
        },
        action: "domain.add".to_owned(),
        subject: String::new(),
        detail: String::new(),
    };
    let domain = NewDomain::new("x.example".parse()?, vec![destination]);
    spool.add_domain(domain, audit).await?;
    let policy = Policy {
        exempt: Arc::new(|_| true),
        ..Policy::new("mx.example.net")
    };
    let intake = Intake::new(spool, None, policy);
    let socket = ListeningSocket::bind("127.0.0.1:0".parse()?)?;
    let address = socket.address();
    SmtpListener::spawn(
        None,
        SmtpListener,
        ListenerArguments {
            options: ListenerOptions::default(),
            socket,
            intake,
        },
    )
    .await?;
    Ok(address)
}

async fn sessions(address: SocketAddr, time: Duration) -> Result<f64, Failure> {
    let accepted = Arc::new(AtomicU64::new(0));
    let message: Arc<[u8]> = message(4 << 10).into();
    let mut senders = JoinSet::new();
    let begun = Instant::now();
    for _ in 0..SESSIONS {
        let (accepted, message) = (Arc::clone(&accepted), Arc::clone(&message));
        senders.spawn(async move {
            while begun.elapsed() < time {
                connection(address, &message, &accepted).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(sender) = senders.join_next().await {
        sender??;
    }
    Ok(accepted.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64())
}

async fn connection(
    address: SocketAddr,
    message: &[u8],
    accepted: &AtomicU64,
) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut read = BytesMut::new();
    expect(&mut stream, &mut read, b"220 ").await?;
    stream.write_all(b"EHLO sender.example\r\n").await?;
    expect(&mut stream, &mut read, b"250 ").await?;
    for _ in 0..MESSAGES_PER_CONNECTION {
        stream.write_all(ENVELOPE).await?;
        expect(&mut stream, &mut read, b"354 ").await?;
        stream.write_all(message).await?;
        expect(&mut stream, &mut read, b"250 2.0.0 ").await?;
        accepted.fetch_add(1, Ordering::Relaxed);
    }
    stream.write_all(b"QUIT\r\n").await?;
    expect(&mut stream, &mut read, b"221 ").await
}

/// Q16: many large messages at once do not need much memory.
async fn large_messages(directory: Option<PathBuf>, senders: usize) -> Result<(), Failure> {
    let address = listen(directory).await?;
    let before = status_kib("VmRSS:")?;
    let block: Arc<[u8]> = b"The quick brown fox jumps over the lazy dog; 0123456789 abcdef.\r\n"
        .repeat(1_000)
        .into();
    let begun = Instant::now();
    let mut all = JoinSet::new();
    for _ in 0..senders {
        let block = Arc::clone(&block);
        all.spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            let mut read = BytesMut::new();
            expect(&mut stream, &mut read, b"220 ").await?;
            stream.write_all(b"EHLO sender.example\r\n").await?;
            expect(&mut stream, &mut read, b"250 ").await?;
            stream.write_all(ENVELOPE).await?;
            expect(&mut stream, &mut read, b"354 ").await?;
            for _ in 0..LARGE / block.len() {
                stream.write_all(&block).await?;
            }
            stream.write_all(b".\r\n").await?;
            expect(&mut stream, &mut read, b"250 2.0.0 ").await
        });
    }
    while let Some(sender) = all.join_next().await {
        sender??;
    }
    let took = begun.elapsed().as_secs_f64();
    let peak = status_kib("VmHWM:")?;
    println!(
        "{senders} x 50 MB: {took:.1} s, {:.0} MB/s, memory {} MiB before, {} MiB at most",
        (senders * LARGE) as f64 / 1e6 / took,
        before / 1024,
        peak / 1024
    );
    Ok(())
}

/// Reads until a line begins so; everything read is forgotten.
async fn expect(stream: &mut TcpStream, read: &mut BytesMut, prefix: &[u8]) -> Result<(), Failure> {
    read.clear();
    loop {
        if stream.read_buf(read).await? == 0 {
            return Err("the connection ended".into());
        }
        let mut lines = read.as_ref().split(|byte| *byte == b'\n');
        if read.ends_with(b"\r\n") && lines.any(|line| line.starts_with(prefix)) {
            return Ok(());
        }
    }
}

/// Memory of an idle, greeted connection.
async fn idle(address: SocketAddr) -> Result<f64, Failure> {
    let before = status_kib("VmRSS:")?;
    let mut streams = Vec::with_capacity(IDLE);
    for _ in 0..IDLE {
        let mut stream = TcpStream::connect(address).await?;
        let mut read = BytesMut::new();
        expect(&mut stream, &mut read, b"220 ").await?;
        stream.write_all(b"EHLO sender.example\r\n").await?;
        expect(&mut stream, &mut read, b"250 ").await?;
        streams.push(stream);
    }
    let after = status_kib("VmRSS:")?;
    Ok((after.saturating_sub(before)) as f64 / IDLE as f64)
}

fn status_kib(name: &str) -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(name));
    let figure = line.and_then(|line| line.split_ascii_whitespace().nth(1));
    Ok(figure.ok_or("no such figure")?.parse()?)
}
