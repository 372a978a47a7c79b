//! `/api/v1/rules` and `/api/v1/rule`: which senders a domain or one of its mailboxes allows, and
//! which it blocks.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use storage::model::{DomainId, DomainName, Mailbox, RuleAction, RuleSubject, SenderRule};
use utoipa::{IntoParams, ToSchema};

use super::audited::Operator;
use super::domains::find;
use super::form::{Faults, Given, JsonBody, Unknown};
use super::mailboxes::ListQuery;
use super::page::{Page, Params, limit};
use super::problem::{FieldFault, Problem};
use crate::AdminSite;

/// Characters of a comment.
const COMMENT_MAX: usize = 200;

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SenderRuleView {
    /// Whose rule it is: a domain, or one of its mailboxes.
    #[schema(example = "alice@example.org")]
    pub owner: String,
    /// `allow` or `block`.
    pub action: String,
    /// Whom it is about: an address, a domain with its subdomains, or a network.
    #[schema(example = "203.0.113.0/24")]
    pub sender: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub comment: Option<String>,
    /// When it was added (RFC 3339).
    pub created_at: String,
}

impl SenderRuleView {
    fn new(domain: &DomainName, rule: &SenderRule) -> Self {
        let mailbox = rule.mailbox.as_ref().map(ToString::to_string);
        Self {
            owner: mailbox.unwrap_or_else(|| domain.to_string()),
            action: rule.action.as_str().to_owned(),
            sender: rule.subject.to_string(),
            comment: rule.comment.clone(),
            created_at: rule.created_at.rfc3339(),
        }
    }
}

/// A new rule.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct SenderRuleInput {
    /// Whose rule it is: a protected domain, or one of its mailboxes.
    #[serde(default)]
    #[schema(value_type = String, example = "example.org")]
    owner: Given<String>,
    /// `allow` or `block`.
    #[serde(default)]
    #[schema(value_type = String, example = "block")]
    action: Given<String>,
    /// An address, a domain with its subdomains, or a network.
    #[serde(default)]
    #[schema(value_type = String, example = "spam.example")]
    sender: Given<String>,
    /// Why, for everybody who looks.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    comment: Given<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

struct NewRule {
    owner: String,
    action: RuleAction,
    subject: RuleSubject,
    comment: Option<String>,
}

impl SenderRuleInput {
    fn read(self, faults: &mut Faults) -> Option<NewRule> {
        faults.refuse_unknown("", &self.unknown);
        let owner = faults.required("owner", self.owner);
        let action = faults.required("action", self.action);
        let action = action.and_then(|action| match action.as_str() {
            "allow" => Some(RuleAction::Allow),
            "block" => Some(RuleAction::Block),
            _ => {
                faults.add("action", "expected allow or block");
                None
            }
        });
        let sender = faults.required("sender", self.sender);
        let subject = faults.parsed("sender", sender);
        let comment = faults.optional("comment", self.comment);
        if let Some(comment) = &comment
            && comment.chars().count() > COMMENT_MAX
        {
            faults.add(
                "comment",
                format!("expected at most {COMMENT_MAX} characters"),
            );
        }
        Some(NewRule {
            owner: owner?,
            action: action?,
            subject: subject?,
            comment: comment.filter(|comment| !comment.trim().is_empty()),
        })
    }
}

/// Which rule.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct OneQuery {
    /// Whose: a domain, or one of its mailboxes.
    owner: String,
    /// Whom it is about.
    sender: String,
}

/// Lists the rules of a domain, its own before those of its mailboxes.
#[utoipa::path(get, path = "/rules", tag = "rules", params(ListQuery),
    responses((status = 200, body = Page<SenderRuleView>), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(site): State<AdminSite>,
    Params(query): Params<ListQuery>,
) -> Result<Json<Page<SenderRuleView>>, Problem> {
    let domain = find(&site, &query.domain)?;
    let limit = limit(query.limit);
    // A subject holds no blank, so the last one divides.
    let after = query.after.as_deref().map(|after| {
        let (scope, subject) = after.rsplit_once(' ').unwrap_or(("", after));
        [scope.as_bytes(), &[0], subject.as_bytes()].concat()
    });
    let rows = site
        .spool
        .sender_rules_page(domain.id, after.as_deref(), limit + 1)
        .await?;
    let rules: Vec<SenderRule> = rows.into_iter().map(|(_, rule)| rule).collect();
    let page = Page::cut(rules, limit, |rule| {
        let scope = rule.mailbox.as_ref().map(Mailbox::key).unwrap_or_default();
        format!("{scope} {}", rule.subject)
    });
    let views = page.items.iter();
    Ok(Json(Page {
        items: views
            .map(|rule| SenderRuleView::new(&domain.name, rule))
            .collect(),
        next: page.next,
    }))
}

/// Adds a rule. The one about the same sender is replaced.
#[utoipa::path(post, path = "/rules", tag = "rules", request_body = SenderRuleInput,
    responses((status = 201, body = SenderRuleView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn add(
    State(site): State<AdminSite>,
    operator: Operator,
    JsonBody(input): JsonBody<SenderRuleInput>,
) -> Result<(StatusCode, Json<SenderRuleView>), Problem> {
    let mut faults = Faults::default();
    let read = input.read(&mut faults);
    let new = faults.check(read)?;
    let (name, domain, mailbox) = owner(&site, &new.owner)?;
    let rule = SenderRule {
        domain,
        mailbox,
        subject: new.subject,
        action: new.action,
        comment: new.comment,
        created_at: site.spool.clock().now(),
    };
    let view = SenderRuleView::new(&name, &rule);
    let detail = json!({"action": view.action, "sender": view.sender, "comment": view.comment});
    let audit = operator.row(&site, "rule.add", view.owner.as_str(), &detail);
    site.spool.put_sender_rule(rule, audit).await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// Removes a rule.
#[utoipa::path(delete, path = "/rule", tag = "rules", params(OneQuery),
    responses((status = 204), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn remove(
    State(site): State<AdminSite>,
    operator: Operator,
    Params(query): Params<OneQuery>,
) -> Result<StatusCode, Problem> {
    let (_, domain, mailbox) = owner(&site, &query.owner)?;
    let subject: RuleSubject = query
        .sender
        .parse()
        .map_err(|error| fault("sender", format!("{error}")))?;
    let detail = json!({"sender": subject.to_string()});
    let audit = operator.row(&site, "rule.remove", query.owner.as_str(), &detail);
    site.spool
        .remove_sender_rule(domain, mailbox.as_ref(), &subject, audit)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The domain that an owner is or belongs to, and the mailbox when it is one.
fn owner(site: &AdminSite, text: &str) -> Result<(DomainName, DomainId, Option<Mailbox>), Problem> {
    let mailbox: Option<Mailbox> = match text.contains('@') {
        true => {
            let parsed = text.parse();
            Some(parsed.map_err(|error| fault("owner", format!("{error}")))?)
        }
        false => None,
    };
    let name = mailbox.as_ref().map_or(text, |one| one.domain().as_str());
    let domain = find(site, name)?;
    Ok((domain.name.clone(), domain.id, mailbox))
}

fn fault(field: &str, problem: String) -> Problem {
    Problem::invalid(vec![FieldFault {
        field: field.to_owned(),
        line: None,
        problem,
    }])
}
