//! S3, D7, D9: what waits is listed, shown, exported, tried again, bounced and removed by hand.

use mailhold::demo::destination::{Destination, DestinationOptions};
use mailhold::demo::sender::{Content, Sender};
use serde_json::Value;

use crate::binary;
use crate::support::node::Node;
use crate::support::world::{DOMAIN, MAILBOXES, World, within};

fn json(node: &Node, arguments: &[&str]) -> Value {
    let printed = node.cli(arguments).unwrap();
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

/// Queue ids in the order of acceptance.
fn ids(node: &Node) -> Vec<String> {
    let page = json(node, &["queue", "list", "--json"]);
    let items = page["items"].as_array().unwrap();
    let id = |item: &Value| item["id"].as_str().unwrap().to_owned();
    items.iter().map(id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_can_be_seen_and_managed_one_by_one() {
    let options = DestinationOptions {
        keep_content: true,
        ..DestinationOptions::default()
    };
    let mut world = World::with(binary(), "", options);
    world.destination.stop().await;
    let text = b"Subject: q\r\n\r\n.with a dot\r\n";
    let mut plan = world.plan("queue", 5);
    plan.sessions = 1;
    plan.content = Content::Given(vec![text.as_slice().into()]);
    let report = Sender::run(plan, world.clock.clone()).await;
    assert_eq!(report.accepted_count(), 5);
    let node = &world.node;
    let waiting = ids(node);
    assert_eq!(waiting.len(), 5);

    let shown = json(node, &["queue", "show", &waiting[0], "--json"]);
    assert_eq!(shown["items"][0]["sender"], "sender@example.net");
    assert_eq!(shown["items"][0]["domain"], DOMAIN);
    assert_eq!(shown["items"][0]["recipients"][0]["state"], "open");

    let file = node.folder().join("exported.eml");
    node.cli(&[
        "queue",
        "export",
        &waiting[0],
        "--output",
        file.to_str().unwrap(),
    ])
    .unwrap();
    let exported = std::fs::read(file).unwrap();
    let sent = [b"X-Load-Id: queue-0\r\n".as_slice(), text].concat();
    assert!(exported.starts_with(b"Received: from"));
    assert!(exported.ends_with(&sent), "{}", exported.escape_ascii());

    node.cli(&["queue", "remove", &waiting[1]]).unwrap();
    node.cli(&["queue", "bounce", &waiting[2]]).unwrap();
    node.cli(&["queue", "retry", "--domain", DOMAIN]).unwrap();
    let unknown = node
        .try_cli(&["queue", "show", "00000000000000000000"])
        .unwrap();
    assert_eq!(unknown.status.code(), Some(1));
    assert_eq!(ids(node), [0, 3, 4].map(|number| waiting[number].clone()));

    world.destination.resume().unwrap();
    world.delivered(3).await;
    // D9: what became of each is told by its queue id, also when it is gone.
    for (place, end) in [(0, "delivered"), (1, "removed"), (3, "delivered")] {
        let story = json(node, &["log", "show", &waiting[place], "--json"]);
        let events = story["items"].as_array().unwrap();
        assert_eq!(events.first().unwrap()["event"], "accepted", "{story}");
        assert_eq!(events.last().unwrap()["event"], end, "{story}");
    }
    let found = json(node, &["log", "search", "--domain", DOMAIN, "--json"]);
    assert_eq!(found["items"].as_array().unwrap().len(), 5);
    let arrived: Vec<_> = world.destination.ledger().arrivals();
    let mut arrived: Vec<_> = arrived.into_iter().map(|(_, id)| id).collect();
    arrived.sort();
    assert_eq!(arrived, ["queue-0", "queue-3", "queue-4"]);
    assert_eq!(
        world.destination.ledger().content("queue-0").unwrap(),
        exported
    );

    let audit = world.node.cli(&["audit", "--json"]).unwrap();
    for action in [
        "domain.add",
        "mailbox.add",
        "queue.remove",
        "queue.bounce",
        "queue.retry",
    ] {
        assert!(audit.contains(action), "{action} in {audit}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_d9_what_is_moved_takes_the_route_of_the_other_domain() {
    let mut world = World::new(binary());
    world.destination.stop().await;
    let options = DestinationOptions::default();
    let other = Destination::start(options, world.clock.clone()).unwrap();
    let node = &world.node;
    node.add_domain("other.test", other.address(), &["zoe@other.test"])
        .unwrap();
    world.send("move", 3).await;
    let waiting = ids(node);
    let nowhere = node.try_cli(&["queue", "move", &waiting[0], "--to", "nobody.test"]);
    assert_eq!(nowhere.unwrap().status.code(), Some(65), "no such domain");
    assert_eq!(ids(node), waiting, "nothing was changed");
    node.cli(&["queue", "move", "--domain", DOMAIN, "--to", "other.test"])
        .unwrap();
    let arrived = other.ledger().wait_for(|totals| totals.distinct >= 3);
    within("all arrive at the other server", arrived).await;
    for n in 0..3 {
        let id = format!("move-{n}");
        let copies = MAILBOXES.iter().map(|to| other.ledger().copies(&id, to));
        assert_eq!(copies.sum::<usize>(), 1, "{id}");
    }
    assert_eq!(ids(node), Vec::<String>::new());
    let audit = node.cli(&["audit", "--json"]).unwrap();
    assert!(audit.contains("queue.move"), "{audit}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_csv_with_one_faulty_row_changes_nothing_and_names_it() {
    let world = World::new(binary());
    let node = &world.node;
    let file = node.folder().join("people.csv");
    let import = |rows: &str, more: &[&str]| {
        std::fs::write(&file, rows).unwrap();
        let path = file.to_str().unwrap();
        node.try_cli(&[&["mailbox", "import", path], more].concat())
            .unwrap()
    };
    let listed = || node.cli(&["mailbox", "list", DOMAIN, "--json"]).unwrap();
    let good = "address,name\nzoe@example.test,Zoë\nyan@example.test,Yan\n";
    let bad = format!("{good}nobody@elsewhere.test,Nobody\n");
    let output = import(&bad, &[]);
    assert_eq!(output.status.code(), Some(65), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains('4') && said.contains("elsewhere.test"),
        "{said}"
    );
    assert!(!listed().contains("zoe@"));
    assert!(import(good, &["--dry-run"]).status.success());
    assert!(!listed().contains("zoe@"));
    assert!(import(good, &[]).status.success());
    assert!(listed().contains("zoe@") && listed().contains("yan@"));
}
