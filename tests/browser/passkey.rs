//! Passkeys with Chromium's virtual device on the real binary (A7, flow 8): made, used instead of
//! password and second step, refused when its counter went back, named, removed.

use std::fs;
use std::path::Path;

use crate::script;
use crate::support::node::Node;
use crate::support::world::{DOMAIN, MAILBOXES};

#[test]
fn a7_a_passkey_from_its_making_to_its_removal() {
    if !script::can_run() {
        return;
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_mailhold"));
    let mut node = Node::prepared(binary, "").unwrap();
    let portal = node.portal();
    // Passkeys belong to a name; the browser is told where it is.
    let named = format!("https://mail.example.test:{}", portal.port());
    let config = fs::read_to_string(node.config()).unwrap();
    let config = config.replace(&format!("https://{portal}"), &named);
    fs::write(node.config(), config).unwrap();
    node.resume().unwrap();
    let nowhere = crate::support::loopback::address();
    node.add_domain(DOMAIN, nowhere, &MAILBOXES).unwrap();
    node.cli(&["continuity", "on", DOMAIN, "--days", "30"])
        .unwrap();
    let invited = node.cli(&["admin", "invite", "boss@example.test", "--domain", DOMAIN]);
    let link = invited.unwrap().trim().to_owned();
    script::run("passkey.mjs", &[&named, &portal.ip().to_string(), &link]);
    let audit = node.cli(&["audit", "--json"]).unwrap();
    for action in [
        "passkey.add",
        "passkey.refuse",
        "passkey.rename",
        "passkey.remove",
    ] {
        assert!(audit.contains(action), "no {action} in {audit}");
    }
}
