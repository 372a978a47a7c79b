//! What came of the user's visit, and what of it is worth a line. Pure.

use std::time::Duration;

use super::super::figures::seconds;
use super::visit::Step;

/// Copies of the answer that have arrived, as seen from outside the relay. Times are those of the
/// demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::demo) struct Arrivals {
    /// Now.
    pub(in crate::demo) now: Duration,
    /// When the customer's server came back; none while it is down.
    pub(in crate::demo) returned: Option<Duration>,
    /// At the server of whom she answered.
    pub(in crate::demo) author: Option<Duration>,
    /// Her colleague's, at the customer's server.
    pub(in crate::demo) colleague: Option<Duration>,
    /// Her own, at the customer's server.
    pub(in crate::demo) home: Option<Duration>,
}

impl Arrivals {
    /// How many copies are at the customer's server.
    pub(in crate::demo) fn at_the_customers(&self) -> u64 {
        u64::from(self.colleague.is_some()) + u64::from(self.home.is_some())
    }
}

/// The user's part of the demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    name: String,
    colleague: String,
    author: String,
    has_begun: bool,
    message_id: Option<String>,
    answered_at: Option<Duration>,
    /// From sending to the server of whom she answered, while her own server was down.
    pub reached_author: Option<Duration>,
    /// From the return of the customer's server to her colleague's copy there.
    pub reached_colleague: Option<Duration>,
    /// From the return of the customer's server to her own copy there.
    pub reached_home: Option<Duration>,
    /// Whether the portal showed her in the end that everything has arrived.
    pub is_confirmed: bool,
    /// Why her visit ended early.
    pub failure: Option<String>,
    news: Vec<String>,
}

impl Story {
    pub(super) fn new(address: &str, colleague: &str) -> Self {
        Self {
            name: local_part(address),
            colleague: local_part(colleague),
            author: String::new(),
            has_begun: false,
            message_id: None,
            answered_at: None,
            reached_author: None,
            reached_colleague: None,
            reached_home: None,
            is_confirmed: false,
            failure: None,
            news: Vec::new(),
        }
    }

    pub(super) const fn begins(&mut self) {
        self.has_begun = true;
    }

    /// Whether she has gone to the portal.
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Whether there is an answer whose arrival she has not seen.
    pub(super) const fn is_waiting(&self) -> bool {
        self.message_id.is_some() && !self.is_confirmed
    }

    /// The `Message-ID` of her answer.
    pub(in crate::demo) fn message_id(&self) -> Option<&str> {
        self.message_id.as_deref()
    }

    /// Recipients at the customer's domain that her answer has: a colleague and herself.
    pub(in crate::demo) const fn recipients_at_the_customers(&self) -> u64 {
        if self.message_id.is_some() { 2 } else { 0 }
    }

    /// How many of these have got it.
    pub(in crate::demo) fn arrived(&self) -> u64 {
        u64::from(self.reached_colleague.is_some()) + u64::from(self.reached_home.is_some())
    }

    /// Whether she read and answered, everybody got it, and she could see that.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.reached_author.is_some()
            && self.reached_colleague.is_some()
            && self.reached_home.is_some()
            && self.is_confirmed
    }

    pub(super) fn fails(&mut self, why: &str) {
        self.say(format!("{} did not get on: {why}", self.name));
        self.failure = Some(why.to_owned());
    }

    pub(super) fn goes_on(&mut self, step: Step, now: Duration) {
        let name = self.name.clone();
        match step {
            Step::SignedIn => {
                self.say(format!(
                    "{name} signed in to the portal, which says that her server is down"
                ));
            }
            Step::Read {
                subject,
                author,
                in_the_outage,
            } => {
                let when = if in_the_outage {
                    ", which came in after the server went down"
                } else {
                    ""
                };
                self.say(format!("{name} read \"{subject}\" from {author}{when}"));
                self.author = author;
            }
            Step::Answered { id } => {
                let colleague = &self.colleague;
                self.say(format!(
                    "{name} answered, with a copy to her colleague {colleague}"
                ));
                self.message_id = Some(id);
                self.answered_at = Some(now);
            }
            Step::Confirmed => {
                self.is_confirmed = true;
                self.say(format!(
                    "{name} looked again: the portal shows that everybody has her answer"
                ));
            }
        }
    }

    /// Compares with what has arrived.
    pub(super) fn sees(&mut self, arrivals: &Arrivals) {
        let Some(answered) = self.answered_at else {
            return;
        };
        if let (Some(at), None) = (arrivals.author, self.reached_author) {
            self.reached_author = Some(at.saturating_sub(answered));
            let down = if arrivals.returned.is_none() {
                ", though her own server is down"
            } else {
                ""
            };
            self.say(format!("her answer has reached {}{down}", self.author));
        }
        let Some(returned) = arrivals.returned else {
            return;
        };
        if let (Some(at), None) = (arrivals.colleague, self.reached_colleague) {
            let took = at.saturating_sub(returned);
            self.reached_colleague = Some(took);
            let (colleague, took) = (&self.colleague, seconds(took));
            self.say(format!(
                "her answer arrived in {colleague}'s own mailbox {took} after the server was back"
            ));
        }
        if let (Some(at), None) = (arrivals.home, self.reached_home) {
            let took = at.saturating_sub(returned);
            self.reached_home = Some(took);
            let took = seconds(took);
            self.say(format!(
                "the copy for her own mailbox arrived {took} after the server was back"
            ));
        }
    }

    /// What has not been told yet.
    pub(super) fn news(&mut self) -> Vec<String> {
        std::mem::take(&mut self.news)
    }

    fn say(&mut self, text: String) {
        self.news.push(text);
    }
}

fn local_part(address: &str) -> String {
    let name = address.split('@').next();
    name.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c27_the_story_is_whole_only_when_everybody_has_the_answer_and_she_has_seen_it() {
        let mut story = Story::new("alice@x.example", "bob@x.example");
        story.begins();
        story.goes_on(Step::SignedIn, Duration::from_secs(3));
        let read = Step::Read {
            subject: "Visit".to_owned(),
            author: "Maria".to_owned(),
            in_the_outage: true,
        };
        story.goes_on(read, Duration::from_secs(4));
        let mut arrivals = Arrivals {
            author: Some(Duration::from_secs(9)),
            ..Arrivals::default()
        };
        story.sees(&arrivals);
        assert_eq!(story.reached_author, None, "nothing was sent yet");
        let id = "<1@x.example>".to_owned();
        story.goes_on(Step::Answered { id }, Duration::from_secs(5));
        story.sees(&arrivals);
        assert_eq!(story.reached_author, Some(Duration::from_secs(4)));
        arrivals.returned = Some(Duration::from_secs(12));
        arrivals.colleague = Some(Duration::from_millis(13_200));
        story.sees(&arrivals);
        assert!(!story.is_complete());
        arrivals.home = Some(Duration::from_secs(14));
        story.sees(&arrivals);
        assert!(!story.is_complete(), "she has not looked yet");
        story.goes_on(Step::Confirmed, Duration::from_secs(20));
        assert!(story.is_complete());
        let news = story.news();
        for part in [
            "alice signed in",
            "read \"Visit\" from Maria, which came in after",
            "her answer has reached Maria, though her own server is down",
            "in bob's own mailbox 1.2 s after the server was back",
            "the copy for her own mailbox arrived 2.0 s after",
            "looked again",
        ] {
            assert!(
                news.iter().any(|line| line.contains(part)),
                "{part}: {news:?}"
            );
        }
        assert_eq!(story.news(), Vec::<String>::new(), "each is told once");
    }

    #[test]
    fn a_visit_that_ended_early_is_told() {
        let mut story = Story::new("alice@x.example", "bob@x.example");
        story.fails("no page");
        assert!(!story.is_complete());
        assert_eq!(story.news(), ["alice did not get on: no page"]);
    }
}
