//! Replays the corpus of a target, then tries changed inputs: so many, or for so long.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::mutate::mutated;

/// Changed inputs in an ordinary test.
const ORDINARY_RUNS: u64 = 1_500;
/// Inputs that are kept for having made something new happen, at most.
const KEPT_MAX: usize = 8_192;
/// No input may keep a target busy for longer; a finding in long runs only, where time is looked at.
const SLOW: Duration = Duration::from_secs(1);

/// Runs a target.
pub(crate) fn target(name: &str, words: &[&[u8]], target: fn(&[u8]) -> u64) {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fuzz/corpus/{name}"));
    let mut inputs = corpus(&folder);
    assert!(!inputs.is_empty(), "{} holds no inputs", folder.display());
    let mut seen: HashSet<u64> = HashSet::new();
    for input in &inputs {
        seen.insert(target(input));
    }
    let long = std::env::var("FUZZ_SECONDS").ok();
    let long = long
        .and_then(|seconds| seconds.parse().ok())
        .map(Duration::from_secs);
    let seed = long.map_or(1, |_| rand::rng().random());
    let mut random = StdRng::seed_from_u64(seed);
    let begun = Instant::now();
    let mut executions = 0_u64;
    loop {
        let is_over = match long {
            Some(long) => begun.elapsed() >= long,
            None => executions >= ORDINARY_RUNS,
        };
        if is_over {
            break;
        }
        let [one, other] = std::array::from_fn(|_| inputs.choose(&mut random).unwrap());
        let input = mutated(one, other, words, &mut random);
        let started = Instant::now();
        let happened = catch_unwind(AssertUnwindSafe(|| target(&input)));
        let is_slow = long.is_some() && started.elapsed() > SLOW && is_slow_again(target, &input);
        match happened {
            Ok(signature) if !is_slow => {
                if seen.insert(signature) && inputs.len() < KEPT_MAX {
                    inputs.push(input);
                }
            }
            _ => {
                let path = folder.join(format!("found-{executions:x}-{seed:x}"));
                std::fs::write(&path, &input).unwrap();
                panic!("{name}: slow {is_slow}, the input is in {}", path.display());
            }
        }
        executions += 1;
    }
    println!(
        "{name}: {executions} executions in {:.0?}, {} signatures, nothing found",
        begun.elapsed(),
        seen.len()
    );
}

fn corpus(folder: &PathBuf) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

/// A machine that is busy with something else makes any input slow once, not five times.
fn is_slow_again(target: fn(&[u8]) -> u64, input: &[u8]) -> bool {
    (0..5).all(|_| {
        let started = Instant::now();
        let _ = catch_unwind(AssertUnwindSafe(|| target(input)));
        started.elapsed() > SLOW
    })
}
