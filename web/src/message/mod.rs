//! A message as a reader sees it: headers in words, one body, the list of its files (web (a) 17–30).
//!
//! Everything in here was written by strangers. Limits come before the parser; mail-parser is used in
//! `parse` alone; nothing that leaves this module is markup.

mod authenticity;
mod calendar;
mod charset;
mod display;
mod filename;
pub mod image_type;
pub mod limits;
mod measure;
mod media_type;
mod parse;
mod path;
mod protection;
mod quote;
mod view;

pub use authenticity::{Hint, hints};
pub use calendar::{Event, Invitation, When};
pub use charset::decode as decode_charset;
pub use display::{is_bidi_control, line as display_line};
pub use filename::{FileWarning, disposition, safe_name, unique_names, warning as file_warning};
pub use measure::TooMuch;
pub use media_type::{for_download, kind as file_kind, of_name as media_type_of_name};
pub use parse::{Content, Mailbox, content, content_of_all, message_at};
pub use path::PartPath;
pub use protection::Protection;
pub use quote::{Block, blocks, unflowed};
pub use view::{Attachment, MessageView, TextPart};
