//! Keys above the first section: who and where this node is.

use std::path::PathBuf;

use storage::model::DomainName;

use super::field::{Applies, Field, Preset, Section, SectionReader};
use super::value::FilePath;

const HOSTNAME: Field = Field {
    key: "hostname",
    preset: Preset::Unset("the machine's own name"),
    applies: Applies::Restart,
    doc: "Name of this node in the greeting, in EHLO to destinations and in trace headers. Give the \
          fully qualified name that the MX record points to.",
};

const DATA_DIR: Field = Field {
    key: "data_dir",
    preset: Preset::Toml("\"data\""),
    applies: Applies::Restart,
    doc: "Folder of the store, the operator token and self-made certificates; made at first start \
          with mode 0700. A relative path starts at the folder of the configuration file, so that \
          the server and the command line mean the same folder wherever they are started; without \
          a configuration file it starts at the working directory.",
};

const MASTER_KEY: Field = Field {
    key: "master_key",
    preset: Preset::Unset("`master.key` in `data_dir`"),
    applies: Applies::Restart,
    doc: "File of the key that the keys of all domains are sealed with; made at first start with \
          mode 0600 when it is not there. Without it no stored mail can be read: keep a copy \
          elsewhere. With systemd, `LoadCredential=master.key:…` and \
          `/run/credentials/mailhold.service/master.key`.",
};

pub(super) const SECTION: Section = Section {
    name: "",
    doc: "Who and where this node is. These keys stand above the first section.",
    fields: &[HOSTNAME, DATA_DIR, MASTER_KEY],
};

/// Who and where this node is.
#[derive(Debug, Clone)]
pub struct Node {
    /// Our name towards the world.
    pub hostname: DomainName,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// The key of all keys.
    pub master_key: PathBuf,
}

impl Node {
    pub(super) fn read(section: &mut SectionReader<'_, '_>) -> Option<Self> {
        let hostname = section.value_or(&HOSTNAME, machine_name);
        let data_dir = section.value::<FilePath>(&DATA_DIR);
        let master_key = section.optional::<FilePath>(&MASTER_KEY);
        let data_dir = section.folder().join(data_dir?.0);
        let master_key = match master_key? {
            Some(path) => section.folder().join(path.0),
            None => data_dir.join("master.key"),
        };
        Some(Self {
            hostname: hostname?,
            data_dir,
            master_key,
        })
    }
}

/// The machine's name when it is a domain name, else `localhost`.
fn machine_name() -> DomainName {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_str().ok();
    let parsed = name.and_then(|name| name.parse().ok());
    parsed.unwrap_or_else(localhost)
}

#[expect(clippy::expect_used, reason = "a literal that the tests parse")]
fn localhost() -> DomainName {
    "localhost".parse().expect("localhost is a domain name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_resort_is_a_name() {
        assert_eq!(localhost().as_str(), "localhost");
        assert!(!machine_name().as_str().is_empty());
    }
}
