//! Opening: what the store holds becomes the directory, the order and the open intents.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::accounts::AccountLanes;
use super::backfill::{Backfills, Progress};
use super::intents::IntentBoard;
use super::keys::{check_keys, open_keys};
use super::ledger::count_row;
use super::space::{DiskGuard, SpaceProbe, SpaceWatch, Volume};
use super::{Inner, Spool};
use crate::access::Access;
use crate::bodies::{BodyFiles, Budget};
use crate::codec::chunk::Compressors;
use crate::codec::{self, RowError};
use crate::commit::{Committer, Order};
use crate::directory::{Directory, SenderRules, sender_rules};
use crate::engine::{
    Direction, Engine, EngineError, FjallEngine, FjallOptions, KeyspaceId, MemoryEngine,
};
use crate::error::OpenError;
use crate::feed::Feed;
use crate::keyspace::heads::DomainHead;
use crate::keyspace::{
    accounts, aside, audit, directory as keys, domains, everything, heads, meta, queue,
};
use crate::limits::{BODY_MEMORY_IN, BODY_MEMORY_OUT, MESSAGE_SIZE_DEFAULT, PAGE_ROWS_MAX};
use crate::metrics;
use crate::model::{
    Alias, Clock, DomainAlias, DomainId, IdGenerator, Intent, SenderRule, Sequence, Timestamp,
};
use crate::seal::{KeySource, Keyring};

/// What a spool has to know besides its data directory.
#[derive(Debug, Clone)]
pub struct SpoolOptions {
    /// This node's number, part of every message id.
    pub node: u16,
    /// The largest message that is taken, in bytes: intake stops while two of them would not fit.
    pub message_size_limit: u64,
    /// Where the free space is asked; none means the volume of the data directory.
    pub space: Option<Arc<dyn SpaceProbe>>,
    /// Sizes of the engine in memory and on disk.
    pub engine: FjallOptions,
    /// Where the keys are that stored mail is sealed with.
    pub keys: KeySource,
}

impl Default for SpoolOptions {
    fn default() -> Self {
        Self {
            node: 0,
            message_size_limit: MESSAGE_SIZE_DEFAULT,
            space: None,
            engine: FjallOptions::default(),
            keys: KeySource::Off,
        }
    }
}

impl Spool {
    /// A spool in memory, for simulations and tests of what is built on it.
    ///
    /// # Panics
    /// Never: an empty store in memory opens.
    pub async fn in_memory(clock: Arc<dyn Clock>) -> Self {
        let engine = Arc::new(MemoryEngine::new());
        let order = Order::new([], 1, 1, Timestamp::default());
        let options = SpoolOptions::default();
        Self::assemble(engine, &options, clock, order, Loaded::default())
    }

    /// Opens the spool of a data directory, and creates both when they are not there.
    ///
    /// # Errors
    /// [`OpenError::Engine`] says what an operator needs to know: another process has the directory,
    /// the format is unknown, a journal is damaged; [`OpenError::Damaged`] when a row without which
    /// nothing works cannot be read.
    pub async fn open(
        data_directory: &Path,
        options: SpoolOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        Self::open_with(data_directory, options, |_| clock).await
    }

    /// As [`Spool::open`], with a clock made from the latest time that the store has seen, so that
    /// it does not start before it when the wall clock was set back meanwhile.
    ///
    /// # Errors
    /// As [`Spool::open`].
    pub async fn open_with(
        data_directory: &Path,
        options: SpoolOptions,
        clock: impl FnOnce(Timestamp) -> Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        // Before anything of the store is touched: without its keys it is of no use.
        let keyring = open_keys(options.keys.clone()).await?;
        let path = data_directory.to_owned();
        let engine = options.engine.clone();
        let opened = tokio::task::spawn_blocking(move || {
            // The store first: it has the lock.
            let engine = FjallEngine::open(&path, &engine)?;
            Ok::<_, EngineError>((engine, BodyFiles::open(&path)?))
        });
        let (engine, files) = opened.await.map_err(|ended| EngineError::Io {
            action: format!("opening the store in {}", data_directory.display()),
            source: std::io::Error::other(ended),
        })??;
        let clock = clock(clock_watermark(&engine).await?);
        let options = SpoolOptions {
            space: options
                .space
                .or_else(|| Some(Arc::new(Volume::of(data_directory)))),
            ..options
        };
        let loaded = Loaded {
            keyring,
            files: Some(Arc::new(files)),
            ..Loaded::default()
        };
        let spool = Self::on_engine_with(Arc::new(engine), options, clock, loaded).await?;
        spool.hold_restored(data_directory).await?;
        // What was known when the process ended may not hold any more.
        spool.sample_space().await.ok();
        Ok(spool)
    }

    /// A spool over an engine that is open already; all bodies are rows of it.
    ///
    /// # Errors
    /// [`OpenError`] when the engine cannot be read, or a row without which nothing works is
    /// damaged.
    pub async fn on_engine(
        engine: Arc<dyn Engine>,
        options: SpoolOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let loaded = Loaded {
            keyring: open_keys(options.keys.clone()).await?,
            ..Loaded::default()
        };
        Self::on_engine_with(engine, options, clock, loaded).await
    }

    async fn on_engine_with(
        engine: Arc<dyn Engine>,
        options: SpoolOptions,
        clock: Arc<dyn Clock>,
        mut loaded: Loaded,
    ) -> Result<Self, OpenError> {
        let clock_written = clock_watermark(engine.as_ref()).await?;
        let next_domain = meta_row::<u32>(engine.as_ref(), meta::NEXT_DOMAIN, "domain counter")
            .await?
            .unwrap_or(1);
        let heads = load_heads(engine.as_ref()).await?;
        let next_audit = next_audit(engine.as_ref()).await?;
        let mut order = Order::new(heads, next_domain, next_audit, clock_written);
        let (directory, bare) =
            load_directory(engine.as_ref(), &loaded.keyring, &mut order).await?;
        let access = load_access(engine.as_ref()).await?;
        let sender_rules = load_sender_rules(engine.as_ref()).await?;
        let intents = load_intents(engine.as_ref()).await?;
        check_keys(engine.as_ref(), &loaded.keyring, &directory).await?;
        loaded.directory = directory;
        loaded.access = access;
        loaded.sender_rules = sender_rules;
        loaded.intents = intents;
        loaded.backfills = load_backfills(engine.as_ref()).await?;
        let spool = Self::assemble(engine, &options, clock, order, loaded);
        spool.give_missing_keys().await?;
        spool.seal_passwords(bare).await?;
        Ok(spool)
    }

    fn assemble(
        engine: Arc<dyn Engine>,
        options: &SpoolOptions,
        clock: Arc<dyn Clock>,
        order: Order,
        loaded: Loaded,
    ) -> Self {
        let Loaded {
            directory,
            access,
            sender_rules,
            intents,
            keyring,
            files,
            backfills,
        } = loaded;
        let failed = engine.failed();
        let feed = Arc::new(Feed::new());
        let committer = Committer::new(engine, Arc::clone(&clock), order, Arc::clone(&feed))
            .with_files(files.clone());
        let mut guard = DiskGuard::new(options.message_size_limit);
        if files.is_some() {
            guard = guard.with_reserve(options.engine.unwritten_bytes_max());
        }
        let space = SpaceWatch::new(options.space.clone(), guard);
        Self {
            inner: Arc::new(Inner {
                committer,
                ids: IdGenerator::new(options.node, id_seed()),
                clock,
                directory,
                access,
                lanes: AccountLanes::default(),
                sender_rules,
                feed,
                uploads: Arc::default(),
                files,
                memory_in: Budget::new(BODY_MEMORY_IN),
                memory_out: Budget::new(BODY_MEMORY_OUT),
                intents: IntentBoard::new(intents),
                keyring: Arc::new(keyring),
                compressors: Compressors::default(),
                views: super::view::Locks::default(),
                backfills: Backfills::new(backfills),
                sent: tokio::sync::Notify::new(),
                space,
                failed,
            }),
        }
    }
}

/// What was read of a store.
#[derive(Default)]
struct Loaded {
    directory: Directory,
    access: Access,
    sender_rules: SenderRules,
    intents: Vec<Intent>,
    keyring: Keyring,
    files: Option<Arc<BodyFiles>>,
    backfills: BTreeMap<DomainId, Progress>,
}

/// The latest time a store has seen: a clock that starts must not start before it.
pub(super) async fn clock_watermark(engine: &dyn Engine) -> Result<Timestamp, OpenError> {
    let written = meta_row::<Timestamp>(engine, meta::CLOCK, "clock watermark").await?;
    Ok(written.unwrap_or_default())
}

/// Where this process begins to count its ids; two starts within a millisecond differ by it.
fn id_seed() -> u32 {
    let mut seed = [0; 4];
    match getrandom::fill(&mut seed) {
        Ok(()) => u32::from_ne_bytes(seed),
        // Without it ids are still ordered by time; only the start within a millisecond is known.
        Err(_) => std::process::id(),
    }
}

async fn meta_row<T: DeserializeOwned>(
    engine: &dyn Engine,
    key: &'static [u8],
    what: &'static str,
) -> Result<Option<T>, OpenError> {
    let row = engine
        .get(KeyspaceId::Meta, Bytes::from_static(key))
        .await?;
    row.map(|row| codec::decode(&row))
        .transpose()
        .map_err(|source| OpenError::Damaged { what, source })
}

/// Shows every row of a keyspace to `row`, in pages. A row that it refuses is reported and left
/// out.
pub(super) async fn each_row(
    engine: &dyn Engine,
    keyspace: KeyspaceId,
    mut row: impl FnMut(&[u8], &[u8]) -> Result<(), RowError>,
) -> Result<(), EngineError> {
    let mut range = everything();
    loop {
        let page = engine
            .scan(keyspace, range, Direction::Ascending, PAGE_ROWS_MAX)
            .await?;
        for (key, value) in &page.rows {
            if let Err(error) = row(key, value) {
                metrics::corrupt_record(keyspace);
                tracing::error!(%keyspace, ?key, %error, "a row is damaged and left out");
            }
        }
        let Some((last, _)) = page.rows.last().filter(|_| page.more) else {
            return Ok(());
        };
        range = (
            std::ops::Bound::Excluded(last.clone()),
            std::ops::Bound::Unbounded,
        );
    }
}

/// The row's key does not belong to its keyspace.
pub(super) fn bad_key() -> RowError {
    RowError::Malformed("its key is none of this keyspace".to_owned())
}

async fn load_heads(engine: &dyn Engine) -> Result<Vec<(DomainId, DomainHead)>, EngineError> {
    let mut heads = Vec::new();
    let mut damaged = Vec::new();
    each_row(engine, KeyspaceId::Heads, |key, row| {
        let domain = heads::parse_key(key).ok_or_else(bad_key)?;
        let head = codec::decode(row).inspect_err(|_| damaged.push(domain))?;
        heads.push((domain, head));
        Ok(())
    })
    .await?;
    for domain in damaged {
        heads.push((domain, rebuilt_head(engine, domain).await?));
    }
    Ok(heads)
}

/// A domain's head made from its rows. What was settled before is forgotten by the ledger, which
/// begins again with what is here; positions go on behind the largest one there is.
async fn rebuilt_head(engine: &dyn Engine, domain: DomainId) -> Result<DomainHead, EngineError> {
    let mut head = DomainHead::default();
    for keyspace in [KeyspaceId::Queue, KeyspaceId::Deferred, KeyspaceId::Aside] {
        each_row(engine, keyspace, |key, row| {
            let place = match keyspace {
                KeyspaceId::Aside => aside::parse_key(key),
                _ => queue::parse_key(key),
            };
            if let Some((_, sequence)) = place.filter(|(of, _)| *of == domain) {
                head.next = head.next.max(Sequence(sequence.0 + 1));
                count_row(&mut head.counters, keyspace, row);
            }
            Ok(())
        })
        .await?;
    }
    let counters = &mut head.counters;
    counters.accepted = counters.queued + counters.parked + counters.quarantined;
    Ok(head)
}

async fn next_audit(engine: &dyn Engine) -> Result<u64, OpenError> {
    let page = engine
        .scan(KeyspaceId::Audit, everything(), Direction::Descending, 1)
        .await?;
    let last = page.rows.first().and_then(|(key, _)| audit::parse_key(key));
    Ok(last.map_or(1, |last| last + 1))
}

/// The directory, and the domains whose rows hold a password as it is.
async fn load_directory(
    engine: &dyn Engine,
    keyring: &Keyring,
    order: &mut Order,
) -> Result<(Directory, Vec<DomainId>), OpenError> {
    let directory = Directory::default();
    let mut bare = Vec::new();
    each_row(engine, KeyspaceId::Domains, |key, row| {
        keys::parse_domain_key(key).ok_or_else(bad_key)?;
        let domains::Read { domain, is_bare } = domains::read(row, keyring)?;
        if is_bare {
            bare.push(domain.id);
        }
        order.add_domain(domain.id);
        directory.write().put_domain(domain);
        Ok(())
    })
    .await?;
    each_row(engine, KeyspaceId::Mailboxes, |key, row| {
        let (domain, local) = keys::parse_local_key(key).ok_or_else(bad_key)?;
        let enabled = keys::is_enabled(row).ok_or(RowError::Truncated(row.len()))?;
        if let Some(table) = directory.write().table_mut(domain) {
            table.put_mailbox(local, enabled);
        }
        Ok(())
    })
    .await?;
    each_row(engine, KeyspaceId::Aliases, |key, row| {
        let (domain, local) = keys::parse_local_key(key).ok_or_else(bad_key)?;
        let alias: Alias = codec::decode(row)?;
        if let Some(table) = directory.write().table_mut(domain) {
            table.put_alias(local, &alias.target.mailbox.key());
        }
        Ok(())
    })
    .await?;
    each_row(engine, KeyspaceId::DomainAliases, |_, row| {
        let alias: DomainAlias = codec::decode(row)?;
        directory.write().put_domain_alias(alias);
        Ok(())
    })
    .await?;
    Ok((directory, bare))
}

async fn load_access(engine: &dyn Engine) -> Result<Access, OpenError> {
    let access = Access::default();
    each_row(engine, KeyspaceId::Sessions, |key, row| {
        let digest = accounts::parse_session_key(key).ok_or_else(bad_key)?;
        access.lock().put_session(digest, codec::decode(row)?);
        Ok(())
    })
    .await?;
    each_row(engine, KeyspaceId::Tokens, |key, row| {
        if !accounts::is_one_time(key) {
            return Ok(());
        }
        let digest = accounts::parse_token_key(key).ok_or_else(bad_key)?;
        access.lock().put_token(digest, codec::decode(row)?);
        Ok(())
    })
    .await?;
    each_row(engine, KeyspaceId::Accounts, |key, row| {
        if let Some((domain, month)) = accounts::parse_month_key(key) {
            access.lock().put_month(domain, month, codec::decode(row)?);
        }
        Ok(())
    })
    .await?;
    Ok(access)
}

async fn load_intents(engine: &dyn Engine) -> Result<Vec<Intent>, OpenError> {
    let mut intents = Vec::new();
    each_row(engine, KeyspaceId::Intents, |_, row| {
        intents.push(codec::decode(row)?);
        Ok(())
    })
    .await?;
    Ok(intents)
}

async fn load_backfills(engine: &dyn Engine) -> Result<BTreeMap<DomainId, Progress>, EngineError> {
    let page = engine
        .scan(
            KeyspaceId::Meta,
            meta::backfills(),
            Direction::Ascending,
            PAGE_ROWS_MAX,
        )
        .await?;
    let rows = page.rows.into_iter().filter_map(|(key, row)| {
        let domain = meta::parse_backfill_key(&key)?;
        Some((domain, codec::decode(&row).ok()?))
    });
    Ok(rows.collect())
}

async fn load_sender_rules(engine: &dyn Engine) -> Result<SenderRules, EngineError> {
    let rules = SenderRules::default();
    each_row(engine, KeyspaceId::SenderRules, |_, row| {
        let rule: SenderRule = codec::decode(row)?;
        sender_rules::put(&mut rules.write(), &rule);
        Ok(())
    })
    .await?;
    Ok(rules)
}
