//! Mail from the senders that people use: Python's smtplib and swaks.

use std::process::{Command, Stdio};

use mailhold::demo::destination::DestinationOptions;

use crate::binary;
use crate::support::world::World;

/// Whether a program can be run here; says loudly when not.
fn is_installed(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if found.is_err() {
        eprintln!("NOT TESTED: {program} is not installed (see tests/run)");
    }
    found.is_ok()
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{said}\n{failed}");
    said
}

fn world() -> World {
    let options = DestinationOptions {
        keep_content: true,
        ..DestinationOptions::default()
    };
    World::with(binary(), "", options)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_sends_in_the_clear_and_over_starttls() {
    const SCRIPT: &str = r#"
import smtplib, ssl, sys
from email.message import EmailMessage
host, port = sys.argv[1].split(":")
trusting = ssl.create_default_context()
trusting.check_hostname = False
trusting.verify_mode = ssl.CERT_NONE
for number, tls in enumerate([False, True]):
    with smtplib.SMTP(host, int(port)) as smtp:
        if tls:
            smtp.starttls(context=trusting)
        message = EmailMessage()
        message["From"] = "Zoë <zoe@example.net>"
        message["To"] = "alice@example.test, bob@example.test"
        message["Subject"] = "Grüße aus Python"
        message["Message-ID"] = f"<python-{number}@example.net>"
        message.set_content("Schöne Grüße\n.\nund ein Punkt\n")
        message.add_attachment(bytes(range(256)), maintype="application", subtype="octet-stream",
                               filename="alle.bin")
        refused = smtp.send_message(message)
        assert not refused, refused
"#;
    if !is_installed("python3") {
        return;
    }
    let world = world();
    let target = world.node.smtp().to_string();
    run(Command::new("python3").args(["-c", SCRIPT, &target]));
    world.delivered(4).await;
    for number in [0, 1] {
        let id = format!("<python-{number}@example.net>");
        for recipient in ["alice@example.test", "bob@example.test"] {
            assert_eq!(world.destination.ledger().copies(&id, recipient), 1);
        }
        let content = world.destination.ledger().content(&id).unwrap();
        let trace = String::from_utf8_lossy(&content[..300]).into_owned();
        let with = if number == 0 {
            "with ESMTP "
        } else {
            "with ESMTPS "
        };
        let flat = trace.replace("\r\n", "");
        assert!(flat.replace('\t', " ").contains(with), "{trace}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swaks_sends_with_and_without_tls() {
    if !is_installed("swaks") {
        return;
    }
    let world = world();
    let target = world.node.smtp().to_string();
    for (id, option) in [
        ("<swaks-0@example.net>", "--pipeline"),
        ("<swaks-1@example.net>", "-tls"),
    ] {
        let header = format!("Message-ID: {id}");
        run(Command::new("swaks").args([
            "--server",
            &target,
            "--from",
            "sender@example.net",
            "--to",
            "alice@example.test",
            "--ehlo",
            "sender.example.net",
            "--header",
            &header,
            option,
        ]));
    }
    world.delivered(2).await;
    for id in ["<swaks-0@example.net>", "<swaks-1@example.net>"] {
        assert_eq!(
            world.destination.ledger().copies(id, "alice@example.test"),
            1
        );
    }
}
