//! Runs one of the scripts against a server and takes its word.

use std::path::{Path, PathBuf};
use std::process::Command;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}

/// Whether the browser stories can run here; says loudly when not.
pub(crate) fn can_run() -> bool {
    let has = |program: &str| {
        Command::new(program)
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success())
    };
    let missing: Vec<_> = ["chromium", "node"]
        .into_iter()
        .filter(|program| !has(program))
        .collect();
    let modules = folder().join("node_modules/playwright-core").exists();
    if missing.is_empty() && modules {
        return true;
    }
    eprintln!(
        "NOT RUN: browser stories need chromium, node and `npm ci` in tests/browser (missing: {missing:?})"
    );
    assert!(
        std::env::var_os("CI").is_none(),
        "CI has to run the browser stories"
    );
    false
}

/// Runs a script to its end. Fails with everything it printed.
pub(crate) fn run(script: &str, arguments: &[&str]) {
    let output = Command::new("node")
        .arg(folder().join(script))
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    assert!(
        output.status.success(),
        "{script} {arguments:?}\n{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
