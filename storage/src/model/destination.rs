//! One host of a route: where it is, how it is encrypted, and as whom we sign in there.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::tlsa::Tlsa;

/// Octets of a SHA-256.
const FINGERPRINT_BYTES: usize = 32;

/// The SHA-256 of a certificate (DER) or of its SubjectPublicKeyInfo; 64 hexadecimal digits in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fingerprint(pub [u8; FINGERPRINT_BYTES]);

/// What is no [`Fingerprint`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the 64 hexadecimal digits of a SHA-256, with or without colons")]
pub struct FingerprintError;

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let digits = text.bytes().filter(|byte| *byte != b':');
        let mut bytes = [0; FINGERPRINT_BYTES];
        let mut count = 0;
        for digit in digits {
            let value = char::from(digit).to_digit(16).ok_or(FingerprintError)?;
            let byte = bytes.get_mut(count / 2).ok_or(FingerprintError)?;
            *byte = *byte << 4 | u8::try_from(value).unwrap_or_default();
            count += 1;
        }
        if count == 2 * FINGERPRINT_BYTES {
            Ok(Self(bytes))
        } else {
            Err(FingerprintError)
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// How a connection to a destination is encrypted (OUT14).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum TlsPolicy {
    /// Never ask for STARTTLS.
    None,
    /// STARTTLS when offered, certificate not verified, plaintext when it fails.
    #[default]
    Opportunistic,
    /// STARTTLS or nothing; certificate not verified.
    Required,
    /// STARTTLS with a certificate that verifies for the host's name, or nothing.
    Verified,
    /// STARTTLS with a certificate or key that has one of these fingerprints, or nothing.
    Pinned(Vec<Fingerprint>),
    /// STARTTLS with a certificate that one of the host's TLSA records names, or nothing. What DNS asks
    /// for when mail is sent; never configured and never stored with a domain.
    Dane(Vec<Tlsa>),
}

impl TlsPolicy {
    /// Whether mail never goes there in clear.
    #[must_use]
    pub const fn is_strict(&self) -> bool {
        matches!(
            self,
            Self::Required | Self::Verified | Self::Pinned(_) | Self::Dane(_)
        )
    }
}

/// What is no policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected none, opportunistic, required, verified, or pinned:SHA-256 with several joined by +"
)]
pub struct TlsPolicyError;

impl FromStr for TlsPolicy {
    type Err = TlsPolicyError;

    fn from_str(text: &str) -> Result<Self, TlsPolicyError> {
        Ok(match text {
            "none" => Self::None,
            "opportunistic" => Self::Opportunistic,
            "required" => Self::Required,
            "verified" => Self::Verified,
            _ => {
                let pins = text.strip_prefix("pinned:").ok_or(TlsPolicyError)?;
                let pins = pins.split('+').map(str::parse).collect::<Result<_, _>>();
                Self::Pinned(pins.map_err(|FingerprintError| TlsPolicyError)?)
            }
        })
    }
}

impl fmt::Display for TlsPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Opportunistic => f.write_str("opportunistic"),
            Self::Required => f.write_str("required"),
            Self::Verified => f.write_str("verified"),
            Self::Dane(_) => f.write_str("dane"),
            Self::Pinned(pins) => {
                let pins: Vec<String> = pins.iter().map(Fingerprint::to_string).collect();
                write!(f, "pinned:{}", pins.join("+"))
            }
        }
    }
}

/// A text that is not shown: neither by `Debug` nor by the API.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the one who has to send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// As whom we sign in at a host (SMTP AUTH, RFC 4954). Only ever sent over TLS (OUT18).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// What a host's name stands for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default,
)]
pub enum HostRole {
    /// The server itself, by name or address.
    #[default]
    Server,
    /// A mail domain: its MX records name the servers when mail is sent (RFC 5321 §5.1).
    MailDomain,
    /// A server that an MX record named. Never stored with a domain.
    Exchanger,
}

/// One host that mail goes to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Destination {
    /// Host name, IPv4 address or IPv6 address without brackets; a domain for
    /// [`HostRole::MailDomain`].
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Lower is tried first.
    pub priority: u16,
    /// Share among hosts of one priority, at least 1.
    pub weight: u16,
    /// Encryption on the way there.
    pub tls: TlsPolicy,
    /// What `host` stands for.
    pub role: HostRole,
    /// As whom we sign in; none: not at all.
    pub login: Option<Login>,
    /// Tell it by XFORWARD who handed a message in, where it announces that (OUT22).
    pub xforward: bool,
    /// What it is given at most. Kept beside the other settings in the store, see `keyspace::domains`.
    #[serde(skip)]
    pub limits: HostLimits,
}

/// What an administrator lets a host have at most; none: what the ramp finds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default,
)]
pub struct HostLimits {
    /// Messages in flight, and so connections, at one time ([`WINDOW_LIMIT_MAX`] at most). Above 64
    /// it also spares the ramp the minute of waiting there.
    pub window: Option<u16>,
    /// New connections a second, replacements of closed ones included.
    pub connections_per_second: Option<u16>,
}

/// The largest window that can be set.
pub const WINDOW_LIMIT_MAX: u16 = 500;
/// The most new connections a second that can be set.
pub const CONNECTIONS_PER_SECOND_MAX: u16 = 100;

impl HostLimits {
    /// Nothing is set.
    pub const NONE: Self = Self {
        window: None,
        connections_per_second: None,
    };

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }
}

impl Default for Destination {
    /// A server at port 25 with opportunistic TLS and no name yet.
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 25,
            priority: 0,
            weight: 1,
            tls: TlsPolicy::Opportunistic,
            role: HostRole::Server,
            login: None,
            xforward: false,
            limits: HostLimits::NONE,
        }
    }
}

impl Destination {
    /// The servers that the MX records of a domain name.
    #[must_use]
    pub fn by_mx(domain: &str) -> Self {
        Self {
            host: domain.to_owned(),
            role: HostRole::MailDomain,
            ..Self::default()
        }
    }
}

/// Where SMTP listens when nothing else is said (RFC 5321 §4.5.4.2).
const SMTP_PORT: u16 = 25;

/// As it is written on the command line and in the configuration:
/// `[mx:]host[:port][,priority=N][,weight=N][,tls=POLICY][,xforward=on|off][,window=N]
/// [,connections-per-second=N]`.
impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let first = parts.next().unwrap_or_default();
        let (role, place) = match first.strip_prefix("mx:") {
            Some(domain) => (HostRole::MailDomain, domain),
            None => (HostRole::Server, first),
        };
        let (host, port) = host_and_port(place)?;
        let mut destination = Self {
            host,
            port,
            role,
            ..Self::default()
        };
        for part in parts {
            let (key, value) = part
                .split_once('=')
                .ok_or_else(|| format!("expected key=value, found `{part}`"))?;
            let number = || {
                let parsed: Result<u16, _> = value.parse();
                parsed.map_err(|_| format!("{key}: expected a number from 0 to 65535"))
            };
            match key {
                "priority" => destination.priority = number()?,
                "weight" => destination.weight = number()?,
                "window" => destination.limits.window = Some(number()?),
                "connections-per-second" => {
                    destination.limits.connections_per_second = Some(number()?);
                }
                "tls" => {
                    destination.tls = value.parse().map_err(|e: TlsPolicyError| e.to_string())?
                }
                "xforward" => {
                    destination.xforward = match value {
                        "on" => true,
                        "off" => false,
                        _ => return Err("xforward: expected on or off".to_owned()),
                    }
                }
                _ => {
                    return Err(format!(
                        "`{key}` is none of priority, weight, tls, xforward, window, connections-per-second"
                    ));
                }
            }
        }
        Ok(destination)
    }
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`, or a bare IPv6 address.
fn host_and_port(text: &str) -> Result<(String, u16), String> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest
            .split_once(']')
            .ok_or("expected `]` behind the address")?;
        (
            host,
            rest.strip_prefix(':')
                .or((!rest.is_empty()).then_some(rest)),
        )
    } else {
        match text.rsplit_once(':') {
            Some((host, _)) if host.contains(':') => (text, None),
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    if host.is_empty() {
        return Err("expected host:port".to_owned());
    }
    let port = match port {
        None => SMTP_PORT,
        Some(port) => port
            .parse()
            .map_err(|_| format!("expected a port from 1 to 65535, found `{port}`"))?,
    };
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_ports_and_options() {
        for (text, host, port) in [
            ("127.0.0.1:2626", "127.0.0.1", 2626),
            ("mail.example.org", "mail.example.org", 25),
            ("[2001:db8::1]:26", "2001:db8::1", 26),
            ("[::1]", "::1", 25),
            ("2001:db8::1", "2001:db8::1", 25),
            ("mx:example.org", "example.org", 25),
        ] {
            let parsed: Destination = text.parse().unwrap();
            assert_eq!((parsed.host.as_str(), parsed.port), (host, port), "{text}");
            let is_mx = parsed.role == HostRole::MailDomain;
            assert_eq!(is_mx, text.starts_with("mx:"));
        }
        let full = "mx:25,priority=10,weight=2,tls=required,xforward=on";
        let full: Destination = full.replace("mx:", "host:").parse().unwrap();
        assert_eq!((full.priority, full.weight), (10, 2));
        assert_eq!(full.tls, TlsPolicy::Required);
        assert!(full.xforward);
    }

    #[test]
    fn what_is_no_destination_is_refused() {
        for text in [
            "",
            ":25",
            "x:y",
            "x:99999",
            "[::1",
            "[::1]x",
            "x,weight",
            "x,weight=a",
            "x,a=1",
            "x,tls=maybe",
            "x,tls=dane",
            "x,xforward=maybe",
            "x,tls=pinned:00",
        ] {
            assert!(text.parse::<Destination>().is_err(), "{text}");
        }
    }

    #[test]
    fn out14_a_policy_prints_as_it_is_written() {
        let pin = "ab".repeat(32);
        for text in [
            "none",
            "opportunistic",
            "required",
            "verified",
            &format!("pinned:{pin}"),
            &format!("pinned:{pin}+{}", "00".repeat(32)),
        ] {
            assert_eq!(text.parse::<TlsPolicy>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_fingerprint_reads_what_openssl_prints() {
        let plain = "0123456789abcdef".repeat(4);
        let pairs: Vec<String> = plain
            .as_bytes()
            .chunks(2)
            .map(|pair| String::from_utf8_lossy(pair).to_uppercase())
            .collect();
        let read: Fingerprint = pairs.join(":").parse().unwrap();
        assert_eq!(read.to_string(), plain);
        for text in ["", "01", &plain[1..], &format!("{plain}0"), &"g".repeat(64)] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }

    #[test]
    fn out18_a_password_is_never_printed() {
        let login = Login {
            user: "relay".to_owned(),
            password: Secret::new("hunter2".to_owned()),
        };
        assert!(!format!("{login:?}").contains("hunter2"));
        assert_eq!(login.password.expose(), "hunter2");
    }
}
