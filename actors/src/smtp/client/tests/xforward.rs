//! XFORWARD before MAIL (OUT22).

use super::*;

fn origin() -> Origin {
    Origin {
        name: Some("mail.sender.example".to_owned()),
        address: [192, 0, 2, 7].into(),
        helo: "mail.sender.example".to_owned(),
        is_extended: false,
        identifier: "1a2b".to_owned(),
        is_local: false,
    }
}

const EHLO_XFORWARD: &str = "250-mx.example\r\n250-PIPELINING\r\n250 XFORWARD NAME ADDR HELO\r\n";
const XFORWARD: &str =
    "XFORWARD NAME=mail.sender.example ADDR=192.0.2.7 HELO=mail.sender.example\r\n";

#[test]
fn out22_the_origin_is_told_before_mail_and_a_refusal_of_it_costs_nothing() {
    for answer in ["250 2.0.0 Ok\r\n", "501 5.5.4 no\r\n", "451 4.3.0 no\r\n"] {
        let mut dialogue = Dialogue::open(EHLO_XFORWARD);
        let mut told = to(&["bob@x.example"]);
        told.origin = Some(origin());
        dialogue.client.begin(told);
        dialogue.hears("", XFORWARD);
        assert_eq!(dialogue.client.phase(), Phase::Xforward);
        dialogue.hears(
            answer,
            "MAIL FROM:<alice@sender.example>\r\nRCPT TO:<bob@x.example>\r\nDATA\r\n",
        );
        dialogue.hears("250 ok\r\n250 ok\r\n354 go\r\n", STUFFED);
        dialogue.hears("250 2.0.0 taken\r\n", "");
        assert!(matches!(
            dialogue.outcomes[0].recipients[0],
            RecipientResult::Delivered(_)
        ));
    }
}

#[test]
fn out22_a_connection_that_is_gone_at_xforward_is_stale_and_no_refusal() {
    let mut dialogue = Dialogue::open(EHLO_XFORWARD);
    dialogue.client.begin(to(&["bob@x.example"]));
    dialogue.hears(
        "",
        "MAIL FROM:<alice@sender.example>\r\nRCPT TO:<bob@x.example>\r\nDATA\r\n",
    );
    dialogue.hears("250 ok\r\n250 ok\r\n354 go\r\n", STUFFED);
    dialogue.hears("250 2.0.0 taken\r\n", "");
    let mut told = to(&["bob@x.example"]);
    told.origin = Some(origin());
    dialogue.client.begin(told);
    dialogue.hears("", XFORWARD);
    dialogue.hears("421 4.4.2 timeout\r\n", "");
    assert!(dialogue.outcomes[1].is_stale());
}
