//! Notifications on their way to a real destination (OUT12, OUT13, D2).

use mail_parser::{MessageParser, MimeHeaders};
use storage::model::{DsnNotify, TlsPolicy};
use storage::spool::IntentAction;

use super::peer::Taken;
use super::script::Script;
use super::stage::{HOUR, MINUTE, Stage, Standing};
use super::support::node::audit;

const ALICE: &str = "alice@sender.example";

async fn proven() -> Stage {
    let stage = Stage::new(TlsPolicy::None).await;
    stage.prove().await;
    stage
}

/// The fields of the second part, which is for machines.
fn fields(taken: &Taken) -> Vec<(String, String)> {
    let parsed = MessageParser::default().parse(&taken.message).unwrap();
    let kind = parsed.content_type().unwrap();
    assert_eq!(
        (kind.ctype(), kind.subtype()),
        ("multipart", Some("report"))
    );
    assert_eq!(kind.attribute("report-type"), Some("delivery-status"));
    let kinds: Vec<String> = parsed.parts[1..]
        .iter()
        .map(|part| {
            let kind = part.content_type().unwrap();
            format!("{}/{}", kind.ctype(), kind.subtype().unwrap())
        })
        .collect();
    let wanted = [
        "text/plain",
        "message/delivery-status",
        "text/rfc822-headers",
    ];
    assert_eq!(kinds, wanted);
    let status = String::from_utf8_lossy(parsed.parts[2].contents()).into_owned();
    let lines = status.lines().filter_map(|line| line.split_once(": "));
    lines
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn value<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    let found = fields.iter().find(|(field, _)| field == name);
    &found.unwrap_or_else(|| panic!("{name} in {fields:?}")).1
}

#[tokio::test(start_paused = true)]
async fn out13_d2_a_failure_reaches_its_authenticated_sender_as_rfc3464_says() {
    let stage = proven().await;
    stage
        .peer
        .behave(Script::read(&["rcpt a: 550 5.1.1 no such user here"]));
    stage
        .accept_as(ALICE, &["a@example.org", "b@example.org"], |envelope| {
            envelope.envelope_id = Some("QQ314159".to_owned());
            envelope.recipients[0].original = Some("rfc822;al@example.org".to_owned());
        })
        .await;
    stage
        .until(MINUTE, || stage.world.ledger().taken.len() == 1)
        .await;
    let taken = stage.world.ledger().taken[0].clone();
    assert_eq!(
        (taken.mail.as_str(), &taken.recipients[..]),
        ("", &[ALICE.to_owned()][..])
    );
    let fields = fields(&taken);
    for (name, wanted) in [
        ("Reporting-MTA", "dns; mx.example.net"),
        ("Original-Envelope-Id", "QQ314159"),
        ("Original-Recipient", "rfc822; al@example.org"),
        ("Final-Recipient", "rfc822; a@example.org"),
        ("Action", "failed"),
        ("Status", "5.1.1"),
        ("Remote-MTA", "dns; mail.example.org"),
    ] {
        assert_eq!(value(&fields, name), wanted);
    }
    let diagnostic = value(&fields, "Diagnostic-Code");
    assert!(
        diagnostic.starts_with("smtp; 550 5.1.1 no such user"),
        "{diagnostic}"
    );
    for name in ["Arrival-Date", "Last-Attempt-Date"] {
        assert!(value(&fields, name).ends_with("+0000"), "{name}");
    }
    let listed = fields
        .iter()
        .filter(|(name, _)| name == "Final-Recipient")
        .count();
    assert_eq!(listed, 1, "b got it");
    let parsed = MessageParser::default().parse(&taken.message).unwrap();
    let automatic = parsed.header_raw("Auto-Submitted").unwrap().trim();
    assert_eq!(automatic, "auto-replied");
    assert!(
        !String::from_utf8_lossy(&taken.message).contains("hello"),
        "no body"
    );
    let counters = stage.node.counters(&stage.domain);
    assert_eq!((counters.failed, counters.parked), (1, 0));
    stage.stop().await;
}

#[tokio::test(start_paused = true)]
async fn d2_q13_nobody_else_is_told_and_the_mail_is_parked() {
    let stage = proven().await;
    stage
        .peer
        .behave(Script::read(&["rcpt a: 550 5.1.1 no such user here"]));
    // Forged, or the null sender.
    stage.node.accept(stage.domain.id, &["a@example.org"]).await;
    stage.accept_as("", &["a2@example.org"], |_| {}).await;
    stage
        .accept_as(ALICE, &["a3@example.org"], |envelope| {
            envelope.recipients[0].notify = Some(notify(true, false));
        })
        .await;
    stage
        .until(MINUTE, || stage.node.counters(&stage.domain).parked == 3)
        .await;
    stage.still.pass(HOUR).await;
    assert_eq!(stage.world.ledger().heard.len(), 0);
    stage.stop().await;
}

const fn notify(never: bool, success: bool) -> DsnNotify {
    DsnNotify {
        never,
        success,
        failure: !never,
        delay: false,
    }
}

#[tokio::test(start_paused = true)]
async fn out12_a_success_is_reported_by_the_peer_that_has_dsn_and_by_us_otherwise() {
    for has_dsn in [false, true] {
        let stage = proven().await;
        if has_dsn {
            stage
                .peer
                .behave(Script::read(&["offers: PIPELINING, DSN"]));
        }
        stage
            .accept_as(ALICE, &["a@example.org"], |envelope| {
                envelope.envelope_id = Some("QQ1".to_owned());
                envelope.recipients[0].notify = Some(notify(false, true));
                envelope.recipients[0].original = Some("rfc822;al@example.org".to_owned());
            })
            .await;
        stage.until_empty(MINUTE).await;
        stage.still.pass(HOUR).await;
        if has_dsn {
            let ledger = stage.peer.ledger();
            assert_eq!(
                ledger.count("MAIL FROM:<alice@sender.example> ENVID=QQ1"),
                1
            );
            let passed =
                "RCPT TO:<a@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;al@example.org";
            assert_eq!(ledger.count(passed), 1, "{:?}", ledger.heard.last());
            assert_eq!(stage.world.ledger().heard.len(), 0);
        } else {
            let taken = stage.world.ledger().taken.clone();
            assert_eq!(taken.len(), 1);
            let fields = fields(&taken[0]);
            assert_eq!(value(&fields, "Action"), "relayed");
            assert_eq!(value(&fields, "Status"), "2.0.0");
        }
        stage.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn s3_what_an_administrator_bounces_is_told_to_its_sender() {
    let stage = proven().await;
    stage.peer.refuse().await;
    stage.accept_as(ALICE, &["a@example.org"], |_| {}).await;
    stage.still.pass(MINUTE).await;
    let sequence = stage.queue()[0].sequence;
    let wanted = vec![(sequence, IntentAction::Bounce)];
    let spool = &stage.node.spool;
    spool
        .add_intents(stage.domain.id, wanted, audit())
        .await
        .unwrap();
    stage
        .until(MINUTE, || stage.world.ledger().taken.len() == 1)
        .await;
    assert_eq!(stage.node.counters(&stage.domain).removed, 1);
    stage.stop().await;
}

#[tokio::test(start_paused = true)]
async fn q12_in11_a_notification_that_is_refused_is_never_answered() {
    let stage = proven().await;
    stage
        .peer
        .behave(Script::read(&["rcpt a: 550 5.1.1 no such user here"]));
    stage
        .world
        .behave(Script::read(&["rcpt: 550 5.1.1 she has left"]));
    stage.accept_as(ALICE, &["a@example.org"], |_| {}).await;
    stage
        .until(MINUTE, || stage.world.ledger().count("RCPT") > 0)
        .await;
    stage.still.pass(HOUR).await;
    {
        let ledger = stage.world.ledger();
        assert_eq!(ledger.taken.len(), 0);
        assert_eq!(
            ledger.count("MAIL FROM:<> "),
            ledger.count("MAIL"),
            "null sender only"
        );
    }
    assert_eq!(stage.standing("a@example.org"), Standing::Elsewhere);
    stage.stop().await;
}
