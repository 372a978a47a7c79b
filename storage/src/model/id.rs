//! Identifiers: message (queue) ids, domain ids and positions in the queue.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// Crockford's base 32: no I, L, O, U, so that an id read over the telephone survives.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Length of a printed [`MessageId`].
pub const MESSAGE_ID_TEXT_LEN: usize = 20;

/// A message's id, which is also its queue id in `Received`, logs, DSNs and the API.
///
/// 12 bytes: 48 bits of milliseconds since 1970, 16 bits of node, 32 bits of counter. The byte
/// order is the time order. Printed as 20 characters of Crockford's base 32. Never reused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId([u8; 12]);

impl MessageId {
    /// The id made of its three parts.
    #[must_use]
    pub fn from_parts(at: Timestamp, node: u16, counter: u32) -> Self {
        let value = (u128::from(at.as_millis() & 0xFFFF_FFFF_FFFF) << 48)
            | (u128::from(node) << 32)
            | u128::from(counter);
        let mut bytes = [0; 12];
        for (byte, source) in bytes
            .iter_mut()
            .zip(value.to_be_bytes().into_iter().skip(4))
        {
            *byte = source;
        }
        Self(bytes)
    }

    /// The id as it stands in keys.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }

    /// The 12 bytes, in time order.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 12] {
        &self.0
    }

    /// When the id was made, to the millisecond.
    #[must_use]
    pub fn made_at(&self) -> Timestamp {
        Timestamp::from_millis((self.value() >> 48) as u64)
    }

    fn value(&self) -> u128 {
        self.0
            .iter()
            .fold(0, |value, byte| (value << 8) | u128::from(*byte))
    }
}

/// What leaves with a message that a user has written. Each is a message of its own, because it is
/// sealed for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Companion {
    /// The copy for the author's own server; the author's *Sent* refers to it.
    Home,
    /// What goes to domains that are not protected here.
    World,
}

impl MessageId {
    /// The id of a message that belongs to this one, and back. No node number has these bits, so
    /// nothing else has that id.
    #[must_use]
    pub const fn companion(self, companion: Companion) -> Self {
        let mut bytes = self.0;
        bytes[6] ^= match companion {
            Companion::Home => 0x80,
            Companion::World => 0x40,
        };
        Self(bytes)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value();
        for position in (0..MESSAGE_ID_TEXT_LEN).rev() {
            let digit = ((value >> (position * 5)) & 31) as usize;
            let letter = ALPHABET.get(digit).copied().unwrap_or(b'0');
            fmt::Write::write_char(f, char::from(letter))?;
        }
        Ok(())
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageId({self})")
    }
}

/// The text is no queue id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a queue id: 20 characters of 0-9 and A-Z without I, L, O, U are expected")]
pub struct InvalidMessageId;

impl FromStr for MessageId {
    type Err = InvalidMessageId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != MESSAGE_ID_TEXT_LEN {
            return Err(InvalidMessageId);
        }
        let mut value: u128 = 0;
        for letter in text.bytes() {
            let letter = letter.to_ascii_uppercase();
            let digit = ALPHABET
                .iter()
                .position(|known| *known == letter)
                .ok_or(InvalidMessageId)?;
            value = (value << 5) | digit as u128;
        }
        if value >> 96 != 0 {
            return Err(InvalidMessageId);
        }
        let mut bytes = [0; 12];
        for (byte, source) in bytes
            .iter_mut()
            .zip(value.to_be_bytes().into_iter().skip(4))
        {
            *byte = source;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for MessageId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for MessageId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            Ok(Self(<[u8; 12]>::deserialize(deserializer)?))
        }
    }
}

/// Makes [`MessageId`]s that are unique on this node across restarts: the counter starts at a
/// random place and the millisecond never goes backwards within a process.
#[derive(Debug)]
pub struct IdGenerator {
    node: u16,
    counter: AtomicU64,
    last_millis: AtomicU64,
}

impl IdGenerator {
    /// A generator for one node; `seed` moves the counter's start.
    #[must_use]
    pub const fn new(node: u16, seed: u32) -> Self {
        Self {
            node,
            counter: AtomicU64::new(seed as u64),
            last_millis: AtomicU64::new(0),
        }
    }

    /// The next id.
    pub fn next(&self, now: Timestamp) -> MessageId {
        let counter = self.counter.fetch_add(1, Ordering::Relaxed) as u32;
        let last = self
            .last_millis
            .fetch_max(now.as_millis(), Ordering::Relaxed);
        let at = Timestamp::from_millis(last.max(now.as_millis()));
        MessageId::from_parts(at, self.node, counter)
    }
}

/// A domain's number; first part of every queue key. A protected domain's is given once and never
/// reused. Numbers from [`DomainId::OUTBOUND_FIRST`] on are those of other people's domains, to which
/// only our own mail goes: notifications, and what is written in the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DomainId(pub u32);

impl DomainId {
    /// The first number of a domain that is not protected.
    pub const OUTBOUND_FIRST: u32 = 1 << 31;

    /// Whether it is somebody else's domain: nothing is ever taken in for it from outside.
    #[must_use]
    pub const fn is_outbound(self) -> bool {
        self.0 >= Self::OUTBOUND_FIRST
    }
}

/// A position in the queue, given by the single writer at commit. Later commits are always larger,
/// so a cursor that has passed a position never misses an entry behind it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default,
)]
pub struct Sequence(pub u64);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_printed_id_has_twenty_characters_and_keeps_its_time() {
        let id = MessageId::from_parts(Timestamp::from_millis(1_790_000_000_123), 7, 42);
        assert_eq!(id.to_string().len(), MESSAGE_ID_TEXT_LEN);
        assert_eq!(id.made_at(), Timestamp::from_millis(1_790_000_000_123));
    }

    #[test]
    fn a_clock_that_goes_back_does_not_take_ids_back() {
        let ids = IdGenerator::new(1, 0);
        let first = ids.next(Timestamp::from_millis(1_000));
        let second = ids.next(Timestamp::from_millis(10));
        assert!(second > first);
    }

    #[test]
    fn text_that_is_no_id_is_refused() {
        for text in [
            "",
            "0",
            "ZZZZZZZZZZZZZZZZZZZZ",
            "0000000000000000000U",
            "000000000000000000é",
        ] {
            assert_eq!(text.parse::<MessageId>(), Err(InvalidMessageId), "{text}");
        }
    }

    proptest! {
        #[test]
        fn print_and_parse_are_inverse_and_keep_the_order(a in any::<[u8; 12]>(), b in any::<[u8; 12]>()) {
            let (a, b) = (MessageId::from_bytes(a), MessageId::from_bytes(b));
            prop_assert_eq!(a.to_string().parse::<MessageId>(), Ok(a));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }
    }
}
