//! `mailhold check`: is the configuration sound, and what is in force?

use std::path::Path;

use actors::tls::ServerTls;
use serde::Serialize;

use super::args::CheckArguments;
use super::exit::{CONFIGURATION, Failure};
use super::output::{Output, complain, print};
use super::table::Table;
use crate::config::{Config, ConfigError, reference};

#[derive(Debug, Serialize)]
struct Report {
    file: Option<String>,
    sound: bool,
    faults: Vec<FaultReport>,
    settings: Vec<Setting>,
}

#[derive(Debug, Serialize)]
struct FaultReport {
    line: Option<usize>,
    key: String,
    problem: String,
}

#[derive(Debug, Serialize)]
struct Setting {
    key: String,
    value: String,
}

/// Prints the reference, or checks the file and prints the values in force.
pub(super) fn check(
    file: Option<&Path>,
    options: &CheckArguments,
    output: &Output,
) -> Result<(), Failure> {
    if options.reference {
        return print(&reference());
    }
    let loaded = Config::load(file);
    let faults = match &loaded {
        Ok(config) => unusable_certificates(config),
        Err(error) => described(error),
    };
    let sound = faults.is_empty();
    if let Err(error) = &loaded {
        complain(&error.to_string());
    } else {
        for fault in &faults {
            complain(&format!("{}: {}", fault.key, fault.problem));
        }
    }
    let settings = loaded.as_ref().map(in_force).unwrap_or_default();
    let report = Report {
        file: file.map(|path| path.display().to_string()),
        sound,
        faults,
        settings,
    };
    output.show(&report, render)?;
    if sound {
        Ok(())
    } else {
        Err(Failure::new(
            CONFIGURATION,
            "the configuration is not usable",
        ))
    }
}

fn described(error: &ConfigError) -> Vec<FaultReport> {
    match error {
        ConfigError::Unreadable { source, .. } => vec![FaultReport {
            line: None,
            key: String::new(),
            problem: source.to_string(),
        }],
        ConfigError::Faulty { faults, .. } => faults
            .iter()
            .map(|fault| FaultReport {
                line: Some(fault.line),
                key: fault.key.clone(),
                problem: fault.to_string(),
            })
            .collect(),
    }
}

fn in_force(config: &Config) -> Vec<Setting> {
    config
        .settings()
        .map(|(key, value)| Setting {
            key,
            value: value.to_owned(),
        })
        .collect()
}

/// Certificates that the configuration names and that a start could not use.
fn unusable_certificates(config: &Config) -> Vec<FaultReport> {
    let pairs = [("smtp", &config.smtp.tls), ("admin", &config.admin.tls)];
    pairs
        .into_iter()
        .filter_map(|(section, files)| Some((section, files.as_ref()?)))
        .filter_map(|(section, files)| {
            let error = ServerTls::from_files(files.clone(), &[]).err()?;
            Some(FaultReport {
                line: None,
                key: format!("{section}.certificate"),
                problem: error.to_string(),
            })
        })
        .collect()
}

fn render(report: &Report) -> String {
    if report.settings.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["key", "value in force"]);
    for setting in &report.settings {
        let value = if setting.value.is_empty() {
            "–"
        } else {
            &setting.value
        };
        table.row([setting.key.clone(), value.to_owned()]);
    }
    table.render()
}
