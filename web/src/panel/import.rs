//! `/people/{domain}/import`: many mailboxes from a file, tried first if wanted (C19).

use axum::extract::{Multipart, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use storage::model::{Domain, Role};

use super::visitor::{Admin, prove_first};
use crate::AdminSite;
use crate::api::import;
use crate::api::{FieldFault, ImportReport};
use crate::auth::csrf::{self, CsrfFault};
use crate::portal::Refusal;
use crate::portal::layout::csrf_field;

/// Faults that are shown.
const FAULTS_SHOWN: usize = 100;

const TITLE: &str = "Mailboxes from a file";

pub(super) async fn show(admin: Admin, Path(name): Path<String>) -> Result<Response, Refusal> {
    let domain = admin.domain(&name)?;
    if !admin.may(&domain, Role::DomainAdministrator) {
        return Err(Refusal::NotFound);
    }
    if !admin.is_fresh {
        return Err(prove_first(&format!("/people/{}/import", domain.name)));
    }
    Ok(admin.page(TITLE, &content(&admin, &domain, &html! {})))
}

pub(super) async fn submit(
    State(site): State<AdminSite>,
    admin: Admin,
    Path(name): Path<String>,
    parts: Multipart,
) -> Result<Response, Refusal> {
    let posted = Upload::read(parts).await?;
    if !admin.csrf.accepts(Some(&posted.csrf)) {
        return Err(Refusal::Foreign(CsrfFault::Token));
    }
    let domain = admin.domain(&name)?;
    if !admin.is_fresh {
        return Err(prove_first(&format!("/people/{}/import", domain.name)));
    }
    let report = import::run(&site, &admin.caller(), &posted.file, posted.dry_run).await;
    match report {
        Ok(report) => Ok(admin.page(TITLE, &content(&admin, &domain, &reported(&report)))),
        Err(problem) if problem.status == 422 => {
            let content = content(&admin, &domain, &faulty(&problem.errors));
            Ok(admin.page_with(StatusCode::UNPROCESSABLE_ENTITY, TITLE, &content))
        }
        Err(problem) => Err(problem.into()),
    }
}

/// The form with its file. Its size is bounded by the route.
struct Upload {
    csrf: String,
    file: Vec<u8>,
    dry_run: bool,
}

impl Upload {
    async fn read(mut parts: Multipart) -> Result<Self, Refusal> {
        let mut upload = Self {
            csrf: String::new(),
            file: Vec::new(),
            dry_run: false,
        };
        let broken = |error: axum::extract::multipart::MultipartError| match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Refusal::TooLarge,
            _ => Refusal::Malformed,
        };
        while let Some(field) = parts.next_field().await.map_err(broken)? {
            match field.name() {
                Some(csrf::FIELD) => upload.csrf = field.text().await.map_err(broken)?,
                Some("dry_run") => upload.dry_run = true,
                Some("file") => upload.file = field.bytes().await.map_err(broken)?.to_vec(),
                _ => return Err(Refusal::Malformed),
            }
        }
        Ok(upload)
    }
}

fn content(admin: &Admin, domain: &Domain, result: &Markup) -> Markup {
    html! {
        p.meta { a href={ "/people/" (domain.name) } { "People of " (domain.name) } }
        h1 { (TITLE) }
        (result)
        form.form method="post" enctype="multipart/form-data" {
            (csrf_field(&admin.csrf))
            p { "A CSV file whose first line names the columns: " code { "address" } ", and as you like "
                code { "name" } ", " code { "password" } ", " code { "aliases" } " (with spaces between), "
                code { "recovery" } ", " code { "language" } ", " code { "enabled" } "." }
            label for="file" { "File, at most 10 MB" }
            input #file name="file" type="file" accept=".csv,text/csv" required;
            label.choice {
                input type="checkbox" name="dry_run" value="1" checked;
                span { "Only check it, change nothing" }
            }
            div.actions { button.primary type="submit" { "Read the file" } }
        }
    }
}

fn reported(report: &ImportReport) -> Markup {
    html! {
        div.flash role="status" {
            @if report.dry_run { "Nothing was changed. It would be: " }
            (report.added) " added, " (report.changed) " changed, " (report.unchanged)
            " as they were, " (report.aliases_added) " aliases added, "
            (report.passwords_set) " passwords set."
        }
    }
}

fn faulty(faults: &[FieldFault]) -> Markup {
    html! {
        div.fault role="alert" {
            strong { "Nothing was changed. " (faults.len()) @if faults.len() == 1 { " fault:" } @else { " faults:" } }
            ul {
                @for fault in faults.iter().take(FAULTS_SHOWN) {
                    li {
                        @if let Some(line) = fault.line { "line " (line) ", " }
                        (fault.field) ": " (fault.problem)
                    }
                }
                @if faults.len() > FAULTS_SHOWN { li { "and " (faults.len() - FAULTS_SHOWN) " more" } }
            }
        }
    }
}
