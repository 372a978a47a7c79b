//! Logs and metrics of a process.
//!
//! Logs are one line an event on standard error, as text or JSON, with a level that can change
//! while the process runs. What comes from outside may stand in a field, so every control character
//! inside a line is written as an escape: nothing can begin a line of its own or speak to a
//! terminal. Metrics are kept in memory and read by the operations listener.

use std::io::{self, Write};
use std::panic;
use std::sync::Arc;
use std::time::Duration;

use actors::supervision::{ChildSpec, Stopping};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, reload};

use crate::config::{Log, LogFormat, LogLevel};

/// Bounds of histograms of seconds: from a commit in memory to the longest wait for a reply.
const SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 120.0, 600.0,
];
/// How often recorded samples are merged when nobody scrapes.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Why there is no log or are no metrics.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Another log was started before.
    #[error("the log cannot be started: {0}")]
    Log(#[from] tracing_subscriber::util::TryInitError),
    /// Another recorder was started before.
    #[error("metrics cannot be recorded: {0}")]
    Metrics(String),
}

/// The process's own view of itself: what a node needs to change the level and to show metrics.
#[derive(Debug, Clone, Default)]
pub struct Telemetry {
    level: Option<reload::Handle<Targets, Registry>>,
    metrics: Option<PrometheusHandle>,
}

impl Telemetry {
    /// For a node inside another program, which has its own log and metrics.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Starts log and metrics of this process. A panic becomes a line of the log.
    ///
    /// # Errors
    /// When the process has a log or a recorder already.
    pub fn start(log: &Log) -> Result<Self, TelemetryError> {
        let (level, handle) = reload::Layer::new(log.level.targets());
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(Lines(io::stderr))
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
        panic::set_hook(Box::new(log_panic));
        Ok(Self {
            level: Some(handle),
            metrics: Some(record()?),
        })
    }

    /// Puts a new level in force.
    pub fn set_level(&self, level: &LogLevel) {
        let Some(handle) = &self.level else { return };
        if let Err(error) = handle.reload(level.targets()) {
            tracing::warn!(%error, "the log level could not be changed");
        }
    }

    /// Everything that was recorded, as Prometheus text.
    #[must_use]
    pub fn render(&self) -> Arc<dyn Fn() -> String + Send + Sync> {
        match self.metrics.clone() {
            Some(metrics) => Arc::new(move || metrics.render()),
            None => Arc::new(String::new),
        }
    }

    /// The service that keeps recorded samples from piling up.
    #[must_use]
    pub fn upkeep(&self) -> Option<ChildSpec> {
        let metrics = self.metrics.clone()?;
        Some(ChildSpec::service(
            "metrics",
            move |mut stopping: Stopping| {
                let metrics = metrics.clone();
                async move {
                    loop {
                        metrics.run_upkeep();
                        tokio::select! {
                            biased;
                            () = stopping.requested() => return Ok(()),
                            () = tokio::time::sleep(UPKEEP_INTERVAL) => {}
                        }
                    }
                }
            },
        ))
    }
}

fn record() -> Result<PrometheusHandle, TelemetryError> {
    let failed = |error: &dyn std::fmt::Display| TelemetryError::Metrics(error.to_string());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| failed(&error))?;
    let declared = [
        storage::metrics::METRICS,
        actors::metrics::METRICS,
        web::metrics::METRICS,
    ];
    for metric in declared.into_iter().flatten() {
        metric.describe();
    }
    Ok(handle)
}

fn log_panic(panic: &panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    let why = panic.payload_as_str().unwrap_or("no reason given");
    tracing::error!(
        panic.place = place,
        panic.why = why,
        "a part of the program panicked"
    );
}

/// Writers that keep an event on its line.
#[derive(Debug, Clone)]
struct Lines<M>(M);

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
            .with_writer(Lines(move || make.clone()))
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
