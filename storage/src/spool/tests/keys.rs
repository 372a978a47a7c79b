//! Keys on the disk: made at first start, asked for at every other, gone for good when destroyed.

use std::path::Path;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::super::testing::{accepted, audit, clock, destination, domain};
use super::continuity::sealed_message;
use crate::codec;
use crate::engine::{Durability, Engine, KeyspaceId, MemoryEngine, Write};
use crate::keyspace::domains::tests::unforwarded;
use crate::model::{Domain, DomainId, Login, Secret, TlsPolicy};
use crate::seal::{KeyError, KeySource};
use crate::spool::{NewDomain, OpenError, Spool, SpoolError, SpoolOptions};

fn options(directory: &Path) -> SpoolOptions {
    SpoolOptions {
        keys: KeySource::Files {
            master: directory.join("master.key"),
            folder: directory.join("keys"),
        },
        ..SpoolOptions::default()
    }
}

async fn open(store: &Path, keys: &Path) -> Result<Spool, OpenError> {
    Spool::open(store, options(keys), clock()).await
}

async fn first_body(spool: &Spool) -> Result<Option<bytes::Bytes>, SpoolError> {
    let entry = spool
        .queue_page(DomainId(1), None, 1)
        .await
        .unwrap()
        .remove(0);
    spool.body(&entry).next().await
}

async fn filled(directory: &Path) -> Spool {
    let spool = open(directory, directory).await.unwrap();
    let new = NewDomain::new("x.example".parse().unwrap(), vec![destination()]);
    spool.add_domain(new, audit()).await.unwrap();
    let text = b"a very secret text ".repeat(100);
    let new = sealed_message(&spool, &text, &[(1, &["a@x.example"])]).await;
    spool.accept(new).await.unwrap();
    spool
}

fn holds(directory: &Path, text: &[u8]) -> bool {
    std::fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        let content = std::fs::read(&path).unwrap();
        memchr::memmem::find(&content, text).is_some()
    })
}

/// D8: nothing readable is on the disk; with its key gone a domain's mail is unreadable, in a backup
/// that was made before too.
#[tokio::test]
async fn d8_a_destroyed_key_makes_backups_unreadable() {
    let directory = tempfile::tempdir().unwrap();
    let backup = tempfile::tempdir().unwrap();
    let spool = filled(directory.path()).await;
    assert!(
        first_body(&spool)
            .await
            .unwrap()
            .unwrap()
            .starts_with(b"a very secret")
    );
    assert!(!holds(directory.path(), b"very secret"));
    let name = "x.example".parse().unwrap();
    spool.rotate_domain_key(&name, audit()).await.unwrap();
    assert!(
        first_body(&spool).await.unwrap().is_some(),
        "older keys still open"
    );
    let copy = backup.path().join("copy");
    spool.backup(copy.clone()).await.unwrap();
    let restored = open(&copy, directory.path()).await.unwrap();
    assert!(first_body(&restored).await.unwrap().is_some());
    drop(restored);
    spool.destroy_domain_key(&name, audit()).await.unwrap();
    assert!(matches!(
        first_body(&spool).await,
        Err(SpoolError::CorruptBody { .. })
    ));
    let restored = open(&copy, directory.path()).await.unwrap();
    assert!(matches!(
        first_body(&restored).await,
        Err(SpoolError::CorruptBody { .. })
    ));
    let new = sealed_message(&spool, b"later", &[(1, &["a@x.example"])]).await;
    spool.accept(new).await.unwrap();
    let entries = spool.queue_page(DomainId(1), None, 2).await.unwrap();
    assert_eq!(
        spool.body(&entries[1]).next().await.unwrap().unwrap(),
        "later"
    );
}

/// D8: a missing or foreign key is said before anything is touched.
#[tokio::test]
async fn d8_a_start_without_the_right_keys_says_so_and_changes_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    filled(path).await.shutdown().await.unwrap();
    let master = path.join("master.key");
    let mode = std::fs::metadata(&master).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let right = std::fs::read(&master).unwrap();
    std::fs::remove_file(&master).unwrap();
    let missing = open(path, path).await.unwrap_err();
    assert!(matches!(
        missing,
        OpenError::Keys(KeyError::MasterMissing { domains: 1, .. })
    ));
    assert!(!master.exists());
    std::fs::write(
        &master,
        format!("mailhold-master-key {}\n", "07".repeat(32)),
    )
    .unwrap();
    let foreign = open(path, path).await.unwrap_err();
    assert!(matches!(
        foreign,
        OpenError::Keys(KeyError::MasterForeign { .. })
    ));
    std::fs::write(&master, "something else").unwrap();
    let malformed = open(path, path).await.unwrap_err();
    assert!(matches!(
        malformed,
        OpenError::Keys(KeyError::Malformed { .. })
    ));
    std::fs::write(&master, right).unwrap();
    std::fs::rename(path.join("keys"), path.join("elsewhere")).unwrap();
    let without = open(path, path).await.unwrap_err();
    assert!(matches!(
        without,
        OpenError::Keys(KeyError::DomainMissing { .. })
    ));
    std::fs::remove_dir_all(path.join("keys")).unwrap();
    std::fs::rename(path.join("elsewhere"), path.join("keys")).unwrap();
    let spool = open(path, path).await.unwrap();
    assert!(first_body(&spool).await.unwrap().is_some());
}

/// Removing a domain destroys its key.
#[tokio::test]
async fn d8_a_removed_domain_takes_its_key_along() {
    let directory = tempfile::tempdir().unwrap();
    let spool = filled(directory.path()).await;
    let key = directory.path().join("keys/domain-1.key");
    assert!(key.exists());
    let name = "x.example".parse().unwrap();
    spool.remove_domain(&name, true, audit()).await.unwrap();
    assert!(!key.exists());
}

/// What we sign in with at a destination is unreadable on the disk, and there again after a restart.
#[tokio::test]
async fn out18_d8_a_password_for_a_destination_is_sealed_on_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let spool = filled(directory.path()).await;
    let login = Login {
        user: "relay".to_owned(),
        password: Secret::new("correct horse battery".to_owned()),
    };
    let with_login = |domain: &mut Domain| {
        domain.destinations[0].tls = TlsPolicy::Required;
        domain.destinations[0].login = Some(login.clone());
    };
    let name = "x.example".parse().unwrap();
    spool
        .update_domain(&name, with_login, audit())
        .await
        .unwrap();
    spool.shutdown().await.unwrap();
    drop(spool);
    assert!(!holds(directory.path(), b"correct horse"));
    let spool = open(directory.path(), directory.path()).await.unwrap();
    let domain = spool.directory().domain_by_name(&name).unwrap();
    assert_eq!(domain.destinations[0].login, Some(login));
}

/// A row in which an earlier version left a password is written anew at the next start.
#[tokio::test]
async fn d8_a_password_that_lies_bare_is_sealed_at_the_next_start() {
    let keys = tempfile::tempdir().unwrap();
    let engine = Arc::new(MemoryEngine::new());
    let mut domain = domain(1, "x.example");
    domain.destinations[0].tls = TlsPolicy::Required;
    domain.destinations[0].login = Some(Login {
        user: "relay".to_owned(),
        password: Secret::new("correct horse battery".to_owned()),
    });
    let mut row = BytesMut::from(&[codec::ROW_VERSION][..]);
    row.extend_from_slice(&unforwarded(&domain));
    let write = Write {
        keyspace: KeyspaceId::Domains,
        key: Bytes::copy_from_slice(&1_u32.to_be_bytes()),
        value: Some(row.freeze()),
    };
    engine
        .commit(vec![write], Durability::Synced, Vec::new())
        .await
        .unwrap();
    for _ in 0..2 {
        let spool = Spool::on_engine(engine.clone(), options(keys.path()), clock())
            .await
            .unwrap();
        let found = spool.directory().domain(DomainId(1)).unwrap();
        assert_eq!(found.destinations, domain.destinations);
        let key = Bytes::copy_from_slice(&1_u32.to_be_bytes());
        let row = engine.get(KeyspaceId::Domains, key).await.unwrap().unwrap();
        assert!(memchr::memmem::find(&row, b"correct horse").is_none());
    }
}

/// Letters, notifications and answers to other people's domains are as unreadable on the disk as
/// mail for our own; what an earlier version stored as it was still goes out.
#[tokio::test]
async fn d8_mail_to_other_peoples_domains_is_sealed_with_a_key_of_the_node() {
    let directory = tempfile::tempdir().unwrap();
    let spool = open(directory.path(), directory.path()).await.unwrap();
    let mut domains = Vec::new();
    for name in ["far.example", "old.example"] {
        let name = name.parse().unwrap();
        domains.push(spool.domain_for_outbound(&name).await.unwrap());
    }
    let (far, old) = (domains[0], domains[1]);
    let text = b"your secret link ".repeat(100);
    let new = sealed_message(&spool, &text, &[(far.0, &["a@far.example"])]).await;
    spool.accept(new).await.unwrap();
    // Large enough for a file of its own.
    let large = b"a long secret answer ".repeat(40_000);
    let new = sealed_message(&spool, &large, &[(far.0, &["b@far.example"])]).await;
    spool.accept(new).await.unwrap();
    assert!(!holds(directory.path(), b"secret link"));
    assert!(!holds(directory.path(), b"secret answer"));
    accepted(&spool, b"from before", &[(old.0, &["c@old.example"])]).await;
    spool.shutdown().await.unwrap();
    drop(spool);
    assert!(!holds(directory.path(), b"secret link"), "in no journal");
    let spool = open(directory.path(), directory.path()).await.unwrap();
    for (domain, start) in [(far, &text[..17]), (old, b"from before")] {
        let entry = spool.queue_page(domain, None, 1).await.unwrap().remove(0);
        let body = spool.body(&entry).next().await.unwrap().unwrap();
        assert!(body.starts_with(start));
    }
    spool.shutdown().await.unwrap();
    drop(spool);
    // A copy of the store without its master key.
    let stolen = tempfile::tempdir().unwrap();
    let spool = open(directory.path(), stolen.path()).await.unwrap();
    let entry = spool.queue_page(far, None, 1).await.unwrap().remove(0);
    let read = spool.body(&entry).next().await;
    assert!(
        matches!(read, Err(SpoolError::CorruptBody { .. })),
        "{read:?}"
    );
}
