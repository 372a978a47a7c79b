//! The figures as rows, and the rows as a table in Markdown.

use std::fmt;

/// Which way a figure is better, and against what the ratio is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// More is better: the ratio is ours ÷ theirs and has to reach floor and goal.
    More,
    /// Less is better: the ratio is theirs ÷ ours and has to reach floor and goal.
    Less,
    /// Less is better, and floor and goal are figures, not ratios.
    AtMost,
}

/// One measure.
#[derive(Debug, Clone)]
pub struct Row {
    /// What was measured.
    pub measure: String,
    /// Unit of the figures.
    pub unit: &'static str,
    /// One figure per repetition.
    pub ours: Vec<f64>,
    /// One figure per repetition; infinite when it never came.
    pub theirs: Vec<f64>,
    /// Which way is better.
    pub aim: Aim,
    /// What has to be reached.
    pub floor: f64,
    /// What should be reached.
    pub goal: f64,
}

impl Row {
    fn ratio(&self) -> f64 {
        let (ours, theirs) = (median(&self.ours), median(&self.theirs));
        match self.aim {
            Aim::More => ours / theirs,
            Aim::Less | Aim::AtMost => theirs / ours,
        }
    }

    fn verdict(&self) -> &'static str {
        if self.ours.is_empty() || self.theirs.is_empty() && self.aim != Aim::AtMost {
            return "–";
        }
        let (reached_floor, reached_goal) = match self.aim {
            Aim::More | Aim::Less => (self.ratio() >= self.floor, self.ratio() >= self.goal),
            Aim::AtMost => {
                let ours = median(&self.ours);
                (ours <= self.floor, ours <= self.goal)
            }
        };
        match (reached_floor, reached_goal) {
            (_, true) => "goal",
            (true, false) => "floor",
            (false, false) => "**short**",
        }
    }

    fn bound(&self, bound: f64) -> String {
        match self.aim {
            Aim::More | Aim::Less => format!("{bound}×"),
            Aim::AtMost => format!("≤ {} {}", figure(bound), self.unit),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratio = self.ratio();
        let ratio = if ratio.is_finite() {
            format!("{ratio:.1}×")
        } else {
            "–".to_owned()
        };
        write!(
            f,
            "| {} ({}) | {} | {} | {ratio} | {} | {} | {} |",
            self.measure,
            self.unit,
            figure(median(&self.ours)),
            figure(median(&self.theirs)),
            self.bound(self.floor),
            self.bound(self.goal),
            self.verdict(),
        )
    }
}

/// The head of the table.
pub const HEAD: &str = "\
| measure | Mailhold | Postfix | ratio | floor | goal | reached |
|---|---|---|---|---|---|---|";

/// The middle figure; not a number without figures.
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    sorted.get(middle).copied().unwrap_or(f64::NAN)
}

/// Three significant digits, thousands grouped.
fn figure(value: f64) -> String {
    if value.is_nan() {
        return "–".to_owned();
    }
    if value.is_infinite() {
        return "never in this run".to_owned();
    }
    match value {
        value if value >= 1000.0 => {
            let whole = format!("{value:.0}");
            let mut grouped = String::new();
            for (position, digit) in whole.chars().enumerate() {
                if position > 0 && (whole.len() - position).is_multiple_of(3) {
                    grouped.push(',');
                }
                grouped.push(digit);
            }
            grouped
        }
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}
