//! The fence around markup that is written without escaping (A11).

use std::path::{Path, PathBuf};

/// Files that may do it, with the reason. There are never more than three.
const ALLOWED: &[(&str, &str)] = &[(
    "reader/frame.rs",
    "the sanitised body and the style sheet of a frame",
)];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn a11_markup_is_written_without_escaping_in_three_files_at_most() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut found: Vec<String> = files
        .into_iter()
        .filter(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            text.contains("PreEscaped")
                || text.contains("Trusted::new")
                || text.contains("axum::response::Html")
        })
        .map(|path| {
            path.strip_prefix(&root)
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    found.sort();
    let allowed: Vec<_> = ALLOWED.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(found, allowed);
    assert!(ALLOWED.len() <= 3 && ALLOWED.is_sorted());
}
