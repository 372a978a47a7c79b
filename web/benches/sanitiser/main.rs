//! How long a message with HTML takes to be made safe: newsletters as they are sent, and bombs.
//!
//! `cargo bench -p mailhold-web --bench sanitiser`. Wanted: p99 ≤ 50 ms on newsletters, every bomb
//! bounded (web (d) H3).
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark reads the clock and fails by panicking"
)]

mod newsletters;

use std::sync::Arc;
use std::time::{Duration, Instant};

use web::sanitize::{NoImages, sanitise};

const ROUNDS: usize = 200;

fn main() {
    println!("| message | KiB | p50 | p99 | outcome |\n|---|---|---|---|---|");
    let mut all = Vec::new();
    for (name, html) in newsletters::all() {
        let mut times = measure(&html, ROUNDS);
        report(name, &html, &mut times);
        all.extend(times);
    }
    all.sort_unstable();
    println!(
        "| all newsletters | | {:.1} ms | {:.1} ms | |",
        millis(all[all.len() / 2]),
        millis(all[all.len() * 99 / 100])
    );
    for (name, html) in newsletters::bombs() {
        let mut times = measure(&html, 5);
        report(name, &html, &mut times);
    }
}

fn measure(html: &str, rounds: usize) -> Vec<Duration> {
    (0..rounds)
        .map(|_| {
            let start = Instant::now();
            let _ = std::hint::black_box(sanitise(html, Arc::new(NoImages)));
            start.elapsed()
        })
        .collect()
}

fn report(name: &str, html: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let outcome = match sanitise(html, Arc::new(NoImages)) {
        Ok(safe) => format!("shown, {} KiB", safe.html.len() / 1024),
        Err(refusal) => format!("as text: {refusal}"),
    };
    println!(
        "| {name} | {} | {:.1} ms | {:.1} ms | {outcome} |",
        html.len() / 1024,
        millis(times[times.len() / 2]),
        millis(times[times.len() * 99 / 100])
    );
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
