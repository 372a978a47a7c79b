//! What a seed makes of the demo: pace of the senders, moment of the outage, size of the server.
//!
//! Everything that differs between two runs is drawn here, once, from the seed.

use std::time::Duration;

use bytes::Bytes;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::DemoOptions;
use super::destination::Capacity;

/// The protected domain of the demo.
pub(super) const DOMAIN: &str = "example.test";
/// The people in it, who appear in the sample mailbox.
pub(super) const PEOPLE: [&str; 8] = [
    "alice",
    "bob",
    "carol",
    "dave",
    "erin",
    "frank",
    "purchasing",
    "team",
];
/// The `Message-ID` of the message that the reader answers.
const QUESTION: &str = "\nMessage-ID: <visit-20261102.1@partner.example>";
/// Letters of the reader's password.
const PASSWORD_LETTERS: usize = 16;
/// Share of the run's messages that are sent before the outage begins.
const BEFORE_OUTAGE: std::ops::Range<f64> = 0.10..0.16;
/// Share of the run's messages that are sent while the outage lasts.
const IN_OUTAGE: f64 = 0.55;
/// Messages per second, at most, so that a demo of many messages lasts longer instead.
const PACE_MAX: f64 = 400.0;
/// Messages that the customer's server handles at once.
const AT_ONCE: std::ops::Range<usize> = 12..28;
/// What it takes for one, in milliseconds.
const SERVICE_MILLIS: std::ops::Range<u64> = 6..12;

/// One drawn demo.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    /// Messages per second from outside.
    pub(super) per_second: f64,
    /// The outage begins when this many messages have been accepted.
    pub(super) outage_after: u64,
    /// How long it lasts.
    pub(super) outage: Duration,
    /// What the customer's server can take.
    pub(super) capacity: Capacity,
    /// The password of [`Scene::reader`].
    pub(super) password: String,
    /// The sample messages in this run's order.
    pub(super) messages: Vec<Bytes>,
}

impl Scene {
    /// The scene of these options and sample messages.
    pub(super) fn draw(options: &DemoOptions, mut messages: Vec<Bytes>) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(options.seed);
        messages.shuffle(&mut random);
        // Message 0 goes to the first of the people, so the user gets what she will answer.
        let question = messages.iter().position(|message| is_question(message));
        if let Some(question) = question {
            messages.swap(0, question);
        }
        let count = options.messages as f64;
        let outage_secs = options.outage.as_secs_f64().max(1.0);
        let at_once = random.random_range(AT_ONCE);
        let letter = |_| char::from(random.random_range(b'a'..=b'z'));
        let password = (0..PASSWORD_LETTERS).map(letter).collect();
        Self {
            password,
            per_second: (count * IN_OUTAGE / outage_secs).clamp(1.0, PACE_MAX),
            outage_after: (count * random.random_range(BEFORE_OUTAGE)) as u64,
            outage: options.outage,
            capacity: Capacity {
                rate: None,
                connections_max: Some(at_once * 2),
                in_flight_max: Some(at_once),
                service_time: Duration::from_millis(random.random_range(SERVICE_MILLIS)),
            },
            messages,
        }
    }

    /// The user who reads and answers during the outage, and whose continuity mailbox the spectator
    /// may look into.
    pub(super) fn reader() -> String {
        let [first, ..] = PEOPLE;
        format!("{first}@{DOMAIN}")
    }

    /// Who gets a copy of what the reader answers.
    pub(super) fn colleague() -> String {
        let [_, second, ..] = PEOPLE;
        format!("{second}@{DOMAIN}")
    }

    /// The mailboxes of the demo.
    pub(super) fn mailboxes() -> Vec<String> {
        let address = |name: &&str| format!("{name}@{DOMAIN}");
        PEOPLE.iter().map(address).collect()
    }
}

/// Whether it is the message of the sample mailbox that asks the reader something.
fn is_question(message: &[u8]) -> bool {
    memchr::memmem::find(message, QUESTION.as_bytes()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_scene_and_every_seed_a_sensible_one() {
        let messages: Vec<_> = (0..12u8).map(|n| Bytes::from(vec![n])).collect();
        for seed in 0..200 {
            let options = DemoOptions {
                seed,
                ..DemoOptions::default()
            };
            let scene = Scene::draw(&options, messages.clone());
            let again = Scene::draw(&options, messages.clone());
            assert_eq!(scene.messages, again.messages);
            assert_eq!(scene.capacity, again.capacity);
            assert_eq!(scene.outage_after, again.outage_after);
            assert!(scene.outage_after > 0 && scene.outage_after < options.messages);
            let run = options.messages as f64 / scene.per_second;
            assert!(run < 40.0, "{run} s of sending");
        }
    }

    #[test]
    fn the_reader_always_gets_the_message_she_answers() {
        for seed in 0..50 {
            let options = DemoOptions {
                seed,
                ..DemoOptions::default()
            };
            let scene = Scene::draw(&options, crate::demo::sample::messages().unwrap());
            assert!(is_question(&scene.messages[0]));
            assert_eq!(scene.messages.len(), 12);
        }
        assert_eq!(Scene::mailboxes()[0], Scene::reader());
    }
}
