//! The frame around every page: skip link, landmarks, banner, what was just done, footer.

use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, html};
use storage::model::{Timestamp, ViewCounts};

use super::banner::Banner;
use super::flash::{Filed, Flash};
use super::navigation::{self, Place};
use super::{assets, events, words};
use crate::auth::csrf::{self, CsrfToken};
use crate::language::Language;

/// What every page has.
#[derive(Debug)]
pub(crate) struct Shell<'p> {
    /// The reader's language.
    pub(crate) language: Language,
    /// The title, without the name of the site.
    pub(crate) title: &'p str,
    /// Which build this is.
    pub(crate) build: &'p str,
}

/// What a page for a user has.
#[derive(Debug)]
pub(crate) struct Frame<'p> {
    /// What every page has.
    pub(crate) shell: Shell<'p>,
    /// Where it belongs.
    pub(crate) place: Place,
    /// The user's address.
    pub(crate) address: &'p str,
    /// The state of the user's server.
    pub(crate) banner: &'p Banner,
    /// What was just done.
    pub(crate) flash: Option<Flash>,
    /// Messages in the mailbox.
    pub(crate) counts: &'p ViewCounts,
    /// The path of this page, for what comes back to it.
    pub(crate) path: &'p str,
    /// The token for forms.
    pub(crate) csrf: &'p CsrfToken,
    /// Whether single keys do something.
    pub(crate) keys: bool,
    /// The time of the request.
    pub(crate) now: Timestamp,
    /// The zone of dates.
    pub(crate) zone: &'p TimeZone,
}

/// The token's field, for every form.
pub(crate) fn csrf_field(token: &CsrfToken) -> Markup {
    html! { input type="hidden" name=(csrf::FIELD) value=(token.masked()); }
}

/// A page for a user who has signed in.
pub(crate) fn signed_in(frame: &Frame<'_>, content: &Markup) -> Markup {
    let language = frame.shell.language;
    let title = format!("{} \u{2013} {}", frame.shell.title, frame.address);
    let body = html! {
        header.top {
            a.brand href="/" { (mark()) "Mailhold" }
            span.who title=(frame.address) { (frame.address) }
            form.sign-out method="post" action="/logout" {
                (csrf_field(frame.csrf))
                button.quiet type="submit" { (words::sign_out(language)) }
            }
        }
        div.columns {
            (navigation::draw(language, frame.place, frame.counts))
            main #main tabindex="-1" {
                (frame.banner.draw(language, frame.now, frame.zone))
                p.bar #not-live hidden { (words::not_live(language)) }
                (flash_line(language, frame.flash, &undo(frame)))
                (content)
            }
        }
        (footer(&frame.shell))
    };
    whole(language, &title, &frame.shell_body(&body))
}

/// A page for somebody who has not signed in.
pub(crate) fn before_sign_in(shell: &Shell<'_>, flash: Option<Flash>, content: &Markup) -> Markup {
    let body = html! {
        header.top { a.brand href="/" { (mark()) "Mailhold" } }
        main.narrow #main tabindex="-1" {
            (flash_line(shell.language, flash, &html! {}))
            (content)
        }
        (footer(shell))
    };
    let title = format!("{} \u{2013} Mailhold", shell.title);
    document(shell.language, &title, "door", &body)
}

/// A page that says what went wrong; needs nothing but words.
pub(crate) fn bare(shell: &Shell<'_>, content: &Markup) -> Markup {
    before_sign_in(shell, None, content)
}

/// A whole document.
pub(crate) fn document(language: Language, title: &str, class: &str, body: &Markup) -> Markup {
    let body = html! {
        body.(class) {
            a.skip href="#main" { (words::skip(language)) }
            (body)
        }
    };
    whole(language, title, &body)
}

fn whole(language: Language, title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) }
                link rel="stylesheet" href=(assets::style_path());
                link rel="icon" href=(assets::icon_path()) type="image/svg+xml";
            }
            (body)
        }
    }
}

impl Frame<'_> {
    /// The body of a page for a user, with what the script needs to know.
    fn shell_body(&self, content: &Markup) -> Markup {
        let language = self.shell.language;
        html! {
            body.app data-live="/events" data-inbox=(events::numbers(self.counts)) data-new-mail=(words::new_mail(language)) data-keys[self.keys] {
                a.skip href="#main" { (words::skip(language)) }
                (content)
                script type="module" src=(assets::script_path()) {}
            }
        }
    }
}

/// The button that takes back what was just done.
fn undo(frame: &Frame<'_>) -> Markup {
    let language = frame.shell.language;
    html! {
        @if let Some(Flash::Sending(id)) = frame.flash {
            form method="post" action={ "/outbox/" (id) "/cancel" } {
                (csrf_field(frame.csrf))
                button.link type="submit" { (words::undo(language)) }
            }
        }
        @if let Some(Flash::Filed(Filed { undo: Some(undo), .. })) = frame.flash {
            form method="post" action={ "/undo/" (undo) } {
                (csrf_field(frame.csrf))
                input type="hidden" name="back" value=(frame.path);
                button.link type="submit" { (words::undo(language)) }
            }
        }
    }
}

fn flash_line(language: Language, flash: Option<Flash>, undo: &Markup) -> Markup {
    html! {
        @if let Some(flash) = flash {
            div.flash role="status" { span { (flash.text(language)) } (undo) }
        }
    }
}

fn footer(shell: &Shell<'_>) -> Markup {
    html! {
        footer {
            a href="/help" { (words::nav_help(shell.language)) }
            span { "Mailhold " (shell.build) }
        }
    }
}

/// The site's mark: an envelope that is held.
pub(crate) fn mark() -> Markup {
    html! {
        svg.mark aria-hidden="true" width="20" height="20" viewBox="0 0 20 20" {
            rect x="1.5" y="4" width="17" height="12" rx="2.5" fill="none" stroke="currentColor" stroke-width="1.6" {}
            path d="M2.5 6 10 11.2 17.5 6" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linejoin="round" {}
        }
    }
}
