//! How many users a domain had in a month (C26).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// A month of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Month(u32);

impl Month {
    /// The month of a time.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        let (year, month) = at.year_and_month();
        Self(u32::from(year) * 12 + u32::from(month) - 1)
    }

    /// The month as it stands in keys: later ones are greater.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The month of a key.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0 / 12, self.0 % 12 + 1)
    }
}

/// The users of a domain in a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MonthCount {
    /// Enabled mailboxes, as many as there were at one time.
    pub mailboxes: u64,
    /// Users who signed in to the portal at least once.
    pub signed_in: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c26_months_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01"),
            (1_796_083_199, "2026-11"),
            (1_796_083_200, "2026-12"),
            (1_798_761_600, "2027-01"),
        ] {
            let month = Month::of(Timestamp::from_secs(seconds));
            assert_eq!(month.to_string(), expected);
            assert_eq!(Month::from_number(month.number()), month);
        }
    }
}
