//! A new password against a one-time token: a code that an administrator has handed out
//! (`/enroll`), or a link (`/reset/{token}`). Works while everything of the customer's is down, and
//! never signs in by itself.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use storage::model::{AccountId, Mailbox, OneTimeToken};

use super::flash::Flash;
use super::layout::csrf_field;
use super::posted::{Form, Posted};
use super::refusal::Refusal;
use super::visitor::Visitor;
use super::{Portal, words};
use crate::auth::password_rule::{self, PasswordFault};
use crate::auth::{Secret, SetBy, SignIn};
use crate::language::Language;

/// Why the form comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The code is none, was used, or is too old.
    Code,
    /// The two passwords differ.
    Differ,
    /// The password is not taken.
    Password(PasswordFault),
}

impl Fault {
    const fn text(self, language: Language) -> &'static str {
        match self {
            Self::Code => words::fault_code(language),
            Self::Differ => words::fault_differ(language),
            Self::Password(fault) => password_fault(language, fault),
        }
    }

    const fn field(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Differ => "again",
            Self::Password(_) => "password",
        }
    }
}

/// Why a password is not taken, in words.
pub(super) const fn password_fault(language: Language, fault: PasswordFault) -> &'static str {
    match fault {
        PasswordFault::TooShort => words::fault_too_short(language),
        PasswordFault::TooLong => words::fault_too_long(language),
        PasswordFault::Unprintable => words::fault_unprintable(language),
        PasswordFault::Guessable => words::fault_guessable(language),
    }
}

pub(super) async fn show_enroll(visitor: Visitor) -> Response {
    let form = form(&visitor, Step::Code(""), None);
    visitor.page(words::enroll_title(visitor.language), &form)
}

pub(super) async fn submit_enroll(
    State(portal): State<Portal>,
    visitor: Visitor,
    posted: Posted,
) -> Result<Response, Refusal> {
    let form = posted.of(&visitor.csrf)?;
    let typed = form.text("code");
    let wait = portal.sign_in.code_wait(&visitor.client);
    if !wait.is_zero() {
        return Err(Refusal::TooMany(wait));
    }
    let Some(secret) = Secret::typed(typed) else {
        portal.sign_in.note_wrong_code(&visitor.client);
        return Ok(again(&visitor, Step::Code(typed), Fault::Code));
    };
    set(&portal, &visitor, &form, &secret, Step::Code(typed)).await
}

pub(super) async fn show_reset(
    State(portal): State<Portal>,
    Path(token): Path<String>,
    visitor: Visitor,
) -> Result<Response, Refusal> {
    let secret = Secret::presented(&token).ok_or(Refusal::Gone)?;
    portal
        .spool
        .one_time_token(&secret.digest())
        .ok_or(Refusal::Gone)?;
    let form = form(&visitor, Step::Link(&token), None);
    Ok(visitor.page(words::reset_title(visitor.language), &form))
}

pub(super) async fn submit_reset(
    State(portal): State<Portal>,
    Path(token): Path<String>,
    visitor: Visitor,
    posted: Posted,
) -> Result<Response, Refusal> {
    let form = posted.of(&visitor.csrf)?;
    let secret = Secret::presented(&token).ok_or(Refusal::Gone)?;
    set(&portal, &visitor, &form, &secret, Step::Link(&token)).await
}

/// Where the token comes from.
#[derive(Debug, Clone, Copy)]
enum Step<'t> {
    /// Typed into the form.
    Code(&'t str),
    /// Part of the address.
    Link(&'t str),
}

async fn set(
    portal: &Portal,
    visitor: &Visitor,
    form: &Form,
    secret: &Secret,
    step: Step<'_>,
) -> Result<Response, Refusal> {
    let sign_in = &portal.sign_in;
    let spent = |sign_in: &SignIn| match step {
        Step::Code(_) => {
            sign_in.note_wrong_code(&visitor.client);
            Ok(again(visitor, step, Fault::Code))
        }
        Step::Link(_) => Err(Refusal::Gone),
    };
    let Some(token) = portal.spool.one_time_token(&secret.digest()) else {
        return spent(sign_in);
    };
    let Some(address) = address_of(portal, &token) else {
        return spent(sign_in);
    };
    let password = form.text("password");
    if let Err(fault) = password_rule::check(password, &[&address.to_string()]) {
        return Ok(again(visitor, step, Fault::Password(fault)));
    }
    if form.text("again") != password {
        return Ok(again(visitor, step, Fault::Differ));
    }
    let mailbox = address;
    let address = mailbox.to_string();
    let audit = sign_in.audit_row(&token.account, &address, &visitor.client, "password.set");
    let by = SetBy::Token(secret.digest());
    if !sign_in
        .set_password(&token.account, password, by, audit)
        .await?
    {
        return spent(sign_in);
    }
    portal.desk.password_set(&mailbox);
    Ok(visitor.lead_to("/login", Flash::PasswordSet))
}

/// The mailbox of a user's token; none for those of administrators, which are used elsewhere.
fn address_of(portal: &Portal, token: &OneTimeToken) -> Option<Mailbox> {
    let AccountId::User { domain, local } = &token.account else {
        return None;
    };
    let directory = portal.spool.directory();
    let domain = directory.domain(*domain)?;
    let mailbox = Mailbox::new(local, domain.name.clone()).ok()?;
    directory.mailbox_enabled(&mailbox)?.then_some(mailbox)
}

fn again(visitor: &Visitor, step: Step<'_>, fault: Fault) -> Response {
    let content = form(visitor, step, Some(fault));
    let title = match step {
        Step::Code(_) => words::enroll_title(visitor.language),
        Step::Link(_) => words::reset_title(visitor.language),
    };
    visitor.page_with(StatusCode::UNPROCESSABLE_ENTITY, title, &content)
}

fn form(visitor: &Visitor, step: Step<'_>, fault: Option<Fault>) -> Markup {
    let language = visitor.language;
    let (title, action) = match step {
        Step::Code(_) => (words::enroll_title(language), "/enroll".to_owned()),
        Step::Link(token) => (words::reset_title(language), format!("/reset/{token}")),
    };
    let wrong = |field| fault.is_some_and(|fault| fault.field() == field);
    html! {
        section.card {
            h1 { (title) }
            @if let Some(fault) = fault {
                div.fault #fault role="alert" {
                    a href={ "#" (fault.field()) } { (fault.text(language)) }
                }
            }
            form method="post" action=(action) {
                (csrf_field(&visitor.csrf))
                @if let Step::Code(code) = step {
                    label for="code" { (words::code(language)) }
                    input #code name="code" value=(code) required autocomplete="one-time-code"
                        autocapitalize="characters" spellcheck="false" maxlength="40"
                        aria-invalid=[wrong("code").then_some("true")]
                        aria-describedby="code-hint";
                    p.hint #code-hint { (words::code_hint(language)) }
                }
                (password_fields(language, wrong("password"), wrong("again")))
                button.primary type="submit" { (words::set_password(language)) }
            }
        }
    }
}

/// The two fields for a new password.
pub(super) fn password_fields(language: Language, bad: bool, differs: bool) -> Markup {
    html! {
        label for="password" { (words::new_password(language)) }
        input #password name="password" type="password" autocomplete="new-password" required
            minlength="12" maxlength="256" aria-describedby="password-hint"
            aria-invalid=[bad.then_some("true")];
        p.hint #password-hint { (words::new_password_hint(language)) }
        label for="again" { (words::new_password_again(language)) }
        input #again name="again" type="password" autocomplete="new-password" required
            maxlength="256" aria-invalid=[differs.then_some("true")];
    }
}
