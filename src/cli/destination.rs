//! Destinations as they are written on the command line:
//! `[mx:]host[:port][,priority=N][,weight=N][,tls=POLICY][,xforward=on|off][,window=N]
//! [,connections-per-second=N][,user=NAME[,password-file=FILE]]`.

use std::str::FromStr;

use serde::Serialize;
use storage::model::{Destination, HostRole};

/// A destination in the shape the API takes. Values are checked there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct DestinationArgument {
    host: String,
    port: u16,
    priority: u16,
    weight: u16,
    tls: String,
    mx: bool,
    xforward: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connections_per_second: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

impl FromStr for DestinationArgument {
    type Err = String;

    /// Reads the password file as well: a password has no place on a command line.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut user = None;
        let mut password = None;
        let mut rest = Vec::new();
        for part in text.split(',') {
            match part.split_once('=') {
                Some(("user", name)) => user = Some(name.to_owned()),
                Some(("password-file", file)) => password = Some(read_password(file)?),
                _ => rest.push(part),
            }
        }
        let destination: Destination = rest.join(",").parse()?;
        Ok(Self {
            host: destination.host,
            port: destination.port,
            priority: destination.priority,
            weight: destination.weight,
            tls: destination.tls.to_string(),
            mx: destination.role == HostRole::MailDomain,
            xforward: destination.xforward,
            window: destination.limits.window,
            connections_per_second: destination.limits.connections_per_second,
            user,
            password,
        })
    }
}

/// The first line of a file.
fn read_password(file: &str) -> Result<String, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(format!("{file}: expected a password in the first line"));
    }
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<DestinationArgument, String> {
        text.parse()
    }

    #[test]
    fn s18_hosts_mx_domains_and_logins() {
        let full = parse("mx:example.org,priority=10,tls=verified,xforward=on").unwrap();
        assert!(full.mx && full.xforward);
        assert_eq!((full.host.as_str(), full.priority), ("example.org", 10));
        let limited = parse("mail.example:25,window=8,connections-per-second=2").unwrap();
        assert_eq!(limited.window, Some(8));
        assert_eq!(limited.connections_per_second, Some(2));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "s3cret\nnote\n").unwrap();
        let path = file.path().display();
        let text = format!("smtp.example:587,tls=required,user=relay,password-file={path}");
        let login = parse(&text).unwrap();
        assert_eq!(login.user.as_deref(), Some("relay"));
        assert_eq!(login.password.as_deref(), Some("s3cret"));
        assert_eq!((login.port, login.tls.as_str()), (587, "required"));
    }

    #[test]
    fn what_is_no_destination_is_refused() {
        for text in [
            "",
            "x:y",
            "x,weight=a",
            "x,password=on-the-command-line",
            "x,user=a,password-file=/nonexistent",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
