//! Taking the own mailbox along: all of it as one file, written while it is read.
//!
//! `page` asks for the password and gives out a link, `link` is good for an hour and in the session
//! it was made in, `walk` brings one message after the other into memory, `mbox` writes them as
//! mboxrd, `file` streams either kind. Nothing holds more than one message.

mod file;
mod link;
mod mbox;
mod page;
mod walk;
mod words;

pub(super) use file::download;
pub(in crate::portal) use link::ExportLinks;
pub(super) use page::{show, submit};
