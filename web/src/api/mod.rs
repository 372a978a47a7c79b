//! The administration API, `/api/v1`: everything an administrator can do (D9).
//!
//! Rules for all of it: the operator token is needed, or for a domain's people the token of an
//! administrator of that domain; a refusal names every faulty field and has
//! changed nothing; a change is answered when it is in force and has an audit row in the same
//! commit; lists are pages with a cursor; unknown parameters and fields are refused.

mod admins;
mod alias;
mod aside;
mod audit;
mod audited;
mod authentication;
pub(crate) mod caller;
mod continuity;
mod dkim;
mod dns;
mod domain_alias;
mod domain_input;
mod domain_key;
mod domain_view;
mod domains;
mod form;
mod hold;
pub(crate) mod import;
mod import_file;
mod log;
mod log_event;
mod mailbox;
mod mailboxes;
mod outages;
mod page;
pub(crate) mod people;
mod probe;
pub mod problem;
mod quarantine;
mod queue;
mod queue_action;
mod queue_entry;
mod queue_walk;
mod sender_rules;
pub(crate) mod status;
mod store;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{OpenApi, SecurityRequirement};
use utoipa::{Modify, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AdminSite;
use crate::guard::time_limit;

pub use admins::InvitationView;
pub use alias::AliasView;
pub use aside::AsideView;
pub use audit::AuditView;
pub use authentication::{AuthenticationView, DkimView};
pub(crate) use caller::require_caller;
pub use continuity::{ContinuityView, DayView};
pub use dkim::DkimKeyView;
pub use dns::{DnsAdviceView, DnsRecordView};
pub use domain_alias::DomainAliasView;
pub use domain_key::DomainKeyView;
pub use domain_view::{CountersView, DestinationView, DomainView, HoldView};
pub use import::ImportReport;
pub use log_event::LogEventView;
pub use mailbox::MailboxView;
pub use outages::{OutageView, OutagesView};
pub use page::Page;
pub use people::{
    CodeView, CodesView, PersonView, ReadinessReason, ReadinessView, UserMonthView, UserMonthsView,
};
pub use probe::ProbeReport;
pub use problem::{FieldFault, Problem};
pub use quarantine::QuarantineView;
pub use queue_action::ActionReport;
pub use queue_entry::{QueueEntryView, RecipientView};
pub use sender_rules::SenderRuleView;
pub use status::{DomainStatusView, StatusView};
pub use store::{BackupReport, KeyspaceView, StoreStats};

/// Where the description is.
pub const DESCRIPTION_PATH: &str = "/api/openapi.json";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Mailhold administration API",
        version = "1",
        description = "Everything an administrator can do. Refusals are `application/problem+json` and name every faulty field."
    ),
    modifiers(&OperatorScheme)
)]
struct Description;

/// Every route asks for the operator token.
struct OperatorScheme;

impl Modify for OperatorScheme {
    fn modify(&self, openapi: &mut OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("operator", scheme);
        openapi.security = Some(vec![SecurityRequirement::new("operator", [""; 0])]);
    }
}

/// The routes with their description, without the check of the token.
pub fn router() -> OpenApiRouter<AdminSite> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(status::show))
        .routes(routes!(domains::list, domains::add))
        .routes(routes!(domains::show, domains::change))
        .routes(routes!(domain_alias::list, domain_alias::add))
        .routes(routes!(domain_alias::remove))
        .routes(routes!(hold::hold, hold::release))
        .routes(routes!(probe::probe))
        .routes(routes!(
            continuity::show,
            continuity::switch_on,
            continuity::switch_off
        ))
        .routes(routes!(domain_key::rotate, domain_key::destroy))
        .routes(routes!(dkim::show, dkim::make))
        .routes(routes!(dns::show))
        .routes(routes!(queue::list))
        .routes(routes!(queue::show))
        .routes(routes!(queue::export))
        .routes(routes!(queue_action::act))
        .routes(routes!(aside::list))
        .routes(routes!(aside::release))
        .routes(routes!(aside::remove))
        .routes(routes!(quarantine::list))
        .routes(routes!(quarantine::show, quarantine::remove))
        .routes(routes!(quarantine::release))
        .routes(routes!(sender_rules::list, sender_rules::add))
        .routes(routes!(sender_rules::remove))
        .routes(routes!(admins::invite))
        .routes(routes!(admins::drop_second_factor))
        .routes(routes!(audit::list))
        .routes(routes!(log::search))
        .routes(routes!(log::show))
        .routes(routes!(store::stats))
        .layer(time_limit());
    let jobs = OpenApiRouter::new()
        .routes(routes!(domains::remove))
        .routes(routes!(store::backup));
    OpenApiRouter::with_openapi(Description::openapi()).nest("/api/v1", v1.merge(jobs))
}

/// The routes about a domain's people, which administrators of the domain may use.
pub fn people_router() -> OpenApiRouter<AdminSite> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(mailboxes::list, mailboxes::add))
        .routes(routes!(
            mailboxes::show,
            mailboxes::change,
            mailboxes::remove
        ))
        .routes(routes!(alias::list, alias::add))
        .routes(routes!(alias::remove))
        .routes(routes!(people::set_password))
        .routes(routes!(people::hand_out_code))
        .routes(routes!(people::hand_out_codes))
        .routes(routes!(people::readiness))
        .routes(routes!(people::user_months::user_months))
        .routes(routes!(outages::outages))
        .routes(routes!(people::end_sessions))
        .routes(routes!(people::switch_factor_off))
        .layer(time_limit());
    let jobs = OpenApiRouter::new().routes(routes!(import::import));
    OpenApiRouter::new().nest("/api/v1", v1.merge(jobs))
}

/// The route of the description itself, which holds no secret.
pub fn description(openapi: &OpenApi) -> Router<AdminSite> {
    // The description is made of plain maps and strings, which JSON can always hold.
    let json = openapi.to_pretty_json().unwrap_or_default();
    let answer = move || {
        let json = json.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], json) }
    };
    Router::new().route(DESCRIPTION_PATH, get(answer))
}
