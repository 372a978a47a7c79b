//! The habits of the code base as tests: sizes, names, directions of dependencies, licences.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "an untidy tree fails"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lines that nine files in ten stay under.
const LINES: usize = 400;
/// Lines that no file exceeds.
const LINES_MAX: usize = 700;
/// Licences of dependencies that may be part of an expression we accept.
const LICENCES: [&str; 14] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "BSL-1.0",
    "CC0-1.0",
    "Unicode-3.0",
    "CDLA-Permissive-2.0",
    "Unlicense",
];
/// Crates that must not come in, with the reason.
const BANNED: [(&str, &str); 3] = [
    ("openssl-sys", "TLS is rustls everywhere"),
    ("native-tls", "TLS is rustls everywhere"),
    ("chrono", "dates are jiff's"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders: Vec<_> = ["src", "storage", "actors", "web", "tests", "benches"]
        .map(|name| root().join(name))
        .into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

#[test]
fn nine_files_in_ten_are_small_and_none_is_huge() {
    let sizes: Vec<_> = rust_files()
        .iter()
        .map(|path| (text(path).lines().count(), name(path)))
        .collect();
    let long: Vec<_> = sizes.iter().filter(|(lines, _)| *lines > LINES).collect();
    assert!(
        long.len() * 10 <= sizes.len(),
        "too many long files: {long:#?}"
    );
    let huge: Vec<_> = sizes
        .iter()
        .filter(|(lines, _)| *lines > LINES_MAX)
        .collect();
    assert!(huge.is_empty(), "{huge:#?}");
}

#[test]
fn files_are_named_after_what_they_hold_and_say_what_that_is() {
    for path in rust_files() {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let vague = [
            "utils", "util", "common", "helpers", "helper", "types", "misc",
        ];
        assert!(!vague.contains(&stem), "{} says nothing", name(&path));
        let documented = stem == "tests" || text(&path).starts_with("//!");
        assert!(documented, "{} has no module doc", name(&path));
    }
}

#[test]
fn dependencies_run_one_way() {
    let manifest = |folder: &str| text(&root().join(folder).join("Cargo.toml"));
    for unwanted in ["mailhold-actors", "mailhold-web", "ractor", "axum", "hyper"] {
        assert!(
            !manifest("storage").contains(unwanted),
            "storage uses {unwanted}"
        );
    }
    for unwanted in ["mailhold-web", "axum", "fjall"] {
        assert!(
            !manifest("actors").contains(unwanted),
            "actors uses {unwanted}"
        );
    }
    assert!(!manifest("web").contains("fjall"), "web uses fjall");
}

#[test]
fn smtp_is_a_pure_machine() {
    for path in rust_files() {
        let inside = path.strip_prefix(root().join("actors/src/smtp"));
        if inside.is_err() {
            continue;
        }
        let uses = |line: &&str| line.trim_start().starts_with("use ");
        for line in text(&path).lines().filter(uses) {
            let foreign = line.contains("tokio")
                || line.contains("std::net::Tcp")
                || line.contains("crate::") && !line.contains("crate::smtp");
            assert!(!foreign, "{}: {line}", name(&path));
        }
    }
}

fn packages() -> Vec<serde_json::Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

#[test]
fn every_dependency_has_a_licence_that_we_can_live_with() {
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str();
        let licence = licence.unwrap_or_else(|| panic!("{name} has no licence"));
        // `/` is an old way to write OR.
        let plain = licence.replace(['(', ')'], "").replace('/', " OR ");
        let mut choices = plain.split(" OR ").map(str::trim);
        let acceptable = choices.any(|choice| {
            let mut parts = choice.split(" AND ").map(str::trim);
            parts.all(|part| LICENCES.contains(&part))
        });
        assert!(acceptable, "{name}: {licence}");
    }
}

#[test]
fn banned_crates_stay_out() {
    let lock = text(&root().join("Cargo.lock"));
    for (crate_name, reason) in BANNED {
        let line = format!("name = \"{crate_name}\"");
        assert!(
            !lock.lines().any(|found| found == line),
            "{crate_name}: {reason}"
        );
    }
}
