//! Under which names a conversation is known (RFC 8621 §3): the Message-IDs that a message has or
//! refers to, each together with the base subject (RFC 5256 §2.1), as numbers.

use mail_parser::parsers::fields::thread::thread_name;
use xxhash_rust::xxh3::Xxh3;

/// Names of one message: its own, that of the first message, and the latest ones. A longer chain is
/// held together by the messages in between.
const NAMES_MAX: usize = 8;

/// The names of a message with this Message-ID that refers to these.
pub(super) fn names<'a>(
    subject: &str,
    own: Option<&'a str>,
    references: impl DoubleEndedIterator<Item = &'a str> + Clone,
) -> Vec<u64> {
    let base = thread_name(subject).trim().to_lowercase();
    let name = |id: &str| {
        let mut hash = Xxh3::new();
        hash.update(id.as_bytes());
        hash.update(b"\0");
        hash.update(base.as_bytes());
        hash.digest()
    };
    let first = references.clone().next();
    let mut names = Vec::with_capacity(3);
    for id in own.into_iter().chain(first).chain(references.rev()) {
        let name = name(id);
        if names.len() < NAMES_MAX && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(one: &[u64], other: &[u64]) -> bool {
        one.iter().any(|name| other.contains(name))
    }

    #[test]
    fn c14_an_answer_shares_a_name_with_what_it_answers() {
        let first = names("Offer", Some("a@x"), [].into_iter());
        let answer = names("Re: Offer", Some("b@y"), ["a@x"].into_iter());
        let third = names("AW: Re: offer", Some("c@x"), ["a@x", "b@y"].into_iter());
        assert!(shared(&first, &answer) && shared(&answer, &third));
        let renamed = names("Something else", Some("d@x"), ["a@x", "b@y"].into_iter());
        assert!(
            !shared(&first, &renamed),
            "another subject, another conversation"
        );
        assert!(names("Offer", None, [].into_iter()).is_empty());
    }

    #[test]
    fn a_long_chain_keeps_its_beginning_and_its_end() {
        let ids: Vec<String> = (0..100).map(|n| format!("{n}@x")).collect();
        let long = names("s", Some("own@x"), ids.iter().map(String::as_str));
        assert_eq!(long.len(), NAMES_MAX);
        for id in ["own@x", "0@x", "99@x"] {
            assert!(shared(&long, &names("s", Some(id), [].into_iter())), "{id}");
        }
    }
}
