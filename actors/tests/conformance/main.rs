//! What an independent SMTP suite tries, as dialogues with the real session over the real spool.
//!
//! One file of `cases/` per class, in the small language of `language.rs`; three classes are made of
//! tables (`generated.rs`). After each case the session is over, nothing is queued unless the case
//! says so, and a fresh connection still takes a message. What arrives at a destination is compared
//! octet for octet in `arrival.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking"
)]

mod arrival;
mod bombs;
mod cuts;
#[allow(dead_code, reason = "shared with the tests of intake")]
#[path = "../intake/dialogue.rs"]
mod dialogue;
mod generated;
mod language;
mod run;
#[allow(dead_code, reason = "shared with the tests of delivery")]
#[path = "../support/mod.rs"]
mod support;

use language::{Case, parse};
use run::run_all;

/// Fewer cases than an independent suite has would be no suite.
const CASES_MIN: usize = 315;

macro_rules! classes {
    ($($name:ident),+ $(,)?) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $name() {
                run_all(file_class(stringify!($name))).await;
            }
        )+

        fn file_classes() -> Vec<Case> {
            [$(file_class(stringify!($name))),+].concat()
        }

        fn file_class(name: &str) -> Vec<Case> {
            let text = match name {
                $(stringify!($name) => include_str!(concat!("cases/", stringify!($name), ".smtp")),)+
                _ => unreachable!("{name}"),
            };
            parse(name, text)
        }
    };
}

classes![
    greeting, order, syntax, lines, addresses, parameters, recipients, content, chunks, commands,
    tls, options,
];

#[tokio::test(start_paused = true)]
async fn q28_in5_end_of_data_sequences() {
    run_all(generated::end_of_data()).await;
}

#[tokio::test(start_paused = true)]
async fn q30_in9_relay_disguises() {
    run_all(generated::relay_disguises()).await;
}

#[tokio::test(start_paused = true)]
async fn q31_bombs_are_answered_after_bounded_work() {
    run_all(generated::bombs()).await;
}

#[test]
fn q27_there_are_as_many_cases_as_in_an_independent_suite() {
    let generated = [
        generated::end_of_data(),
        generated::relay_disguises(),
        generated::bombs(),
    ];
    let cases: Vec<Case> = [file_classes(), generated.concat()].concat();
    let mut names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases.len(), "a name is used twice");
    assert!(cases.len() >= CASES_MIN, "{} cases", cases.len());
    println!("{} cases", cases.len());
}
