//! The reader's own documents: the frame of a message, its images, its files (web H1, H13–H15, HD6).
//!
//! Functions over a message's bytes; who may ask for which message is decided before they are called.
//!
//! | route | what answers |
//! |---|---|
//! | `/m/{folder}/{id}` | [`MessageView::read`], `hints`, [`text::view`] or [`frame::element`] |
//! | `/f/{id}` | [`frame::is_wanted_as_document`], [`Sanitiser::run`], [`frame::respond`] |
//! | `/c/{cap}` | [`image::is_wanted_as_image`], `Capabilities::open`, then whether the session lives, [`image::respond_part`] |
//! | `/a/{id}/{part}`, `/a/{id}/all.zip` | [`download::respond_part`], [`archive::respond`] |
//! | `/m/{id}/source`, `/m/{id}/eml` | [`source::respond`], [`download::respond_message`] |
//! | `/m/{id}/print` | [`frame::respond`] with a heading |
//!
//! [`MessageView::read`]: crate::message::MessageView::read
//! [`Sanitiser::run`]: crate::sanitize::Sanitiser::run

pub mod archive;
pub mod capability;
pub mod download;
pub mod frame;
pub mod image;
pub mod limits;
pub mod source;
pub mod text;
