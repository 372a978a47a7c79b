//! Writing mail: from the message one answers, or from nothing, to the bytes that leave.
//!
//! Pure: no store, no clock, no request. What always holds: nothing of a mail's HTML is ever
//! quoted, only text; every address has been parsed; no header holds a line break from outside;
//! whoever is named in Bcc appears in no header (RFC 5322 §3.6.3).

pub mod answer;
pub mod build;
pub mod limits;
pub mod original;
pub mod party;
pub mod quote;
pub mod subject;

pub use answer::{Answer, AnswerKind, OwnAddresses, answer};
pub use build::{Attachment, Outgoing, build};
pub use original::Original;
pub use party::{ListError, Party, parse_list};
