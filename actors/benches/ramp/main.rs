//! The ramp against simulated destinations: a table, and one plot per model.
//!
//! ```text
//! cargo bench -p mailhold-actors --bench ramp -- [seeds=20] [from=1] [svg=DIRECTORY] [only=ABK] [markdown=FILE]
//! ```
//!
//! The machine is the shipped one; time, network and destination are those of the simulation that
//! the tests run (`tests/simulation`). Beside it, in the same destinations: the rules of Postfix (one
//! more with each delivery, one less with each refusal, refused messages wait 300 s) and of KumoMTA
//! (32 connections, refused messages wait 20 min). Plots show the first seed: window, pace and
//! refusals over time. Figures depend on the seeds and on nothing else.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "modules of the simulation, of which the tests use more"
)]

#[path = "../../tests/simulation/destination.rs"]
mod destination;
#[path = "../../tests/simulation/domains.rs"]
mod domains;
#[path = "../../tests/simulation/fresh.rs"]
mod fresh;
#[path = "../../tests/simulation/models.rs"]
mod models;
#[path = "../../tests/simulation/node.rs"]
mod node;
mod plot;
#[path = "../../tests/simulation/recovery.rs"]
mod recovery;
#[path = "../../tests/simulation/references.rs"]
mod references;
#[path = "../../tests/simulation/report.rs"]
mod report;
#[path = "../../tests/simulation/shell.rs"]
mod shell;
#[path = "../../tests/simulation/suite.rs"]
mod suite;
mod table;

use std::path::{Path, PathBuf};

use table::Row;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let (mut seeds, mut from, mut svg, mut only) = (20, 1, None, None::<String>);
    let mut markdown = None;
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some(("seeds", value)) => seeds = value.parse()?,
            Some(("from", value)) => from = value.parse()?,
            Some(("svg", value)) => svg = Some(PathBuf::from(value)),
            Some(("only", value)) => only = Some(value.to_owned()),
            Some(("markdown", value)) => markdown = Some(PathBuf::from(value)),
            // What cargo adds.
            _ if argument == "--bench" => {}
            _ => return Err(format!("{argument}: not known").into()),
        }
    }
    // Benchmarks run in the folder of their package.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let directory = root.join(svg.unwrap_or_else(|| PathBuf::from("target/ramp")));
    std::fs::create_dir_all(&directory)?;
    let wanted = |letter: &str| only.as_ref().is_none_or(|only| only.contains(letter));
    let mut text = String::from(table::HEAD);
    print!("{text}");
    for case in suite::cases().iter().filter(|case| wanted(case.letter)) {
        let ours: Vec<_> = (from..from + seeds).map(|seed| case.run(seed)).collect();
        let row = Row::of(case, &ours).to_string();
        print!("{row}");
        text.push_str(&row);
        let path = directory.join(format!("{}.svg", case.letter.to_lowercase()));
        std::fs::write(path, plot::draw(case.model.name, &ours[0])?)?;
    }
    for (count, name) in [
        (3_000, "L: 3,000 destinations return in one second"),
        (10_000, "L: 10,000 destinations return in one second"),
    ] {
        if wanted("L") {
            let row = table::many(name, count);
            print!("{row}");
            text.push_str(&row);
        }
    }
    if let Some(path) = markdown {
        std::fs::write(path, text)?;
    }
    println!("plots: {}", directory.display());
    Ok(())
}
