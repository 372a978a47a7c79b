//! How we speak to the next hop: encryption, sign-in, CHUNKING, sizes, the last word.

use actors::status::DestinationState::{Degraded, Healthy, Policy};
use sha2::{Digest, Sha256};
use storage::model::{Destination, Domain, Fingerprint, Login, Secret, TlsPolicy};

use super::script::Script;
use super::stage::{HOUR, MINUTE, SMART_HOST, Stage, Standing};

const TO: &str = "a@example.org";

/// One message to a peer that behaves like this; it is delivered.
async fn delivers(script: &'static [&'static str], set_up: impl FnOnce(&mut Destination)) -> Stage {
    let stage = Stage::with(set_up).await;
    stage.peer.behave(Script::read(script));
    stage.node.accept(stage.domain.id, &[TO]).await;
    stage.until_empty(5 * MINUTE).await;
    assert_eq!(stage.peer.ledger().copies(TO), 1, "{script:?}");
    stage
}

/// One message to a peer that behaves like this; it is held, and a person sees why.
async fn holds(script: &'static [&'static str], set_up: impl FnOnce(&mut Destination)) -> Stage {
    let stage = Stage::with(set_up).await;
    stage.peer.behave(Script::read(script));
    stage.node.accept(stage.domain.id, &[TO]).await;
    stage.until(5 * MINUTE, || stage.state() == Policy).await;
    stage.still.pass(HOUR).await;
    assert_eq!(stage.standing(TO), Standing::Ready, "{script:?}");
    assert_eq!(stage.peer.ledger().taken.len(), 0, "{script:?}");
    assert_eq!(stage.peer.ledger().count("MAIL"), 0, "{script:?}");
    stage
}

fn signed_in(destination: &mut Destination) {
    destination.tls = TlsPolicy::Required;
    destination.login = Some(Login {
        user: "relay".to_owned(),
        password: Secret::new("open sesame".to_owned()),
    });
}

#[tokio::test(start_paused = true)]
async fn out18_we_sign_in_inside_tls_with_what_the_peer_offers() {
    let plain = &["offers: STARTTLS, PIPELINING, AUTH PLAIN LOGIN"];
    let stage = delivers(plain, signed_in).await;
    let heard = stage.peer.ledger().heard[0].clone();
    let begin = [
        "EHLO mx.example.net",
        "STARTTLS",
        "*",
        "EHLO mx.example.net",
        "AUTH PLAIN AHJlbGF5AG9wZW4gc2VzYW1l",
    ];
    assert_eq!(heard[..5], begin);
    stage.stop().await;
    let stage = delivers(&["offers: STARTTLS, AUTH LOGIN"], signed_in).await;
    let heard = stage.peer.ledger().heard[0].clone();
    assert_eq!(heard[4..7], ["AUTH LOGIN", "cmVsYXk=", "b3BlbiBzZXNhbWU="]);
    stage.stop().await;
}

#[tokio::test(start_paused = true)]
async fn out18_no_password_goes_out_in_clear_and_a_refused_one_holds_the_mail() {
    const REFUSING: [&[&str]; 4] = [
        &["offers: AUTH PLAIN"],
        &["offers: STARTTLS"],
        &[
            "offers: STARTTLS, AUTH PLAIN",
            "auth: 535 5.7.8 wrong password",
        ],
        &["offers: STARTTLS, AUTH PLAIN", "handshake: <garbage>"],
    ];
    for script in REFUSING {
        let stage = holds(script, signed_in).await;
        let clear = |lines: &Vec<String>| {
            let before = lines.iter().take_while(|line| *line != "*");
            before.filter(|line| line.starts_with("AUTH")).count()
        };
        let leaked: usize = stage.peer.ledger().heard.iter().map(clear).sum();
        assert_eq!(leaked, 0, "{script:?}");
        stage.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn out18_a_sign_in_that_fails_for_the_moment_is_tried_again() {
    let stage = Stage::with(signed_in).await;
    const LATER: &[&str] = &[
        "offers: STARTTLS, AUTH PLAIN",
        "auth: 454 4.7.0 no directory today",
    ];
    stage.peer.behave(Script::read(LATER));
    stage.node.accept(stage.domain.id, &[TO]).await;
    stage.still.pass(MINUTE).await;
    assert_ne!(stage.state(), Policy);
    assert_eq!(stage.standing(TO), Standing::Ready);
    stage.peer.behave(Script::read(&LATER[..1]));
    stage.until_empty(2 * MINUTE).await;
    stage.stop().await;
}

#[tokio::test(start_paused = true)]
async fn out14_each_policy_takes_the_certificates_that_it_says() {
    let offered = &["offers: STARTTLS"];
    let in_clear = delivers(offered, |host| host.tls = TlsPolicy::None).await;
    assert!(!in_clear.peer.ledger().taken[0].encrypted);
    in_clear.stop().await;
    for policy in [
        TlsPolicy::Opportunistic,
        TlsPolicy::Required,
        TlsPolicy::Verified,
    ] {
        let stage = delivers(offered, |host| host.tls = policy.clone()).await;
        assert!(stage.peer.ledger().taken[0].encrypted, "{policy}");
        stage.stop().await;
    }
    // The certificate is for another name than the one that is configured.
    let other = |host: &mut Destination| {
        host.tls = TlsPolicy::Verified;
        host.host = "other.example.org".to_owned();
    };
    holds(offered, other).await.stop().await;
    // And a name is not asked for where nobody verifies it.
    let other = |host: &mut Destination| {
        host.tls = TlsPolicy::Required;
        host.host = "other.example.org".to_owned();
    };
    delivers(offered, other).await.stop().await;
}

#[tokio::test(start_paused = true)]
async fn out14_a_pinned_certificate_is_taken_and_another_one_is_not() {
    for right in [true, false] {
        let stage = Stage::new(TlsPolicy::Required).await;
        let mut pin: [u8; 32] = Sha256::digest(&stage.peer.certificate).into();
        if !right {
            pin[0] ^= 1;
        }
        let mut destinations = stage.destinations();
        destinations[0].tls = TlsPolicy::Pinned(vec![Fingerprint(pin)]);
        stage
            .node
            .update(&stage.domain, |domain| domain.destinations = destinations)
            .await;
        stage.peer.behave(Script::read(&["offers: STARTTLS"]));
        stage.node.accept(stage.domain.id, &[TO]).await;
        if right {
            stage.until_empty(MINUTE).await;
            assert!(stage.peer.ledger().taken[0].encrypted);
        } else {
            stage.until(MINUTE, || stage.state() == Policy).await;
            stage.still.pass(HOUR).await;
            assert_eq!(stage.standing(TO), Standing::Ready);
        }
        stage.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn out7_one_bdat_carries_the_message_and_data_does_where_that_fails() {
    const OFFERS: &str = "offers: PIPELINING, CHUNKING";
    let stage = delivers(&[OFFERS], |_| {}).await;
    {
        let ledger = stage.peer.ledger();
        assert_eq!((ledger.count("BDAT 24 LAST"), ledger.count("DATA")), (1, 0));
        assert_eq!(ledger.taken[0].message, b"Subject: test\r\n\r\nhello\r\n");
    }
    stage.stop().await;
    for (script, copies) in [
        (&[OFFERS, "bdat: 502 5.5.1 no such thing"][..], 1),
        (&[OFFERS, "end: <close>"][..], 2),
    ] {
        let stage = Stage::new(TlsPolicy::None).await;
        stage.prove().await;
        stage.peer.behave(Script::read(script));
        stage.node.accept(stage.domain.id, &[TO]).await;
        stage
            .until(MINUTE, || stage.peer.ledger().count("BDAT") == 1)
            .await;
        if copies == 2 {
            stage.peer.behave(Script::read(&[OFFERS]));
        }
        stage.until_empty(20 * MINUTE).await;
        let got = stage.peer.ledger().copies(TO);
        assert_eq!(got, copies, "{script:?} {}", stage.explain());
        stage.still.pass(2 * HOUR).await;
        stage
            .node
            .accept(stage.domain.id, &["later@example.org"])
            .await;
        stage.until_empty(MINUTE).await;
        let chunks = stage.peer.ledger().count("BDAT");
        assert_eq!(chunks, 1, "{script:?}: remembered for a day");
        stage.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn out9_a_message_that_is_known_to_be_too_large_is_not_begun() {
    let stage = Stage::new(TlsPolicy::None).await;
    stage.prove().await;
    stage.peer.behave(Script::read(&["offers: SIZE 20"]));
    let before = stage.peer.ledger().count("MAIL");
    stage.node.accept(stage.domain.id, &[TO]).await;
    stage
        .until(MINUTE, || stage.standing(TO) == Standing::Parked)
        .await;
    assert_eq!(stage.peer.ledger().count("MAIL"), before);
    assert_eq!(stage.state(), Healthy);
    // What was announced on an open connection holds for it.
    stage.until(MINUTE, || stage.peer.ledger().open == 0).await;
    stage.peer.behave(Script::read(&["offers: SIZE 2000"]));
    stage.node.accept(stage.domain.id, &["b@example.org"]).await;
    stage.until_empty(MINUTE).await;
    let begun = stage
        .peer
        .ledger()
        .count("MAIL FROM:<sender@example.com> SIZE=24");
    assert_eq!(begun, 5, "{}", stage.explain());
    stage.stop().await;
}

#[tokio::test(start_paused = true)]
async fn out6_out20_a_go_ahead_without_recipients_gets_a_lone_dot_and_the_connection_goes_on() {
    let stage = Stage::new(TlsPolicy::None).await;
    stage.prove().await;
    stage.peer.behave(Script::read(&[
        "rcpt a: 450 4.2.1 not now",
        "data: 354 go ahead",
    ]));
    let before = stage.peer.ledger().heard.len();
    stage.node.accept(stage.domain.id, &[TO]).await;
    let deferred = || matches!(stage.standing(TO), Standing::Deferred { .. });
    stage.until(MINUTE, deferred).await;
    stage.node.accept(stage.domain.id, &["b@example.org"]).await;
    stage
        .until(MINUTE, || stage.peer.ledger().copies("b@example.org") == 1)
        .await;
    {
        let ledger = stage.peer.ledger();
        assert_eq!(ledger.heard.len() - before, 1, "one connection");
        assert_eq!(ledger.count("RSET"), 0, "a finished transaction needs none");
        assert!(ledger.taken.iter().all(|one| !one.recipients.is_empty()));
    }
    stage.peer.behave(Script::default());
    stage.until_empty(5 * MINUTE).await;
    stage.stop().await;
}

#[tokio::test(start_paused = true)]
async fn out21_out23_the_last_word_is_quit_and_nothing_was_added_to_the_message() {
    let stage = delivers(&["quit: <silence>"], |host| host.tls = TlsPolicy::None).await;
    stage
        .until(2 * MINUTE, || stage.peer.ledger().open == 0)
        .await;
    {
        let ledger = stage.peer.ledger();
        let last = &ledger.heard[0];
        assert_eq!(last[last.len() - 2..], ["QUIT", "$"]);
        assert_eq!(ledger.taken[0].message, b"Subject: test\r\n\r\nhello\r\n");
        assert_eq!(ledger.taken[0].mail, "sender@example.com");
    }
    stage.stop().await;
}

#[tokio::test(start_paused = true)]
async fn out2_s11_while_it_is_down_it_is_probed_and_nothing_is_sent() {
    let stage = Stage::new(TlsPolicy::None).await;
    stage.prove().await;
    stage
        .peer
        .behave(Script::read(&["banner: 421 4.3.2 not now"]));
    stage.peer.refuse().await;
    stage.peer.open().await;
    let before = stage.peer.ledger().count("MAIL");
    stage.node.accept_many(&stage.domain, 30).await;
    stage.still.pass(HOUR).await;
    assert_eq!(stage.peer.ledger().count("MAIL"), before);
    assert!(matches!(
        stage.state(),
        Degraded | actors::status::DestinationState::Down
    ));
    stage.peer.behave(Script::default());
    stage.until_empty(5 * MINUTE).await;
    stage.stop().await;
}

#[tokio::test(start_paused = true)]
async fn out24_a_peer_of_our_own_name_is_ourselves() {
    const MIRROR: &[&str] = &["ehlo: 250 mx.example.net"];
    holds(MIRROR, |_| {}).await.stop().await;
}

#[tokio::test(start_paused = true)]
async fn out5_the_limits_that_a_peer_announces_are_kept() {
    const LIMITS: &[&str] = &["offers: PIPELINING, LIMITS RCPTMAX=2 MAILMAX=2"];
    let stage = Stage::new(TlsPolicy::None).await;
    stage.peer.behave(Script::read(LIMITS));
    let all = ["a", "b", "c", "d", "e"].map(|user| format!("{user}@example.org"));
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    stage.node.accept(stage.domain.id, &all).await;
    stage.until_empty(MINUTE).await;
    {
        let ledger = stage.peer.ledger();
        for name in &all {
            assert_eq!(ledger.copies(name), 1, "{name}");
        }
        let sizes: Vec<usize> = ledger
            .taken
            .iter()
            .map(|one| one.recipients.len())
            .collect();
        assert_eq!(sizes, [2, 2, 1]);
        let begun =
            |lines: &Vec<String>| lines.iter().filter(|line| line.starts_with("MAIL")).count();
        let begun: Vec<usize> = ledger.heard.iter().map(begun).collect();
        assert_eq!(begun, [2, 1], "RFC 9422: MAILMAX");
    }
    assert_eq!(stage.node.counters(&stage.domain).delivered, 5);
    stage.stop().await;
}

const FORWARDS: &str = "offers: PIPELINING, XFORWARD NAME ADDR PROTO HELO IDENT SOURCE";

#[tokio::test(start_paused = true)]
async fn out22_the_next_hop_is_told_who_handed_the_message_in_where_the_route_says_so() {
    for (xforward, offers) in [
        (true, FORWARDS),
        (true, "offers: PIPELINING"),
        (false, FORWARDS),
    ] {
        let stage = Stage::with(|host| {
            host.tls = TlsPolicy::None;
            host.xforward = xforward;
        })
        .await;
        let script: &'static [&'static str] = match offers {
            FORWARDS => &[FORWARDS],
            _ => &["offers: PIPELINING"],
        };
        stage.peer.behave(Script::read(script));
        stage
            .accept_as("alice@example.com", &[TO], |envelope| {
                envelope.client.ip = "2001:db8::7".parse().unwrap();
                envelope.client.helo = "evil name=1".to_owned();
                envelope.client.reverse_name = Some("client.example.com".to_owned());
                envelope.client.tls_version = Some("TLSv1.3".to_owned());
            })
            .await;
        stage.until_empty(5 * MINUTE).await;
        {
            let ledger = stage.peer.ledger();
            assert_eq!(ledger.copies(TO), 1);
            let heard: Vec<&String> = ledger.heard.iter().flatten().collect();
            let told: Vec<_> = heard
                .iter()
                .filter(|line| line.starts_with("XFORWARD"))
                .collect();
            if xforward && offers == FORWARDS {
                let (start, id) = told[0].split_once(" IDENT=").unwrap();
                assert_eq!(
                    start,
                    "XFORWARD NAME=client.example.com ADDR=IPV6:2001:db8::7 PROTO=ESMTP \
                     HELO=evil+20name+3D1"
                );
                assert!(id.ends_with(" SOURCE=REMOTE"), "{id}");
                assert_eq!(told.len(), 1);
            } else {
                assert!(told.is_empty(), "{told:?}");
            }
        }
        stage.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn out22_a_next_hop_that_refuses_xforward_gets_the_mail_all_the_same() {
    for script in [
        &[FORWARDS, "xforward: 550 5.7.0 not you"][..],
        &[FORWARDS, "xforward: 451 4.3.0 later"],
    ] {
        let stage = delivers(script, |host| {
            host.tls = TlsPolicy::None;
            host.xforward = true;
        })
        .await;
        assert_eq!(stage.peer.ledger().count("XFORWARD"), 1);
        stage.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn s18_several_hosts_with_chunking_share_the_mail_and_the_one_that_stays_takes_it_all() {
    const OFFERS: &[&str] = &["offers: PIPELINING, CHUNKING, 8BITMIME, SMTPUTF8, DSN"];
    let stage = Stage::new(TlsPolicy::None).await;
    stage.peer.behave(Script::read(OFFERS));
    stage.world.behave(Script::read(OFFERS));
    let second = Destination {
        host: SMART_HOST.to_owned(),
        port: stage.world.address.port(),
        tls: TlsPolicy::None,
        weight: 2,
        ..Destination::default()
    };
    let add = |domain: &mut Domain| domain.destinations.push(second);
    stage.node.update(&stage.domain, add).await;
    let taken = || {
        let (first, second) = (stage.peer.ledger(), stage.world.ledger());
        (first.taken.len(), second.taken.len())
    };
    // While nobody knows the second host the first one may be quicker.
    for _ in 0..5 {
        stage.node.accept_many(&stage.domain, 40).await;
        stage.until_empty(5 * MINUTE).await;
        stage.still.pass(MINUTE).await;
    }
    let (first, second) = taken();
    assert_eq!(first + second, 200);
    assert!(first > 0 && second > 0, "{first} and {second}");
    for peer in [&stage.peer, &stage.world] {
        let ledger = peer.ledger();
        assert!(ledger.count("BDAT") > 0, "CHUNKING was offered");
        assert_eq!(ledger.count("DATA"), 0);
    }
    stage
        .peer
        .behave(Script::read(&["banner: <reset>", "mail: <reset>"]));
    stage.node.accept_many(&stage.domain, 20).await;
    stage.until_empty(5 * MINUTE).await;
    assert_eq!(taken(), (first, second + 20));
    stage.stop().await;
}
