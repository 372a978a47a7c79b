//! The place of a part in a message: its number, below the numbers of the messages around it.

use std::fmt;
use std::str::FromStr;

use super::limits::PART_DEPTH_MAX;

/// `3`, or `3.1` for part 1 of the message in part 3; empty for the message itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct PartPath(Vec<u32>);

/// A text that is no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the place of a part")]
pub struct NotAPath;

impl PartPath {
    /// The numbers from the outside in.
    #[must_use]
    pub fn numbers(&self) -> &[u32] {
        &self.0
    }

    /// The place of a part of the message at this place.
    #[must_use]
    pub fn child(&self, number: u32) -> Self {
        let mut numbers = self.0.clone();
        numbers.push(number);
        Self(numbers)
    }
}

impl fmt::Display for PartPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, number) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(".")?;
            }
            write!(f, "{number}")?;
        }
        Ok(())
    }
}

impl FromStr for PartPath {
    type Err = NotAPath;

    fn from_str(text: &str) -> Result<Self, NotAPath> {
        if text.len() > PART_DEPTH_MAX * 6 {
            return Err(NotAPath);
        }
        let numbers: Result<Vec<u32>, NotAPath> = text
            .split('.')
            .map(|number| {
                let plain = (1..=5).contains(&number.len())
                    && number.bytes().all(|byte| byte.is_ascii_digit());
                number.parse().ok().filter(|_| plain).ok_or(NotAPath)
            })
            .collect();
        Ok(Self(numbers?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_numbers_and_dots() {
        for text in ["3", "3.1", "0.12.7"] {
            assert_eq!(text.parse::<PartPath>().unwrap().to_string(), text);
        }
        for text in ["", ".", "3.", "-1", "+1", "a", "1/2", "1..2", "999999"] {
            assert_eq!(text.parse::<PartPath>(), Err(NotAPath), "{text}");
        }
    }
}
