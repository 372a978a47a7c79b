//! `/api/v1/status`: is mail flowing?

use actors::status::{DestinationState, DomainStatus};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use storage::model::Timestamp;
use storage::spool::IntakeState;
use utoipa::ToSchema;

use super::audited::time;
use super::domain_view::CountersView;
use crate::AdminSite;

/// The node and all its domains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatusView {
    /// This node's name.
    pub hostname: String,
    /// Since when the process runs (RFC 3339).
    pub started_at: String,
    /// `open`, `soft`, `full`, `critical` or `broken`.
    pub intake: String,
    /// What that means for senders, in words.
    pub intake_note: String,
    /// Share of the last 30 days in which mail was taken in; absent before anything was watched.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub intake_available: Option<f64>,
    /// Seconds of the last 30 days in which no mail was taken in, restarts included.
    pub intake_unavailable_seconds: u64,
    /// What became of all mail.
    pub ledger: CountersView,
    /// Domains by name.
    pub domains: Vec<DomainStatusView>,
}

/// One domain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DomainStatusView {
    /// Its name.
    pub domain: String,
    /// `unknown`, `healthy`, `degraded`, `suspect`, `down`, `canary`, `ramp`, `policy`, `held` or
    /// `faulty`.
    pub state: String,
    /// The state as a sentence.
    pub note: String,
    /// Since when (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Recipients that wait.
    pub queued: u64,
    /// Bytes that wait.
    pub queued_bytes: u64,
    /// Seconds that the oldest message has waited.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub oldest_age_seconds: Option<u64>,
    /// Messages that may be on their way at once.
    pub window: u32,
    /// Messages of this domain on their way.
    pub in_flight: u32,
    /// Recipients delivered per second.
    pub delivered_per_second: f64,
    /// Messages per second at most, when the destination limits its rate.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pace_max: Option<f64>,
    /// When the destination is probed next (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_probe_at: Option<String>,
    /// When the next deferred message is tried (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_due_at: Option<String>,
    /// Seconds until the queue is empty at the present speed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seconds_left: Option<u64>,
}

/// Shows the node and all its domains.
#[utoipa::path(get, path = "/status", tag = "status", responses((status = 200, body = StatusView)))]
pub(super) async fn show(State(site): State<AdminSite>) -> Json<StatusView> {
    Json(StatusView::new(&site))
}

impl StatusView {
    pub(crate) fn new(site: &AdminSite) -> Self {
        let intake = site.spool.intake();
        let (word, note) = intake_words(intake);
        let domains = site.spool.directory().domains();
        let now = site.spool.clock().now();
        let statuses = domains.iter().map(|domain| {
            let counters = site.spool.counters(domain.id);
            DomainStatusView::new(&site.status.domain(domain, &counters, now), now)
        });
        Self {
            hostname: site.hostname.to_string(),
            started_at: site.started_at.rfc3339(),
            intake: word.to_owned(),
            intake_note: note.to_owned(),
            intake_available: site.status.availability().share(),
            intake_unavailable_seconds: site.status.availability().without.as_secs(),
            ledger: CountersView::new(&site.spool.counters_total()),
            domains: statuses.collect(),
        }
    }
}

impl DomainStatusView {
    fn new(status: &DomainStatus, now: Timestamp) -> Self {
        let age = |at: Timestamp| now.saturating_since(at).as_secs();
        let (state, note) = state_words(status.state);
        Self {
            domain: status.domain.to_string(),
            state: state.to_owned(),
            note: note.to_owned(),
            since: time(status.since),
            reason: status.reason.clone(),
            queued: status.queued,
            queued_bytes: status.queued_bytes,
            oldest_age_seconds: status.oldest_at.map(age),
            window: status.window,
            in_flight: status.in_flight,
            delivered_per_second: status.delivered_per_second,
            pace_max: status.pace_max,
            next_probe_at: status.next_probe_at.and_then(time),
            next_due_at: status.next_due_at.and_then(time),
            seconds_left: status.seconds_left,
        }
    }
}

/// Everything that intake can do.
pub(crate) const INTAKE_STATES: [IntakeState; 5] = [
    IntakeState::Open,
    IntakeState::Soft,
    IntakeState::Full,
    IntakeState::Critical,
    IntakeState::Broken,
];

/// Everything that a destination can be.
pub(crate) const STATES: [DestinationState; 10] = [
    DestinationState::Unknown,
    DestinationState::Healthy,
    DestinationState::Degraded,
    DestinationState::Suspect,
    DestinationState::Down,
    DestinationState::Canary,
    DestinationState::Ramp,
    DestinationState::Policy,
    DestinationState::Held,
    DestinationState::Faulty,
];

pub(crate) const fn intake_words(state: IntakeState) -> (&'static str, &'static str) {
    match state {
        IntakeState::Open => ("open", "mail is taken in"),
        IntakeState::Soft => ("soft", "mail is taken in; the disk is filling up"),
        IntakeState::Full => (
            "full",
            "senders are asked to come back later: the disk is nearly full",
        ),
        IntakeState::Critical => ("critical", "connections are turned away: the disk is full"),
        IntakeState::Broken => (
            "broken",
            "the store takes no writes; the process is about to end",
        ),
    }
}

pub(crate) const fn state_words(state: DestinationState) -> (&'static str, &'static str) {
    match state {
        DestinationState::Unknown => ("unknown", "nothing has been sent there since the start"),
        DestinationState::Healthy => ("healthy", "delivering"),
        DestinationState::Degraded => ("degraded", "delivering, with care"),
        DestinationState::Suspect => ("suspect", "a connection failed, being confirmed"),
        DestinationState::Down => ("down", "the server is down, mail is held"),
        DestinationState::Canary => ("canary", "the server answers again, one message is tried"),
        DestinationState::Ramp => ("ramp", "the server is back, the backlog is drained"),
        DestinationState::Policy => ("policy", "the server answers wrongly, mail is held"),
        DestinationState::Held => ("held", "delivery is held"),
        DestinationState::Faulty => ("faulty", "delivery has stopped, somebody has to look"),
    }
}
