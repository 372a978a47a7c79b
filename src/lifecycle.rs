//! The life of the `serve` process: start, signals, reload, watchdog, stop.
//!
//! SIGTERM and SIGINT stop in order (B11); a second one gives up waiting. SIGHUP reads the
//! configuration and the certificates again. The service manager is told what happens.

use std::future::Future;
use std::io;
use std::path::Path;
use std::time::Duration;

use actors::supervision::Exit;
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Config;
use crate::node::{Node, StartError};
use crate::telemetry::Telemetry;

/// Runs a node until `shutdown` resolves or a part of it cannot go on.
///
/// # Errors
/// Why it did not start.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> Result<Exit, StartError> {
    let mut node = Node::start(config, Telemetry::none()).await?;
    tokio::select! {
        exit = node.ending() => tracing::error!(%exit, "the node cannot go on"),
        () = shutdown => {}
    }
    Ok(node.stop().await)
}

/// Runs a node as a process of its own: under signals and a service manager.
///
/// # Errors
/// Why it did not start.
pub async fn serve(config: Config, telemetry: Telemetry) -> Result<Exit, StartError> {
    let mut signals = Signals::new().map_err(|error| StartError::Tree(error.to_string()))?;
    let started = config.clone();
    let mut node = Node::start(config, telemetry).await?;
    announce(&node);
    tell(&[NotifyState::Ready]);
    let mut watchdog = Watchdog::new();
    let reason = loop {
        tokio::select! {
            exit = node.ending() => break Err(exit),
            wish = signals.next() => match wish {
                Wish::Stop => break Ok(()),
                Wish::Reload => reload(&mut node, started.file.as_deref()),
            },
            () = watchdog.due() => tell(&[NotifyState::Watchdog]),
        }
    };
    match &reason {
        Ok(()) => tracing::info!("stopping as asked"),
        Err(exit) => tracing::error!(%exit, "the node cannot go on"),
    }
    tell(&[NotifyState::Stopping]);
    let stopped = tokio::select! {
        exit = node.stop() => exit,
        () = signals.stop_again() => {
            tracing::warn!("asked to stop twice: not waiting any longer");
            Exit::Requested
        }
    };
    tracing::info!("stopped");
    Ok(reason.err().unwrap_or(stopped))
}

fn announce(node: &Node) {
    let addresses = node.addresses();
    let smtp: Vec<String> = addresses.smtp.iter().map(ToString::to_string).collect();
    tracing::info!(
        node.hostname = %node.config().node.hostname,
        node.data_dir = %node.config().node.data_dir.display(),
        smtp.listen = smtp.join(", "),
        admin.listen = %addresses.admin,
        operations.listen = %addresses.operations,
        "ready"
    );
}

fn reload(node: &mut Node, file: Option<&Path>) {
    let now = NotifyState::monotonic_usec_now();
    tell(&[NotifyState::Reloading]);
    if let Ok(now) = now {
        tell(&[now]);
    }
    match Config::load(file) {
        Err(error) => tracing::error!(%error, "not reloaded: the configuration stays as it was"),
        Ok(next) => match node.reload(next) {
            Err(error) => tracing::error!(%error, "not reloaded: everything stays as it was"),
            Ok(changes) => {
                let applied = changes.applied.join(", ");
                tracing::info!(
                    reload.applied = applied,
                    "reloaded configuration and certificates"
                );
                if !changes.need_restart.is_empty() {
                    let keys = changes.need_restart.join(", ");
                    tracing::warn!(reload.need_restart = keys, "changes that need a restart");
                }
            }
        },
    }
    tell(&[NotifyState::Ready]);
}

/// Tells the service manager; without one there is nobody to tell.
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

/// What a signal asks for.
enum Wish {
    Stop,
    Reload,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.terminate.recv() => Wish::Stop,
            _ = self.interrupt.recv() => Wish::Stop,
            _ = self.hangup.recv() => Wish::Reload,
        }
    }

    async fn stop_again(&mut self) {
        while !matches!(self.next().await, Wish::Stop) {}
    }
}

/// Says regularly that the process is alive, when the service manager wants to hear it.
struct Watchdog {
    interval: Option<tokio::time::Interval>,
}

impl Watchdog {
    fn new() -> Self {
        // Twice in the time that is allowed, as sd_watchdog_enabled(3) advises.
        let period = sd_notify::watchdog_enabled().map(|allowed| allowed / 2);
        let period = period.filter(|period| *period > Duration::ZERO);
        Self {
            interval: period.map(tokio::time::interval),
        }
    }

    async fn due(&mut self) {
        match &mut self.interval {
            Some(interval) => {
                interval.tick().await;
            }
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::STOP_GRACE;
    use std::process::Command;

    const UNIT: &str = include_str!("../docs/deploy/mailhold.service");

    fn seconds(key: &str) -> Duration {
        let value = UNIT.lines().find_map(|line| line.strip_prefix(key));
        let text = value.unwrap().trim_start_matches('=').trim_end_matches('s');
        Duration::from_secs(text.parse().unwrap())
    }

    #[test]
    fn the_unit_hears_us_and_waits_longer_than_a_stop_may_take() {
        assert!(UNIT.lines().any(|line| line == "Type=notify"));
        assert!(
            UNIT.lines()
                .any(|line| line.starts_with("#LoadCredential="))
        );
        assert!(seconds("TimeoutStopSec") > STOP_GRACE);
        assert!(seconds("WatchdogSec") >= Duration::from_secs(10));
    }

    /// Q42: the sandbox leaves little exposed.
    #[test]
    fn q42_the_exposure_of_the_unit_is_at_most_two() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/deploy/mailhold.service");
        let judged = Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--threshold=20", path])
            .output();
        match judged {
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stdout);
                assert!(output.status.success(), "{said}");
            }
            Err(error) => eprintln!("NOT CHECKED: systemd-analyze cannot be run here: {error}"),
        }
    }
}
