//! A name server on loopback that answers from a zone and misbehaves by name: what stands in front
//! of the first dot of a name says how.
//!
//! `servfail`, `refused`, `silent`, `wrongid`, `truncated` (whole over TCP), `garbage`, `loop` (a
//! CNAME onto itself), `huge` (500 TXT records over TCP), `nxdomain`, `void`; anything else is
//! looked up.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use super::zone::{Record, Zone};

const A: u16 = 1;
const CNAME: u16 = 5;
const PTR: u16 = 12;
const MX: u16 = 15;
const TXT: u16 = 16;
const AAAA: u16 = 28;

/// A running server; it ends with its runtime.
#[derive(Debug)]
pub(crate) struct DnsServer {
    pub(crate) address: SocketAddr,
}

impl DnsServer {
    /// Starts one on a port of its own, the same for UDP and TCP.
    #[expect(
        clippy::disallowed_methods,
        reason = "the peer is not part of the tree"
    )]
    pub(crate) async fn start(zone: Zone) -> Self {
        let zone = Arc::new(zone);
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let address = udp.local_addr().unwrap();
            if let Ok(tcp) = TcpListener::bind(address).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        tokio::spawn(over_udp(udp, Arc::clone(&zone)));
        tokio::spawn(over_tcp(tcp, zone));
        Self { address }
    }
}

async fn over_udp(socket: UdpSocket, zone: Arc<Zone>) {
    let mut buffer = [0; 4096];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        if let Some(answer) = answer(&buffer[..length], &zone, false) {
            let _ = socket.send_to(&answer, from).await;
        }
    }
}

async fn over_tcp(listener: TcpListener, zone: Arc<Zone>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let zone = Arc::clone(&zone);
        while let Ok(length) = stream.read_u16().await {
            let mut query = vec![0; usize::from(length)];
            if stream.read_exact(&mut query).await.is_err() {
                break;
            }
            let Some(answer) = answer(&query, &zone, true) else {
                break;
            };
            let length = u16::try_from(answer.len()).unwrap();
            let framed = [&length.to_be_bytes()[..], &answer].concat();
            if stream.write_all(&framed).await.is_err() {
                break;
            }
        }
    }
}

/// The question of a query: its name in lower case, its type, and where it ends.
fn question(query: &[u8]) -> Option<(String, u16, usize)> {
    let mut labels = Vec::new();
    let mut at = 12;
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + length)?).to_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes(query.get(at..at + 2)?.try_into().ok()?);
    Some((labels.join("."), kind, at + 4))
}

fn answer(query: &[u8], zone: &Zone, over_tcp: bool) -> Option<Vec<u8>> {
    let (name, kind, end) = question(query)?;
    let manner = name.split('.').next().unwrap_or_default();
    let mut reply = query[..end].to_vec();
    let records: Vec<(u16, Vec<u8>)> = match manner {
        "silent" => return None,
        "garbage" => return Some(vec![reply[0], reply[1], 0xff, 0xff, 1, 2, 3]),
        "loop" => vec![(CNAME, encoded(&name))],
        "huge" => (0..500)
            .map(|n| (TXT, text(&format!("{n} {}", "x".repeat(60)))))
            .collect(),
        _ => data(zone, &name, kind),
    };
    if manner == "wrongid" {
        reply[0] ^= 0xff;
    }
    let is_cut = !over_tcp && matches!(manner, "truncated" | "huge");
    let is_missing = manner == "nxdomain" || (records.is_empty() && zone.is_missing(&name));
    let code = match manner {
        "servfail" => 2,
        "refused" => 5,
        "void" => 0,
        _ if is_missing => 3,
        _ => 0,
    };
    reply[2] = 0x85 | if is_cut { 0x02 } else { 0 };
    reply[3] = 0x80 | code;
    let count = if is_cut || code != 0 || manner == "void" {
        0
    } else {
        records.len()
    };
    reply[6..8].copy_from_slice(&u16::try_from(count).unwrap().to_be_bytes());
    reply[8..12].fill(0);
    for (kind, data) in records.into_iter().take(count) {
        // A pointer to the question's name, class IN, a minute to live.
        reply.extend_from_slice(&[0xc0, 12]);
        reply.extend_from_slice(&kind.to_be_bytes());
        reply.extend_from_slice(&[0, 1, 0, 0, 0, 60]);
        reply.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
        reply.extend_from_slice(&data);
    }
    Some(reply)
}

fn data(zone: &Zone, name: &str, kind: u16) -> Vec<(u16, Vec<u8>)> {
    let records = zone.records(name).unwrap_or_default().iter();
    let data = records.map(|record| match record {
        Record::A(address) => (A, address.octets().to_vec()),
        Record::Aaaa(address) => (AAAA, address.octets().to_vec()),
        Record::Txt(value) => (TXT, text(value)),
        Record::Ptr(host) => (PTR, encoded(host)),
        Record::Mx(preference, host) => {
            (MX, [&preference.to_be_bytes()[..], &encoded(host)].concat())
        }
    });
    data.filter(|(of, _)| *of == kind).collect()
}

fn text(value: &str) -> Vec<u8> {
    let mut data = Vec::new();
    for piece in value.as_bytes().chunks(255) {
        data.push(u8::try_from(piece.len()).unwrap());
        data.extend_from_slice(piece);
    }
    data
}

fn encoded(name: &str) -> Vec<u8> {
    let mut data = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        data.push(u8::try_from(label.len()).unwrap());
        data.extend_from_slice(label.as_bytes());
    }
    data.push(0);
    data
}
