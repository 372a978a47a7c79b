//! What only the engine in memory does: lose, fail and come back at a word.

use super::*;

#[tokio::test]
async fn a_power_cut_takes_what_was_not_synced() {
    let engine = MemoryEngine::new();
    let synced = vec![put(ROWS, "kept", "1"), put(ROWS, "changed", "before")];
    engine
        .commit(synced, Durability::Synced, Vec::new())
        .await
        .expect("commit");
    commit(
        &engine,
        vec![put(ROWS, "changed", "after"), put(ROWS, "new", "1")],
    )
    .await;
    commit(
        &engine,
        vec![put(ROWS, "changed", "later"), Write::delete(ROWS, "kept")],
    )
    .await;
    engine.lose_unsynced();
    assert_eq!(value(&engine, ROWS, "kept").await, Some("1".into()));
    assert_eq!(value(&engine, ROWS, "changed").await, Some("before".into()));
    assert_eq!(value(&engine, ROWS, "new").await, None);
}

#[tokio::test]
async fn a_failed_engine_reads_but_does_not_write_until_reopened() {
    let engine = MemoryEngine::new();
    commit(&engine, vec![put(ROWS, "a", "1")]).await;
    let mut failed = engine.failed();
    engine.fail("no space left on device");
    assert!(failed.has_changed().expect("lives"));
    assert_eq!(
        failed.borrow_and_update().as_deref(),
        Some("no space left on device")
    );
    let refused = engine
        .commit(vec![put(ROWS, "a", "2")], Durability::Synced, Vec::new())
        .await;
    assert!(
        matches!(refused, Err(EngineError::Poisoned(_))),
        "{refused:?}"
    );
    assert_eq!(value(&engine, ROWS, "a").await, Some("1".into()));
    engine.reopen();
    commit(&engine, vec![put(ROWS, "a", "2")]).await;
}
