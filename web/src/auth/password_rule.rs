//! Which passwords are taken: 12 to 256 characters that are hard to guess. No rules of
//! composition, nothing trimmed.

use unicode_normalization::UnicodeNormalization as _;
use zxcvbn::{Score, zxcvbn};

/// Characters of a password, at least.
pub const LENGTH_MIN: usize = 12;
/// Characters of a password, at most: what a person or a password manager uses, and no work for
/// whoever wants to keep us busy.
pub const LENGTH_MAX: usize = 256;

/// Characters that are looked at to tell how hard a password is to guess; the work grows faster
/// than the length, and what stands behind these does not make it weaker.
const LOOKED_AT: usize = 72;

/// Letters and digits of a password that have to be left when the words of its own account are taken
/// out of it.
const OWN_MIN: usize = 8;

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordFault {
    /// Fewer than 12 characters.
    TooShort,
    /// More than 256 characters.
    TooLong,
    /// A control character: it cannot be typed everywhere.
    Unprintable,
    /// It is among the first that somebody would try.
    Guessable,
}

impl PasswordFault {
    /// The reason for the API, which speaks English.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TooShort => "expected at least 12 characters",
            Self::TooLong => "expected at most 256 characters",
            Self::Unprintable => "expected no control characters",
            Self::Guessable => "too easy to guess; four unrelated words are better",
        }
    }
}

/// Whether a password is taken. `hints` are words that are easy to guess for this account: its
/// address, its name, its domain.
///
/// # Errors
/// The first rule that it breaks.
pub fn check(password: &str, hints: &[&str]) -> Result<(), PasswordFault> {
    let password: String = password.nfc().collect();
    let length = password.chars().count();
    if length < LENGTH_MIN {
        return Err(PasswordFault::TooShort);
    }
    if length > LENGTH_MAX {
        return Err(PasswordFault::TooLong);
    }
    if password.chars().any(char::is_control) {
        return Err(PasswordFault::Unprintable);
    }
    let looked_at: String = password.chars().take(LOOKED_AT).collect();
    let words: Vec<&str> = hints
        .iter()
        .flat_map(|hint| std::iter::once(*hint).chain(hint.split(['@', '.', '-', '_', ' '])))
        .filter(|word| word.len() > 2)
        .collect();
    if is_made_of(&looked_at, &words) || zxcvbn(&looked_at, &words).score() < Score::Three {
        return Err(PasswordFault::Guessable);
    }
    Ok(())
}

/// Whether little more is in a password than words of its account, however they are joined: an
/// estimate of entropy takes `alice.liddell` for two independent words.
fn is_made_of(password: &str, words: &[&str]) -> bool {
    let mut words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let whole = password.to_lowercase();
    let mut rest = whole.clone();
    for word in &words {
        rest = rest.replace(word.as_str(), " ");
    }
    rest != whole && rest.chars().filter(|c| c.is_alphanumeric()).count() < OWN_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a4_passwords_by_table() {
        let long = "correct horse battery staple ".repeat(9);
        let table = [
            ("short", Err(PasswordFault::TooShort)),
            ("elevenchars", Err(PasswordFault::TooShort)),
            ("correct horse battery", Ok(())),
            ("  spaces at both ends  ", Ok(())),
            ("passwordpassword", Err(PasswordFault::Guessable)),
            ("aaaaaaaaaaaaaaaaaaaa", Err(PasswordFault::Guessable)),
            ("alice.liddell@example.org", Err(PasswordFault::Guessable)),
            ("alice.liddell", Err(PasswordFault::Guessable)),
            ("Alice-Liddell-2026", Err(PasswordFault::Guessable)),
            ("LIDDELL.alice!!", Err(PasswordFault::Guessable)),
            ("alice battery horse staple", Ok(())),
            ("correct\u{0}horse battery", Err(PasswordFault::Unprintable)),
            ("Gr\u{fc}\u{df}e aus dem Keller", Ok(())),
            (long.get(..256).unwrap(), Ok(())),
            (long.get(..257).unwrap(), Err(PasswordFault::TooLong)),
        ];
        for (password, expected) in table {
            let hints = ["alice.liddell@example.org", "Alice Liddell"];
            assert_eq!(check(password, &hints), expected, "{password:?}");
        }
    }
}
