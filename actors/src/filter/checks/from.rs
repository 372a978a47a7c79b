//! `from`: a message says once who wrote it (RFC 5322 §3.6). Two `From` fields, or authors in several
//! domains, show one name to the reader and another one to DMARC.

use super::super::engine::{Check, FilterInput};
use super::super::verdict::{Finding, Verdict};

pub(super) struct From;

impl Check for From {
    fn name(&self) -> &'static str {
        "from"
    }

    fn examine(&self, input: &FilterInput<'_>, found: &mut Vec<Finding>) {
        // Without authentication nothing else of the header is believed or doubted either.
        if input.authentication.is_none() {
            return;
        }
        let reason = if input.header.from_fields > 1 {
            "the message has more than one From field"
        } else if input.header.from_domains().len() > 1 {
            "From names authors in several domains, so that none can be verified"
        } else {
            return;
        };
        found.push(Finding::of_message(
            self.name(),
            Verdict::Quarantine,
            reason,
        ));
    }
}
