//! What only an engine in a directory can show: the suite, and what a restart finds.

mod child;
mod crash;
mod damage;
mod full;
mod restart;

use tempfile::TempDir;

use super::*;

/// Small memtables, so that rows reach tables in a test.
fn options() -> FjallOptions {
    FjallOptions {
        cache_bytes: 1 << 20,
        body_memtable_bytes: 1 << 20,
        row_memtable_bytes: 1 << 20,
        ..FjallOptions::default()
    }
}

fn open(directory: &TempDir) -> FjallEngine {
    FjallEngine::open(directory.path(), &options()).expect("open")
}

fn fresh() -> (FjallEngine, TempDir) {
    let directory = TempDir::new().expect("directory");
    (open(&directory), directory)
}

engine_suite!(suite, crate::engine::fjall::tests::fresh());
