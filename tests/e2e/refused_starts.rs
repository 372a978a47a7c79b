//! What must not start: a faulty configuration, a second process on the same data.

use std::fs;

use crate::binary;
use crate::support::node::Node;

#[test]
fn a_faulty_configuration_names_file_line_and_key_and_exits_78() {
    let node = Node::prepared(binary(), "").unwrap();
    let good = fs::read_to_string(node.config()).unwrap();
    for (line, key) in [
        ("connections_per_clint = 3", "connections_per_clint"),
        ("message_size = \"plenty\"", "message_size"),
        ("connections = -1", "connections"),
    ] {
        fs::write(node.config(), format!("{good}{line}\n")).unwrap();
        for command in ["check", "serve"] {
            let output = node.try_cli(&[command]).unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(78), "{command}: {said}");
            let number = good.lines().count() + 1;
            for part in ["mailhold.toml", &format!(":{number}"), key] {
                assert!(said.contains(part), "{command}: {part} in {said}");
            }
        }
    }
    assert!(!node.data_dir().exists(), "nothing was touched");
}

#[test]
fn a_second_process_on_the_same_data_is_refused_and_the_first_goes_on() {
    let mut first = Node::prepared(binary(), "").unwrap();
    first.resume().unwrap();
    let second = Node::prepared(binary(), "").unwrap();
    let config = fs::read_to_string(second.config()).unwrap();
    let data = first.data_dir();
    let shared = config.replace("\"data\"", &format!("{:?}", data.display().to_string()));
    fs::write(second.config(), shared).unwrap();
    let output = second.try_cli(&["serve"]).unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(74), "{said}");
    assert!(said.contains(data.to_str().unwrap()), "{said}");
    assert!(said.contains("another process"), "{said}");
    first.cli(&["domain", "list"]).unwrap();
    assert!(first.terminate().unwrap().success());
}
