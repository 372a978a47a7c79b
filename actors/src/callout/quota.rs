//! Recipients of which nothing is known, taken while nobody can be asked: so many an hour and
//! domain, so that a flood of invented ones does not fill the store.

use std::collections::HashMap;
use std::time::Duration;

use storage::model::DomainId;

/// In which time the quota is used.
const PERIOD: Duration = Duration::from_secs(3_600);

/// What domains have used of it.
#[derive(Debug, Default)]
pub(super) struct Quota {
    domains: HashMap<DomainId, Used>,
}

#[derive(Debug)]
struct Used {
    since: Duration,
    count: u32,
}

impl Quota {
    /// Takes one of `per_hour`, if one is left. `now` is monotonic.
    pub(super) fn take(&mut self, domain: DomainId, per_hour: u32, now: Duration) -> bool {
        let used = self.domains.entry(domain).or_insert(Used {
            since: now,
            count: 0,
        });
        if now.saturating_sub(used.since) >= PERIOD {
            *used = Used {
                since: now,
                count: 0,
            };
        }
        let is_left = used.count < per_hour;
        used.count += u32::from(is_left);
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d6_unknown_recipients_have_a_quota_per_domain_and_hour() {
        let (mut quota, start) = (Quota::default(), Duration::from_secs(5));
        let x = DomainId(1);
        assert!(quota.take(x, 2, start));
        assert!(quota.take(x, 2, start));
        assert!(!quota.take(x, 2, start + Duration::from_secs(3_599)));
        assert!(quota.take(DomainId(2), 2, start));
        assert!(quota.take(x, 2, start + PERIOD));
        assert!(!quota.take(x, 0, start + PERIOD));
    }
}
