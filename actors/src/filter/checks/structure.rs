//! `structure`: a message of more parts, or of deeper ones, than anybody writes is refused: whoever
//! opens it would pay for it.

use super::super::engine::{Check, FilterInput};
use super::super::limits::{NESTING_MAX, PARTS_MAX};
use super::super::verdict::{Finding, Verdict};

pub(super) struct Structure;

impl Check for Structure {
    fn name(&self) -> &'static str {
        "structure"
    }

    fn examine(&self, input: &FilterInput<'_>, found: &mut Vec<Finding>) {
        if input.parts.parts > PARTS_MAX {
            let reason = format!("the message has more than {PARTS_MAX} parts");
            found.push(Finding::of_message(self.name(), Verdict::Reject, reason));
        }
        if input.parts.nesting > NESTING_MAX {
            let reason = format!("the message's parts are nested more than {NESTING_MAX} deep");
            found.push(Finding::of_message(self.name(), Verdict::Reject, reason));
        }
    }
}
