//! Writing: new mail, answers, drafts, the outbox.
//!
//! What was typed is never lost: every button of the form saves the draft first, faults are shown
//! beside what caused them, and two windows that write one draft notice each other. Sending puts the
//! message into the outbox, where it can be stopped until it leaves.

mod begin;
mod content;
mod drafts;
mod forgotten;
mod form;
mod outbox;
mod page;
mod posted;
mod send;
mod words;

pub(super) use begin::show as begin;
pub(super) use drafts::show as drafts;
pub(super) use form::submit;
pub(super) use outbox::{cancel, show as outbox};
pub(super) use page::{show as draft, size};
pub(super) use posted::{REQUEST_BYTES_MAX, Upload};
