//! The content of one message on its way from the framing to the store: bounded, judged, cut into
//! chunks behind our trace field.

use bytes::{Bytes, BytesMut};
use storage::model::MessageId;

use super::super::crlf::{CrlfGuard, LineFault};
use super::super::data::{DataFramer, Framed};
use super::super::header::{HeaderFacts, HeaderSection};
use super::super::limits::{BODY_CHUNK, OWN_STAMPS_MAX, RECEIVED_FIELDS_MAX};
use super::super::reply::Reply;
use super::super::sloppy::{Newlines, SloppyChunks};
use super::ServerConfig;

/// Why a message is refused after its content was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A bare CR, LF or NUL (IN5).
    Line(LineFault),
    /// Larger than our SIZE (IN13).
    TooLarge(u64),
    /// The header section is larger than 256 KiB.
    HeaderTooLarge,
    /// More than 100 `Received` fields, or ours for the third time (IN8).
    Loop,
}

impl Fault {
    pub(super) fn reply(self) -> Reply {
        match self {
            Self::Line(fault) => Reply::new(
                550,
                (6, 0),
                format!("{fault} in the message, RFC 5321 section 2.3.8"),
            ),
            Self::TooLarge(limit) => {
                Reply::new(552, (3, 4), format!("the message exceeds {limit} octets"))
            }
            Self::HeaderTooLarge => {
                Reply::new(552, (3, 4), "the header section exceeds 262144 octets")
            }
            Self::Loop => Reply::new(554, (4, 6), "mail loop: too many hops"),
        }
    }
}

/// Room for an ordinary message, so that its content is not moved while it grows.
const FIRST_CAPACITY: usize = 8 * 1024;

/// How the content is framed.
#[derive(Debug)]
enum Framing {
    Data(DataFramer),
    Chunks {
        guard: CrlfGuard,
        /// Set where bare line ends are put up with.
        sloppy: Option<SloppyChunks>,
        size_bytes: u64,
    },
}

/// One message's content.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) id: MessageId,
    framing: Framing,
    out: BytesMut,
    header: HeaderSection,
    fault: Option<Fault>,
    has_8bit: bool,
    size_max: u64,
    /// The shell keeps what was handed on; on a fault it has to drop it, once.
    is_open: bool,
}

/// A message that may be committed.
#[derive(Debug)]
pub(super) struct Finished {
    /// What was not handed on yet.
    pub(super) rest: Bytes,
    pub(super) header: Bytes,
    pub(super) facts: HeaderFacts,
    pub(super) has_8bit: bool,
}

impl Content {
    pub(super) fn data(id: MessageId, trace: &str, config: &ServerConfig) -> Self {
        let framing = Framing::Data(DataFramer::new(config.newlines));
        Self::new(id, trace, config.message_size_max, framing)
    }

    pub(super) fn chunks(id: MessageId, trace: &str, config: &ServerConfig) -> Self {
        let size_max = config.message_size_max;
        let normalise = config.newlines == Newlines::Normalise;
        let framing = Framing::Chunks {
            guard: CrlfGuard::default(),
            sloppy: normalise.then(SloppyChunks::default),
            size_bytes: 0,
        };
        Self::new(id, trace, size_max, framing)
    }

    fn new(id: MessageId, trace: &str, size_max: u64, framing: Framing) -> Self {
        let mut out = BytesMut::with_capacity(FIRST_CAPACITY);
        out.extend_from_slice(trace.as_bytes());
        Self {
            id,
            framing,
            out,
            header: HeaderSection::default(),
            fault: None,
            has_8bit: false,
            size_max,
            is_open: true,
        }
    }

    pub(super) const fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// The sender goes on and on although the message is refused already.
    pub(super) const fn is_hopeless(&self) -> bool {
        let size_bytes = match &self.framing {
            Framing::Data(framer) => framer.size_bytes(),
            Framing::Chunks { size_bytes, .. } => *size_bytes,
        };
        size_bytes > self.size_max.saturating_mul(2)
    }

    /// Takes DATA content from the front of `input`.
    pub(super) fn push_data(&mut self, input: &[u8]) -> Framed {
        let before = self.out.len();
        let Framing::Data(framer) = &mut self.framing else {
            return Framed {
                consumed: 0,
                is_end: true,
            };
        };
        let framed = framer.push(input, &mut self.out);
        let (fault, size_bytes) = (framer.line_fault(), framer.size_bytes());
        self.examine(before, fault, size_bytes);
        if let (Some(_), Framing::Data(framer)) = (self.fault, &mut self.framing) {
            framer.discard();
        }
        framed
    }

    /// Takes a piece of a BDAT chunk.
    pub(super) fn push_chunk(&mut self, input: &[u8]) {
        let before = self.out.len();
        let Framing::Chunks {
            guard,
            sloppy,
            size_bytes,
        } = &mut self.framing
        else {
            return;
        };
        *size_bytes += input.len() as u64;
        if self.fault.is_none() {
            match sloppy {
                Some(sloppy) => sloppy.push(input, &mut self.out),
                None => self.out.extend_from_slice(input),
            }
            let new = self.out.get(before..).unwrap_or_default();
            let fault = guard.check(new).err();
            let size_bytes = *size_bytes;
            self.examine(before, fault, size_bytes);
        }
    }

    /// The next chunk to hand on, once there is enough.
    pub(super) fn take_chunk(&mut self) -> Option<Bytes> {
        if self.out.len() < BODY_CHUNK || self.fault.is_some() {
            return None;
        }
        let chunk = self.out.split().freeze();
        self.out.reserve(BODY_CHUNK + FIRST_CAPACITY);
        Some(chunk)
    }

    /// Whether the shell still keeps the body; the caller has it committed or dropped.
    pub(super) const fn take_open(&mut self) -> bool {
        let is_open = self.is_open;
        self.is_open = false;
        is_open
    }

    /// Judges the whole at its end.
    pub(super) fn finish(mut self, host: &str) -> Result<Finished, Fault> {
        if let Framing::Chunks { guard, .. } = &self.framing {
            guard.finish().map_err(Fault::Line)?;
            if !guard.is_at_line_start() {
                // A last line without its end: DATA could not carry it on, and for signatures the
                // end is implied (RFC 6376 §3.4.3).
                self.out.extend_from_slice(b"\r\n");
            }
        }
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let facts = HeaderFacts::read(self.header.as_bytes(), host);
        if facts.received_fields > RECEIVED_FIELDS_MAX || facts.own_stamps > OWN_STAMPS_MAX {
            return Err(Fault::Loop);
        }
        Ok(Finished {
            rest: self.out.freeze(),
            header: self.header.into_bytes(),
            facts,
            has_8bit: self.has_8bit,
        })
    }

    fn examine(&mut self, before: usize, line_fault: Option<LineFault>, size_bytes: u64) {
        if self.fault.is_some() {
            return;
        }
        let new = self.out.get(before..).unwrap_or_default();
        self.has_8bit |= !new.is_ascii();
        let header_fault = self.header.push(new).is_err();
        self.fault = if let Some(fault) = line_fault {
            Some(Fault::Line(fault))
        } else if size_bytes > self.size_max {
            Some(Fault::TooLarge(self.size_max))
        } else {
            header_fault.then_some(Fault::HeaderTooLarge)
        };
        if self.fault.is_some() {
            self.out = BytesMut::new();
        }
    }
}
