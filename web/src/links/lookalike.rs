//! Names that look like other names (UTS #39).

use unicode_security::{MixedScript as _, skeleton as confusable_skeleton};

/// What a name looks like, for comparison: lower case, look-alike letters folded together.
#[must_use]
pub fn skeleton(name: &str) -> String {
    let folded: String = confusable_skeleton(&name.to_lowercase()).collect();
    // The table keeps these apart, the eye in a small font does not.
    folded
        .to_lowercase()
        .replace("rn", "m")
        .replace('0', "o")
        .replace(['1', '|', 'i'], "l")
}

/// Whether two different names look the same.
#[must_use]
pub fn is_lookalike(name: &str, other: &str) -> bool {
    !name.eq_ignore_ascii_case(other) && skeleton(name) == skeleton(other)
}

/// Whether a name mixes scripts within one label.
#[must_use]
pub(super) fn is_mixed(host: &str) -> bool {
    host.split('.').any(|label| !label.is_single_script())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alike_names_are_found() {
        for (name, other, alike) in [
            ("paypal.example", "paypal.example", false),
            ("p\u{430}ypal.example", "paypal.example", true),
            ("paypa1.example", "paypal.example", true),
            ("rnail.example", "mail.example", true),
            ("g00gle.example", "google.example", true),
            ("other.example", "paypal.example", false),
        ] {
            assert_eq!(is_lookalike(name, other), alike, "{name}");
        }
    }
}
