//! XFORWARD: who handed a message in, told to the next hop (Postfix's `XFORWARD_README`; OUT22).
//!
//! Only attributes that the peer announced are sent, each in xtext, in lines of at most 512 octets
//! with the line end. What is not known is said to be `[UNAVAILABLE]`, so that nothing of an earlier
//! message on the same connection stays behind.

use std::net::IpAddr;

use super::super::xtext;

/// Octets of a command line with its line end (RFC 5321 §4.5.3.1.4).
const LINE_MAX: usize = 512;
/// Octets of one value, decoded, as Postfix limits them.
const VALUE_MAX: usize = 255;
/// What stands for a value that is not known.
const UNAVAILABLE: &str = "[UNAVAILABLE]";

/// What XFORWARD can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// The name of the client's address.
    Name,
    /// The client's address.
    Address,
    /// The client's TCP port.
    Port,
    /// SMTP or ESMTP.
    Protocol,
    /// What the client called itself.
    Helo,
    /// Our identifier of the message.
    Identifier,
    /// Whether the message came from elsewhere.
    Source,
}

impl Attribute {
    /// In the order in which they are sent.
    const ALL: [Self; 7] = [
        Self::Name,
        Self::Address,
        Self::Port,
        Self::Protocol,
        Self::Helo,
        Self::Identifier,
        Self::Source,
    ];

    const fn keyword(self) -> &'static str {
        match self {
            Self::Name => "NAME",
            Self::Address => "ADDR",
            Self::Port => "PORT",
            Self::Protocol => "PROTO",
            Self::Helo => "HELO",
            Self::Identifier => "IDENT",
            Self::Source => "SOURCE",
        }
    }

    /// The attribute of an announced keyword, in any case.
    pub(super) fn from_keyword(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|one| one.keyword().eq_ignore_ascii_case(word))
    }
}

/// Who handed a message in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The name of the address, when it is known and leads back.
    pub name: Option<String>,
    /// The address.
    pub address: IpAddr,
    /// EHLO or HELO as given; empty when nothing was said.
    pub helo: String,
    /// The client spoke ESMTP for certain: it used TLS.
    pub is_extended: bool,
    /// Our identifier of the message.
    pub identifier: String,
    /// This node wrote the message itself.
    pub is_local: bool,
}

impl Origin {
    fn value(&self, attribute: Attribute) -> Option<String> {
        match attribute {
            Attribute::Name => self.name.clone(),
            // What the node writes itself has no client.
            Attribute::Address if self.is_local => None,
            Attribute::Address => Some(match self.address {
                IpAddr::V4(address) => address.to_string(),
                IpAddr::V6(address) => format!("IPV6:{address}"),
            }),
            // The port is not kept with a message.
            Attribute::Port => None,
            Attribute::Protocol => self.is_extended.then(|| "ESMTP".to_owned()),
            Attribute::Helo => Some(self.helo.clone()).filter(|helo| !helo.is_empty()),
            Attribute::Identifier => Some(self.identifier.clone()),
            Attribute::Source => Some(if self.is_local { "LOCAL" } else { "REMOTE" }.to_owned()),
        }
    }

    /// The command lines for a peer that announced these attributes; none when it announced none.
    pub(super) fn lines(&self, offered: &[Attribute]) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for attribute in Attribute::ALL {
            if !offered.contains(&attribute) {
                continue;
            }
            let word = self.word(attribute);
            match lines.last_mut() {
                Some(line) if line.len() + word.len() + 2 <= LINE_MAX => line.push_str(&word),
                _ => lines.push(format!("XFORWARD{word}")),
            }
        }
        for line in &mut lines {
            line.push_str("\r\n");
        }
        lines
    }

    /// ` KEYWORD=value`. A value that is too long says less than none.
    fn word(&self, attribute: Attribute) -> String {
        let keyword = attribute.keyword();
        let value = self.value(attribute);
        let value = value.filter(|value| value.len() <= VALUE_MAX);
        let encoded = value.map(|value| xtext::encode(&value));
        let room = LINE_MAX - "XFORWARD".len() - keyword.len() - 4;
        let encoded = encoded.filter(|value| value.len() <= room);
        format!(" {keyword}={}", encoded.as_deref().unwrap_or(UNAVAILABLE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn origin() -> Origin {
        Origin {
            name: Some("mail.example.com".to_owned()),
            address: [192, 0, 2, 7].into(),
            helo: "[192.0.2.7] +=".to_owned(),
            is_extended: true,
            identifier: "0123abcd".to_owned(),
            is_local: false,
        }
    }

    #[test]
    fn out22_only_what_was_announced_is_told_in_xtext() {
        assert_eq!(origin().lines(&[]), Vec::<String>::new());
        assert_eq!(
            origin().lines(&Attribute::ALL),
            [
                "XFORWARD NAME=mail.example.com ADDR=192.0.2.7 PORT=[UNAVAILABLE] PROTO=ESMTP \
                 HELO=[192.0.2.7]+20+2B+3D IDENT=0123abcd SOURCE=REMOTE\r\n"
            ]
        );
        assert_eq!(
            origin().lines(&[Attribute::Source, Attribute::Address]),
            ["XFORWARD ADDR=192.0.2.7 SOURCE=REMOTE\r\n"]
        );
    }

    #[test]
    fn out22_what_is_not_known_is_said_to_be_unavailable() {
        let unknown = Origin {
            name: None,
            address: "2001:db8::7".parse().unwrap(),
            helo: String::new(),
            is_extended: false,
            ..origin()
        };
        let offered = [
            Attribute::Name,
            Attribute::Address,
            Attribute::Protocol,
            Attribute::Helo,
        ];
        assert_eq!(
            unknown.lines(&offered),
            [
                "XFORWARD NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::7 PROTO=[UNAVAILABLE] \
                 HELO=[UNAVAILABLE]\r\n"
            ]
        );
        let own = Origin {
            is_local: true,
            ..origin()
        };
        assert_eq!(
            own.lines(&[Attribute::Address, Attribute::Source]),
            ["XFORWARD ADDR=[UNAVAILABLE] SOURCE=LOCAL\r\n"]
        );
    }

    proptest! {
        #[test]
        fn out22_no_helo_breaks_a_line_or_makes_one_too_long(
            helo in ".{0,300}",
            name in "[a-z.]{0,300}",
        ) {
            let origin = Origin { helo, name: Some(name), ..origin() };
            let lines = origin.lines(&Attribute::ALL);
            let words: usize = lines.iter().map(|line| line.matches('=').count()).sum();
            prop_assert_eq!(words, Attribute::ALL.len());
            for line in lines {
                prop_assert!(line.len() <= LINE_MAX);
                prop_assert!(line.starts_with("XFORWARD ") && line.ends_with("\r\n"));
                prop_assert!(line[..line.len() - 2].bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            }
        }
    }
}
