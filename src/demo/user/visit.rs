//! What the user does in the portal, page by page.

use std::time::Duration;

use hyper::StatusCode;
use storage::model::Timestamp;
use tokio::sync::mpsc;

use super::browser::{Browser, BrowserError, Page};
use super::page::{self, Line};

/// Where signing in leads.
const INBOX: &str = "/m/inbox";
/// What she looks for: somebody's question.
const LOOKS_FOR: &str = "/m/inbox?q=from%3Amaria.lopez+subject%3Avisit";
/// What she answers.
const ANSWER: &str = "Thursday is fine, and our server being down does not change that. \
    Bob will meet you at the gate.\n\nAlice\n";
/// How long she waits for a message that came in after the server went down, before she takes an
/// earlier one.
const FRESH_TRIES: u32 = 20;
/// Before she loads a page again.
const AGAIN_AFTER: Duration = Duration::from_millis(250);

/// Something she has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// She is in, and the page says that the server is down.
    SignedIn,
    /// She has opened a message.
    Read {
        /// Its subject.
        subject: String,
        /// Who wrote it.
        author: String,
        /// Whether it came in while the server was down.
        in_the_outage: bool,
    },
    /// Her answer has left.
    Answered {
        /// Its `Message-ID`.
        id: String,
    },
    /// The portal shows that her answer and its copy have arrived.
    Confirmed,
}

/// Why a visit ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum VisitError {
    #[error(transparent)]
    Browser(#[from] BrowserError),
    #[error("{what}: status {status}")]
    Unexpected {
        what: &'static str,
        status: StatusCode,
    },
    #[error("{0}")]
    Missing(&'static str),
    #[error("it took more than a minute")]
    TooLong,
}

/// A user with a browser.
#[derive(Debug)]
pub(super) struct Visit {
    browser: Browser,
    address: String,
    password: String,
    colleague: String,
    /// The answer, in *Sent*.
    sent: String,
}

impl Visit {
    pub(super) fn new(browser: Browser, address: &str, password: &str, colleague: &str) -> Self {
        Self {
            browser,
            address: address.to_owned(),
            password: password.to_owned(),
            colleague: colleague.to_owned(),
            sent: String::new(),
        }
    }

    /// Signs in, reads, answers.
    pub(super) async fn in_the_outage(
        mut self,
        since: Timestamp,
        tell: mpsc::Sender<Step>,
    ) -> Result<Self, VisitError> {
        self.sign_in().await?;
        while !is_outage_shown(&self.open(INBOX).await?) {
            tokio::time::sleep(AGAIN_AFTER).await;
        }
        told(&tell, Step::SignedIn).await;
        let (line, in_the_outage) = self.find(&since.rfc3339()).await?;
        let opened = self.open(&line.path).await?;
        told(
            &tell,
            Step::Read {
                subject: line.subject.clone(),
                author: line.who.clone(),
                in_the_outage,
            },
        )
        .await;
        self.answer(&opened).await?;
        let id = self.find_sent(&line.subject).await?;
        told(&tell, Step::Answered { id }).await;
        Ok(self)
    }

    /// Looks whether the portal shows that the answer has arrived.
    pub(super) async fn afterwards(mut self, tell: mpsc::Sender<Step>) -> Result<Self, VisitError> {
        let path = self.sent.clone();
        while !is_arrival_shown(&self.open(&path).await?) {
            tokio::time::sleep(AGAIN_AFTER).await;
        }
        told(&tell, Step::Confirmed).await;
        Ok(self)
    }

    async fn sign_in(&mut self) -> Result<(), VisitError> {
        let page = self.open("/login").await?;
        let mut fields = form(&page, "/login")?;
        set(&mut fields, "address", &self.address);
        set(&mut fields, "password", &self.password);
        let answer = self.browser.submit("/login", &fields).await?;
        leads(&answer, "signing in")
    }

    /// The newest message of the one she looks for, and whether it came in after `since`.
    async fn find(&mut self, since: &str) -> Result<(Line, bool), VisitError> {
        let mut tries = 0;
        loop {
            let page = self.open(LOOKS_FOR).await?;
            let newest = page::lines(&page.text).into_iter().next();
            match newest {
                Some(line) if line.at.as_str() >= since => return Ok((line, true)),
                Some(line) if tries >= FRESH_TRIES => return Ok((line, false)),
                _ => tries += 1,
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }

    async fn answer(&mut self, opened: &Page) -> Result<(), VisitError> {
        let reply = page::link(&opened.text, "/compose?reply=");
        let reply = reply.ok_or(VisitError::Missing("no way to answer on the page"))?;
        let page = self.open(&reply).await?;
        let action = page.text.split(" action=\"/compose/").nth(1);
        let draft = action.and_then(|rest| rest.split('"').next());
        let draft = draft.ok_or(VisitError::Missing("no form for an answer"))?;
        let action = format!("/compose/{draft}");
        let mut fields = form(&page, &action)?;
        let quoted = value(&fields, "text");
        set(&mut fields, "text", &format!("{ANSWER}{quoted}"));
        set(&mut fields, "cc", &self.colleague);
        set(&mut fields, "do", "send");
        let answer = self.browser.send(&action, &fields).await?;
        leads(&answer, "sending the answer")
    }

    /// Finds the answer in *Sent*; gives its `Message-ID`.
    async fn find_sent(&mut self, subject: &str) -> Result<String, VisitError> {
        loop {
            let page = self.open("/m/sent").await?;
            let mut lines = page::lines(&page.text).into_iter();
            if let Some(line) = lines.find(|line| line.subject.ends_with(subject)) {
                let id = line.path.rsplit('/').next().unwrap_or_default();
                let source = self.open(&format!("/m/{id}/source")).await?;
                let mut header = source.text.lines();
                let id = header.find_map(|field| field.strip_prefix("Message-ID: "));
                let id = id.ok_or(VisitError::Missing("the answer has no Message-ID"))?;
                self.sent = line.path;
                return Ok(id.trim().to_owned());
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }

    async fn open(&mut self, path: &str) -> Result<Page, VisitError> {
        let page = self.browser.get(path).await?;
        let status = page.status;
        let what = "a page did not open";
        (status == StatusCode::OK)
            .then_some(page)
            .ok_or(VisitError::Unexpected { what, status })
    }
}

/// The spectator may have left; the visit goes on.
async fn told(tell: &mpsc::Sender<Step>, step: Step) {
    drop(tell.send(step).await);
}

fn is_outage_shown(page: &Page) -> bool {
    page.text.contains("class=\"banner danger\"")
}

fn is_arrival_shown(page: &Page) -> bool {
    page.text.contains("Everybody has got this message.")
        && page
            .text
            .contains("A copy has reached your normal mailbox.")
}

fn leads(answer: &Page, what: &'static str) -> Result<(), VisitError> {
    let status = answer.status;
    let goes_on = status == StatusCode::SEE_OTHER && answer.leads_to.is_some();
    goes_on
        .then_some(())
        .ok_or(VisitError::Unexpected { what, status })
}

fn form(page: &Page, action: &str) -> Result<Vec<(String, String)>, VisitError> {
    page::form(&page.text, action).ok_or(VisitError::Missing("a form is not on its page"))
}

fn value(fields: &[(String, String)], name: &str) -> String {
    let field = fields.iter().find(|(field, _)| field == name);
    field.map(|(_, value)| value.clone()).unwrap_or_default()
}

fn set(fields: &mut Vec<(String, String)>, name: &str, value: &str) {
    fields.retain(|(field, _)| field != name);
    fields.push((name.to_owned(), value.to_owned()));
}
