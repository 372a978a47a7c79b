//! The node's configuration: `mailhold.toml`, one file per section.
//!
//! Invariants: every key has a default or a meaning when it is absent; a key that nobody knows is a
//! fault; all faults of a file are reported at once, each with its line, its key and what was
//! expected there; nothing starts with a faulty file (exit 78). The reference in
//! `docs/configuration.md` is printed from the same [`Field`]s that read the file.
//!
//! Domains, destinations, mailboxes and aliases are not configuration: they live in the store and
//! change through the API.

mod admin;
mod byte_size;
mod certificate;
mod delivery;
mod dns;
mod document;
mod error;
mod field;
mod filter;
mod limits;
mod log;
mod network;
mod node;
mod operations;
mod portal;
mod reference;
mod site_url;
mod smtp;
mod value;

use std::path::{Path, PathBuf};

pub use admin::Admin;
pub use byte_size::ByteSize;
pub use delivery::Delivery;
pub use dns::Dns;
pub use error::{ConfigError, Fault};
pub use field::{Applies, Field, Preset, Section};
pub use filter::{Consequence, Filter};
pub use limits::Limits;
pub use log::{Log, LogFormat, LogLevel};
pub use network::Network;
pub use node::Node;
pub use operations::Operations;
pub use portal::Portal;
pub use reference::reference;
pub use site_url::{Scheme, SiteUrl};
pub use smtp::Smtp;

use document::Document;
use field::{Reader, Settings};

/// Every section, in the order of the reference.
pub const SECTIONS: [&Section; 10] = [
    &node::SECTION,
    &smtp::SECTION,
    &portal::SECTION,
    &admin::SECTION,
    &operations::SECTION,
    &limits::SECTION,
    &delivery::SECTION,
    &filter::SECTION,
    &dns::SECTION,
    &log::SECTION,
];

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it came from; none when the defaults were asked for.
    pub file: Option<PathBuf>,
    /// Who and where this node is.
    pub node: Node,
    /// Intake.
    pub smtp: Smtp,
    /// The users' portal.
    pub portal: Portal,
    /// The administrators' listener: API and status page.
    pub admin: Admin,
    /// Metrics and health.
    pub operations: Operations,
    /// Bounds.
    pub limits: Limits,
    /// How mail is passed on.
    pub delivery: Delivery,
    /// What is judged about incoming mail.
    pub filter: Filter,
    /// Name resolution.
    pub dns: Dns,
    /// Logs.
    pub log: Log,
    /// The value in force for every key, as text: for `mailhold check` and for comparing at reload.
    settings: Settings,
}

impl Config {
    /// The configuration in `file`, or the defaults when there is none. Relative paths in a file
    /// start at the file's own folder, so that server and command line mean the same data directory
    /// wherever they are started; without a file they start at the working directory.
    ///
    /// # Errors
    /// When the file cannot be read, or with every fault that it has.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = file else {
            return Self::parse("", None);
        };
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            file: path.to_owned(),
            source,
        })?;
        let config = Self::parse(&text, Some(path))?;
        Ok(config)
    }

    /// The configuration in `text`, as if it stood in `file`.
    ///
    /// # Errors
    /// With every fault of the text.
    pub fn parse(text: &str, file: Option<&Path>) -> Result<Self, ConfigError> {
        let faulty = |faults| ConfigError::Faulty {
            file: file.map(Path::to_owned).unwrap_or_default(),
            faults,
        };
        let document = Document::parse(text).map_err(|fault| faulty(vec![fault]))?;
        if file.is_some() && document.is_empty() {
            return Err(faulty(vec![Fault::empty()]));
        }
        let folder = file.and_then(Path::parent).unwrap_or_else(|| Path::new(""));
        let mut reader = Reader::new(&document, folder);
        let config = Self::read(&mut reader, file);
        let (mut faults, settings) = reader.finish();
        match config {
            Some(config) if faults.is_empty() => Ok(Self { settings, ..config }),
            _ => {
                faults.sort_by_key(|fault| fault.line);
                Err(faulty(faults))
            }
        }
    }

    /// Reads all sections before giving up, so that one run names every fault.
    fn read(reader: &mut Reader<'_>, file: Option<&Path>) -> Option<Self> {
        reader.refuse_unknown_sections(&SECTIONS);
        let node = Node::read(&mut reader.section(&node::SECTION));
        let smtp = Smtp::read(&mut reader.section(&smtp::SECTION));
        let portal = Portal::read(&mut reader.section(&portal::SECTION));
        let admin = Admin::read(&mut reader.section(&admin::SECTION));
        let operations = Operations::read(&mut reader.section(&operations::SECTION));
        let limits = Limits::read(&mut reader.section(&limits::SECTION));
        let hostname = node.as_ref().map(|node| node.hostname.clone());
        let delivery = Delivery::read(&mut reader.section(&delivery::SECTION), hostname);
        let filter = Filter::read(&mut reader.section(&filter::SECTION));
        let dns = Dns::read(&mut reader.section(&dns::SECTION));
        let log = Log::read(&mut reader.section(&log::SECTION));
        Some(Self {
            file: file.map(Path::to_owned),
            node: node?,
            smtp: smtp?,
            portal: portal?,
            admin: admin?,
            operations: operations?,
            limits: limits?,
            delivery: delivery?,
            filter: filter?,
            dns: dns?,
            log: log?,
            settings: Settings::default(),
        })
    }

    /// Every key with the value in force, in the order of the reference.
    pub fn settings(&self) -> impl Iterator<Item = (String, &str)> {
        SECTIONS.into_iter().flat_map(move |section| {
            section.fields.iter().filter_map(move |field| {
                let key = section.key(field);
                let value = self.settings.get(&key)?;
                Some((key, value.as_str()))
            })
        })
    }

    /// Notes the values of `next` as those in force for these keys.
    pub(crate) fn take_over(&mut self, next: &Self, keys: &[String]) {
        for key in keys {
            if let Some(value) = next.settings.get(key) {
                self.settings.insert(key.clone(), value.clone());
            }
        }
    }

    /// What a reload from `self` to `next` changes: keys that apply at once, and keys that need a
    /// restart.
    #[must_use]
    pub fn changes(&self, next: &Self) -> Changes {
        let mut changes = Changes::default();
        for section in SECTIONS {
            for field in section.fields {
                let key = section.key(field);
                if self.settings.get(&key) == next.settings.get(&key) {
                    continue;
                }
                match field.applies {
                    Applies::Reload => changes.applied.push(key),
                    Applies::Restart => changes.need_restart.push(key),
                }
            }
        }
        changes
    }
}

/// The difference between two configurations, by key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// In force as soon as the reload is done.
    pub applied: Vec<String>,
    /// Unchanged in the running process.
    pub need_restart: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file that has to work as it stands.
    const SAMPLE: &str = r#"hostname = "mx.example.net"
data_dir = "data"
[smtp]
listen = ["127.0.0.1:2525"]
[portal]
listen = "127.0.0.1:8443"
url = "https://localhost:8443"
[admin]
listen = "127.0.0.1:8444"
url = "https://localhost:8444"
[operations]
listen = "127.0.0.1:9090"
[limits]
connections_per_client = 20
exempt_clients = ["127.0.0.0/8"]
"#;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Some(Path::new("/etc/mailhold/mailhold.toml")))
    }

    #[test]
    fn the_sample_file_works_as_it_stands() {
        let config = parse(SAMPLE).unwrap();
        assert_eq!(config.node.hostname.as_str(), "mx.example.net");
        assert_eq!(config.node.data_dir, Path::new("/etc/mailhold/data"));
        assert_eq!(config.smtp.listen, ["127.0.0.1:2525".parse().unwrap()]);
        assert_eq!(config.admin.url.to_string(), "https://localhost:8444");
        assert_eq!(config.limits.connections, 10_000);
        assert_eq!(config.limits.message_size.bytes(), 50 * 1024 * 1024);
        assert!(config.limits.exempt_clients[0].contains("127.9.9.9".parse().unwrap()));
    }

    #[test]
    fn the_file_for_deployment_is_sound() {
        let text = include_str!("../../docs/deploy/mailhold.toml");
        let config = parse(text).unwrap();
        assert_eq!(config.node.data_dir, Path::new("/var/lib/mailhold"));
    }

    #[test]
    fn without_a_file_everything_is_on_loopback_and_data_is_in_the_current_folder() {
        let config = Config::load(None).unwrap();
        assert!(config.smtp.listen.iter().all(|a| a.ip().is_loopback()));
        for listen in [
            config.admin.listen,
            config.operations.listen,
            config.portal.listen,
        ] {
            assert!(listen.ip().is_loopback());
        }
        assert_eq!(config.node.data_dir, Path::new("data"));
    }

    /// (text, line, key, what was expected)
    const FAULTS: &[(&str, usize, &str, &str)] = &[
        ("hostname = 7", 1, "hostname", "a host name"),
        ("hostname = \"-a-\"", 1, "hostname", "a host name"),
        (
            "\nhostnam = \"x\"",
            2,
            "hostnam",
            "did you mean `hostname`?",
        ),
        ("[smtpd]\nlisten = []", 1, "smtpd", "did you mean `[smtp]`?"),
        ("smtp = 1", 1, "smtp", "a section"),
        ("[smtp]\nlisten = \"x\"", 2, "smtp.listen", "a list of"),
        (
            "[smtp]\nlisten = [\n\"127.0.0.1:25\",\n\"nope\"]",
            4,
            "smtp.listen",
            "an address and port",
        ),
        ("[smtp]\nlisten = []", 2, "smtp.listen", "at least one"),
        (
            "[smtp]\ncertificate = \"a.pem\"",
            2,
            "smtp.key",
            "together with `certificate`",
        ),
        (
            "[smtp]\nproxy_listen = [\"127.0.0.1:2600\"]\nproxy_sources = []",
            3,
            "smtp.proxy_sources",
            "the proxies that call",
        ),
        (
            "[smtp]\nnormalise_on = [\"127.0.0.1:99\"]",
            2,
            "smtp.normalise_on",
            "addresses of `listen`",
        ),
        ("[admin]\nurl = \"ftp://x\"", 2, "admin.url", "https://"),
        (
            "[admin]\nurl = \"https://x/path\"",
            2,
            "admin.url",
            "without a path",
        ),
        (
            "[admin]\nlisten = \"0.0.0.0:8444\"\nurl = \"http://mx.example.net:8444\"",
            3,
            "admin.url",
            "plain HTTP only on a loopback address",
        ),
        (
            "[limits]\nmessage_size = \"50 apples\"",
            2,
            "limits.message_size",
            "a size",
        ),
        (
            "[limits]\nmessage_size = \"1B\"",
            2,
            "limits.message_size",
            "from",
        ),
        (
            "[limits]\nconnections = 0",
            2,
            "limits.connections",
            "from 1",
        ),
        (
            "[limits]\nconnections = -1",
            2,
            "limits.connections",
            "from 1",
        ),
        (
            "[limits]\nexempt_clients = [\"10.0.0.0/33\"]",
            2,
            "limits.exempt_clients",
            "a network",
        ),
        (
            "[limits]\nexempt_clients = [\"10.0.0.1/8\"]",
            2,
            "limits.exempt_clients",
            "10.0.0.0/8",
        ),
        (
            "[dns]\nservers = [\"ns.example\"]",
            2,
            "dns.servers",
            "an address",
        ),
        (
            "[log]\nformat = \"xml\"",
            2,
            "log.format",
            "\"text\" or \"json\"",
        ),
        ("[log]\nlevel = \"loud\"", 2, "log.level", "a level"),
        (
            "[admin]\nlisten = \"127.0.0.1:2525\"",
            2,
            "admin.listen",
            "other than `smtp.listen`",
        ),
        (
            "[operations]\nlisten = \"127.0.0.1:8444\"",
            2,
            "operations.listen",
            "`admin.listen`",
        ),
        ("hostname = ", 1, "", "value"),
        ("a = 1\na = 2", 2, "", "duplicate"),
    ];

    #[test]
    fn bad_input_every_fault_names_file_line_key_and_what_was_expected() {
        for (text, line, key, expected) in FAULTS {
            let error = parse(text).expect_err(text);
            let ConfigError::Faulty { file, faults } = &error else {
                panic!("{text}: {error}")
            };
            assert_eq!(file, Path::new("/etc/mailhold/mailhold.toml"));
            let found = faults
                .iter()
                .find(|fault| fault.line == *line && fault.key == *key);
            let fault = found.unwrap_or_else(|| panic!("{text}: {faults:?}"));
            assert!(fault.to_string().contains(expected), "{text}: {fault}");
            let line = format!("/etc/mailhold/mailhold.toml:{line}: ");
            assert!(error.to_string().contains(&line), "{error}");
        }
    }

    #[test]
    fn all_faults_are_reported_at_once_in_the_order_of_the_file() {
        let text = "data_dir = 1\n[limits]\nconnections = \"x\"\nsize = 1\n[log]\nformat = 1\n";
        let Err(ConfigError::Faulty { faults, .. }) = parse(text) else {
            panic!("accepted")
        };
        let lines: Vec<usize> = faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [1, 3, 4, 6], "{faults:?}");
    }

    #[test]
    fn a_file_without_a_single_setting_is_an_accident() {
        for text in ["", "\n\n", "# nothing\n"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Config::load(Some(Path::new("/nonexistent/mailhold.toml"))).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/mailhold.toml"));
    }

    #[test]
    fn a_reload_tells_what_applies_and_what_needs_a_restart() {
        let before = parse(SAMPLE).unwrap();
        let text = SAMPLE
            .replace("connections_per_client = 20", "connections_per_client = 30")
            .replace("127.0.0.1:2525", "127.0.0.1:2526");
        let changes = before.changes(&parse(&text).unwrap());
        assert_eq!(changes.applied, ["limits.connections_per_client"]);
        assert_eq!(changes.need_restart, ["smtp.listen"]);
        assert_eq!(before.changes(&parse(SAMPLE).unwrap()), Changes::default());
    }

    #[test]
    fn every_key_of_the_reference_is_read_and_has_a_value_in_force() {
        let config = parse(SAMPLE).unwrap();
        let known: usize = SECTIONS.iter().map(|section| section.fields.len()).sum();
        assert_eq!(config.settings().count(), known);
    }
}
