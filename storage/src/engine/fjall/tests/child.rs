//! The other process of a test: this test binary again, told by its environment what to do.
//!
//! It commits as fast as it can from several producers and prints every key after its commit was
//! answered, until it is killed or the store fails.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::options;
use crate::engine::*;

const DIRECTORY: &str = "MAILHOLD_CHILD_DIRECTORY";
const ROUND: &str = "MAILHOLD_CHILD_ROUND";
const ACKNOWLEDGED: &str = "acknowledged ";
const REFUSED: &str = "refused ";

/// How many commits the child has on their way at once.
pub(super) const PRODUCERS: usize = 8;

/// Keyspaces that one commit of the child touches.
pub(super) const PARTS: [KeyspaceId; 3] =
    [KeyspaceId::Message, KeyspaceId::Queue, KeyspaceId::Transit];

/// What the child writes under a key.
pub(super) fn content(key: &str) -> Bytes {
    key.bytes().cycle().take(2500).collect()
}

/// What the child said.
#[derive(Debug)]
pub(super) enum Said {
    /// The commit of this key was answered.
    Acknowledged(String),
    /// A commit was refused for this reason, and so were the ones after it; reads went on.
    Refused(String),
}

/// This test binary, made to run [`child`] and nothing else.
pub(super) fn arguments() -> Vec<String> {
    let binary = std::env::current_exe().unwrap();
    let name = concat!(module_path!(), "::child");
    let (_, name) = name.split_once("::").unwrap();
    vec![
        binary.to_str().unwrap().to_owned(),
        "--exact".to_owned(),
        name.to_owned(),
        "--nocapture".to_owned(),
    ]
}

/// Starts a command that ends in running [`arguments`].
pub(super) fn start(command: &[String], directory: &Path, round: usize) -> Child {
    Command::new(&command[0])
        .args(&command[1..])
        .env(DIRECTORY, directory)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Everything the child says until its output ends.
pub(super) fn said(child: &mut Child) -> impl Iterator<Item = Said> + use<> {
    let output = BufReader::new(child.stdout.take().unwrap());
    output.split(b'\n').filter_map(|line| {
        let line = String::from_utf8(line.unwrap()).unwrap();
        if let Some((_, key)) = line.split_once(ACKNOWLEDGED) {
            return Some(Said::Acknowledged(key.to_owned()));
        }
        let (_, reason) = line.split_once(REFUSED)?;
        Some(Said::Refused(reason.to_owned()))
    })
}

/// Not a test by itself: does nothing unless another test started it.
#[test]
fn child() {
    let (Ok(directory), Ok(round)) = (std::env::var(DIRECTORY), std::env::var(ROUND)) else {
        return;
    };
    let engine = FjallEngine::open(Path::new(&directory), &options()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let producers = (0..PRODUCERS).map(|producer| produce(&engine, format!("{round}-{producer}")));
    runtime.block_on(futures_util::future::join_all(producers));
}

/// Commits until it is refused.
async fn produce(engine: &FjallEngine, name: String) {
    let mut last = None;
    for n in 0_u32.. {
        let key = format!("{name}-{n}");
        let writes = PARTS.map(|part| Write::put(part, key.clone(), content(&key)));
        let answer = engine.commit(writes.to_vec(), Durability::Synced, Vec::new());
        match answer.await {
            Ok(()) => say(&format!("{ACKNOWLEDGED}{key}")),
            Err(EngineError::Poisoned(why)) => {
                if let Some(last) = last {
                    let read = engine.get(KeyspaceId::Queue, Bytes::from(last)).await;
                    assert!(read.unwrap().is_some(), "reads go on");
                }
                say(&format!("{REFUSED}{why}"));
                return;
            }
            Err(other) => panic!("{other}"),
        }
        last = Some(key);
    }
}

/// One write per line, so that a kill leaves no half line in front of another.
fn say(line: &str) {
    let mut output = std::io::stdout();
    output.write_all(format!("{line}\n").as_bytes()).unwrap();
    output.flush().unwrap();
}
