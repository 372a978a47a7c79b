//! Destinations as they are written on the command line:
//! `host[:port][,priority=N][,weight=N][,tls=POLICY]`.

use std::str::FromStr;

use serde::Serialize;

/// Where SMTP listens when nothing else is said (RFC 5321 §4.5.4.2).
const SMTP_PORT: u16 = 25;

/// A destination in the shape the API takes. Values are checked there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct DestinationArgument {
    host: String,
    port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<String>,
}

impl FromStr for DestinationArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(',');
        let (host, port) = host_and_port(parts.next().unwrap_or_default())?;
        let mut destination = Self {
            host,
            port,
            priority: None,
            weight: None,
            tls: None,
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
                "priority" => destination.priority = Some(number()?),
                "weight" => destination.weight = Some(number()?),
                "tls" => destination.tls = Some(value.to_owned()),
                _ => return Err(format!("`{key}` is none of priority, weight, tls")),
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

    fn parse(text: &str) -> Result<DestinationArgument, String> {
        text.parse()
    }

    #[test]
    fn hosts_ports_and_options() {
        for (text, host, port) in [
            ("127.0.0.1:2626", "127.0.0.1", 2626),
            ("mail.example.org", "mail.example.org", 25),
            ("[2001:db8::1]:26", "2001:db8::1", 26),
            ("[::1]", "::1", 25),
            ("2001:db8::1", "2001:db8::1", 25),
        ] {
            let parsed = parse(text).unwrap();
            assert_eq!((parsed.host.as_str(), parsed.port), (host, port), "{text}");
        }
        let full = parse("mx:25,priority=10,weight=2,tls=required").unwrap();
        assert_eq!((full.priority, full.weight), (Some(10), Some(2)));
        assert_eq!(full.tls.as_deref(), Some("required"));
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
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
