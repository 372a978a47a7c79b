//! `/settings/security/passkeys`: the user's passkeys. Whoever has one reads the mailbox, so the page
//! opens only to somebody who has proved within ten minutes who it is (A9).

use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use maud::{Markup, html};
use storage::model::{AuditRow, Credentials, PASSKEYS_MAX, Passkey, SessionKind};

use super::passkey_door::bytes;
use super::security::{proof_fields, row, unproven};
use super::words;
use crate::auth::is_fresh;
use crate::auth::passkey::{NewPasskey, PasskeyFault, Purpose, Registration, RelyingParty};
use crate::language::{DateStyle, Language, format_date};
use crate::portal::assets;
use crate::portal::flash::Flash;
use crate::portal::layout::csrf_field;
use crate::portal::posted::{Form, Posted};
use crate::portal::redirect::{see_other, with_cookies};
use crate::portal::refusal::Refusal;
use crate::portal::settings::{self, Tab};
use crate::portal::user::User;

/// Where the page is.
pub(super) const PATH: &str = "/settings/security/passkeys";

pub(in crate::portal) async fn show(user: User) -> Result<Response, Refusal> {
    answer(&user, StatusCode::OK, None).await
}

pub(in crate::portal) async fn submit(user: User, posted: Posted) -> Result<Response, Refusal> {
    let form = posted.of(&user.csrf)?;
    let party = user.portal.relying_party.clone();
    let party = party.ok_or(Refusal::NotFound)?;
    if form.text("act") == "prove" {
        return prove(&user, &form).await;
    }
    if !is_proven(&user) {
        return Ok(see_other(PATH));
    }
    let done = match form.text("act") {
        "add" => add(&user, &form, &party).await?,
        "rename" => {
            let (id, audit) = (bytes(&form, "id")?, row(&user, "passkey.rename"));
            let (sign_in, name) = (&user.portal.sign_in, form.text("name"));
            let audit = named(audit, name);
            let renamed = sign_in.rename_passkey(&user.account, &id, name, audit);
            renamed.await?
        }
        "remove" => {
            let (id, audit) = (bytes(&form, "id")?, row(&user, "passkey.remove"));
            let sign_in = &user.portal.sign_in;
            let removed = sign_in.remove_passkey(&user.account, &id, user.session, audit);
            removed.await?
        }
        _ => return Err(Refusal::Malformed),
    };
    match done {
        Ok(()) => Ok(user.lead_to(PATH, Flash::Saved)),
        // Taken away in another window meanwhile.
        Err(PasskeyFault::Unknown) => Ok(see_other(PATH)),
        Err(fault) => {
            tracing::info!(%fault, "a passkey was not added");
            let text = fault_text(user.language, fault);
            answer(&user, StatusCode::UNPROCESSABLE_ENTITY, Some(text)).await
        }
    }
}

async fn prove(user: &User, form: &Form) -> Result<Response, Refusal> {
    if let Some(fault) = unproven(user, form).await? {
        return answer(user, StatusCode::UNPROCESSABLE_ENTITY, Some(fault)).await;
    }
    let sign_in = &user.portal.sign_in;
    let kind = SessionKind::Portal;
    let session = sign_in.renew(&user.account, kind, user.session, &user.client);
    let cookie = user.portal.session_cookie().set(session.await?.id.reveal());
    Ok(with_cookies(see_other(PATH), cookie.as_slice()))
}

async fn add(
    user: &User,
    form: &Form,
    party: &RelyingParty,
) -> Result<Result<(), PasskeyFault>, Refusal> {
    let registration = Registration {
        client_data: bytes(form, "client")?,
        authenticator_data: bytes(form, "authenticator")?,
    };
    let name = form.text("name");
    let new = NewPasskey {
        registration: &registration,
        name,
        session: user.session,
    };
    let audit = named(row(user, "passkey.add"), name);
    let sign_in = &user.portal.sign_in;
    Ok(sign_in
        .add_passkey(&user.account, party, new, audit)
        .await?)
}

fn named(row: AuditRow, name: &str) -> AuditRow {
    let name: String = name.chars().take(60).collect();
    AuditRow {
        detail: serde_json::json!({ "name": name }).to_string(),
        ..row
    }
}

fn is_proven(user: &User) -> bool {
    is_fresh(user.proven_at, user.portal.spool.clock().now())
}

const fn fault_text(language: Language, fault: PasskeyFault) -> &'static str {
    match fault {
        PasskeyFault::Known => words::passkey_fault_known(language),
        PasskeyFault::Full => words::passkeys_full(language),
        PasskeyFault::Challenge => words::passkey_fault_late(language),
        _ => words::passkey_fault(language),
    }
}

async fn answer(user: &User, status: StatusCode, fault: Option<&str>) -> Result<Response, Refusal> {
    let Some(party) = &user.portal.relying_party else {
        return Err(Refusal::NotFound);
    };
    let credentials = user.portal.spool.credentials(&user.account).await?;
    let content = if is_proven(user) {
        list(user, &credentials, party, fault)?
    } else {
        proof(user, &credentials, fault)
    };
    Ok(settings::page_with(user, status, Tab::Security, &content))
}

fn proof(user: &User, credentials: &Credentials, fault: Option<&str>) -> Markup {
    let language = user.language;
    html! {
        form.form method="post" action=(PATH) {
            h2 { (words::passkey_prove_title(language)) }
            @if let Some(fault) = fault { div.fault role="alert" { (fault) } }
            p { (words::passkey_prove_lead(language)) }
            (csrf_field(&user.csrf))
            input type="hidden" name="act" value="prove";
            (proof_fields(user, "passkey", credentials.totp.is_some()))
            div.actions { button.primary type="submit" { (words::passkey_prove(language)) } }
        }
    }
}

fn list(
    user: &User,
    credentials: &Credentials,
    party: &RelyingParty,
    fault: Option<&str>,
) -> Result<Markup, Refusal> {
    let (language, all) = (user.language, &credentials.passkeys.all);
    let add = if all.len() < PASSKEYS_MAX {
        add_form(user, credentials, party)?
    } else {
        html! { p.hint { (words::passkeys_full(language)) } }
    };
    Ok(html! {
        @if let Some(fault) = fault { div.fault role="alert" { (fault) } }
        section.form {
            h2 { (words::passkeys_title(language)) }
            p { (words::passkeys_lead(language)) }
            @if all.is_empty() { p { (words::passkeys_none(language)) } }
            @for (number, passkey) in all.iter().enumerate() {
                (entry(user, number, passkey))
            }
        }
        (add)
        div.actions { a.button href=(Tab::Security.path()) { (words::passkeys_back(language)) } }
    })
}

fn entry(user: &User, number: usize, passkey: &Passkey) -> Markup {
    let language = user.language;
    let date = |at| format_date(language, DateStyle::Long, at, user.now, &user.portal.zone);
    let field = format!("name-{number}");
    html! {
        form method="post" action=(PATH) {
            (csrf_field(&user.csrf))
            input type="hidden" name="id" value=(URL_SAFE_NO_PAD.encode(&passkey.id));
            label for=(field) { (words::passkey_name(language)) }
            input #(field) name="name" value=(passkey.name) required maxlength="60";
            p.hint {
                (words::passkey_created(language, date(passkey.created_at))) " "
                @match passkey.used_at {
                    Some(at) => (words::passkey_used(language, date(at))),
                    None => (words::passkey_never(language)),
                }
            }
            div.actions {
                button type="submit" name="act" value="rename" {
                    (words::passkey_rename(language)) span.hidden { " " (passkey.name) }
                }
                button.danger type="submit" name="act" value="remove" {
                    (words::passkey_remove(language)) span.hidden { " " (passkey.name) }
                }
            }
        }
    }
}

fn add_form(
    user: &User,
    credentials: &Credentials,
    party: &RelyingParty,
) -> Result<Markup, Refusal> {
    let (language, sign_in) = (user.language, &user.portal.sign_in);
    let challenge = sign_in.passkey_challenge(Purpose::Register, user.session.as_bytes());
    let challenge = challenge.map_err(|error| Refusal::Broken(error.to_string()))?;
    let handle = sign_in.passkey_handle(&user.account, credentials, &user.session);
    let handle = handle.ok_or(Refusal::NotFound)?;
    let ids = credentials.passkeys.all.iter();
    let ids: Vec<_> = ids.map(|it| URL_SAFE_NO_PAD.encode(&it.id)).collect();
    Ok(html! {
        p.hint #passkey-missing { (words::passkey_needs_script(language)) }
        form.form #passkey-register method="post" action=(PATH) hidden
            data-site=(party.id) data-challenge=(challenge) data-address=(user.address)
            data-handle=(URL_SAFE_NO_PAD.encode(handle.to_bytes())) data-present=(ids.join(" ")) {
            h2 { (words::passkey_add_title(language)) }
            (csrf_field(&user.csrf))
            input type="hidden" name="act" value="add";
            input type="hidden" name="client";
            input type="hidden" name="authenticator";
            div.fault role="alert" hidden { (words::passkey_fault(language)) }
            label for="name" { (words::passkey_name(language)) }
            input #name name="name" maxlength="60" required aria-describedby="name-hint";
            p.hint #name-hint { (words::passkey_name_hint(language)) }
            p.hint { (words::passkey_add_ends(language)) }
            div.actions { button.primary type="submit" { (words::passkey_add(language)) } }
        }
        script type="module" src=(assets::passkey_script_path()) {}
    })
}
