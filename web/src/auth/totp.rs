//! Codes by time (RFC 6238): SHA-1, six digits, 30 seconds, one step early or late (A6).
//!
//! Pure: the time is an argument. No code is taken twice: whoever verifies keeps the step of the
//! last one.

use std::fmt;

use subtle::ConstantTimeEq as _;
use totp_rs::{Builder, Secret as TotpSecret};

/// Bytes of a secret, as many as SHA-1 yields (RFC 4226 §4).
const SECRET_BYTES: usize = 20;
/// Seconds of a step.
const STEP_SECONDS: u64 = 30;
/// Steps that a clock may be early or late.
const SKEW: u64 = 1;
/// RFC 4648 §6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A secret shared with somebody's authenticator.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SharedSecret([u8; SECRET_BYTES]);

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret")
    }
}

impl SharedSecret {
    /// One out of random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(bytes)
    }

    /// One that was kept.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Its bytes, to be sealed.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; SECRET_BYTES] {
        &self.0
    }

    /// The code of a step.
    #[must_use]
    pub fn code(&self, step: u64) -> String {
        let totp = Builder::new()
            .with_secret(TotpSecret::new_stack(self.0))
            .build_noncompliant();
        totp.generate(step * STEP_SECONDS).to_string()
    }

    /// The step whose code was typed, if it is one of those around `now_seconds` and later than
    /// `after`.
    #[must_use]
    pub fn step_of(&self, typed: &str, now_seconds: u64, after: Option<u64>) -> Option<u64> {
        let code: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
        let now = now_seconds / STEP_SECONDS;
        let steps = now.saturating_sub(SKEW)..=now + SKEW;
        // All are compared, so that the time does not tell which one it is near.
        steps
            .filter(|step| self.code(*step).as_bytes().ct_eq(code.as_bytes()).into())
            .filter(|step| after.is_none_or(|after| *step > after))
            .max()
    }

    /// The secret as people type it, in groups of four.
    #[must_use]
    pub fn grouped(&self) -> String {
        let text = base32(&self.0);
        let groups: Vec<&str> = text
            .as_bytes()
            .chunks(4)
            .filter_map(|group| std::str::from_utf8(group).ok())
            .collect();
        groups.join(" ")
    }

    /// What authenticators read out of a picture.
    #[must_use]
    pub fn uri(&self, account: &str) -> String {
        let encode = |text: &str| -> String {
            url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
        };
        let secret = base32(&self.0);
        format!(
            "otpauth://totp/Mailhold:{}?secret={secret}&issuer=Mailhold",
            encode(account)
        )
    }
}

fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let mut block = [0; 8];
        for (place, byte) in block.iter_mut().skip(3).zip(chunk) {
            *place = *byte;
        }
        let bits = u64::from_be_bytes(block);
        for place in 0..(chunk.len() * 8).div_ceil(5) {
            let index = (bits >> (35 - place * 5)) & 31;
            let letter = usize::try_from(index).ok().and_then(|it| BASE32.get(it));
            text.push(char::from(letter.copied().unwrap_or(b'A')));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the secret of its test vectors.
    fn rfc() -> SharedSecret {
        SharedSecret::from_slice(b"12345678901234567890").unwrap()
    }

    #[test]
    fn a6_codes_of_the_rfc_are_taken() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(rfc().step_of(code, seconds, None), Some(seconds / 30));
        }
        assert_eq!(
            rfc().step_of("081 804", 1_111_111_109, None),
            Some(37_037_036)
        );
    }

    #[test]
    fn a6_a_clock_may_be_one_step_off_and_no_more_and_no_code_is_taken_twice() {
        let step = 1_111_111_109 / 30;
        for (seconds, taken) in [(-60, false), (-30, true), (30, true), (60, false)] {
            let now = 1_111_111_109_u64.saturating_add_signed(seconds);
            assert_eq!(
                rfc().step_of("081804", now, None).is_some(),
                taken,
                "{seconds}"
            );
        }
        assert_eq!(rfc().step_of("081804", 1_111_111_109, Some(step)), None);
        assert_eq!(
            rfc().step_of("081804", 1_111_111_109, Some(step - 1)),
            Some(step)
        );
        for wrong in ["", "81804", "0818041", "+81804", "abcdef"] {
            assert_eq!(rfc().step_of(wrong, 1_111_111_109, None), None, "{wrong}");
        }
    }

    #[test]
    fn the_secret_as_people_and_cameras_read_it() {
        assert_eq!(rfc().grouped(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert_eq!(
            rfc().uri("alice+x@example.org"),
            "otpauth://totp/Mailhold:alice%2Bx%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Mailhold"
        );
        assert_eq!(base32(b"fo"), "MZXQ");
    }
}
