//! SPF, branch by branch of RFC 7208.

use std::net::IpAddr;

use actors::filter::authentication::spf::{SpfQuestion, check_host};
use storage::model::AuthResult::{self, *};

use crate::dns::zone::Zone;

async fn check(zone: &Zone, client: &str, sender: &str) -> (AuthResult, Option<String>) {
    let question = SpfQuestion {
        client: client.parse::<IpAddr>().unwrap(),
        domain: sender.rsplit_once('@').unwrap().1,
        sender,
        helo: "helo.example",
        receiver: "mx.example.net",
    };
    check_host(zone, question).await
}

/// Record of `d.example`, further records, client, result.
type Row = (&'static str, &'static str, &'static str, AuthResult);

const ROWS: &[Row] = &[
    // §4.4, §4.5: which record there is.
    ("", "", "192.0.2.1", None),
    ("hello", "", "192.0.2.1", None),
    ("v=spf10 -all", "", "192.0.2.1", None),
    ("V=SPF1 +all", "", "192.0.2.1", Pass),
    ("v=spf1", "", "192.0.2.1", Neutral),
    (
        "v=spf1 -all",
        "d.example TXT v=spf1 +all",
        "192.0.2.1",
        PermError,
    ),
    (
        "v=spf1 -all",
        "d.example TXT google-site-verification=x",
        "192.0.2.1",
        Fail,
    ),
    // §4.6: terms.
    ("v=spf1 +all", "", "192.0.2.1", Pass),
    ("v=spf1 -all", "", "192.0.2.1", Fail),
    ("v=spf1 ~all", "", "192.0.2.1", SoftFail),
    ("v=spf1 ?all", "", "192.0.2.1", Neutral),
    ("v=spf1 ALL", "", "192.0.2.1", Pass),
    ("v=spf1 foo -all", "", "192.0.2.1", PermError),
    ("v=spf1 ip4:192.0.2.300 -all", "", "192.0.2.1", PermError),
    ("v=spf1 ip4:192.0.2.0/33 -all", "", "192.0.2.1", PermError),
    ("v=spf1 unknown=x -all", "", "192.0.2.1", Fail),
    (
        "v=spf1 redirect=e.example redirect=e.example",
        "e.example TXT v=spf1 +all",
        "192.0.2.1",
        PermError,
    ),
    (
        "v=spf1 exp=e.example exp=e.example -all",
        "",
        "192.0.2.1",
        PermError,
    ),
    // §5.6: networks.
    ("v=spf1 ip4:192.0.2.1 -all", "", "192.0.2.1", Pass),
    ("v=spf1 ip4:192.0.2.1 -all", "", "192.0.2.2", Fail),
    ("v=spf1 ip4:192.0.2.0/24 -all", "", "192.0.2.77", Pass),
    (
        "v=spf1 ip4:192.0.2.0/24 -all",
        "",
        "::ffff:192.0.2.77",
        Pass,
    ),
    ("v=spf1 ip4:0.0.0.0/0 -all", "", "198.51.100.1", Pass),
    ("v=spf1 ip4:192.0.2.0/24 -all", "", "2001:db8::1", Fail),
    ("v=spf1 ip6:2001:db8::/32 -all", "", "2001:db8:1::1", Pass),
    ("v=spf1 ip6:2001:db8::/32 -all", "", "2001:db9::1", Fail),
    ("v=spf1 ip6:::/0 -all", "", "192.0.2.1", Fail),
    // §5.3: a.
    ("v=spf1 a -all", "d.example A 192.0.2.1", "192.0.2.1", Pass),
    ("v=spf1 a -all", "d.example A 192.0.2.9", "192.0.2.1", Fail),
    (
        "v=spf1 a/24 -all",
        "d.example A 192.0.2.9",
        "192.0.2.1",
        Pass,
    ),
    (
        "v=spf1 a:h.example -all",
        "h.example A 192.0.2.1",
        "192.0.2.1",
        Pass,
    ),
    (
        "v=spf1 a:h.example//64 -all",
        "h.example AAAA 2001:db8::1",
        "2001:db8::2",
        Pass,
    ),
    (
        "v=spf1 a:h.example -all",
        "h.example AAAA 2001:db8::1",
        "2001:db8::1",
        Pass,
    ),
    (
        "v=spf1 a:h.example -all",
        "h.example DEAD",
        "192.0.2.1",
        TempError,
    ),
    (
        "v=spf1 ip4:192.0.2.1 a:h.example -all",
        "h.example DEAD",
        "192.0.2.1",
        Pass,
    ),
    // §5.4: mx.
    (
        "v=spf1 mx -all",
        "d.example MX 10 m.example\nm.example A 192.0.2.1",
        "192.0.2.1",
        Pass,
    ),
    (
        "v=spf1 mx -all",
        "d.example MX 10 m.example\nm.example A 192.0.2.2",
        "192.0.2.1",
        Fail,
    ),
    (
        "v=spf1 mx:e.example/24 -all",
        "e.example MX 10 m.example\nm.example A 192.0.2.2",
        "192.0.2.1",
        Pass,
    ),
    (
        "v=spf1 mx -all",
        "d.example MX 10 m.example\nm.example DEAD",
        "192.0.2.1",
        TempError,
    ),
    ("v=spf1 mx -all", "d.example MX 0 .", "192.0.2.1", Fail),
    // §5.2: include.
    (
        "v=spf1 include:e.example -all",
        "e.example TXT v=spf1 ip4:192.0.2.1",
        "192.0.2.1",
        Pass,
    ),
    (
        "v=spf1 include:e.example -all",
        "e.example TXT v=spf1 -all",
        "192.0.2.1",
        Fail,
    ),
    (
        "v=spf1 include:e.example ?all",
        "e.example TXT v=spf1 -all",
        "192.0.2.1",
        Neutral,
    ),
    (
        "v=spf1 ~include:e.example -all",
        "e.example TXT v=spf1 +all",
        "192.0.2.1",
        SoftFail,
    ),
    ("v=spf1 include:e.example -all", "", "192.0.2.1", PermError),
    (
        "v=spf1 include:e.example -all",
        "e.example TXT v=spf1 foo",
        "192.0.2.1",
        PermError,
    ),
    (
        "v=spf1 include:e.example -all",
        "e.example DEAD",
        "192.0.2.1",
        TempError,
    ),
    ("v=spf1 include:d.example -all", "", "192.0.2.1", PermError),
    (
        "v=spf1 include:e.example -all",
        "e.example TXT v=spf1 redirect=d.example",
        "192.0.2.1",
        PermError,
    ),
    // §6.1: redirect.
    (
        "v=spf1 redirect=e.example",
        "e.example TXT v=spf1 +all",
        "192.0.2.1",
        Pass,
    ),
    (
        "v=spf1 redirect=e.example",
        "e.example TXT v=spf1 -all",
        "192.0.2.1",
        Fail,
    ),
    ("v=spf1 redirect=e.example", "", "192.0.2.1", PermError),
    ("v=spf1 redirect=d.example", "", "192.0.2.1", PermError),
    (
        "v=spf1 redirect=e.example -all",
        "e.example TXT v=spf1 +all",
        "192.0.2.1",
        Fail,
    ),
    (
        "v=spf1 redirect=e.example",
        "e.example DEAD",
        "192.0.2.1",
        TempError,
    ),
    // §5.7: exists asks for A, whatever the client's family.
    (
        "v=spf1 exists:%{ir}.l.example -all",
        "1.2.0.192.l.example A 127.0.0.2",
        "192.0.2.1",
        Pass,
    ),
    (
        "v=spf1 exists:l.example -all",
        "l.example AAAA ::1",
        "2001:db8::1",
        Fail,
    ),
    (
        "v=spf1 exists:l.example -all",
        "l.example A 127.0.0.2",
        "2001:db8::1",
        Pass,
    ),
    (
        "v=spf1 exists:l.example -all",
        "l.example DEAD",
        "192.0.2.1",
        TempError,
    ),
    // §5.5: ptr.
    (
        "v=spf1 ptr -all",
        "192.0.2.1 PTR h.d.example\nh.d.example A 192.0.2.1",
        "192.0.2.1",
        Pass,
    ),
    (
        "v=spf1 ptr -all",
        "192.0.2.1 PTR h.d.example\nh.d.example A 192.0.2.2",
        "192.0.2.1",
        Fail,
    ),
    (
        "v=spf1 ptr -all",
        "192.0.2.1 PTR h.bad.example\nh.bad.example A 192.0.2.1",
        "192.0.2.1",
        Fail,
    ),
    ("v=spf1 ptr -all", "192.0.2.1 DEAD", "192.0.2.1", Fail),
    (
        "v=spf1 ptr:e.example -all",
        "192.0.2.1 PTR e.example\ne.example A 192.0.2.1",
        "192.0.2.1",
        Pass,
    ),
    // §7: macros.
    (
        "v=spf1 exists:%{l}.%{o}.%{d2}.x.example -all",
        "user.d.example.d.example.x.example A 127.0.0.2",
        "192.0.2.1",
        Pass,
    ),
    (
        "v=spf1 exists:%{h}.x.example -all",
        "helo.example.x.example A 127.0.0.2",
        "192.0.2.1",
        Pass,
    ),
    (
        "v=spf1 exists:%{v}.x.example -all",
        "in-addr.x.example A 127.0.0.2",
        "192.0.2.1",
        Pass,
    ),
    (
        "v=spf1 exists:%{v}.x.example -all",
        "ip6.x.example A 127.0.0.2",
        "2001:db8::1",
        Pass,
    ),
    (
        "v=spf1 exists:%{p}.x.example -all",
        "unknown.x.example A 127.0.0.2",
        "192.0.2.1",
        Pass,
    ),
    ("v=spf1 exists:%%%_%-x.example -all", "", "192.0.2.1", Fail),
    (
        "v=spf1 exists:%{z}.x.example -all",
        "",
        "192.0.2.1",
        PermError,
    ),
];

#[tokio::test]
async fn spf_follows_rfc_7208_branch_by_branch() {
    let mut wrong = Vec::new();
    for (record, further, client, expected) in ROWS {
        let mut zone = Zone::parse(further);
        if !record.is_empty() {
            zone.txt("d.example", *record);
        }
        let found = check(&zone, client, "user@d.example").await;
        if found.0 != *expected {
            wrong.push(format!("{record} | {further} | {client}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn names_that_cannot_be_asked_have_no_record() {
    let zone = Zone::parse("localhost TXT v=spf1 -all");
    for sender in ["u@localhost", "u@", "u@a..example", "u@[192.0.2.1]"] {
        assert_eq!(check(&zone, "192.0.2.1", sender).await.0, None, "{sender}");
    }
    let long = format!("u@{}.example", "a".repeat(64));
    assert_eq!(check(&zone, "192.0.2.1", &long).await.0, None);
    assert!(zone.asked().is_empty(), "{:?}", zone.asked());
}

#[tokio::test]
async fn q21_no_record_makes_more_than_ten_look_ups() {
    let terms = |count: usize| {
        let terms: Vec<String> = (0..count).map(|n| format!("a:h{n}.example")).collect();
        let hosts: Vec<String> = (0..count)
            .map(|n| format!("h{n}.example A 198.51.100.1"))
            .collect();
        let mut zone = Zone::parse(&hosts.join("\n"));
        zone.txt("d.example", format!("v=spf1 {} ~all", terms.join(" ")));
        zone
    };
    let zone = terms(10);
    assert_eq!(check(&zone, "192.0.2.1", "u@d.example").await.0, SoftFail);
    let zone = terms(11);
    assert_eq!(check(&zone, "192.0.2.1", "u@d.example").await.0, PermError);
    assert_eq!(zone.asked().len(), 11, "the record and ten terms");
    let mut zone = Zone::parse("");
    for n in 0..12 {
        zone.txt(
            &format!("i{n}.example"),
            format!("v=spf1 include:i{}.example ?all", n + 1),
        );
    }
    let found = check(&zone, "192.0.2.1", "u@i0.example").await;
    assert_eq!(found.0, PermError);
    assert_eq!(zone.asked().len(), 11);
}

#[tokio::test]
async fn q21_two_void_look_ups_are_tolerated_and_a_third_is_not() {
    for (voids, expected) in [(2, Fail), (3, PermError)] {
        let terms: Vec<String> = (0..voids).map(|n| format!("a:no{n}.example")).collect();
        let mut zone = Zone::default();
        zone.txt("d.example", format!("v=spf1 {} -all", terms.join(" ")));
        let found = check(&zone, "192.0.2.1", "u@d.example").await;
        assert_eq!(found.0, expected, "{voids}: {found:?}");
    }
}

#[tokio::test]
async fn q21_more_than_ten_exchangers_are_an_error() {
    for (count, expected) in [(10, Fail), (11, PermError)] {
        let lines: Vec<String> = (0..count)
            .map(|n| format!("d.example MX {n} m{n}.example\nm{n}.example A 198.51.100.1"))
            .collect();
        let mut zone = Zone::parse(&lines.join("\n"));
        zone.txt("d.example", "v=spf1 mx -all");
        assert_eq!(check(&zone, "192.0.2.1", "u@d.example").await.0, expected);
    }
}

/// §7.3: a name that grew too long loses labels from its front.
#[tokio::test]
async fn a_macro_that_grows_too_long_is_cut_from_the_left() {
    let mut zone = Zone::default();
    let local = "a.".repeat(31) + "a";
    zone.txt(
        "d.example",
        "v=spf1 exists:%{l}.%{l}.%{l}.%{l}.%{l}.e.example -all",
    );
    let found = check(&zone, "192.0.2.1", &format!("{local}@d.example")).await;
    assert_eq!(found.0, Fail);
    let asked = zone.asked();
    assert!(
        asked[1].len() <= 253 && asked[1].ends_with(".e.example"),
        "{asked:?}"
    );
}
