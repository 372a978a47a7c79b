//! Fuzzing of everything that reads what others wrote, on a stable toolchain and in this process.
//!
//! A target is a function from bytes to a signature of what happened; it fails by panicking. The
//! mutator starts from the committed corpus, changes it with words of the protocol, and keeps what
//! makes a signature that it has not seen. As ordinary tests the corpora are replayed and a few
//! thousand changed inputs tried, always the same ones. Long runs, one target or all of them:
//!
//! ```text
//! FUZZ_SECONDS=600 cargo test --test fuzz -- --nocapture [target]
//! ```
//!
//! An input that fails is written to `tests/fuzz/corpus/TARGET/found-HASH`, from where it is replayed
//! ever after.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and a long run reads the clock"
)]

mod addresses;
mod client_session;
mod commands;
mod content;
mod mutate;
mod proxy_header;
mod records;
mod replies;
mod run;
mod server_session;
mod signature;

macro_rules! targets {
    ($($name:ident),+ $(,)?) => {
        $(
            #[test]
            fn $name() {
                run::target(stringify!($name), self::$name::words(), self::$name::target);
            }
        )+
    };
}

targets![
    addresses,
    client_session,
    commands,
    content,
    proxy_header,
    records,
    replies,
    server_session,
];
