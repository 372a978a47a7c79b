//! Signs that a sender is not who the name says (web (a) 23). Hints, not verdicts: what SPF, DKIM and
//! DMARC found stands in the log of the message.

use crate::links::{is_lookalike, skeleton};

use super::parse::Mailbox;

/// What the reader is told above a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// The display name is itself an address, and another one.
    NameIsOtherAddress {
        /// The address in the name.
        shown: String,
        /// The address it is from.
        address: String,
    },
    /// Answers go to another domain.
    RepliesElsewhere {
        /// Where they go.
        address: String,
    },
    /// The domain looks like one of the reader's own.
    LooksLikeOwn {
        /// The domain it is from.
        domain: String,
        /// The domain it looks like.
        own: String,
    },
    /// Several senders in one field.
    SeveralSenders,
}

/// Looks at the sender fields of a message; `own` are the domains of the reader.
#[must_use]
pub fn hints(from: &[Mailbox], reply_to: &[Mailbox], own: &[&str]) -> Vec<Hint> {
    let mut found = Vec::new();
    let Some(sender) = from.first() else {
        return found;
    };
    if from.len() > 1 {
        found.push(Hint::SeveralSenders);
    }
    if let Some(shown) = address_in(&sender.name)
        && !shown.eq_ignore_ascii_case(&sender.address)
    {
        found.push(Hint::NameIsOtherAddress {
            shown,
            address: sender.address.clone(),
        });
    }
    let domain = sender.domain();
    let elsewhere = reply_to.iter().find(|mailbox| {
        mailbox
            .domain()
            .is_some_and(|other| !related(domain.as_deref(), &other))
    });
    if let Some(mailbox) = elsewhere {
        found.push(Hint::RepliesElsewhere {
            address: mailbox.address.clone(),
        });
    }
    if let Some(domain) = domain {
        let (shown, _) = idna::domain_to_unicode(&domain);
        let alike = own.iter().find(|own| {
            is_lookalike(&shown, own)
                || skeleton(&shown).ends_with(&format!(".{}", skeleton(own)))
                    && !shown.ends_with(&format!(".{own}"))
        });
        if let Some(own) = alike {
            found.push(Hint::LooksLikeOwn {
                domain,
                own: (*own).to_owned(),
            });
        }
    }
    found
}

/// Whether one domain is the other or lies below it.
fn related(domain: Option<&str>, other: &str) -> bool {
    domain.is_some_and(|domain| {
        domain == other
            || domain.ends_with(&format!(".{other}"))
            || other.ends_with(&format!(".{domain}"))
    })
}

/// An address inside a name.
fn address_in(name: &str) -> Option<String> {
    name.split(|letter: char| letter.is_whitespace() || "<>()[]\"',;:".contains(letter))
        .find(|word| {
            word.split_once('@')
                .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
        })
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(name: &str, address: &str) -> Mailbox {
        Mailbox {
            name: name.to_owned(),
            address: address.to_owned(),
        }
    }

    #[test]
    fn senders_who_are_not_who_they_say_are_named() {
        let own = ["meier.example"];
        let nobody: &[Mailbox] = &[];
        let look =
            |name, address, reply: &[Mailbox]| hints(&[mailbox(name, address)], reply, &own).len();
        assert_eq!(look("Ann", "ann@meier.example", nobody), 0);
        assert_eq!(look("ann@meier.example", "ann@meier.example", nobody), 0);
        assert_eq!(look("ann@meier.example", "x@evil.example", nobody), 1);
        assert_eq!(
            look("'ann@meier.example' via x", "x@evil.example", nobody),
            1
        );
        assert_eq!(look("Ann", "a@x.example", &[mailbox("", "b@y.example")]), 1);
        assert_eq!(
            look("Ann", "a@x.example", &[mailbox("", "b@mail.x.example")]),
            0
        );
        assert_eq!(look("Ann", "a@me\u{456}er.example", nobody), 1);
        assert_eq!(look("Ann", "a@rneier.example", nobody), 1);
        assert_eq!(look("Ann", "a@mail.meier.example", nobody), 0);
        assert_eq!(look("Ann", "a@maier.example", nobody), 0);
        assert_eq!(hints(nobody, nobody, &own), []);
        let two = [mailbox("", "a@x.example"), mailbox("", "b@x.example")];
        assert_eq!(hints(&two, nobody, &own), [Hint::SeveralSenders]);
    }
}
