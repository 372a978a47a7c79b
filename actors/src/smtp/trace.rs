//! The `Received` field that we put in front of every message (RFC 5321 §4.4, RFC 6531 §3.7.3).

use std::fmt::Write;
use std::net::IpAddr;

use storage::model::{ClientFacts, MessageId, Recipient, Timestamp};

/// What the field is made of.
#[derive(Debug, Clone, Copy)]
pub struct Trace<'a> {
    /// Who handed the message in.
    pub client: &'a ClientFacts,
    /// EHLO rather than HELO was used.
    pub extended: bool,
    /// SMTPUTF8 was asked for.
    pub smtputf8: bool,
    /// Our own name.
    pub host: &'a str,
    /// The queue id.
    pub id: MessageId,
    /// The recipients; named only when there is one, so that nobody learns of a blind copy.
    pub recipients: &'a [Recipient],
    /// When.
    pub at: Timestamp,
}

impl Trace<'_> {
    /// The field with its CRLF, folded.
    #[must_use]
    pub fn header(&self) -> String {
        let mut field = format!(
            "Received: from {} ({})\r\n",
            domain(&self.client.helo),
            self.origin()
        );
        if let (Some(version), Some(cipher)) = (&self.client.tls_version, &self.client.tls_cipher) {
            push(
                &mut field,
                format_args!("\t(using {version} with cipher {cipher})\r\n"),
            );
        }
        push(
            &mut field,
            format_args!("\tby {} with {} id {}", self.host, self.protocol(), self.id),
        );
        if let [only] = self.recipients {
            push(&mut field, format_args!("\r\n\tfor <{}>", only.path));
        }
        push(&mut field, format_args!(";\r\n\t{}\r\n", self.at.rfc5322()));
        field
    }

    /// `TCP-info` of RFC 5321 §4.4.
    fn origin(&self) -> String {
        let literal = match self.client.ip.to_canonical() {
            IpAddr::V4(v4) => format!("[{v4}]"),
            IpAddr::V6(v6) => format!("[IPv6:{v6}]"),
        };
        match &self.client.reverse_name {
            Some(name) => format!("{} {literal}", domain(name)),
            None => literal,
        }
    }

    const fn protocol(&self) -> &'static str {
        match (
            self.smtputf8,
            self.extended,
            self.client.tls_version.is_some(),
        ) {
            (true, _, false) => "UTF8SMTP",
            (true, _, true) => "UTF8SMTPS",
            (false, true, false) => "ESMTP",
            (false, true, true) => "ESMTPS",
            (false, false, _) => "SMTP",
        }
    }
}

fn push(field: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = field.write_fmt(arguments);
}

/// What the peer calls itself, without what would have a meaning of its own in the field.
fn domain(name: &str) -> String {
    let clean = |c: char| {
        if c.is_ascii_alphanumeric() || "-._:[]".contains(c) {
            c
        } else {
            '?'
        }
    };
    name.chars().map(clean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> ClientFacts {
        ClientFacts {
            ip: "192.0.2.1".parse().unwrap(),
            helo: "helo.example".to_owned(),
            reverse_name: None,
            tls_version: None,
            tls_cipher: None,
            authenticated_sender: false,
        }
    }

    fn recipients(list: &[&str]) -> Vec<Recipient> {
        list.iter()
            .map(|text| Recipient::new(text.parse().unwrap()))
            .collect()
    }

    fn header(client: &ClientFacts, list: &[&str], extended: bool, smtputf8: bool) -> String {
        let at = Timestamp::from_millis(1_795_325_696_007);
        let trace = Trace {
            client,
            extended,
            smtputf8,
            host: "mx.example.net",
            id: MessageId::from_parts(at, 1, 2),
            recipients: &recipients(list),
            at,
        };
        trace.header()
    }

    #[test]
    fn in7_one_recipient_is_named_and_the_clause_order_is_the_standards() {
        assert_eq!(
            header(&client(), &["a@x.example"], true, false),
            "Received: from helo.example ([192.0.2.1])\r\n\
             \tby mx.example.net with ESMTP id 00D20701G1R004000002\r\n\
             \tfor <a@x.example>;\r\n\
             \tSun, 22 Nov 2026 05:34:56 +0000\r\n"
        );
    }

    #[test]
    fn in7_several_recipients_are_not_named() {
        let field = header(&client(), &["a@x.example", "b@x.example"], true, false);
        assert!(!field.contains("for"), "{field}");
    }

    #[test]
    fn in7_tls_reverse_name_and_ipv6_are_told() {
        let client = ClientFacts {
            ip: "2001:db8::1".parse().unwrap(),
            reverse_name: Some("out.example".to_owned()),
            tls_version: Some("TLSv1.3".to_owned()),
            tls_cipher: Some("TLS13_AES_256_GCM_SHA384".to_owned()),
            ..client()
        };
        let field = header(&client, &[], true, false);
        assert!(field.starts_with(
            "Received: from helo.example (out.example [IPv6:2001:db8::1])\r\n\
             \t(using TLSv1.3 with cipher TLS13_AES_256_GCM_SHA384)\r\n\
             \tby mx.example.net with ESMTPS id "
        ));
        assert!(header(&client, &[], true, true).contains(" with UTF8SMTPS id "));
    }

    #[test]
    fn the_protocol_says_what_was_spoken() {
        assert!(header(&client(), &[], false, false).contains(" with SMTP id "));
        assert!(header(&client(), &[], true, true).contains(" with UTF8SMTP id "));
    }

    #[test]
    fn in7_a_peers_name_cannot_forge_the_field() {
        let client = ClientFacts {
            helo: "x)by(evil;\u{e9}".to_owned(),
            ..client()
        };
        let field = header(&client, &[], true, false);
        assert!(
            field.starts_with("Received: from x?by?evil?? ([192.0.2.1])\r\n"),
            "{field}"
        );
    }
}
