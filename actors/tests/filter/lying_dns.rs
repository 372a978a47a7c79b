//! Q21: a name server that fails in every way. Each way is told apart, none takes for ever, and none
//! of them speaks against a message.

use std::net::SocketAddr;
use std::sync::Arc;

use actors::dns::{GuardedLookup, HickoryResolver, Lookup, LookupError};
use storage::model::{Timestamp, TokioClock};

use crate::dns::server::DnsServer;
use crate::dns::zone::Zone;

fn zone() -> Zone {
    Zone::parse(
        "good.example TXT v=spf1 -all\n\
         good.example A 192.0.2.1\n\
         good.example AAAA 2001:db8::1\n\
         good.example MX 20 second.example\n\
         good.example MX 10 First.example\n\
         1.2.0.192.in-addr.arpa PTR host.example\n\
         truncated.example TXT whole over tcp\n\
         wrongid.example TXT x",
    )
}

async fn resolver() -> HickoryResolver {
    let server = DnsServer::start(zone()).await;
    HickoryResolver::new(&[server.address]).unwrap()
}

#[tokio::test]
async fn records_of_every_type_are_read() {
    let dns = resolver().await;
    assert_eq!(dns.txt("good.example").await.unwrap(), [b"v=spf1 -all"]);
    assert_eq!(dns.ipv4("GOOD.example.").await.unwrap().len(), 1);
    assert_eq!(dns.ipv6("good.example").await.unwrap().len(), 1);
    let mx = dns.mx("good.example").await.unwrap();
    let hosts: Vec<_> = mx.iter().map(|mx| mx.host.trim_end_matches('.')).collect();
    assert_eq!(hosts, ["first.example", "second.example"]);
    let names = dns.ptr("192.0.2.1".parse().unwrap()).await.unwrap();
    assert_eq!(names[0].trim_end_matches('.'), "host.example");
}

#[tokio::test]
async fn q21_nothing_there_and_no_answer_are_told_apart() {
    let dns = resolver().await;
    assert_eq!(
        dns.txt("nxdomain.example").await,
        Err(LookupError::NoSuchName)
    );
    assert_eq!(dns.txt("void.example").await, Err(LookupError::NoRecords));
    for manner in ["servfail", "refused", "loop"] {
        let answer = dns.txt(&format!("{manner}.example")).await;
        let void = answer.as_ref().is_err_and(LookupError::is_void);
        assert!(
            answer.is_err() && (manner == "loop" || !void),
            "{manner}: {answer:?}"
        );
    }
    let whole = dns.txt("truncated.example").await.unwrap();
    assert_eq!(whole, [b"whole over tcp"]);
    let huge = dns.txt("huge.example").await.unwrap();
    assert_eq!(huge.len(), actors::dns::lookup::RECORDS_MAX);
    let unaskable = dns.txt(&format!("{}.example", "x".repeat(80))).await;
    assert!(matches!(unaskable, Err(LookupError::Unavailable(_))));
}

#[tokio::test]
async fn q21_silence_garbage_and_wrong_ids_end_in_time() {
    let dns = resolver().await;
    let (silent, garbage, wrong) = tokio::join!(
        dns.txt("silent.example"),
        dns.txt("garbage.example"),
        dns.txt("wrongid.example"),
    );
    for answer in [silent, garbage, wrong] {
        assert!(
            matches!(answer, Err(LookupError::Unavailable(_))),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn q21_servers_that_are_away_are_not_waited_for_again_and_again() {
    // Nobody listens on the discard port of this address.
    let dead: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let dns = HickoryResolver::new(&[dead]).unwrap();
    let clock = Arc::new(TokioClock::new(Timestamp::from_secs(1)));
    let dns = GuardedLookup::new(Arc::new(dns), clock);
    let mut not_asked = 0;
    for n in 0..20 {
        let answer = dns.txt(&format!("n{n}.example")).await;
        let Err(LookupError::Unavailable(why)) = answer else {
            panic!("{answer:?}");
        };
        not_asked += usize::from(why.contains("lately"));
    }
    assert!(not_asked >= 10, "{not_asked} of 20 were not asked");
}
