//! When a policy is used, fetched or given up (RFC 8461 §3.3, §5.1): pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use storage::model::Timestamp;

use super::policy::Policy;

/// A policy whose id has not changed is fetched again after this time all the same, so that its
/// `max_age` begins anew before it ends.
const REFRESH_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// A policy as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// What the TXT record said when it was fetched.
    pub(super) id: String,
    /// When it was fetched.
    pub(super) fetched_at: Timestamp,
    /// The policy.
    pub(super) policy: Policy,
}

impl Kept {
    /// Whether it still binds us.
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        now.saturating_since(self.fetched_at) <= self.policy.max_age()
    }
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Keep to what is kept; the domain has no policy when nothing is.
    Use,
    /// Fetch the policy of this id; when that fails, keep to what is kept.
    Fetch(String),
}

/// Decides from what is kept and live and what the TXT record says; none when it says nothing,
/// cannot be read or is not there, which ends no policy that is kept.
pub(super) fn step(kept: Option<&Kept>, announced: Option<String>, now: Timestamp) -> Step {
    let Some(id) = announced else {
        return Step::Use;
    };
    match kept {
        Some(kept) if kept.id == id => {
            let age = now.saturating_since(kept.fetched_at);
            if age >= REFRESH_AFTER || age >= kept.policy.max_age() / 2 {
                Step::Fetch(id)
            } else {
                Step::Use
            }
        }
        _ => Step::Fetch(id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 60 * 60;

    #[test]
    fn out15_a_policy_is_fetched_when_it_is_new_changed_or_getting_old() {
        let text = b"version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 604800";
        let at = Timestamp::from_secs;
        let kept = Kept {
            id: "1".to_owned(),
            fetched_at: at(10 * DAY),
            policy: Policy::parse(text).unwrap(),
        };
        let id = |id: &str| Some(id.to_owned());
        for (kept, announced, now, expected) in [
            (None, None, 10 * DAY, Step::Use),
            (None, id("1"), 10 * DAY, Step::Fetch("1".to_owned())),
            (Some(&kept), None, 12 * DAY, Step::Use),
            (Some(&kept), id("1"), 11 * DAY - 1, Step::Use),
            (Some(&kept), id("1"), 11 * DAY, Step::Fetch("1".to_owned())),
            (Some(&kept), id("2"), 10 * DAY, Step::Fetch("2".to_owned())),
            (Some(&kept), id("1"), 0, Step::Use),
        ] {
            assert_eq!(
                step(kept, announced.clone(), at(now)),
                expected,
                "{announced:?} {now}"
            );
        }
        assert!(kept.is_live(at(17 * DAY)));
        assert!(!kept.is_live(at(17 * DAY + 1)));
    }
}
