//! Settings: reading and writing. One form each; what was saved is said on the next page.

use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use storage::model::MarkRead;

use super::flash::Flash;
use super::layout::csrf_field;
use super::navigation::Place;
use super::posted::Posted;
use super::refusal::Refusal;
use super::user::User;
use super::words;
use crate::language::Language;

/// Characters of a name in `From`.
const NAME_MAX: usize = 200;
/// Characters of a signature.
const SIGNATURE_MAX: usize = 4_000;
/// Seconds in which sending can be undone.
const UNDO_CHOICES: [u8; 3] = [0, 10, 30];

/// Pages of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Reading,
    Writing,
    Security,
    Sessions,
    Export,
}

impl Tab {
    const ALL: [Self; 5] = [
        Self::Reading,
        Self::Writing,
        Self::Security,
        Self::Sessions,
        Self::Export,
    ];

    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Reading => "/settings/reading",
            Self::Writing => "/settings/writing",
            Self::Security => "/settings/security",
            Self::Sessions => "/settings/sessions",
            Self::Export => "/settings/export",
        }
    }

    pub(super) const fn name(self, language: Language) -> &'static str {
        match self {
            Self::Reading => words::settings_reading(language),
            Self::Writing => words::settings_writing(language),
            Self::Security => words::settings_security(language),
            Self::Sessions => words::settings_sessions(language),
            Self::Export => words::settings_export(language),
        }
    }
}

/// A page of the settings.
pub(super) fn page(user: &User, tab: Tab, content: &Markup) -> Response {
    page_with(user, StatusCode::OK, tab, content)
}

/// The same with another status.
pub(super) fn page_with(user: &User, status: StatusCode, tab: Tab, content: &Markup) -> Response {
    let language = user.language;
    let content = html! {
        h1 { (words::nav_settings(language)) }
        nav aria-label=(words::nav_settings(language)) {
            ul.tabs {
                @for other in Tab::ALL {
                    li {
                        a href=(other.path()) aria-current=[(other == tab).then_some("page")] {
                            (other.name(language))
                        }
                    }
                }
            }
        }
        (content)
    };
    let title = format!(
        "{} \u{2013} {}",
        tab.name(language),
        words::nav_settings(language)
    );
    user.page_with(status, Place::Settings, &title, &content)
}

pub(super) async fn show_reading(user: User) -> Response {
    let language = user.language;
    let chosen = &user.preferences;
    let tongue = chosen.language.as_deref().and_then(Language::of_tag);
    let marks = [
        (MarkRead::Open, "open", words::mark_read_open(language)),
        (MarkRead::Delay, "delay", words::mark_read_delay(language)),
        (MarkRead::Never, "never", words::mark_read_never(language)),
    ];
    let content = html! {
        form.form method="post" action=(Tab::Reading.path()) {
            (csrf_field(&user.csrf))
            fieldset {
                legend { (words::language_label(language)) }
                select name="language" aria-label=(words::language_label(language)) {
                    option value="" selected[tongue.is_none()] { (words::language_auto(language)) }
                    @for choice in Language::ALL {
                        option value=(choice.tag()) lang=(choice.tag())
                            selected[tongue == Some(choice)] { (choice.name()) }
                    }
                }
            }
            fieldset {
                legend { (words::mark_read_label(language)) }
                @for (value, word, label) in marks {
                    label.choice {
                        input type="radio" name="mark_read" value=(word)
                            checked[chosen.mark_read == value];
                        span { (label) }
                    }
                }
            }
            fieldset {
                legend { (words::show_label(language)) }
                (tick("conversations", chosen.conversations, words::show_conversations(language)))
                (tick("dark_mail", chosen.dark_mail, words::show_dark_mail(language)))
                (tick("keys", chosen.keys, words::show_keys(language)))
            }
            p.hint { (words::read_state_stays(language)) }
            div.actions { button.primary type="submit" { (words::save(language)) } }
        }
    };
    page(&user, Tab::Reading, &content)
}

pub(super) async fn submit_reading(user: User, posted: Posted) -> Result<Response, Refusal> {
    let form = posted.of(&user.csrf)?;
    let mut chosen = user.preferences.clone();
    let language = Language::of_tag(form.text("language"));
    chosen.language = language.map(|language| language.tag().to_owned());
    chosen.mark_read = match form.text("mark_read") {
        "delay" => MarkRead::Delay,
        "never" => MarkRead::Never,
        _ => MarkRead::Open,
    };
    chosen.conversations = form.is_ticked("conversations");
    chosen.dark_mail = form.is_ticked("dark_mail");
    chosen.keys = form.is_ticked("keys");
    user.portal
        .spool
        .put_preferences(&user.account, &chosen)
        .await?;
    Ok(user.lead_to(Tab::Reading.path(), Flash::Saved))
}

pub(super) async fn show_writing(user: User) -> Response {
    let language = user.language;
    let chosen = &user.preferences;
    let name = chosen.display_name.as_deref().or(user.name.as_deref());
    let content = html! {
        form.form method="post" action=(Tab::Writing.path()) {
            (csrf_field(&user.csrf))
            label for="display_name" { (words::display_name(language)) }
            input #display_name name="display_name" autocomplete="name" maxlength=(NAME_MAX)
                value=(name.unwrap_or_default());
            label for="signature" { (words::signature(language)) }
            textarea #signature name="signature" rows="5" maxlength=(SIGNATURE_MAX) { (chosen.signature) }
            label for="undo_seconds" { (words::undo_label(language)) }
            select #undo_seconds name="undo_seconds" {
                @for seconds in UNDO_CHOICES {
                    option value=(seconds) selected[chosen.undo_seconds == seconds] {
                        @if seconds == 0 { (words::undo_never(language)) }
                        @else { (words::undo_seconds(language, seconds)) }
                    }
                }
            }
            div.actions { button.primary type="submit" { (words::save(language)) } }
        }
    };
    page(&user, Tab::Writing, &content)
}

pub(super) async fn submit_writing(user: User, posted: Posted) -> Result<Response, Refusal> {
    let form = posted.of(&user.csrf)?;
    let mut chosen = user.preferences.clone();
    // A name stands in a header: one line of printable characters.
    let name: String = form
        .text("display_name")
        .chars()
        .filter(|c| !c.is_control())
        .collect();
    let name: String = name.trim().chars().take(NAME_MAX).collect();
    chosen.display_name = Some(name).filter(|name| !name.is_empty());
    let signature = form.text("signature").replace("\r\n", "\n");
    chosen.signature = signature.chars().take(SIGNATURE_MAX).collect();
    let seconds = form.text("undo_seconds").parse().ok();
    let seconds = seconds.filter(|seconds| UNDO_CHOICES.contains(seconds));
    chosen.undo_seconds = seconds.unwrap_or(chosen.undo_seconds);
    user.portal
        .spool
        .put_preferences(&user.account, &chosen)
        .await?;
    Ok(user.lead_to(Tab::Writing.path(), Flash::Saved))
}

fn tick(name: &str, on: bool, label: &str) -> Markup {
    html! {
        label.choice {
            input type="checkbox" name=(name) value="1" checked[on];
            span { (label) }
        }
    }
}
