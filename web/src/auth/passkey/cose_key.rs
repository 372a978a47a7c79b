//! Public keys in COSE form (RFC 9052 §7, RFC 9053): the few shapes that passkeys have.
//!
//! The reader knows as much CBOR as such a key needs: one map of definite length from small
//! integers to integers and byte strings. Everything else is refused.

use std::collections::BTreeMap;

use storage::model::PasskeyKey;

use super::ceremony::PasskeyFault;

/// Entries of a key's map, at most; the longest of ours has five.
const ENTRIES_MAX: u64 = 8;

const KIND: i64 = 1;
const ALGORITHM: i64 = 3;
// The page that asks for a key (`passkey.js`) names the same three.
const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;
const P256: i64 = 1;
const ED25519: i64 = 6;

#[derive(Debug, PartialEq, Eq)]
enum Value<'a> {
    Number(i64),
    Bytes(&'a [u8]),
}

/// The key at the front of `bytes`, and what stands behind it.
///
/// # Errors
/// [`PasskeyFault`].
pub(super) fn read(bytes: &[u8]) -> Result<(PasskeyKey, &[u8]), PasskeyFault> {
    let (fields, rest) = map(bytes).ok_or(PasskeyFault::Malformed)?;
    let number = |label| match fields.get(&label) {
        Some(Value::Number(number)) => Some(*number),
        _ => None,
    };
    let bytes = |label| match fields.get(&label) {
        Some(Value::Bytes(bytes)) => Some(*bytes),
        _ => None,
    };
    let key = match number(ALGORITHM) {
        Some(ES256) => es256(number(KIND), number(-1), bytes(-2), bytes(-3)),
        Some(EDDSA) => eddsa(number(KIND), number(-1), bytes(-2)),
        Some(RS256) => rs256(number(KIND), bytes(-1), bytes(-2)),
        _ => return Err(PasskeyFault::Algorithm),
    };
    Ok((key.ok_or(PasskeyFault::Key)?, rest))
}

fn es256(
    kind: Option<i64>,
    curve: Option<i64>,
    x: Option<&[u8]>,
    y: Option<&[u8]>,
) -> Option<PasskeyKey> {
    let (x, y): (&[u8; 32], &[u8; 32]) = (x?.try_into().ok()?, y?.try_into().ok()?);
    (kind == Some(2) && curve == Some(P256)).then(|| {
        let point = [&[4], x.as_slice(), y].concat();
        PasskeyKey::Es256(point)
    })
}

fn eddsa(kind: Option<i64>, curve: Option<i64>, x: Option<&[u8]>) -> Option<PasskeyKey> {
    let x: &[u8; 32] = x?.try_into().ok()?;
    (kind == Some(1) && curve == Some(ED25519)).then(|| PasskeyKey::EdDsa(x.to_vec()))
}

fn rs256(kind: Option<i64>, modulus: Option<&[u8]>, exponent: Option<&[u8]>) -> Option<PasskeyKey> {
    let trimmed = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes.get(zeros..).map(<[u8]>::to_vec)
    };
    let (modulus, exponent) = (trimmed(modulus?)?, trimmed(exponent?)?);
    let sound = (256..=1024).contains(&modulus.len()) && (1..=8).contains(&exponent.len());
    (kind == Some(3) && sound).then_some(PasskeyKey::Rs256 { modulus, exponent })
}

/// A map of definite length with every label once.
fn map(bytes: &[u8]) -> Option<(BTreeMap<i64, Value<'_>>, &[u8])> {
    let (5, count, mut rest) = head(bytes)? else {
        return None;
    };
    if count > ENTRIES_MAX {
        return None;
    }
    let mut fields = BTreeMap::new();
    for _ in 0..count {
        let (label, behind) = number(rest)?;
        let (value, behind) = value(behind)?;
        rest = behind;
        if fields.insert(label, value).is_some() {
            return None;
        }
    }
    Some((fields, rest))
}

fn value(bytes: &[u8]) -> Option<(Value<'_>, &[u8])> {
    match head(bytes)? {
        (2, length, rest) => {
            let length = usize::try_from(length).ok()?;
            let (value, rest) = rest.split_at_checked(length)?;
            Some((Value::Bytes(value), rest))
        }
        _ => number(bytes).map(|(number, rest)| (Value::Number(number), rest)),
    }
}

fn number(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (major, argument, rest) = head(bytes)?;
    let argument = i64::try_from(argument).ok()?;
    match major {
        0 => Some((argument, rest)),
        1 => Some((-1 - argument, rest)),
        _ => None,
    }
}

/// Major type and argument (RFC 8949 §3).
fn head(bytes: &[u8]) -> Option<(u8, u64, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let width = match first & 31 {
        small @ 0..=23 => return Some((first >> 5, u64::from(small), rest)),
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        _ => return None,
    };
    let (argument, rest) = rest.split_at_checked(width)?;
    let argument = argument
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    Some((first >> 5, argument, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ec() -> Vec<u8> {
        [
            &[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20][..],
            &[7; 32],
            &[0x22, 0x58, 0x20],
            &[8; 32],
        ]
        .concat()
    }

    #[test]
    fn a7_the_three_kinds_of_keys_are_read() {
        let ec = ec();
        let (key, rest) = read(&ec).unwrap();
        let point = [&[4][..], &[7; 32], &[8; 32]].concat();
        assert_eq!((key, rest), (PasskeyKey::Es256(point), &[][..]));
        let ed = [
            &[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32][..],
            &[9; 32],
            &[0xa0],
        ]
        .concat();
        let (key, rest) = read(&ed).unwrap();
        assert_eq!((key, rest), (PasskeyKey::EdDsa(vec![9; 32]), &[0xa0][..]));
        let rsa = [
            &[0xa4, 1, 3, 3, 0x39, 1, 0, 0x20, 0x59, 1, 1, 0][..],
            &[5; 256],
            &[0x21, 0x43, 1, 0, 1],
        ]
        .concat();
        let expected = PasskeyKey::Rs256 {
            modulus: vec![5; 256],
            exponent: vec![1, 0, 1],
        };
        assert_eq!(read(&rsa).unwrap().0, expected);
    }

    #[test]
    fn a7_what_is_no_such_key_is_refused_by_its_reason() {
        let with = |place: usize, byte: u8| {
            let mut key = ec();
            key[place] = byte;
            key
        };
        for (what, bytes, fault) in [
            ("nothing", vec![], PasskeyFault::Malformed),
            ("no map", with(0, 0x85), PasskeyFault::Malformed),
            ("an endless map", with(0, 0xbf), PasskeyFault::Malformed),
            ("too many entries", with(0, 0xa9), PasskeyFault::Malformed),
            ("cut off", ec()[..40].to_vec(), PasskeyFault::Malformed),
            ("a label twice", with(5, 0x03), PasskeyFault::Malformed),
            ("a text as label", with(1, 0x61), PasskeyFault::Malformed),
            (
                "another algorithm",
                with(4, 0x27 + 1),
                PasskeyFault::Algorithm,
            ),
            ("another kind", with(2, 0x03), PasskeyFault::Key),
            ("another curve", with(6, 0x02), PasskeyFault::Key),
            (
                "of another kind than its algorithm",
                with(4, 0x27),
                PasskeyFault::Key,
            ),
        ] {
            assert_eq!(read(&bytes), Err(fault), "{what}");
        }
        let short = [
            &[0xa4, 1, 3, 3, 0x39, 1, 0, 0x20, 0x58, 128][..],
            &[5; 128],
            &[0x21, 0x41, 3],
        ];
        assert_eq!(
            read(&short.concat()),
            Err(PasskeyFault::Key),
            "RSA with 1,024 bits"
        );
    }

    proptest! {
        #[test]
        fn a7_no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
