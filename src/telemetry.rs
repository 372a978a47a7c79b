//! Logs: one line an event on standard error, as text or JSON, with a level that can change while
//! the process runs.
//!
//! What comes from outside may stand in a field, so every control character inside a line is
//! written as an escape: nothing can begin a line of its own or speak to a terminal.

use std::io::{self, Write};

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, reload};

use crate::config::{Log, LogFormat, LogLevel};

/// Changes the level of a running process.
#[derive(Debug, Clone)]
pub struct LevelHandle(reload::Handle<Targets, Registry>);

impl LevelHandle {
    /// Puts a new level in force.
    pub fn set(&self, level: &LogLevel) {
        if let Err(error) = self.0.reload(level.targets()) {
            tracing::warn!(%error, "the log level could not be changed");
        }
    }
}

/// Starts the log of this process.
///
/// # Errors
/// When another log was started before.
pub fn start(log: &Log) -> Result<LevelHandle, tracing_subscriber::util::TryInitError> {
    let (level, handle) = reload::Layer::new(log.level.targets());
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(Lines::new(io::stderr))
        .with_ansi(false)
        .with_target(false);
    let lines = match log.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(level)
        .with(lines)
        .try_init()?;
    Ok(LevelHandle(handle))
}

/// Writers that keep an event on its line.
#[derive(Debug, Clone)]
struct Lines<M>(M);

impl<M> Lines<M> {
    const fn new(inner: M) -> Self {
        Self(inner)
    }
}

impl<'w, M: MakeWriter<'w>> MakeWriter<'w> for Lines<M> {
    type Writer = LineWriter<M::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        LineWriter(self.0.make_writer())
    }
}

/// Escapes control characters, except the line end that closes an event.
#[derive(Debug)]
struct LineWriter<W>(W);

impl<W: Write> Write for LineWriter<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let (line, end) = match event.strip_suffix(b"\n") {
            Some(line) => (line, b"\n".as_slice()),
            None => (event, b"".as_slice()),
        };
        let mut out = Vec::with_capacity(event.len());
        for &byte in line {
            match byte {
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'\t' => out.push(byte),
                0..0x20 | 0x7f => write!(out, "\\x{byte:02x}")?,
                _ => out.push(byte),
            }
        }
        out.extend_from_slice(end);
        self.0.write_all(&out)?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Q41: a value from outside can neither start a line nor reach the terminal.
    #[test]
    fn q41_a_value_from_outside_stays_on_its_line() {
        let sink = Sink::default();
        let make = sink.clone();
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(Lines::new(move || make.clone()))
            .with_ansi(false);
        let subscriber = tracing_subscriber::registry().with(lines);
        tracing::subscriber::with_default(subscriber, || {
            let helo = "evil\r\n2026 INFO forged\u{1b}[2J\u{7}";
            tracing::info!(session.helo = %helo, "greeted {helo}");
            tracing::info!("second");
        });
        let written = sink.0.lock().unwrap().clone();
        let text = String::from_utf8(written).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        let controls = |c: char| c.is_control() && c != '\n';
        assert!(!text.contains(controls), "{text:?}");
    }
}
