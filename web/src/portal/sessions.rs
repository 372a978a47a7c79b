//! Where the account is signed in, and ending that.

use axum::response::Response;
use maud::html;
use storage::spool::{AccountEffects, EndSessions};

use super::flash::Flash;
use super::layout::csrf_field;
use super::posted::Posted;
use super::refusal::Refusal;
use super::settings::{self, Tab};
use super::user::User;
use super::words;
use crate::language::{DateStyle, format_date};

pub(super) async fn show(user: User) -> Response {
    let language = user.language;
    let sessions = user.portal.spool.sessions_of(&user.account);
    let date = |at| format_date(language, DateStyle::Long, at, user.now, &user.portal.zone);
    let others = sessions.len() > 1;
    let content = html! {
        p.lead { (words::sessions_lead(language)) }
        ul.rows {
            @for (digest, session) in &sessions {
                li {
                    div {
                        p {
                            strong { (browser(&session.agent).unwrap_or_else(|| words::unknown_browser(language))) }
                            @if *digest == user.session {
                                " " span.badge.ok { (words::this_session(language)) }
                            }
                        }
                        p.meta {
                            (words::session_from(language, &session.from, date(session.created_at), date(session.seen_at)))
                        }
                    }
                    @if *digest != user.session {
                        form method="post" action=(Tab::Sessions.path()) {
                            (csrf_field(&user.csrf))
                            input type="hidden" name="end" value=(digest.short());
                            button type="submit" { (words::sign_out(language)) }
                        }
                    }
                }
            }
        }
        @if others {
            form method="post" action=(Tab::Sessions.path()) {
                (csrf_field(&user.csrf))
                input type="hidden" name="end" value="others";
                button type="submit" { (words::sign_out_others(language)) }
            }
        }
    };
    settings::page(&user, Tab::Sessions, &content)
}

pub(super) async fn submit(user: User, posted: Posted) -> Result<Response, Refusal> {
    let form = posted.of(&user.csrf)?;
    let which = form.text("end");
    let end_sessions = match which {
        "others" => EndSessions::AllBut(user.session),
        which => {
            let sessions = user.portal.spool.sessions_of(&user.account);
            let found = sessions.iter().find(|(digest, _)| digest.short() == which);
            EndSessions::One(found.ok_or(Refusal::NotFound)?.0)
        }
    };
    let address = user.address.to_string();
    let row = user
        .portal
        .sign_in
        .audit_row(&user.account, &address, &user.client, "session.end");
    let effects = AccountEffects {
        end_sessions,
        audit: Some(row),
        ..AccountEffects::default()
    };
    user.portal
        .spool
        .change_account(&user.account, |_| (effects, ()))
        .await?;
    Ok(user.lead_to(Tab::Sessions.path(), Flash::SessionEnded))
}

/// A browser and its system in the words of people, out of what it says about itself.
pub(crate) fn browser(agent: &str) -> Option<&'static str> {
    // The order matters: most name those before them, too.
    const KNOWN: [(&str, &str); 7] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    let found = KNOWN.iter().find(|(mark, _)| agent.contains(mark));
    found.map(|(_, name)| *name)
}
