//! Dates as their readers write them.

use std::time::Duration;

use jiff::tz::TimeZone;
use storage::model::Timestamp;

use super::Language;

/// How much of a date is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateStyle {
    /// As little as tells it from now: the time today, the day this year, else the date.
    Short,
    /// Day and time.
    Long,
    /// Day, time and zone, nothing left out.
    Exact,
}

const MONTHS_EN: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const MONTHS_DE: [&str; 12] = [
    "Jan.",
    "Feb.",
    "M\u{e4}rz",
    "Apr.",
    "Mai",
    "Juni",
    "Juli",
    "Aug.",
    "Sept.",
    "Okt.",
    "Nov.",
    "Dez.",
];

/// A moment in a reader's language and zone, seen from `now`.
#[must_use]
pub fn format_date(
    language: Language,
    style: DateStyle,
    at: Timestamp,
    now: Timestamp,
    zone: &TimeZone,
) -> String {
    let (Some(at), Some(now)) = (zoned(at, zone), zoned(now, zone)) else {
        return String::new();
    };
    let time = match language {
        Language::English | Language::German => format!("{:02}:{:02}", at.hour(), at.minute()),
    };
    let day = day(language, &at);
    let year = at.year();
    match style {
        DateStyle::Short if at.date() == now.date() => time,
        DateStyle::Short if year == now.year() => day,
        DateStyle::Short => format!("{day} {year}"),
        DateStyle::Long if at.date() == now.date() => time,
        DateStyle::Long if year == now.year() => format!("{day}, {time}"),
        DateStyle::Long => format!("{day} {year}, {time}"),
        DateStyle::Exact => format!("{day} {year}, {time} {}", at.strftime("%:z")),
    }
}

fn day(language: Language, at: &jiff::Zoned) -> String {
    let month = usize::from(at.month().unsigned_abs()).saturating_sub(1);
    match language {
        Language::English => {
            let month = MONTHS_EN.get(month).copied().unwrap_or_default();
            format!("{} {month}", at.day())
        }
        Language::German => {
            let month = MONTHS_DE.get(month).copied().unwrap_or_default();
            format!("{}. {month}", at.day())
        }
    }
}

fn zoned(at: Timestamp, zone: &TimeZone) -> Option<jiff::Zoned> {
    let millis = i64::try_from(at.as_millis()).ok()?;
    let at = jiff::Timestamp::from_millisecond(millis).ok()?;
    Some(at.to_zoned(zone.clone()))
}

/// How long something took, in the two largest units that tell it.
pub fn format_duration(language: Language, duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    let day = match language {
        Language::English => "d",
        Language::German => "T",
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest} s"),
        (0, 0, _) => format!("{minutes} min {rest} s"),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} {day} {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_little_as_tells_a_moment_from_now() {
        let now = Timestamp::from_secs(1_795_325_696);
        let day = 86_400;
        for (at, style, english, german) in [
            (1_795_325_600, DateStyle::Short, "05:33", "05:33"),
            (
                1_795_325_696 - 2 * day,
                DateStyle::Short,
                "20 Nov",
                "20. Nov.",
            ),
            (
                1_795_325_696 - 400 * day,
                DateStyle::Short,
                "18 Oct 2025",
                "18. Okt. 2025",
            ),
            (
                1_795_325_696 - 2 * day,
                DateStyle::Long,
                "20 Nov, 05:34",
                "20. Nov., 05:34",
            ),
            (
                1_795_325_696,
                DateStyle::Exact,
                "22 Nov 2026, 05:34 +00:00",
                "22. Nov. 2026, 05:34 +00:00",
            ),
        ] {
            let at = Timestamp::from_secs(at);
            let text = |language| format_date(language, style, at, now, &TimeZone::UTC);
            assert_eq!(text(Language::English), english);
            assert_eq!(text(Language::German), german);
        }
    }

    #[test]
    fn durations_are_told_in_two_units() {
        for (seconds, english, german) in [
            (0, "0 s", "0 s"),
            (61, "1 min 1 s", "1 min 1 s"),
            (7_260, "2 h 1 min", "2 h 1 min"),
            (180_000, "2 d 2 h", "2 T 2 h"),
        ] {
            let duration = Duration::from_secs(seconds);
            assert_eq!(format_duration(Language::English, duration), english);
            assert_eq!(format_duration(Language::German, duration), german);
        }
    }
}
