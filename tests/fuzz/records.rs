//! Rows of the store: whatever stands in them, the store opens, is checked and read, and what cannot
//! be read is reported and left out.

use std::sync::Arc;

use bytes::Bytes;
use storage::engine::{Durability, Engine, KeyspaceId, MemoryEngine, Write};
use storage::model::{DomainId, Timestamp, TokioClock};
use storage::spool::{Spool, SpoolOptions};

use crate::signature::Signature;

pub(crate) fn words() -> &'static [&'static [u8]] {
    &[
        b"\x01",
        b"\x02",
        b"\0",
        b"\0\0\0\x01",
        b"\0\0\0\0\0\0\0\x01",
        b"x.example",
        b"a@x.example",
        b"callout/",
        b"upload/",
        b"clock",
        b"next-domain",
        b"\xff\xff\xff\xff",
        b"\x80\x80\x80\x80\x80\x01",
    ]
}

/// Keyspaces whose rows are read at opening, checking or paging.
const KEYSPACES: [KeyspaceId; 14] = [
    KeyspaceId::Meta,
    KeyspaceId::Domains,
    KeyspaceId::Mailboxes,
    KeyspaceId::Aliases,
    KeyspaceId::DomainAliases,
    KeyspaceId::Audit,
    KeyspaceId::Message,
    KeyspaceId::Transit,
    KeyspaceId::Queue,
    KeyspaceId::Deferred,
    KeyspaceId::Due,
    KeyspaceId::Aside,
    KeyspaceId::Intents,
    KeyspaceId::Learned,
];

pub(crate) fn target(input: &[u8]) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(read(input))
}

/// The input as rows: keyspace, length of the key, key, length of the value, value, and so on.
fn rows(mut input: &[u8]) -> Vec<Write> {
    let mut rows = Vec::new();
    while let Some((&[keyspace, key_length, value_length], rest)) = input.split_first_chunk::<3>() {
        let (key, rest) = rest.split_at(usize::from(key_length).min(rest.len()));
        let (value, rest) = rest.split_at(usize::from(value_length).min(rest.len()));
        if !key.is_empty() {
            let keyspace = KEYSPACES[usize::from(keyspace) % KEYSPACES.len()];
            let (key, value) = (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
            rows.push(Write::put(keyspace, key, value));
        }
        input = rest;
    }
    rows
}

async fn read(input: &[u8]) -> u64 {
    let mut signature = Signature::default();
    let engine = Arc::new(MemoryEngine::new());
    let committed = engine
        .commit(rows(input), Durability::Synced, Vec::new())
        .await;
    if committed.is_err() {
        return 0;
    }
    let clock = Arc::new(TokioClock::new(Timestamp::from_secs(1_790_000_000)));
    let opened = Spool::on_engine(engine, SpoolOptions::default(), clock).await;
    let spool = match opened {
        Ok(spool) => spool,
        Err(error) => {
            signature.note(error.to_string());
            return signature.end();
        }
    };
    let check = spool.check().await.unwrap();
    signature.note_length(check.problems.len());
    for number in [0, 1, 2, u32::MAX] {
        let domain = DomainId(number);
        for page in [
            spool.queue_page(domain, None, 10).await,
            spool.deferred_page(domain, None, 10).await,
        ] {
            signature.note(page.map(|entries| entries.len()).map_err(|e| e.to_string()));
        }
        signature.note(
            spool
                .aside_page(domain, None, 10)
                .await
                .map(|page| page.len())
                .ok(),
        );
        signature.note(
            spool
                .mailboxes_page(domain, None, 10)
                .await
                .map(|page| page.len())
                .ok(),
        );
        signature.note(
            spool
                .aliases_page(domain, None, 10)
                .await
                .map(|page| page.len())
                .ok(),
        );
        signature.note(spool.callout_answer(domain, "a").await.unwrap().is_some());
    }
    let hour = std::time::Duration::from_secs(3_600);
    signature.note(spool.sweep_callout_answers(hour, hour).await.unwrap());
    signature.note(spool.directory().domains().len());
    signature.end()
}
