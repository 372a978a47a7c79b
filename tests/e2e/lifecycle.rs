//! Q24, IN30: stopping in order, starting again, taking over a new configuration.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use rustix::process::Signal;

use crate::binary;
use crate::support::world::World;

/// A session spoken by hand.
struct Dialogue {
    stream: BufReader<TcpStream>,
}

impl Dialogue {
    fn open(world: &World) -> Self {
        let stream = TcpStream::connect(world.node.smtp()).unwrap();
        let deadline = Some(crate::support::world::DEADLINE);
        stream.set_read_timeout(deadline).unwrap();
        let mut dialogue = Self {
            stream: BufReader::new(stream),
        };
        assert!(dialogue.reply().starts_with("220 mx.example.net"));
        dialogue
    }

    fn say(&mut self, command: &str) -> String {
        self.write(&format!("{command}\r\n"));
        self.reply()
    }

    fn write(&mut self, text: &str) {
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let begin = reply.len();
            self.stream.read_line(&mut reply).unwrap();
            if reply.as_bytes()[begin..].get(3) != Some(&b'-') {
                return reply;
            }
        }
    }

    /// What is still said until the end of the connection.
    fn rest(mut self) -> String {
        let mut rest = String::new();
        self.stream.read_to_string(&mut rest).unwrap();
        rest
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in30_an_idle_session_hears_421_and_one_in_the_middle_of_a_message_may_finish() {
    let mut world = World::new(binary());
    let mut idle = Dialogue::open(&world);
    assert!(idle.say("EHLO a.example").starts_with("250"));
    let mut busy = Dialogue::open(&world);
    assert!(busy.say("EHLO b.example").starts_with("250"));
    assert!(busy.say("MAIL FROM:<b@b.example>").starts_with("250"));
    assert!(busy.say("RCPT TO:<alice@example.test>").starts_with("250"));
    assert!(busy.say("DATA").starts_with("354"));
    busy.write("Message-ID: <last@b.example>\r\n\r\nwritten while ");
    world.node.signal(Signal::TERM).unwrap();
    assert!(idle.rest().starts_with("421 4.3.2"));
    assert!(busy.say("the server stops\r\n.").starts_with("250 2.0.0"));
    assert!(busy.rest().starts_with("421 4.3.2"));
    assert_eq!(world.node.wait().unwrap().code(), Some(0));
    world.node.resume().unwrap();
    world.delivered(1).await;
    let ledger = world.destination.ledger();
    assert_eq!(ledger.copies("<last@b.example>", "alice@example.test"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn q24_what_was_held_is_held_after_a_restart_and_delivered_once() {
    let mut world = World::new(binary());
    world.destination.stop().await;
    let report = world.send("held", 200).await;
    assert_eq!(world.node.terminate().unwrap().code(), Some(0));
    world.node.resume().unwrap();
    world.destination.resume().unwrap();
    world.delivered(200).await;
    world.assert_delivered_once(report.accepted());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_takes_over_what_can_change_and_keeps_the_old_file_when_the_new_one_is_faulty() {
    let mut world = World::new(binary());
    let size = |world: &World| {
        let hello = Dialogue::open(world).say("EHLO a.example");
        let line = hello
            .lines()
            .find_map(|line| line.get(4..)?.strip_prefix("SIZE "));
        line.unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(size(&world), 50 * 1024 * 1024);
    let good = fs::read_to_string(world.node.config()).unwrap();
    fs::write(
        world.node.config(),
        format!("{good}message_size = \"1MiB\"\n"),
    )
    .unwrap();
    world.node.reload().unwrap();
    assert_eq!(size(&world), 1024 * 1024);
    fs::write(
        world.node.config(),
        format!("{good}message_size = \"much\"\n"),
    )
    .unwrap();
    world.node.reload().unwrap();
    assert_eq!(size(&world), 1024 * 1024);
    assert!(
        world.node.log().contains("message_size"),
        "{}",
        world.node.log()
    );
}
