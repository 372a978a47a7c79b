//! `[delivery]`: how mail is passed on.

use std::fmt::Display;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use storage::model::{Destination, DomainName, HostRole, Login, Secret};

use super::field::{Applies, Field, Preset, Section, SectionReader};
use super::value::{FilePath, Text};

const HELO_NAME: Field = Field {
    key: "helo_name",
    preset: Preset::Unset("`hostname`"),
    applies: Applies::Restart,
    doc: "Our name in EHLO to destinations. A destination that introduces itself by this name is \
          taken for this node itself, and mail for it is held.",
};

const SOURCE_ADDRESSES: Field = Field {
    key: "source_addresses",
    preset: Preset::Toml("[]"),
    applies: Applies::Restart,
    doc: "Addresses that connections to destinations come from: the first of the family of the \
          destination's address; the system's choice when there is none.",
};

const SMART_HOST: Field = Field {
    key: "smart_host",
    preset: Preset::Toml("[]"),
    applies: Applies::Restart,
    doc: "Hosts that our own mail to others goes through (notifications, and what is written in the \
          portal), each as `\"host:port,priority=N,weight=N,tls=POLICY,xforward=on\"`, where POLICY is `none`, \
          `opportunistic`, `required`, `verified` or `pinned:SHA-256`. When empty such mail goes to \
          the MX of its domain.",
};

const MTA_STS: Field = Field {
    key: "mta_sts",
    preset: Preset::Toml("true"),
    applies: Applies::Restart,
    doc: "Whether the MTA-STS policies (RFC 8461) of domains whose MX records are used are asked for \
          and kept to. Configured hosts are not concerned.",
};

const DANE: Field = Field {
    key: "dane",
    preset: Preset::Toml("false"),
    applies: Applies::Restart,
    doc: "Whether the TLSA records (DANE, RFC 7672) of hosts that MX records name are asked for and kept \
          to. Mailhold validates DNSSEC by itself; the name servers have to pass on signatures, and \
          where they do not, mail that goes by MX records waits.",
};

const SMART_HOST_USER: Field = Field {
    key: "smart_host_user",
    preset: Preset::Unset("no sign-in"),
    applies: Applies::Restart,
    doc: "As whom to sign in at the smart hosts (SMTP AUTH PLAIN or LOGIN). Every smart host then \
          needs a TLS policy of `required`, `verified` or `pinned`.",
};

const SMART_HOST_PASSWORD_FILE: Field = Field {
    key: "smart_host_password_file",
    preset: Preset::Unset("no sign-in"),
    applies: Applies::Restart,
    doc: "File whose first line is the password; only its owner may be able to read it (mode 0600).",
};

const CONNECT_TIMEOUT: Field = Field {
    key: "connect_timeout",
    preset: Preset::Toml("5"),
    applies: Applies::Restart,
    doc: "Seconds to a TCP connection with a destination, over all its addresses. A destination that \
          is a black hole is known to be down after this and one confirmation.",
};

const GREETING_TIMEOUT: Field = Field {
    key: "greeting_timeout",
    preset: Preset::Toml("30"),
    applies: Applies::Restart,
    doc: "Seconds to a destination's greeting.",
};

const COMMAND_TIMEOUT: Field = Field {
    key: "command_timeout",
    preset: Preset::Toml("300"),
    applies: Applies::Restart,
    doc: "Seconds to a destination's answer to a command (RFC 5321 §4.5.3.2 asks for 300).",
};

const FINAL_REPLY_TIMEOUT: Field = Field {
    key: "final_reply_timeout",
    preset: Preset::Toml("600"),
    applies: Applies::Restart,
    doc: "Seconds to a destination's answer to the end of a message. Too short a time makes second \
          copies (RFC 1047).",
};

pub(super) const SECTION: Section = Section {
    name: "delivery",
    doc: "How mail is passed on. Where a domain's mail goes is set with the domain.",
    fields: &[
        HELO_NAME,
        SOURCE_ADDRESSES,
        SMART_HOST,
        MTA_STS,
        DANE,
        SMART_HOST_USER,
        SMART_HOST_PASSWORD_FILE,
        CONNECT_TIMEOUT,
        GREETING_TIMEOUT,
        COMMAND_TIMEOUT,
        FINAL_REPLY_TIMEOUT,
    ],
};

/// Longest time that may be set.
const TIMEOUT_MAX: u32 = 3600;

/// How mail is passed on.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Our name in EHLO.
    pub helo_name: DomainName,
    /// Where connections come from.
    pub source_addresses: Vec<IpAddr>,
    /// What our own mail to others goes through, without a login.
    pub smart_host: Vec<Destination>,
    /// User and password file for it.
    pub smart_host_login: Option<(String, PathBuf)>,
    /// Whether MTA-STS policies are kept to.
    pub mta_sts: bool,
    /// Whether TLSA records are asked for.
    pub dane: bool,
    /// To a TCP connection.
    pub connect_timeout: Duration,
    /// To the greeting.
    pub greeting_timeout: Duration,
    /// To the answer to a command.
    pub command_timeout: Duration,
    /// To the answer to the end of a message.
    pub final_reply_timeout: Duration,
}

impl Delivery {
    pub(super) fn read(
        section: &mut SectionReader<'_, '_>,
        hostname: Option<DomainName>,
    ) -> Option<Self> {
        let helo_name = match hostname {
            Some(hostname) => section.value_or(&HELO_NAME, || hostname),
            None => section.optional::<DomainName>(&HELO_NAME).flatten(),
        };
        let sources = section.value(&SOURCE_ADDRESSES);
        let hosts: Option<Vec<SmartHost>> = section.value(&SMART_HOST);
        let mta_sts = section.value(&MTA_STS);
        let dane = section.value(&DANE);
        let user = section.optional::<UserName>(&SMART_HOST_USER);
        let file = section.optional::<FilePath>(&SMART_HOST_PASSWORD_FILE);
        let mut seconds = |field| {
            let read = section.within(field, 1..=TIMEOUT_MAX);
            read.map(|seconds| Duration::from_secs(seconds.into()))
        };
        let connect = seconds(&CONNECT_TIMEOUT);
        let greeting = seconds(&GREETING_TIMEOUT);
        let command = seconds(&COMMAND_TIMEOUT);
        let final_reply = seconds(&FINAL_REPLY_TIMEOUT);
        let hosts: Vec<Destination> = hosts?.into_iter().map(|host| host.0).collect();
        let login = match (user?, file?) {
            (Some(user), Some(file)) => Some((user.0, section.folder().join(file.0))),
            (None, None) => None,
            (Some(_), None) => {
                section.object(&SMART_HOST_PASSWORD_FILE, "together with `smart_host_user`");
                None
            }
            (None, Some(_)) => {
                section.object(&SMART_HOST_USER, "together with `smart_host_password_file`");
                None
            }
        };
        if login.is_some() && !hosts.iter().all(|host| host.tls.is_strict()) {
            let words = "a TLS policy of required, verified or pinned for every smart host";
            section.object(&SMART_HOST, words);
        }
        Some(Self {
            helo_name: helo_name?,
            source_addresses: sources?,
            smart_host: hosts,
            smart_host_login: login,
            mta_sts: mta_sts?,
            dane: dane?,
            connect_timeout: connect?,
            greeting_timeout: greeting?,
            command_timeout: command?,
            final_reply_timeout: final_reply?,
        })
    }

    /// The smart hosts with the login that is in the password file now.
    ///
    /// # Errors
    /// When the file cannot be read, is empty, or others than its owner may read it.
    pub fn smart_hosts(&self) -> io::Result<Vec<Destination>> {
        let Some((user, file)) = &self.smart_host_login else {
            return Ok(self.smart_host.clone());
        };
        let login = Login {
            user: user.clone(),
            password: Secret::new(read_password(file)?),
        };
        let mut hosts = self.smart_host.clone();
        for host in &mut hosts {
            host.login = Some(login.clone());
        }
        Ok(hosts)
    }
}

fn read_password(file: &std::path::Path) -> io::Result<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(file)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "others than its owner may read it; expected mode 0600",
        ));
    }
    let text = std::fs::read_to_string(file)?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "expected a password in the first line",
        ));
    }
    Ok(line.to_owned())
}

/// A smart host as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SmartHost(Destination);

impl Display for SmartHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Destination {
            host,
            port,
            priority,
            weight,
            tls,
            role,
            xforward,
            limits,
            ..
        } = &self.0;
        let mx = if *role == HostRole::MailDomain {
            "mx:"
        } else {
            ""
        };
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.clone()
        };
        write!(
            f,
            "{mx}{host}:{port},priority={priority},weight={weight},tls={tls}"
        )?;
        if *xforward {
            f.write_str(",xforward=on")?;
        }
        if let Some(window) = limits.window {
            write!(f, ",window={window}")?;
        }
        if let Some(count) = limits.connections_per_second {
            write!(f, ",connections-per-second={count}")?;
        }
        Ok(())
    }
}

impl Text for SmartHost {
    const EXPECTED: &'static str = "a host such as \"smtp.example.net:587,tls=verified\"";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let destination: Destination = text.parse().map_err(Some)?;
        let host = &destination.host;
        let is_name = host
            .parse::<DomainName>()
            .is_ok_and(|name| !name.is_literal());
        let is_address = host.parse::<IpAddr>().is_ok();
        if !(is_name || is_address) || destination.port == 0 || destination.weight == 0 {
            return Err(None);
        }
        Ok(Self(destination))
    }
}

/// A user at a smart host.
#[derive(Debug, Clone, PartialEq, Eq)]
struct UserName(String);

impl Display for UserName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Text for UserName {
    const EXPECTED: &'static str = "the name of a user";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        if text.is_empty() || text.contains('\0') {
            return Err(None);
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    #[test]
    fn out18_the_password_of_the_smart_host_is_read_from_a_private_file_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "hunter2\n").unwrap();
        let text = "[delivery]\nsmart_host = [\"smtp.example.net:587,tls=verified\"]\n\
                    smart_host_user = \"relay\"\nsmart_host_password_file = \"secret\"\n";
        let config = Config::parse(text, Some(&folder.path().join("m.toml"))).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
        assert!(config.delivery.smart_hosts().is_err());
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        let hosts = config.delivery.smart_hosts().unwrap();
        let login = hosts[0].login.as_ref().unwrap();
        assert_eq!(
            (login.user.as_str(), login.password.expose()),
            ("relay", "hunter2")
        );
        let shown: Vec<String> = config
            .settings()
            .map(|(_, value)| value.to_owned())
            .collect();
        assert!(!shown.join(" ").contains("hunter2"));
    }

    #[test]
    fn out18_a_smart_host_without_tls_gets_no_password() {
        let file = Some(Path::new("/etc/mailhold/m.toml"));
        for text in [
            "[delivery]\nsmart_host = [\"smtp.example.net:587\"]\nsmart_host_user = \"a\"\nsmart_host_password_file = \"b\"\n",
            "[delivery]\nsmart_host_user = \"a\"\n",
            "[delivery]\nsmart_host = [\"\"]\n",
            "[delivery]\nconnect_timeout = 0\n",
        ] {
            assert!(Config::parse(text, file).is_err(), "{text}");
        }
    }
}
