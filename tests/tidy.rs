//! Housekeeping as ordinary tests: sizes, names, direction of dependencies, licences.
//!
//! What a linter cannot say about the shape of the tree is said here, with the reason beside it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "an untidy tree fails"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lines in a source file, at most. One noun per file keeps them far below.
const FILE_LINES_MAX: usize = 600;
/// Nine in ten files stay below this.
const FILE_LINES_USUAL: usize = 400;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Files that git tracks, or that lie in the tree where there is no git.
fn files(ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules"
            {
                folders.push(path);
            } else if name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap()
        .to_string_lossy()
        .into_owned()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn shipped_sources() -> Vec<PathBuf> {
    let inside = |path: &PathBuf| {
        let name = relative(path);
        ["src/", "storage/src/", "actors/src/", "web/src/"]
            .iter()
            .any(|folder| name.starts_with(folder))
    };
    files(".rs").into_iter().filter(inside).collect()
}

#[test]
fn files_are_small_enough_to_read() {
    let sizes: Vec<(usize, String)> = shipped_sources()
        .iter()
        .map(|path| (read(path).lines().count(), relative(path)))
        .collect();
    let huge: Vec<_> = sizes
        .iter()
        .filter(|(lines, _)| *lines > FILE_LINES_MAX)
        .collect();
    assert!(
        huge.is_empty(),
        "more than {FILE_LINES_MAX} lines: {huge:?}"
    );
    let large: Vec<_> = sizes
        .iter()
        .filter(|(lines, _)| *lines > FILE_LINES_USUAL)
        .collect();
    assert!(
        large.len() * 10 <= sizes.len(),
        "more than one file in ten is over {FILE_LINES_USUAL} lines: {large:?}"
    );
}

#[test]
fn every_source_file_says_what_it_is() {
    let silent: Vec<_> = shipped_sources()
        .iter()
        .filter(|path| !path.ends_with("tests.rs") && !read(path).starts_with("//!"))
        .map(|path| relative(path))
        .collect();
    assert!(silent.is_empty(), "no module doc: {silent:?}");
}

#[test]
fn no_file_is_a_drawer() {
    let drawers = [
        "utils.rs",
        "util.rs",
        "common.rs",
        "helpers.rs",
        "types.rs",
        "misc.rs",
    ];
    let found: Vec<_> = files(".rs")
        .iter()
        .filter(|path| drawers.iter().any(|name| path.ends_with(name)))
        .map(|path| relative(path))
        .collect();
    assert!(found.is_empty(), "name the noun instead: {found:?}");
}

#[test]
fn dependencies_run_one_way() {
    let storage = read(&root().join("storage/Cargo.toml"));
    for stranger in [
        "mailhold-actors",
        "mailhold-web",
        "ractor",
        "axum",
        "smtp-proto",
        "hyper",
    ] {
        assert!(
            !storage.contains(stranger),
            "storage must not know {stranger}"
        );
    }
    let actors = read(&root().join("actors/Cargo.toml"));
    for stranger in ["mailhold-web", "axum", "fjall", "clap"] {
        assert!(
            !actors.contains(stranger),
            "actors must not know {stranger}"
        );
    }
    for stranger in ["ractor", "fjall", "smtp-proto"] {
        assert!(
            !read(&root().join("web/Cargo.toml")).contains(stranger),
            "web must not know {stranger}"
        );
    }
}

#[test]
fn smtp_is_pure_and_knows_none_of_its_siblings() {
    for path in shipped_sources() {
        let name = relative(&path);
        let text = code(&path);
        if name.starts_with("actors/src/smtp/") {
            for stranger in [
                "tokio",
                "ractor",
                "crate::session",
                "crate::delivery",
                "crate::dns",
                "crate::tls",
            ] {
                assert!(!text.contains(stranger), "{name} names {stranger}");
            }
        } else {
            assert!(
                !text.contains("smtp_proto::"),
                "{name}: only actors/src/smtp wraps smtp-proto"
            );
        }
    }
}

#[test]
fn the_pure_core_of_delivery_has_no_io() {
    let pure = [
        "health", "ramp", "schedule", "classify", "breaker", "governor", "expiry",
    ];
    for path in shipped_sources() {
        let name = relative(&path);
        let of_core = pure.iter().any(|module| {
            name == format!("actors/src/delivery/{module}.rs")
                || name.starts_with(&format!("actors/src/delivery/{module}/"))
        });
        if of_core {
            for stranger in [
                "tokio",
                "ractor",
                "std::net::Tcp",
                "Instant",
                "SystemTime",
                "HashMap",
            ] {
                assert!(!code(&path).contains(stranger), "{name} names {stranger}");
            }
        }
    }
}

#[test]
fn futures_are_spawned_in_one_place() {
    let spawns: Vec<_> = shipped_sources()
        .iter()
        .filter(|path| {
            !path.ends_with("supervision/service.rs") && !relative(path).starts_with("src/demo/")
        })
        .filter(|path| read(path).contains("tokio::spawn("))
        .map(|path| relative(path))
        .collect();
    assert!(
        spawns.is_empty(),
        "spawn under supervision instead: {spawns:?}"
    );
}

#[test]
fn no_test_sleeps_or_is_ignored() {
    for path in files(".rs") {
        if path.ends_with("tidy.rs") {
            continue;
        }
        let text = read(&path);
        for phrase in ["thread::sleep(", "#[ignore"] {
            assert!(!text.contains(phrase), "{} has {phrase}", relative(&path));
        }
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    for path in files(".md") {
        let text = read(&path);
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let place = path.parent().unwrap().join(file);
            assert!(place.exists(), "{} links to {target}", relative(&path));
        }
    }
}

/// A source without its comments: what it says about others is not what it uses.
fn code(path: &Path) -> String {
    read(path)
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Licences that a binary under MIT OR Apache-2.0 may carry.
const LICENCES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "CC0-1.0",
    "0BSD",
    "Unlicense",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
    "MIT-0",
    // Of the file, not of the work: crates used as published may be linked (MPL-2.0 §3.3).
    "MPL-2.0",
];

/// Crates that must not come in, with the reason.
const BANNED: &[(&str, &str)] = &[
    ("openssl-sys", "TLS is rustls"),
    ("aws-lc-sys", "one TLS provider only: ring"),
    ("native-tls", "TLS is rustls"),
    ("chrono", "time is jiff"),
];

#[test]
fn every_dependency_may_be_shipped_and_comes_from_the_registry() {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut refused = BTreeSet::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let expression = package["license"].as_str().unwrap_or_default();
        if !permits(expression) {
            refused.insert(format!("{name}: licence {expression:?}"));
        }
        if let Some((_, reason)) = BANNED.iter().find(|(banned, _)| *banned == name) {
            refused.insert(format!("{name}: {reason}"));
        }
        let source = package["source"].as_str();
        if source.is_some_and(|source| !source.starts_with("registry+")) {
            refused.insert(format!("{name}: not from a registry but {source:?}"));
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
}

/// Whether an SPDX expression (without nesting beyond one level) can be met by [`LICENCES`].
fn permits(expression: &str) -> bool {
    let known = |licence: &str| LICENCES.contains(&licence.trim_matches(['(', ')', ' ']));
    let expression = expression.replace('/', " OR ");
    expression
        .split(" AND ")
        .all(|part| known(part) || part.split(" OR ").any(known))
}

#[test]
fn the_readme_names_the_two_commands() {
    let readme = read(&root().join("README.md"));
    for command in ["cargo run --release -- demo", "tests/run"] {
        assert!(
            readme.contains(command),
            "README.md does not show `{command}`"
        );
    }
}
