//! The demo as a new user meets it.

use std::process::Command;

use crate::binary;

/// C3, C5, C7, C27: during the outage the demo's user signs in over HTTPS, reads what came in
/// meanwhile and answers; afterwards the answer and its copy are at the customer's server.
#[test]
fn c27_the_demos_user_reads_and_answers_in_the_outage_and_finds_the_answer_delivered() {
    let output = Command::new(binary())
        .args(["demo", "--messages", "240", "--outage", "4"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut rest = &*text;
    for line in [
        "the customer's server goes down",
        "alice signed in to the portal, which says that her server is down",
        "alice read \"Thursday's visit\" from Maria Lopez",
        "alice answered, with a copy to her colleague bob",
        "the customer's server is back",
        "her own mailbox",
        "alice looked again: the portal shows that everybody has her answer",
        "and the portal showed her so",
        "the ledger adds up",
    ] {
        let at = rest.find(line);
        rest = &rest[at.unwrap_or_else(|| panic!("{line:?} is not there in its turn: {text}"))..];
    }
}
