//! Replies as they are kept with a recipient: short, and without anything that could break a line.

use storage::model::StoredReply;

use crate::smtp::Reply;

/// Octets of text that are kept.
const TEXT_MAX: usize = 512;

/// A destination's reply.
#[must_use]
pub fn stored(reply: &Reply, host: &str) -> StoredReply {
    StoredReply {
        code: reply.code,
        enhanced: reply.enhanced,
        text: clean(&reply.text()),
        host: Some(host.to_owned()),
    }
}

/// What happened when there was no reply.
#[must_use]
pub fn stored_event(what: &str, host: Option<&str>) -> StoredReply {
    StoredReply {
        code: 0,
        enhanced: None,
        text: clean(what),
        host: host.map(str::to_owned),
    }
}

fn clean(text: &str) -> String {
    let mut kept = String::with_capacity(text.len().min(TEXT_MAX));
    for c in text.chars() {
        let c = if c.is_control() { ' ' } else { c };
        if kept.len() + c.len_utf8() > TEXT_MAX {
            break;
        }
        kept.push(c);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_short_and_stays_on_its_line() {
        let reply = Reply::new(550, (1, 1), "no\u{7}\nsuch user ".repeat(100));
        let stored = stored(&reply, "mail.example.org:25");
        assert!(stored.text.len() <= TEXT_MAX);
        assert!(stored.text.starts_with("no  such user"));
        assert_eq!(stored_event(&"é".repeat(400), None).text.len(), TEXT_MAX);
    }
}
