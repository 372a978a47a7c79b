//! `/settings/security`: password and second factor. Every change asks for the present password,
//! and for a code while the second factor is on: an open session is not enough (A6, A9).

use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use storage::model::{Credentials, SessionKind};
use storage::spool::EndSessions;

use super::passkeys;
use super::setup::codes_page;
use super::words;
use crate::auth::password_rule;
use crate::auth::{Proof, SetBy};
use crate::language::{DateStyle, format_date};
use crate::portal::flash::Flash;
use crate::portal::layout::csrf_field;
use crate::portal::new_password::{password_fault, password_fields};
use crate::portal::posted::{Form, Posted};
use crate::portal::redirect::with_cookies;
use crate::portal::refusal::Refusal;
use crate::portal::settings::{self, Tab};
use crate::portal::user::User;
use crate::portal::words as common;

const PATH: &str = Tab::Security.path();

pub(in crate::portal) async fn show(user: User) -> Result<Response, Refusal> {
    let credentials = user.portal.spool.credentials(&user.account).await?;
    Ok(settings::page(
        &user,
        Tab::Security,
        &content(&user, &credentials, None),
    ))
}

pub(in crate::portal) async fn submit(user: User, posted: Posted) -> Result<Response, Refusal> {
    let form = posted.of(&user.csrf)?;
    let credentials = user.portal.spool.credentials(&user.account).await?;
    if let Some(fault) = unproven(&user, &form).await? {
        return Ok(refused(&user, &credentials, fault));
    }
    match form.text("act") {
        "password" => change_password(&user, &form, &credentials).await,
        "off" => {
            let audit = row(&user, "second_factor.off");
            let others = EndSessions::AllBut(user.session);
            user.portal
                .sign_in
                .switch_off(&user.account, others, audit)
                .await?;
            Ok(user.lead_to(PATH, Flash::Saved))
        }
        "codes" => {
            let audit = row(&user, "recovery_codes.renew");
            let codes = user
                .portal
                .sign_in
                .renew_recovery_codes(&user.account, audit);
            Ok(codes_page(&user, &codes.await?))
        }
        _ => Err(Refusal::Malformed),
    }
}

/// What is missing before a change of the account; nothing when the person has just proved who
/// they are.
pub(in crate::portal) async fn unproven(
    user: &User,
    form: &Form,
) -> Result<Option<&'static str>, Refusal> {
    let sign_in = &user.portal.sign_in;
    let (address, language) = (user.address.to_string(), user.language);
    let proof = sign_in.prove(
        SessionKind::Portal,
        Some(&user.account),
        &address,
        form.text("present"),
        &user.client,
    );
    match proof.await? {
        Proof::Wait(wait) => Err(Refusal::TooMany(wait)),
        Proof::Wrong => Ok(Some(words::fault_present(language))),
        Proof::Right { second_factor } => {
            let code = form.text("code");
            let taken = !second_factor || sign_in.use_code(&user.account, code).await?;
            Ok((!taken).then_some(words::fault_code(language)))
        }
    }
}

async fn change_password(
    user: &User,
    form: &Form,
    credentials: &Credentials,
) -> Result<Response, Refusal> {
    let (language, sign_in) = (user.language, &user.portal.sign_in);
    let (password, address) = (form.text("password"), user.address.to_string());
    let hints = [address.as_str(), user.name.as_deref().unwrap_or_default()];
    if let Err(fault) = password_rule::check(password, &hints) {
        return Ok(refused(user, credentials, password_fault(language, fault)));
    }
    if form.text("again") != password {
        return Ok(refused(user, credentials, common::fault_differ(language)));
    }
    let by = SetBy::Owner(user.session);
    sign_in
        .set_password(&user.account, password, by, row(user, "password.set"))
        .await?;
    user.portal.desk.password_set(&user.address);
    let kind = SessionKind::Portal;
    let session = sign_in.renew(&user.account, kind, user.session, &user.client);
    let cookie = user.portal.session_cookie().set(session.await?.id.reveal());
    Ok(with_cookies(
        user.lead_to(PATH, Flash::Saved),
        cookie.as_slice(),
    ))
}

pub(in crate::portal) fn row(user: &User, action: &str) -> storage::model::AuditRow {
    let address = user.address.to_string();
    user.portal
        .sign_in
        .audit_row(&user.account, &address, &user.client, action)
}

fn refused(user: &User, credentials: &Credentials, fault: &str) -> Response {
    let content = content(user, credentials, Some(fault));
    settings::page_with(
        user,
        StatusCode::UNPROCESSABLE_ENTITY,
        Tab::Security,
        &content,
    )
}

fn content(user: &User, credentials: &Credentials, fault: Option<&str>) -> Markup {
    let language = user.language;
    let factor = credentials.totp.as_ref();
    let date = |at| format_date(language, DateStyle::Long, at, user.now, &user.portal.zone);
    html! {
        @if let Some(fault) = fault {
            div.fault role="alert" { (fault) }
        }
        form.form method="post" action=(PATH) {
            (csrf_field(&user.csrf))
            input type="hidden" name="act" value="password";
            h2 { (words::password_title(language)) }
            (proof_fields(user, "password", factor.is_some()))
            (password_fields(language, false, false))
            p.hint { (words::password_ends(language)) }
            div.actions { button.primary type="submit" { (words::password_change(language)) } }
        }
        section.form {
            h2 { (words::factor_title(language)) }
            @if let Some(factor) = factor {
                p { (words::factor_on(language, date(factor.enabled_at))) }
                p { (words::factor_codes_left(language, credentials.recovery_codes.len())) }
                form method="post" action=(PATH) {
                    (csrf_field(&user.csrf))
                    (proof_fields(user, "factor", true))
                    p.hint { (words::factor_new_codes_hint(language)) }
                    div.actions {
                        button type="submit" name="act" value="codes" { (words::factor_new_codes(language)) }
                        button.danger type="submit" name="act" value="off" { (words::factor_switch_off(language)) }
                    }
                }
            } @else {
                p { (words::factor_off(language)) }
                div.actions { a.button href="/settings/security/setup" { (words::factor_set_up(language)) } }
            }
        }
        @if user.portal.relying_party.is_some() {
            section.form {
                h2 { (words::passkeys_title(language)) }
                p { (words::passkeys_lead(language)) }
                p { (words::passkeys_count(language, credentials.passkeys.all.len())) }
                div.actions { a.button href=(passkeys::PATH) { (words::passkeys_manage(language)) } }
            }
        }
    }
}

/// The fields with which a person proves who they are.
pub(in crate::portal) fn proof_fields(user: &User, form: &str, second_factor: bool) -> Markup {
    let language = user.language;
    let (present, code) = (format!("present-{form}"), format!("code-{form}"));
    html! {
        input type="hidden" autocomplete="username" value=(user.address);
        label for=(present) { (words::password_current(language)) }
        input #(present) name="present" type="password" autocomplete="current-password" required
            maxlength="256";
        @if second_factor {
            label for=(code) { (words::step_code(language)) }
            input #(code) name="code" autocomplete="one-time-code" required maxlength="40"
                autocapitalize="characters" spellcheck="false";
        }
    }
}
