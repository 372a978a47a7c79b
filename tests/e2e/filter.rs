//! S8, S22, S24: mail is judged first; what is blocked is refused, what is unsafe is set aside and
//! reaches the destination only when a person releases it.

use mailhold::demo::destination::DestinationOptions;
use mailhold::demo::sender::{Content, Plan, Report, Sender};
use serde_json::Value;

use crate::binary;
use crate::dns::server::DnsServer;
use crate::dns::zone::Zone;
use crate::support::node::Node;
use crate::support::world::{DOMAIN, MAILBOXES, World};

fn json(node: &Node, arguments: &[&str]) -> Value {
    let printed = node.cli(arguments).unwrap();
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

/// A world whose senders are authenticated with the help of a name server of the test's.
async fn world(zone: &str) -> World {
    let server = DnsServer::start(Zone::parse(zone)).await;
    let config = format!(
        "[dns]\nservers = [\"{}\"]\n[filter]\nunchecked_clients = []\n",
        server.address
    );
    let options = DestinationOptions {
        keep_content: true,
        ..DestinationOptions::default()
    };
    World::with(binary(), &config, options)
}

/// One message from a sender.
fn from(world: &World, id: &str, sender: &str) -> Plan {
    let text = format!("From: {sender}\r\nSubject: filter\r\n\r\ntext\r\n");
    let mut plan = world.plan(id, 1);
    plan.reverse_path = sender.to_owned();
    plan.content = Content::Given(vec![text.into_bytes().into()]);
    plan.recipients_per_message = 2;
    plan
}

async fn send(world: &World, plan: Plan) -> Report {
    Sender::run(plan, world.clock.clone()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s22_what_is_blocked_is_refused_from_the_first_message_on() {
    let world = world("far.example TXT v=spf1 +all").await;
    let node = &world.node;
    node.cli(&["block", "far.example", "--for", DOMAIN, "--comment", "spam"])
        .unwrap();
    let report = send(&world, from(&world, "blocked", "ann@far.example")).await;
    assert_eq!(report.accepted_count(), 0);
    let (reply, _) = &report.refusals()[0];
    assert!(reply.starts_with("550 5.7.1 refused: rules:"), "{reply}");

    let listed = json(node, &["rule", "list", DOMAIN, "--json"]);
    let rule = &listed["items"][0];
    assert_eq!(
        (&rule["owner"], &rule["sender"]),
        (&DOMAIN.into(), &"far.example".into())
    );
    assert_eq!(rule["comment"], "spam");
    // One mailbox wants it: it gets it, the other one finds it in quarantine.
    node.cli(&["allow", "ann@far.example", "--for", MAILBOXES[0]])
        .unwrap();
    let report = send(&world, from(&world, "mixed", "ann@far.example")).await;
    assert_eq!(report.accepted_count(), 1, "{:?}", report.refusals());
    world.delivered(1).await;
    assert_eq!(
        world.destination.ledger().copies("mixed-0", MAILBOXES[0]),
        1
    );
    let aside = json(node, &["quarantine", "list", "--json"]);
    assert_eq!(aside["items"][0]["recipients"][0], MAILBOXES[1]);

    node.cli(&["rule", "remove", "far.example", "--for", DOMAIN])
        .unwrap();
    send(&world, from(&world, "free", "ann@far.example")).await;
    world.delivered(3).await;
    let audit = node.cli(&["audit", "--json"]).unwrap();
    for action in ["rule.add", "rule.remove"] {
        assert!(audit.contains(action), "{action} in {audit}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s24_what_is_unsafe_reaches_the_destination_only_by_hand() {
    let world = world(
        "far.example TXT v=spf1 -all\n_dmarc.far.example TXT v=DMARC1; p=reject\n\
         good.example TXT v=spf1 +all\n_dmarc.good.example TXT v=DMARC1; p=reject",
    )
    .await;
    let node = &world.node;
    for id in ["keep", "drop"] {
        let report = send(&world, from(&world, id, "ann@far.example")).await;
        assert_eq!(report.accepted_count(), 1, "{:?}", report.refusals());
    }
    // What was sent later has arrived, and what is in quarantine has not.
    send(&world, from(&world, "good", "ann@good.example")).await;
    world.delivered(2).await;
    let content = world.destination.ledger().content("good-0").unwrap();
    let content = String::from_utf8(content.to_vec()).unwrap();
    assert!(
        content.contains("\tspf=pass smtp.mailfrom=good.example;"),
        "{content}"
    );
    assert!(content.contains("\tdmarc=pass policy.dmarc=reject header.from=good.example\r\n"));

    let listed = json(
        node,
        &["quarantine", "list", "--sender", "FAR.example", "--json"],
    );
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    let ids: Vec<&str> = items
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect();
    let shown = json(node, &["quarantine", "show", ids[0], "--json"]);
    let shown = &shown["items"][0];
    assert_eq!(shown["authentication"]["dmarc"], "fail");
    assert!(
        shown["reason"].as_str().unwrap().starts_with("dmarc: "),
        "{shown}"
    );
    assert!(
        node.cli(&["quarantine", "show", ids[0]])
            .unwrap()
            .contains("spf=fail")
    );
    let page = json(node, &["quarantine", "list", "--limit", "1", "--json"]);
    assert_eq!(page["items"].as_array().unwrap().len(), 1);

    node.cli(&["quarantine", "release", ids[0]]).unwrap();
    node.cli(&["quarantine", "delete", ids[1]]).unwrap();
    world.delivered(4).await;
    assert_eq!(world.destination.ledger().copies("keep-0", MAILBOXES[0]), 1);
    assert_eq!(world.destination.ledger().copies("drop-0", MAILBOXES[0]), 0);
    let again = node.try_cli(&["quarantine", "release", ids[1]]).unwrap();
    assert_eq!(again.status.code(), Some(1));
    let audit = node.cli(&["audit", "--json"]).unwrap();
    for action in ["quarantine.release", "quarantine.delete"] {
        assert!(audit.contains(action), "{action} in {audit}");
    }
}
