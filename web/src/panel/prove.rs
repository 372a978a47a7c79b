//! `/prove`: the password again, before what cannot be undone (A9).

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use storage::model::SessionKind;

use super::door::{HOME, Next};
use super::layout::fault;
use super::visitor::Admin;
use crate::AdminSite;
use crate::auth::Proof;
use crate::portal::layout::csrf_field;
use crate::portal::{Posted, Refusal, place_of_ours, see_other, with_cookies};

const TITLE: &str = "Confirm that it is you";

pub(super) async fn show(admin: Admin, Query(next): Query<Next>) -> Response {
    admin.page(TITLE, &form(&admin, &next.next, None))
}

pub(super) async fn submit(
    State(site): State<AdminSite>,
    admin: Admin,
    posted: Posted,
) -> Result<Response, Refusal> {
    let form = posted.of(&admin.csrf)?;
    let (address, next) = (admin.row.address.to_string(), form.text("next"));
    let (account, password) = (Some(&admin.account), form.text("password"));
    let kind = SessionKind::Admin;
    let proof = site
        .sign_in
        .prove(kind, account, &address, password, &admin.client);
    match proof.await? {
        Proof::Wait(wait) => Err(Refusal::TooMany(wait)),
        Proof::Wrong => {
            let content = self::form(&admin, next, Some("That is not your password."));
            Ok(admin.page_with(StatusCode::UNPROCESSABLE_ENTITY, TITLE, &content))
        }
        Proof::Right { .. } => {
            let session = site
                .sign_in
                .renew(&admin.account, kind, admin.session, &admin.client);
            let cookie = site.session_cookie().set(session.await?.id.reveal());
            let leads = see_other(place_of_ours(next).unwrap_or(HOME));
            Ok(with_cookies(leads, cookie.as_slice()))
        }
    }
}

fn form(admin: &Admin, next: &str, wrong: Option<&str>) -> Markup {
    html! {
        h1 { (TITLE) }
        p.lead { "What you are about to do asks for your password again. It counts for ten minutes." }
        (fault(wrong))
        form.form method="post" action="/prove" {
            (csrf_field(&admin.csrf))
            input type="hidden" name="next" value=(place_of_ours(next).unwrap_or(HOME));
            input type="hidden" autocomplete="username" value=(admin.row.address);
            label for="password" { "Your password" }
            input #password name="password" type="password" autocomplete="current-password"
                required maxlength="256" autofocus;
            div.actions { button.primary type="submit" { "Go on" } }
        }
    }
}
