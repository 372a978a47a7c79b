//! Who gets an answer, from which address, and how it is threaded (RFC 5322 §3.6.3, §3.6.4).

use storage::model::Mailbox;

use super::limits::REFERENCES_MAX;
use super::original::Original;
use super::party::Party;
use super::{quote, subject};

/// What a person wants to do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerKind {
    /// To whom it is from.
    Reply,
    /// To everybody it went to as well.
    ReplyAll,
    /// To the list it came over.
    ReplyList,
    /// To somebody else, its text below.
    Forward,
    /// To somebody else, the whole message attached.
    ForwardAttached,
}

impl AnswerKind {
    const fn is_reply(self) -> bool {
        matches!(self, Self::Reply | Self::ReplyAll | Self::ReplyList)
    }
}

/// The addresses that belong to who answers, the primary one first.
#[derive(Debug, Clone, Copy)]
pub struct OwnAddresses<'a>(pub &'a [Mailbox]);

impl OwnAddresses<'_> {
    /// Whether an address is one's own.
    #[must_use]
    pub fn contain(&self, party: &Party) -> bool {
        self.0.iter().any(|own| party.is_same_mailbox(own))
    }
}

/// The lines above what is quoted or passed on, in the language of who answers.
#[derive(Debug, Clone, Default)]
pub struct Introduction {
    /// `On … Ann wrote:`
    pub wrote: String,
    /// The header lines of what is passed on, one string, with line ends.
    pub forwarded: String,
}

/// A draft's first state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The own address it is from; none means the primary one.
    pub from: Option<Mailbox>,
    /// `To`.
    pub to: Vec<Party>,
    /// `Cc`.
    pub cc: Vec<Party>,
    /// `Subject`.
    pub subject: String,
    /// The text, cursor on top.
    pub text: String,
    /// `In-Reply-To` without angle brackets.
    pub in_reply_to: Option<String>,
    /// `References`, oldest first.
    pub references: Vec<String>,
}

/// Begins an answer to `original`.
#[must_use]
pub fn answer(
    original: &Original,
    kind: AnswerKind,
    own: OwnAddresses<'_>,
    introduction: &Introduction,
) -> Answer {
    let (to, cc) = recipients(original, kind, own);
    let subject = if kind.is_reply() {
        subject::reply(&original.subject)
    } else {
        subject::forward(&original.subject)
    };
    let text = match kind {
        AnswerKind::Reply | AnswerKind::ReplyAll | AnswerKind::ReplyList => {
            let quoted = quote::quoted(&original.text);
            format!("\n\n{}\n{quoted}", introduction.wrote)
        }
        AnswerKind::Forward => {
            let text = quote::passed_on(&original.text);
            format!("\n\n{}\n{text}", introduction.forwarded)
        }
        AnswerKind::ForwardAttached => String::new(),
    };
    let (in_reply_to, references) = if kind.is_reply() {
        threading(original)
    } else {
        (None, Vec::new())
    };
    Answer {
        from: from(original, own),
        to,
        cc,
        subject,
        text,
        in_reply_to,
        references,
    }
}

/// The own address it came to, so that an answer comes from where the question went.
fn from(original: &Original, own: OwnAddresses<'_>) -> Option<Mailbox> {
    let came_to = original.received_at.iter();
    let named = original.to.iter().chain(&original.cc);
    let sent = original.from.iter();
    let mut candidates = came_to.chain(named).chain(sent);
    let party = candidates.find(|party| own.contain(party))?;
    Some(party.address.clone())
}

fn recipients(
    original: &Original,
    kind: AnswerKind,
    own: OwnAddresses<'_>,
) -> (Vec<Party>, Vec<Party>) {
    let is_own = original.from.iter().any(|party| own.contain(party));
    let author = match (is_own, original.reply_to.as_slice()) {
        // Who answers an own message means those it went to.
        (true, _) => &original.to,
        (false, []) => &original.from,
        (false, _) => &original.reply_to,
    };
    match kind {
        AnswerKind::Reply => (unique(author, &[]), Vec::new()),
        AnswerKind::ReplyList => match &original.list_post {
            Some(list) => (vec![list.clone()], Vec::new()),
            None => (unique(author, &[]), Vec::new()),
        },
        AnswerKind::ReplyAll => {
            let others = |parties: &[Party]| -> Vec<Party> {
                parties
                    .iter()
                    .filter(|party| !own.contain(party))
                    .cloned()
                    .collect()
            };
            let mut to = unique(author, &[]);
            if !is_own {
                to.extend(unique(&others(&original.to), &to));
            }
            let cc = unique(&others(&original.cc), &to);
            (to, cc)
        }
        AnswerKind::Forward | AnswerKind::ForwardAttached => (Vec::new(), Vec::new()),
    }
}

/// Each mailbox once, without those in `except`.
fn unique(parties: &[Party], except: &[Party]) -> Vec<Party> {
    let mut kept: Vec<Party> = Vec::with_capacity(parties.len());
    for party in parties {
        let is_known = |known: &Party| known.is_same_mailbox(&party.address);
        if !except.iter().any(is_known) && !kept.iter().any(is_known) {
            kept.push(party.clone());
        }
    }
    kept
}

/// RFC 5322 §3.6.4: the parent's references and its id; without references its single
/// In-Reply-To. The first id names the thread, so a long chain loses its middle.
fn threading(original: &Original) -> (Option<String>, Vec<String>) {
    let Some(parent) = original.message_id.clone() else {
        return (None, Vec::new());
    };
    let mut references = original.references.clone();
    if let ([], [only]) = (references.as_slice(), original.in_reply_to.as_slice()) {
        references.push(only.clone());
    }
    references.retain(|id| *id != parent);
    references.push(parent.clone());
    let surplus = references.len().saturating_sub(REFERENCES_MAX);
    if surplus > 0 {
        references.drain(1..=surplus);
    }
    (Some(parent), references)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(text: &str) -> Party {
        super::super::parse_list(text).unwrap().remove(0)
    }

    fn parties(text: &str) -> Vec<Party> {
        super::super::parse_list(text).unwrap()
    }

    fn original() -> Original {
        Original {
            message_id: Some("m2@far.test".into()),
            references: vec!["m0@far.test".into(), "m1@far.test".into()],
            from: parties("Ann <ann@far.test>"),
            to: parties("Bob <bob@here.test>, carol@far.test"),
            cc: parties("dave@far.test, sales@here.test, ann@far.test"),
            subject: "Offer".into(),
            text: "Good day\n".into(),
            received_at: Some(party("sales@here.test")),
            ..Original::default()
        }
    }

    fn own() -> Vec<Mailbox> {
        vec![
            "bob@here.test".parse().unwrap(),
            "sales@here.test".parse().unwrap(),
        ]
    }

    fn answered(original: &Original, kind: AnswerKind) -> Answer {
        let introduction = Introduction {
            wrote: "Ann wrote:".into(),
            forwarded: "From: Ann\n".into(),
        };
        answer(original, kind, OwnAddresses(&own()), &introduction)
    }

    #[test]
    fn c27_a_reply_threads_and_comes_from_the_address_that_was_written_to() {
        let reply = answered(&original(), AnswerKind::Reply);
        assert_eq!(reply.to, parties("Ann <ann@far.test>"));
        assert_eq!(reply.cc, []);
        assert_eq!(reply.from, Some("sales@here.test".parse().unwrap()));
        assert_eq!(reply.subject, "Re: Offer");
        assert_eq!(reply.text, "\n\nAnn wrote:\n> Good day\n");
        assert_eq!(reply.in_reply_to.as_deref(), Some("m2@far.test"));
        assert_eq!(
            reply.references,
            ["m0@far.test", "m1@far.test", "m2@far.test"]
        );
    }

    #[test]
    fn c27_a_reply_to_all_leaves_own_addresses_and_doubles_out() {
        let reply = answered(&original(), AnswerKind::ReplyAll);
        assert_eq!(reply.to, parties("Ann <ann@far.test>, carol@far.test"));
        assert_eq!(reply.cc, parties("dave@far.test"));
    }

    #[test]
    fn c27_reply_to_and_lists_are_respected() {
        let mut mail = original();
        mail.reply_to = parties("office@far.test");
        assert_eq!(answered(&mail, AnswerKind::Reply).to, mail.reply_to);
        assert_eq!(answered(&mail, AnswerKind::ReplyList).to, mail.reply_to);
        mail.list_post = Some(party("list@far.test"));
        assert_eq!(
            answered(&mail, AnswerKind::ReplyList).to,
            parties("list@far.test")
        );
    }

    #[test]
    fn c27_an_answer_to_an_own_message_goes_where_that_went() {
        let mut mail = original();
        mail.from = parties("bob@here.test");
        mail.to = parties("ann@far.test, carol@far.test");
        mail.received_at = None;
        assert_eq!(answered(&mail, AnswerKind::Reply).to, mail.to);
        let all = answered(&mail, AnswerKind::ReplyAll);
        assert_eq!(all.to, mail.to);
        assert_eq!(all.cc, parties("dave@far.test"));
        assert_eq!(all.from, Some("sales@here.test".parse().unwrap()));
    }

    #[test]
    fn c14_forwarding_begins_a_new_thread() {
        let forward = answered(&original(), AnswerKind::Forward);
        assert_eq!((forward.to, forward.cc), (vec![], vec![]));
        assert_eq!(forward.subject, "Fwd: Offer");
        assert_eq!(forward.text, "\n\nFrom: Ann\n\nGood day\n");
        assert_eq!((forward.in_reply_to, forward.references), (None, vec![]));
        let attached = answered(&original(), AnswerKind::ForwardAttached);
        assert_eq!(attached.text, "");
    }

    #[test]
    fn c27_long_chains_keep_their_first_and_their_newest() {
        let mut mail = original();
        mail.references = (0..500).map(|n| format!("r{n}@far.test")).collect();
        let reply = answered(&mail, AnswerKind::Reply);
        assert_eq!(reply.references.len(), REFERENCES_MAX);
        assert_eq!(reply.references.first().unwrap(), "r0@far.test");
        assert_eq!(reply.references.last().unwrap(), "m2@far.test");
        assert_eq!(reply.references.get(1).unwrap(), "r482@far.test");

        mail.references = Vec::new();
        mail.in_reply_to = vec!["p@far.test".into()];
        let reply = answered(&mail, AnswerKind::Reply);
        assert_eq!(reply.references, ["p@far.test", "m2@far.test"]);
        mail.message_id = None;
        assert_eq!(answered(&mail, AnswerKind::Reply).references, [""; 0]);
    }
}
