//! Changes inputs: by octets, by ranges, by words of the protocol, by parts of other inputs.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

/// Octets of an input, at most.
const INPUT_MAX: usize = 8 * 1024;

/// A changed copy of an input.
pub(crate) fn mutated(input: &[u8], other: &[u8], words: &[&[u8]], random: &mut StdRng) -> Vec<u8> {
    let mut changed = input.to_vec();
    for _ in 0..random.random_range(1..=6) {
        change(&mut changed, other, words, random);
    }
    changed.truncate(INPUT_MAX);
    changed
}

fn change(input: &mut Vec<u8>, other: &[u8], words: &[&[u8]], random: &mut StdRng) {
    let at = random.random_range(0..=input.len());
    let end = random.random_range(at..=input.len().min(at + 64));
    match random.random_range(0..8) {
        0 | 1 => {
            let word = words.choose(random).copied().unwrap_or_default();
            input.splice(at..at, word.iter().copied());
        }
        2 => {
            let word = words.choose(random).copied().unwrap_or_default();
            input.splice(at..end, word.iter().copied());
        }
        3 => {
            input.drain(at..end);
        }
        4 => {
            let copy = input[at..end].to_vec();
            for _ in 0..random.random_range(1..=8) {
                input.splice(at..at, copy.iter().copied());
            }
        }
        5 => {
            if let Some(octet) = input.get_mut(at) {
                *octet = random.random();
            }
        }
        6 => {
            let from = random.random_range(0..=other.len());
            let to = random.random_range(from..=other.len().min(from + 256));
            input.splice(at..at, other[from..to].iter().copied());
        }
        _ => {
            if let Some(octet) = input.get_mut(at) {
                *octet ^= 1 << random.random_range(0..8);
            }
        }
    }
}
