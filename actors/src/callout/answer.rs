//! What a destination's answer means, and for how long. Pure.

use std::time::Duration;

use storage::model::{CalloutAnswer, Timestamp};

use crate::smtp::Reply;

/// How long a yes is believed.
pub(super) const POSITIVE_TTL: Duration = Duration::from_secs(7 * 86_400);
/// From what age on a yes is asked for again.
pub(super) const POSITIVE_REFRESH: Duration = Duration::from_secs(86_400);
/// How long a no is believed.
pub(super) const NEGATIVE_TTL: Duration = Duration::from_secs(2 * 3_600);

/// What is known without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remembered {
    /// It exists.
    Yes,
    /// It exists, and it is time to ask again.
    YesButOld,
    /// It does not exist.
    No,
    /// Nothing that is still believed.
    Nothing,
}

/// What a remembered answer is worth now.
pub(super) fn remembered(answer: Option<CalloutAnswer>, now: Timestamp) -> Remembered {
    let Some(CalloutAnswer { exists, at }) = answer else {
        return Remembered::Nothing;
    };
    let age = now.saturating_since(at);
    match exists {
        true if age <= POSITIVE_REFRESH => Remembered::Yes,
        true if age <= POSITIVE_TTL => Remembered::YesButOld,
        false if age <= NEGATIVE_TTL => Remembered::No,
        _ => Remembered::Nothing,
    }
}

/// What the answer to RCPT says about the recipient; none when it says nothing: a 4yz, a refusal of
/// us (5.7.x) or of the way we speak (5.5.x) is no word about the mailbox.
pub(super) fn judge(reply: &Reply) -> Option<bool> {
    if reply.is_positive() {
        return Some(true);
    }
    let of_the_mailbox = match &reply.enhanced {
        Some(status) => matches!((status.subject, status.detail), (1, _) | (2, 0 | 1)),
        None => matches!(reply.code, 550 | 551 | 553),
    };
    (reply.is_permanent() && of_the_mailbox).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d6_answers_are_believed_for_their_time() {
        let at = |exists, age| {
            let now = Timestamp::from_secs(1_790_000_000);
            let answer = CalloutAnswer { exists, at: now };
            let later = now.saturating_add(Duration::from_secs(age));
            remembered(Some(answer), later)
        };
        let (hour, day) = (3_600, 86_400);
        for (exists, age, expected) in [
            (true, 0, Remembered::Yes),
            (true, day, Remembered::Yes),
            (true, day + 1, Remembered::YesButOld),
            (true, 7 * day, Remembered::YesButOld),
            (true, 7 * day + 1, Remembered::Nothing),
            (false, 0, Remembered::No),
            (false, 2 * hour, Remembered::No),
            (false, 2 * hour + 1, Remembered::Nothing),
        ] {
            assert_eq!(at(exists, age), expected, "{exists} after {age} s");
        }
        assert_eq!(remembered(None, Timestamp::default()), Remembered::Nothing);
    }

    #[test]
    fn d6_only_a_word_about_the_mailbox_is_an_answer() {
        for (reply, expected) in [
            (Reply::new(250, (1, 5), "ok"), Some(true)),
            (Reply::plain(251, "will forward"), Some(true)),
            (Reply::new(550, (1, 1), "no such user"), Some(false)),
            (Reply::plain(550, "no such user"), Some(false)),
            (Reply::new(550, (2, 1), "disabled"), Some(false)),
            (Reply::new(552, (2, 2), "full"), None),
            (Reply::new(550, (7, 1), "relaying denied"), None),
            (Reply::plain(554, "denied"), None),
            (Reply::plain(503, "out of order"), None),
            (Reply::new(451, (7, 1), "greylisted"), None),
            (Reply::new(450, (1, 1), "not now"), None),
        ] {
            assert_eq!(judge(&reply), expected, "{reply:?}");
        }
    }
}
