//! What the words and the enhanced code of a 4yz say.

use super::Overload;
use crate::smtp::Reply;

/// Whether a 4yz is greylisting by its own words.
pub(super) fn is_greylisting(reply: &Reply) -> bool {
    let text = reply.text().to_ascii_lowercase();
    reply.code != 421
        && ["greylist", "graylist"]
            .iter()
            .any(|word| text.contains(word))
}

/// Whether a 4yz speaks of the host's load, and of which kind.
pub(super) fn overload(reply: &Reply) -> Option<Overload> {
    let spoken = overload_words(&reply.text());
    if reply.code == 421 {
        return Some(spoken.unwrap_or(Overload::Unspecified));
    }
    match reply.enhanced.map(|status| (status.subject, status.detail)) {
        Some((3, 1)) => Some(Overload::Resource),
        // 4.3.2 system not accepting messages, 4.4.5 congestion.
        Some((3, 2) | (4, 5)) => Some(spoken.unwrap_or(Overload::Unspecified)),
        Some((7, _)) => spoken,
        None if reply.code == 452 => Some(spoken.unwrap_or(Overload::Resource)),
        None => spoken,
        Some(_) => None,
    }
}

fn overload_words(text: &str) -> Option<Overload> {
    const CONCURRENCY: [&str; 4] = ["connections", "concurren", "simultaneous", "sessions"];
    const RATE: [&str; 9] = [
        "rate limit",
        "rate-limit",
        "ratelimit",
        "too many messages",
        "too many mails",
        "too fast",
        "throttl",
        "slow down",
        "message rate",
    ];
    const SOME: [&str; 5] = [
        "too many",
        "too much mail",
        "overload",
        "busy",
        "load too high",
    ];
    let text = text.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&RATE) {
        Some(Overload::Rate)
    } else if has(&CONCURRENCY) {
        Some(Overload::Concurrency)
    } else if has(&SOME) {
        Some(Overload::Unspecified)
    } else {
        None
    }
}
