//! A user in an outage, in a real browser on the real binary: signs in, reads, answers, writes to a
//! colleague, and finds everything at its place when the server is back (C4, C6–C8, C14, C24, C27;
//! flows 1, 2, 4, 6, 7, 11, 13).

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use mailhold::demo::destination::Capacity;

use crate::script;
use crate::support::world::{DOMAIN, World, within};

/// A newsletter with an image of its own, one from elsewhere, and a file.
const NEWSLETTER: &str = "From: Harbour News <news@far.example>\r\nTo: alice@example.test\r\n\
    Subject: What is new at the harbour\r\nMessage-ID: <news@far.example>\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\
    Content-Type: text/html; charset=utf-8\r\n\r\n\
    <h1 style=\"color:#0b6b3a\">Ahoy</h1><p>The <b>crane</b> is back. <script>alarm()</script>\
    <a href=\"https://harbour.example/\">Read more</a></p>\
    <img src=\"https://pixel.example/open.gif\" width=1 height=1>\
    <img src=\"https://harbour.example/crane.jpg\" alt=crane>\r\n--m\r\n\
    Content-Type: text/csv\r\nContent-Disposition: attachment; filename=berths.csv\r\n\r\nberth;ship\r\n--m--\r\n";

/// Hands a message in, one command after the other.
fn hand_in(smtp: SocketAddr, to: &str, message: &str) {
    let mut out = TcpStream::connect(smtp).unwrap();
    let mut replies = BufReader::new(out.try_clone().unwrap());
    let mut reply = |expected: &str| {
        let mut line = String::new();
        loop {
            line.clear();
            replies.read_line(&mut line).unwrap();
            assert!(line.starts_with(expected), "{line} instead of {expected}");
            if line.as_bytes().get(3) != Some(&b'-') {
                return;
            }
        }
    };
    reply("220");
    for (command, expected) in [
        ("EHLO far.example", "250"),
        ("MAIL FROM:<news@far.example>", "250"),
        (&format!("RCPT TO:<{to}>") as &str, "250"),
        ("DATA", "354"),
    ] {
        write!(out, "{command}\r\n").unwrap();
        reply(expected);
    }
    write!(out, "{message}.\r\n").unwrap();
    reply("250");
}

fn plain(subject: &str, text: &str) -> String {
    format!(
        "From: Ann Far <ann@far.example>\r\nTo: alice@example.test\r\nSubject: {subject}\r\n\
         Message-ID: <{}@far.example>\r\n\r\n{text}\r\n",
        subject.replace(' ', "-")
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c4_c6_c7_c8_c24_c27_an_outage_as_its_users_live_it() {
    if !script::can_run() {
        return;
    }
    let mut world = World::new(std::path::Path::new(env!("CARGO_BIN_EXE_mailhold")));
    let node = &world.node;
    // Once, long before: continuity is switched on, a key is made, an administrator is invited.
    node.cli(&["continuity", "on", DOMAIN, "--days", "30"])
        .unwrap();
    node.cli(&["dkim", "make", DOMAIN]).unwrap();
    let invited = node.cli(&["admin", "invite", "boss@example.test", "--domain", DOMAIN]);
    let link = invited.unwrap().trim().to_owned();
    let origin = format!("https://{}", world.node.portal());
    script::run("portal.mjs", &["prepare", &origin, &link]);
    let state = |name: &str, words: &str| {
        script::run("portal.mjs", &["state", &origin, &link, name, words]);
    };
    state("normal", "-");
    // The outage begins. From here on nobody activates anything (C8).
    world.destination.shut_down().await;
    let smtp = world.node.smtp();
    let long = "We could meet at the pier.\r\n\r\nAnn\r\n".repeat(4);
    hand_in(smtp, "alice@example.test", &plain("Lunch on Friday", &long));
    hand_in(
        smtp,
        "alice@example.test",
        &plain("Invoice 4711", "Please find it attached next week."),
    );
    hand_in(smtp, "alice@example.test", NEWSLETTER);

    script::run("portal.mjs", &["outage", &origin, &link]);
    state("outage", "has been down since");
    world
        .node
        .cli(&["hold", DOMAIN, "--reason", "new disks"])
        .unwrap();
    state("planned", "planned work since");
    world.node.cli(&["release", DOMAIN]).unwrap();
    // It is back, and slow: one message at a time, each a while.
    let slow = Capacity {
        service_time: Duration::from_secs(20),
        ..Capacity::default()
    };
    world.destination.set_capacity(slow);
    // To Bob, and the copies of it and of what Alice wrote to herself.
    world.destination.resume().unwrap();
    let ledger = world.destination.ledger();
    let first = ledger.wait_for(|totals| totals.deliveries >= 1);
    within("the first arrives", first).await;
    state("draining", "Your mail server is back");
    world.destination.set_capacity(Capacity::default());
    let ledger = world.destination.ledger();
    let arrived = ledger.wait_for(|totals| totals.deliveries >= 7);
    let totals = within("everything arrives", arrived).await;
    assert_eq!(totals.deliveries, 7, "{totals:?}");
    // Before the second factor of the last part, which these do not know.
    state("back", "all mail has been passed on");
    script::run("portal.mjs", &["after", &origin, &link]);
}
