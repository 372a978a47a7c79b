//! Walking the queue: over domains, their ready and their deferred entries, from a cursor, with a
//! filter, in bounded steps.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use storage::model::{DomainId, QueueEntry, RecipientState, Sequence, Timestamp};
use storage::spool::SpoolError;
use utoipa::IntoParams;

use super::domains::find;
use super::problem::Problem;
use super::queue_entry::reply_text;
use crate::AdminSite;

/// Entries looked at in one request: a filter that fits nothing must not walk through millions.
const EXAMINED_MAX: usize = 5_000;
/// Entries read at once.
const STEP: usize = 500;

/// Which entries. All that is given has to fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
pub(super) struct QueueFilter {
    /// The destination domain.
    pub(super) domain: Option<String>,
    /// A part of the sender's address, in any case.
    pub(super) sender: Option<String>,
    /// A part of an open recipient's address, in any case.
    pub(super) recipient: Option<String>,
    /// A part of what was said last about an open recipient, code included, in any case.
    pub(super) reply: Option<String>,
    /// Seconds since it was accepted, at least.
    pub(super) older_than: Option<u64>,
}

impl QueueFilter {
    fn fits(&self, entry: &QueueEntry, now: Timestamp) -> bool {
        let contains = |text: String, part: &Option<String>| {
            let part = part.as_deref().map(str::to_lowercase);
            part.is_none_or(|part| text.to_lowercase().contains(&part))
        };
        let age = now.saturating_since(entry.accepted_at).as_secs();
        let replied = |state: &RecipientState| {
            let reply = state.last_reply.as_ref();
            reply.is_some_and(|reply| contains(reply_text(reply), &self.reply))
        };
        self.older_than.is_none_or(|least| age >= least)
            && (self.reply.is_none() || entry.open_recipients().any(|(_, state)| replied(state)))
            && contains(entry.reverse_path.to_string(), &self.sender)
            && (self.recipient.is_none()
                || entry
                    .open_recipients()
                    .any(|(_, state)| contains(state.recipient.path.to_string(), &self.recipient)))
    }
}

/// Where a walk stands: behind this entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    domain: DomainId,
    lane: Lane,
    behind: Option<Sequence>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    Ready,
    Deferred,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lane = match self.lane {
            Lane::Ready => 'r',
            Lane::Deferred => 'd',
        };
        write!(f, "{}.{lane}", self.domain.0)?;
        match self.behind {
            Some(Sequence(sequence)) => write!(f, ".{sequence}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Place {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let parse = || {
            let mut parts = text.split('.');
            let domain = DomainId(parts.next()?.parse().ok()?);
            let lane = match parts.next()? {
                "r" => Lane::Ready,
                "d" => Lane::Deferred,
                _ => return None,
            };
            let behind = match parts.next() {
                Some(number) => Some(Sequence(number.parse().ok()?)),
                None => None,
            };
            parts.next().is_none().then_some(Self {
                domain,
                lane,
                behind,
            })
        };
        parse().ok_or_else(|| {
            Problem::new(axum::http::StatusCode::BAD_REQUEST, "query")
                .detail("after: expected the `next` of the page before")
        })
    }
}

/// What one walk found, and where to go on.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) entries: Vec<QueueEntry>,
    pub(super) next: Option<Place>,
}

/// Up to `limit` entries that fit, from `after` on. Fewer come back when many were looked at in
/// vain; the walk is over when there is no `next`.
pub(super) async fn walk(
    site: &AdminSite,
    filter: &QueueFilter,
    after: Option<Place>,
    limit: usize,
) -> Result<Walked, Problem> {
    let domains = match &filter.domain {
        Some(name) => vec![find_any(site, name)?],
        None => site.spool.domains_with_mail(),
    };
    let mut places = domains.into_iter().flat_map(|domain| {
        [Lane::Ready, Lane::Deferred].map(|lane| Place {
            domain,
            lane,
            behind: None,
        })
    });
    let mut place = match after {
        None => places.next(),
        Some(after) => {
            let lane_of = |place: &Place| (place.domain, place.lane);
            places
                .by_ref()
                .find(|place| lane_of(place) >= lane_of(&after))
                .map(|place| {
                    if lane_of(&place) == lane_of(&after) {
                        after
                    } else {
                        place
                    }
                })
        }
    };
    let now = site.spool.clock().now();
    let mut entries = Vec::new();
    let mut examined = 0;
    while let Some(at) = place {
        if entries.len() >= limit || examined >= EXAMINED_MAX {
            return Ok(Walked {
                entries,
                next: Some(at),
            });
        }
        let page = read(site, at).await?;
        examined += page.len().max(1);
        let ended = page.len() < STEP;
        let mut at = at;
        let mut full = false;
        for entry in page {
            if entries.len() >= limit {
                full = true;
                break;
            }
            at.behind = Some(entry.sequence);
            if filter.fits(&entry, now) {
                entries.push(entry);
            }
        }
        place = if ended && !full {
            places.next()
        } else {
            Some(at)
        };
    }
    Ok(Walked {
        entries,
        next: None,
    })
}

/// The number of a domain that is protected here, or that our own mail goes to.
fn find_any(site: &AdminSite, name: &str) -> Result<DomainId, Problem> {
    let outbound = name.parse().ok();
    let outbound = outbound.and_then(|name| site.spool.directory().outbound(&name));
    match find(site, name) {
        Ok(domain) => Ok(domain.id),
        Err(unknown) => outbound.ok_or(unknown),
    }
}

async fn read(site: &AdminSite, at: Place) -> Result<Vec<QueueEntry>, SpoolError> {
    match at.lane {
        Lane::Ready => site.spool.queue_page(at.domain, at.behind, STEP).await,
        Lane::Deferred => site.spool.deferred_page(at.domain, at.behind, STEP).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_prints_and_parses() {
        for text in ["7.r", "7.d.12"] {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        for text in ["", "7", "7.x", "x.r", "7.r.1.2", "7.r."] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
