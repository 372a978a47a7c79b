//! `GET /events`: tells a page that is open that something has changed, so that new mail is there a
//! moment after it was taken in. Numbers only, never text of mail: the page fetches itself again.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use storage::model::{Folder, Timestamp, ViewCounts};
use storage::spool::Arrived;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::banner::Banner;
use super::refusal::Refusal;
use super::user::User;

/// How often the state of the own server and the session are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// Between two signs of life, so that nobody on the way takes the connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(25);
/// A stream ends after this time; the page asks for the next one.
const LIFETIME: Duration = Duration::from_secs(3600);

/// One open page.
struct Watch {
    user: User,
    arrivals: Receiver<Arrived>,
    banner: Option<Banner>,
    ends_at: Timestamp,
    looked_at: Timestamp,
}

/// Streams what changes for this user.
pub(crate) async fn show(user: User) -> Result<Response, Refusal> {
    let now = user.portal.spool.clock().now();
    let watch = Watch {
        arrivals: user.portal.spool.arrivals(),
        banner: None,
        ends_at: now.saturating_add(LIFETIME),
        looked_at: now,
        user,
    };
    let events = stream::unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        Some((Ok::<_, Infallible>(event), watch))
    });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(events).keep_alive(keep_alive).into_response())
}

impl Watch {
    /// The next event; none when the session is over or the stream's time is.
    async fn next(&mut self) -> Option<Event> {
        if self.banner.is_none() {
            // The first event says that the stream is live, and from where on.
            self.banner = Some(self.state());
            let event = Event::default().event("live").retry(LOOK_INTERVAL);
            return Some(event.data(self.numbers().await?));
        }
        loop {
            let now = self.user.portal.spool.clock().now();
            if now >= self.ends_at || !self.is_session_alive() {
                return None;
            }
            // Whatever happens in other mailboxes meanwhile, this is looked at in time.
            if now.saturating_since(self.looked_at) >= LOOK_INTERVAL {
                self.looked_at = now;
                let state = self.state();
                if self.banner.as_ref() != Some(&state) {
                    self.banner = Some(state);
                    return Some(Event::default().event("state").data(""));
                }
            }
            tokio::select! {
                arrived = self.arrivals.recv() => match arrived {
                    Ok(arrived) if !self.is_own(arrived) => {}
                    // Who lags has missed something, perhaps of the own.
                    Ok(_) | Err(RecvError::Lagged(_)) => return self.mail().await,
                    Err(RecvError::Closed) => return None,
                },
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
            }
        }
    }

    /// The state of the user's domain as it is now: the one of the request grows old.
    fn state(&self) -> Banner {
        let portal = &self.user.portal;
        let domain = portal.spool.directory().domain(self.user.domain.id);
        Banner::of(portal, domain.as_ref().unwrap_or(&self.user.domain))
    }

    fn is_own(&self, arrived: Arrived) -> bool {
        let scope = &self.user.scope;
        arrived.domain == scope.domain() && arrived.mailbox == scope.tag()
    }

    /// Looking does not count as using: an open page alone keeps no session alive.
    fn is_session_alive(&self) -> bool {
        let sessions = self.user.portal.spool.sessions_of(&self.user.account);
        sessions
            .iter()
            .any(|(digest, _)| *digest == self.user.session)
    }

    async fn mail(&self) -> Option<Event> {
        let event = Event::default().event("mail");
        Some(event.data(self.numbers().await?))
    }

    async fn numbers(&self) -> Option<String> {
        let counts = self.user.portal.spool.view_counts(&self.user.scope);
        Some(numbers(&counts.await.ok()?))
    }
}

/// How much there is in the inbox: by this a page sees whether it is still the present one.
pub(super) fn numbers(counts: &ViewCounts) -> String {
    let inbox = counts.folder(Folder::Inbox);
    format!("{} {}", inbox.unread, inbox.total)
}
