//! What the spectator sees: bars that move on a terminal, plain lines otherwise.

use std::time::Duration;

use actors::status::DestinationState;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::figures::{Figures, grouped, seconds};

/// How often plain lines tell the figures.
const PLAIN_INTERVAL: Duration = Duration::from_secs(1);
const BAR: &str = "  {prefix:<12.bold} {bar:34.COLOUR/237} {msg}";
const LINE: &str = "  {prefix:<12.bold} {msg}";
const GLYPHS: &str = "━╸─";

/// A view of the demo.
#[derive(Debug)]
pub(super) enum View {
    /// Bars on a terminal.
    Terminal(Bars),
    /// Lines on standard output.
    Plain {
        /// When the next line of figures is due.
        due: Duration,
    },
}

/// The bars.
#[derive(Debug)]
pub(super) struct Bars {
    all: MultiProgress,
    server: ProgressBar,
    accepted: ProgressBar,
    delivered: ProgressBar,
    queue: ProgressBar,
    pace: ProgressBar,
}

impl View {
    /// Bars when standard output is a terminal.
    pub(super) fn new() -> Self {
        use std::io::IsTerminal as _;
        if !std::io::stdout().is_terminal() {
            let due = Duration::ZERO;
            return Self::Plain { due };
        }
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stdout_with_hz(12));
        let bar = |prefix: &'static str, template: &str| {
            let style = ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars(GLYPHS);
            let bar = ProgressBar::new(1).with_style(style).with_prefix(prefix);
            all.add(bar)
        };
        let coloured = |colour| BAR.replace("COLOUR", colour);
        let gap = all.add(ProgressBar::new(1).with_style(ProgressStyle::default_spinner()));
        gap.set_style(
            ProgressStyle::with_template(" ").unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        gap.tick();
        Self::Terminal(Bars {
            server: bar("server", LINE),
            accepted: bar("accepted", &coloured("cyan")),
            delivered: bar("delivered", &coloured("green")),
            queue: bar("held", &coloured("yellow")),
            pace: bar("pace", LINE),
            all,
        })
    }

    /// A moment worth a line of its own.
    pub(super) fn say(&self, elapsed: Duration, text: &str) {
        let line = format!("{}  {text}", clock(elapsed));
        match self {
            // A terminal that went away has nobody before it.
            Self::Terminal(bars) => drop(bars.all.println(format!("  {line}"))),
            Self::Plain { .. } => println(&line),
        }
    }

    /// The figures of this moment.
    pub(super) fn show(&mut self, figures: &Figures, held_max: u64) {
        match self {
            Self::Terminal(bars) => bars.show(figures, held_max),
            Self::Plain { due } if figures.elapsed >= *due => {
                *due = figures.elapsed + PLAIN_INTERVAL;
                println(&plain(figures));
            }
            Self::Plain { .. } => {}
        }
    }

    /// Leaves the last figures where they stand and prints the end.
    pub(super) fn end(&self, text: &str) {
        if let Self::Terminal(bars) = self {
            for bar in [
                &bars.server,
                &bars.accepted,
                &bars.delivered,
                &bars.queue,
                &bars.pace,
            ] {
                bar.abandon();
            }
        }
        println(text);
    }
}

impl Bars {
    fn show(&self, figures: &Figures, held_max: u64) {
        let reason = figures.reason.as_deref().unwrap_or_default();
        let state = coloured_state(figures.state);
        self.server
            .set_message(format!("{state}  {}", shortened(reason)));
        self.accepted.set_length(figures.messages);
        self.accepted.set_position(figures.accepted);
        self.accepted.set_message(format!(
            "{} of {}, {:.0}/s",
            grouped(figures.accepted),
            grouped(figures.messages),
            figures.accepted_per_second
        ));
        self.delivered.set_length(figures.messages);
        self.delivered.set_position(figures.delivered);
        self.delivered.set_message(format!(
            "{}, {:.0}/s",
            grouped(figures.delivered),
            figures.delivered_per_second
        ));
        // The same scale from the start, so that the bar is seen to grow.
        self.queue
            .set_length(held_max.max(figures.messages * 2 / 3));
        self.queue.set_position(figures.queued);
        self.queue.set_message(format!(
            "{} ({:.1} MB)",
            grouped(figures.queued),
            figures.queued_bytes as f64 / 1e6
        ));
        self.pace.set_message(pace(figures));
    }
}

/// `up to 8 at a time, 5 on their way, 2.1 s left`
fn pace(figures: &Figures) -> String {
    if figures.window == 0 {
        return "nothing is sent; the server is probed".to_owned();
    }
    let left = match figures.time_left() {
        Some(Duration::ZERO) => "nothing waits".to_owned(),
        Some(left) => format!("{} left", seconds(left)),
        None => "waiting".to_owned(),
    };
    format!(
        "up to {} at a time, {} on their way, {left}",
        figures.window, figures.in_flight
    )
}

fn plain(figures: &Figures) -> String {
    format!(
        "{}  server {:<9} accepted {:>6}  delivered {:>6}  held {:>6}  in {:>4.0}/s  out {:>4.0}/s  {}",
        clock(figures.elapsed),
        state_name(figures.state),
        figures.accepted,
        figures.delivered,
        figures.queued,
        figures.accepted_per_second,
        figures.delivered_per_second,
        pace(figures),
    )
}

/// `00:07`
fn clock(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
}

const fn state_name(state: DestinationState) -> &'static str {
    match state {
        DestinationState::Unknown => "unknown",
        DestinationState::Healthy => "healthy",
        DestinationState::Degraded => "degraded",
        DestinationState::Suspect => "suspect",
        DestinationState::Down => "down",
        DestinationState::Canary => "canary",
        DestinationState::Ramp => "ramp",
        DestinationState::Policy => "policy",
        DestinationState::Held => "held",
        DestinationState::Faulty => "faulty",
    }
}

fn coloured_state(state: DestinationState) -> String {
    let colour = match state {
        DestinationState::Healthy => 32,
        DestinationState::Canary | DestinationState::Ramp => 36,
        DestinationState::Unknown => 37,
        DestinationState::Degraded | DestinationState::Suspect | DestinationState::Held => 33,
        DestinationState::Down | DestinationState::Policy | DestinationState::Faulty => 31,
    };
    format!("\u{1b}[1;{colour}m● {}\u{1b}[0m", state_name(state))
}

/// At most a line's worth of a reason.
fn shortened(text: &str) -> String {
    const LETTERS_MAX: usize = 60;
    if text.chars().count() <= LETTERS_MAX {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(LETTERS_MAX - 1).collect();
    short.push('…');
    short
}

fn println(text: &str) {
    use std::io::Write as _;
    // A reader that went away (`| head`) has seen enough; the demo's exit code still counts.
    let _ = writeln!(std::io::stdout(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_tells_everything() {
        let figures = Figures {
            elapsed: Duration::from_secs(67),
            accepted: 1200,
            delivered: 700,
            queued: 500,
            state: DestinationState::Ramp,
            window: 8,
            in_flight: 7,
            accepted_per_second: 100.0,
            delivered_per_second: 300.0,
            ..Figures::default()
        };
        let line = plain(&figures);
        for part in ["01:07", "ramp", "1200", "700", "500", "300/s", "2.5 s left"] {
            assert!(line.contains(part), "{part} in {line:?}");
        }
    }

    #[test]
    fn long_reasons_fit_a_line() {
        assert_eq!(shortened("short"), "short");
        assert_eq!(shortened(&"ü".repeat(200)).chars().count(), 60);
    }
}
