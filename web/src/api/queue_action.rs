//! `/api/v1/queue/actions`: retry, bounce or remove what waits, by id or by filter.
//!
//! What an administrator wants is written down with its audit row and carried out by the one who
//! owns the queue; the answer comes when that has happened.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use storage::model::{DomainId, Sequence};
use storage::spool::IntentAction;
use utoipa::ToSchema;

use super::audited::Operator;
use super::form::{Faults, Given, JsonBody, Unknown};
use super::problem::Problem;
use super::queue::entries_of;
use super::queue_walk::{Place, QueueFilter, walk};
use crate::AdminSite;

/// Entries of one request; the answer's `next` goes on.
const ENTRIES_MAX: usize = 1000;
/// How long the answer waits for the owner of the queue. What is written down is done later then.
const DONE_TIMEOUT: Duration = Duration::from_secs(10);

/// What to do with which entries.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct ActionInput {
    /// `retry`: at the next occasion. `bounce`: give up and tell the sender, if a notification is
    /// owed. `remove`: discard without telling anybody. `move`: send it on the route of the domain
    /// `to` from now on.
    #[serde(default)]
    #[schema(value_type = String, example = "retry")]
    action: Given<String>,
    /// Queue ids.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    ids: Given<Vec<String>>,
    /// Entries of this domain only.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    domain: Given<String>,
    /// Entries with this in the sender's address.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    sender: Given<String>,
    /// Entries with this in an open recipient's address.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    recipient: Given<String>,
    /// Entries with this in what was said last about an open recipient.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "550 5.7.1")]
    reply: Given<String>,
    /// Entries accepted at least this many seconds ago.
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    older_than: Given<u64>,
    /// For `move`: the protected domain whose route is taken.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    to: Given<String>,
    /// Everything that waits: has to be said, so that a forgotten filter is not a disaster.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    all: Given<bool>,
    /// Count what fits, change nothing.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    dry_run: Given<bool>,
    /// The `next` of the answer before.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    after: Given<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActionReport {
    /// What was asked for.
    pub action: String,
    /// Whether nothing was changed because it was only tried.
    pub dry_run: bool,
    /// Entries that fit in this part.
    pub entries: u64,
    /// Whether all of them are done; else they are written down and done shortly.
    pub done: bool,
    /// What to give as `after` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
}

struct Wanted {
    word: &'static str,
    action: IntentAction,
    to: Option<String>,
    ids: Option<Vec<String>>,
    filter: QueueFilter,
    dry_run: bool,
    after: Option<String>,
}

impl ActionInput {
    fn read(mut self, site: &AdminSite, faults: &mut Faults) -> Option<Wanted> {
        faults.refuse_unknown("", &self.unknown);
        let action = faults.required("action", self.action);
        let action = match action.as_deref() {
            Some("retry") => Some(("retry", IntentAction::Retry)),
            Some("bounce") => Some(("bounce", IntentAction::Bounce)),
            Some("remove") => Some(("remove", IntentAction::Remove)),
            Some("move") => {
                let to = faults.required("to", std::mem::take(&mut self.to));
                let to = to.and_then(|name| target(site, faults, &name));
                to.map(|to| ("move", IntentAction::Move(to)))
            }
            Some(_) => {
                let words = "expected \"retry\", \"bounce\", \"remove\" or \"move\"";
                faults.add("action", words);
                None
            }
            None => None,
        };
        let ids = faults.optional("ids", self.ids);
        if ids
            .as_ref()
            .is_some_and(|ids| ids.is_empty() || ids.len() > ENTRIES_MAX)
        {
            faults.add("ids", format!("expected 1 to {ENTRIES_MAX} queue ids"));
        }
        if faults.optional("to", self.to).is_some() {
            faults.add("to", "only a move has a target");
        }
        let filter = QueueFilter {
            domain: faults.optional("domain", self.domain),
            sender: faults.optional("sender", self.sender),
            recipient: faults.optional("recipient", self.recipient),
            reply: faults.optional("reply", self.reply),
            older_than: faults.optional("older_than", self.older_than),
        };
        let all = faults.optional("all", self.all).unwrap_or_default();
        let filtered = filter != QueueFilter::default();
        if !all && !filtered && ids.is_none() {
            faults.add("ids", "missing: give ids, a filter, or \"all\": true");
        }
        let dry_run = faults.optional("dry_run", self.dry_run).unwrap_or_default();
        let after = faults.optional("after", self.after);
        let (word, action) = action?;
        let to = match action {
            IntentAction::Move(to) => site.spool.directory().domain(to),
            _ => None,
        };
        let to = to.map(|domain| domain.name.to_string());
        Some(Wanted {
            word,
            action,
            to,
            ids,
            filter,
            dry_run,
            after,
        })
    }
}

/// Acts on queued entries: those of the ids, or those that fit the filter, up to 1,000 of them.
#[utoipa::path(post, path = "/queue/actions", tag = "queue", request_body = ActionInput,
    responses((status = 200, body = ActionReport), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn act(
    State(site): State<AdminSite>,
    operator: Operator,
    JsonBody(input): JsonBody<ActionInput>,
) -> Result<Json<ActionReport>, Problem> {
    let mut faults = Faults::default();
    let read = input.read(&site, &mut faults);
    let wanted = faults.check(read)?;
    let (entries, next) = chosen(&site, &wanted).await?;
    let mut report = ActionReport {
        action: wanted.word.to_owned(),
        dry_run: wanted.dry_run,
        entries: entries
            .values()
            .map(|of_domain| of_domain.len() as u64)
            .sum(),
        done: true,
        next: next.map(|place| place.to_string()),
    };
    if wanted.dry_run {
        return Ok(Json(report));
    }
    let mut tickets = Vec::new();
    for (domain, sequences) in entries {
        let name = site.spool.directory().domain(domain);
        let name = name.map_or_else(|| domain.0.to_string(), |domain| domain.name.to_string());
        let detail = json!({"entries": sequences.len(), "ids": wanted.ids, "sender": wanted.filter.sender, "recipient": wanted.filter.recipient, "reply": wanted.filter.reply, "older_than": wanted.filter.older_than, "to": wanted.to});
        let audit = operator.row(&site, &format!("queue.{}", wanted.word), name, &detail);
        let intents = sequences
            .into_iter()
            .map(|sequence| (sequence, wanted.action));
        tickets.push(
            site.spool
                .add_intents(domain, intents.collect(), audit)
                .await?,
        );
    }
    let done = async {
        for ticket in tickets {
            ticket.done().await;
        }
    };
    report.done = tokio::time::timeout(DONE_TIMEOUT, done).await.is_ok();
    Ok(Json(report))
}

/// A domain that mail can be moved to.
fn target(site: &AdminSite, faults: &mut Faults, name: &str) -> Option<DomainId> {
    let found = super::domains::find(site, name).ok();
    if found.is_none() {
        faults.add("to", format!("{name} is not protected here"));
    }
    found.map(|domain| domain.id)
}

type Chosen = BTreeMap<DomainId, Vec<Sequence>>;

async fn chosen(site: &AdminSite, wanted: &Wanted) -> Result<(Chosen, Option<Place>), Problem> {
    let mut chosen = Chosen::new();
    if let Some(ids) = &wanted.ids {
        for id in ids {
            let entries = entries_of(site, id).await?;
            if entries.is_empty() {
                return Err(Problem::conflict(format!(
                    "{id} is set aside; it can be released or removed there"
                )));
            }
            for entry in entries {
                chosen.entry(entry.domain).or_default().push(entry.sequence);
            }
        }
        return Ok((chosen, None));
    }
    let after = wanted.after.as_deref().map(str::parse).transpose()?;
    let walked = walk(site, &wanted.filter, after, ENTRIES_MAX).await?;
    for entry in walked.entries {
        chosen.entry(entry.domain).or_default().push(entry.sequence);
    }
    Ok((chosen, walked.next))
}
