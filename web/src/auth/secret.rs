//! Secrets that we make: session ids, links, codes that people type.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use storage::model::SecretDigest;

/// Crockford's base 32: no I, L, O, U, so that a code read over the telephone survives.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a code: 80 bits.
const CODE_CHARACTERS: usize = 16;
/// Characters of a code between two hyphens.
const CODE_GROUP: usize = 4;
/// Longer texts are no secret of ours.
const TEXT_MAX: usize = 128;

/// The operating system gives no randomness.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no randomness: {0}")]
pub struct NoRandomness(String);

/// A secret in the form in which it leaves us. Shown once, kept as a digest.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// 256 bits for a program: a session id, a token in a link.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn token() -> Result<Self, NoRandomness> {
        Ok(Self(URL_SAFE_NO_PAD.encode(random::<32>()?)))
    }

    /// 80 bits for a person: `ABCD-EFGH-JKMN-PQRS`.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn code() -> Result<Self, NoRandomness> {
        let bytes = random::<CODE_CHARACTERS>()?;
        let mut text = String::with_capacity(CODE_CHARACTERS + CODE_CHARACTERS / CODE_GROUP);
        for (place, byte) in bytes.iter().enumerate() {
            if place > 0 && place % CODE_GROUP == 0 {
                text.push('-');
            }
            let letter = ALPHABET.get(usize::from(byte & 31));
            text.push(char::from(letter.copied().unwrap_or(b'0')));
        }
        Ok(Self(text))
    }

    /// What somebody presented as a token.
    #[must_use]
    pub fn presented(text: &str) -> Option<Self> {
        (!text.is_empty() && text.len() <= TEXT_MAX).then(|| Self(text.to_owned()))
    }

    /// What somebody typed as a code: in any case, with or without hyphens and spaces, with the
    /// letters that look like digits.
    #[must_use]
    pub fn typed(text: &str) -> Option<Self> {
        let mut code = String::with_capacity(CODE_CHARACTERS + 3);
        let letters = text.chars().filter(|letter| !matches!(letter, '-' | ' '));
        for (place, letter) in letters.take(TEXT_MAX).enumerate() {
            let letter = match letter.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                letter => letter,
            };
            if !letter.is_ascii() || !ALPHABET.contains(&(letter as u8)) {
                return None;
            }
            if place > 0 && place % CODE_GROUP == 0 {
                code.push('-');
            }
            code.push(letter);
        }
        let whole = CODE_CHARACTERS + CODE_CHARACTERS / CODE_GROUP - 1;
        (code.len() == whole).then_some(Self(code))
    }

    /// Its text.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    #[must_use]
    pub fn digest(&self) -> SecretDigest {
        SecretDigest::of(self.0.as_bytes())
    }
}

/// Random bytes of the operating system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| NoRandomness(error.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a1_a_token_has_256_bits_and_no_two_are_alike() {
        let one = Secret::token().unwrap();
        assert_eq!(one.reveal().len(), 43);
        assert_ne!(one, Secret::token().unwrap());
        assert_ne!(one.digest(), Secret::token().unwrap().digest());
        assert_eq!(format!("{one:?}"), "Secret", "nothing of it in logs");
    }

    #[test]
    fn c22_a_code_survives_the_telephone() {
        let code = Secret::code().unwrap();
        let text = code.reveal();
        assert_eq!(text.len(), 19);
        let spoken = text
            .replace('-', " ")
            .to_lowercase()
            .replace('0', "o")
            .replace('1', "l");
        assert_eq!(Secret::typed(&spoken), Some(code));
        for wrong in [
            "",
            "ABCD",
            "ABCD-EFGH-JKMN-PQRU",
            "ABCD-EFGH-JKMN-PQRSX",
            "\u{e4}BCD",
        ] {
            assert_eq!(Secret::typed(wrong), None, "{wrong}");
        }
    }
}
