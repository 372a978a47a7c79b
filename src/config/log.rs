//! `[log]`: how the node speaks.

use std::fmt;

use tracing_subscriber::filter::{LevelFilter, Targets};

use super::field::{Applies, Field, Preset, Section, SectionReader};
use super::value::Text;

const FORMAT: Field = Field {
    key: "format",
    preset: Preset::Toml("\"text\""),
    applies: Applies::Restart,
    doc: "`\"text\"`: a line that reads well alone; `\"json\"`: one object a line.",
};

const LEVEL: Field = Field {
    key: "level",
    preset: Preset::Toml("\"info\""),
    applies: Applies::Reload,
    doc: "`error`, `warn`, `info`, `debug` or `trace`, also per part: `\"info,actors=debug\"`. \
          Addresses of mail appear at `debug` only, contents never.",
};

pub(super) const SECTION: Section = Section {
    name: "log",
    doc: "Logs go to standard error.",
    fields: &[FORMAT, LEVEL],
};

/// Logs.
#[derive(Debug, Clone)]
pub struct Log {
    /// Shape of a line.
    pub format: LogFormat,
    /// What is written.
    pub level: LogLevel,
}

impl Log {
    pub(super) fn read(section: &mut SectionReader<'_, '_>) -> Option<Self> {
        let format = section.value(&FORMAT);
        let level = section.value(&LEVEL);
        Some(Self {
            format: format?,
            level: level?,
        })
    }
}

/// Shape of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

impl Text for LogFormat {
    const EXPECTED: &'static str = "\"text\" or \"json\"";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(None),
        }
    }
}

/// Libraries that say at `info` what concerns only themselves.
const TALKATIVE: [&str; 4] = ["fjall", "lsm_tree", "ractor", "hickory"];

/// Levels, in total and per part.
#[derive(Debug, Clone)]
pub struct LogLevel {
    written: String,
    targets: Targets,
}

impl LogLevel {
    /// The filter it stands for. Libraries that tell their inner life at `info` are kept to
    /// warnings, unless they are named.
    #[must_use]
    pub fn targets(&self) -> Targets {
        let quiet = TALKATIVE.map(|name| (name, LevelFilter::WARN));
        let level = self.targets.default_level().unwrap_or(LevelFilter::OFF);
        let mut targets = Targets::new().with_default(level);
        if level >= LevelFilter::WARN {
            targets = targets.with_targets(quiet);
        }
        targets.extend(
            self.targets
                .iter()
                .map(|(name, level)| (name.to_owned(), level)),
        );
        targets
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl Text for LogLevel {
    const EXPECTED: &'static str = "a level (error, warn, info, debug, trace), also per part as in \
                                    \"info,actors=debug\"";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        // A lone word that is no level would be taken for a part's name and switch all else off.
        let sound = text.split(',').all(|part| {
            let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
            level.trim().parse::<LevelFilter>().is_ok()
        });
        let targets = text
            .parse()
            .ok()
            .filter(|_| sound && !text.trim().is_empty());
        targets.ok_or(None).map(|targets| Self {
            written: text.to_owned(),
            targets,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn libraries_are_kept_to_warnings_unless_they_are_named() {
        for (written, target, level, written_out) in [
            ("info", "mailhold", Level::INFO, true),
            ("info", "fjall::db", Level::INFO, false),
            ("info", "lsm_tree", Level::WARN, true),
            ("info,fjall=debug", "fjall::db", Level::DEBUG, true),
            ("debug", "ractor", Level::INFO, false),
            ("error", "fjall", Level::WARN, false),
            ("warn,actors=trace", "actors::smtp", Level::TRACE, true),
        ] {
            let level_of = LogLevel::from_text(written).unwrap();
            let enabled = level_of.targets().would_enable(target, &level);
            assert_eq!(enabled, written_out, "{written} {target} {level}");
        }
    }
}
