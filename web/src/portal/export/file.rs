//! `GET /export/{token}`: the file, streamed.

use std::io::{self, Write};
use std::time::Duration;

use axum::extract::Path;
use axum::response::Response;
use storage::model::{Folder, LineId};
use tokio::runtime::Handle;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::link::Format;
use super::mbox;
use super::walk::Walk;
use crate::message::safe_name;
use crate::portal::mailbox::Shelf;
use crate::portal::reader::Opened;
use crate::portal::refusal::Refusal;
use crate::portal::user::User;
use crate::reader::archive::stream;

/// When all places for exports are taken.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Characters of a subject in a file's name.
const NAME_CHARS_MAX: usize = 60;

/// The file of a link.
pub(in crate::portal) async fn download(
    user: User,
    Path(token): Path<String>,
) -> Result<Response, Refusal> {
    let links = &user.portal.reading.exports;
    let format = links.open(&token, &user.session, user.now);
    let format = format.ok_or(Refusal::NotFound)?;
    let place = user.portal.reading.exporting.clone().try_acquire_owned();
    let place = place.map_err(|_| Refusal::TooMany(AGAIN_AFTER))?;
    let walk = Walk::new(user.portal.clone(), user.scope.clone());
    let name = format!("{}.{}", user.address, format.word());
    let (handle, media_type) = (Handle::current(), media_type(format));
    Ok(stream(media_type, &name, move |out| {
        let _place = place;
        match format {
            Format::Mbox => write_mbox(out, walk, &handle),
            Format::Zip => write_zip(out, walk, &handle),
        }
    }))
}

const fn media_type(format: Format) -> &'static str {
    match format {
        Format::Mbox => "application/octet-stream",
        Format::Zip => "application/zip",
    }
}

/// The next message, from a thread that may wait.
fn next(walk: &mut Walk, handle: &Handle) -> io::Result<Option<Opened>> {
    let next = handle.block_on(walk.next());
    next.map_err(|refusal| io::Error::other(format!("{refusal:?}")))
}

fn write_mbox(mut out: impl Write, mut walk: Walk, handle: &Handle) -> io::Result<()> {
    while let Some(opened) = next(&mut walk, handle)? {
        let sender = &opened.line.summary.from.address;
        mbox::write(&mut out, sender, opened.line.id.at, &opened.raw)?;
    }
    if let Some((id, note)) = walk.unreadable.first().zip(note(&walk.unreadable)) {
        mbox::write(&mut out, "", id.at, note.as_bytes())?;
    }
    out.flush()
}

fn write_zip(out: impl Write, mut walk: Walk, handle: &Handle) -> io::Result<()> {
    let mut archive = ZipWriter::new_stream(out);
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut number = 0_u64;
    while let Some(opened) = next(&mut walk, handle)? {
        number += 1;
        let name = name(number, opened.line.folder, &opened.line.summary.subject);
        archive.start_file(name, options)?;
        archive.write_all(&opened.raw)?;
    }
    if let Some(note) = note(&walk.unreadable) {
        archive.start_file("not-exported.eml", options)?;
        archive.write_all(note.as_bytes())?;
    }
    archive.finish()?.into_inner().flush()
}

/// A name that no other message has: `inbox/00001 Lunch.eml`.
fn name(number: u64, folder: Folder, subject: &str) -> String {
    let subject: String = subject.chars().take(NAME_CHARS_MAX).collect();
    let subject = subject.replace(['/', '\\'], "_");
    let file = safe_name(&format!("{number:05} {subject}.eml"));
    format!("{}/{file}", Shelf::of_folder(folder).word())
}

/// A message that says which messages could not be read; none when there are none.
fn note(unreadable: &[LineId]) -> Option<String> {
    if unreadable.is_empty() {
        return None;
    }
    let mut text = String::from(
        "From: Mailhold <>\r\nSubject: Not exported\r\n\r\nThese messages could not be read:\r\n",
    );
    for id in unreadable {
        text.push_str(&format!("{id}\r\n"));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hd6_names_in_the_archive_lead_nowhere_else_and_are_all_different() {
        let hostile = "../../etc/\u{202e}cod\r\n\\x";
        let (one, two) = (
            name(1, Folder::Inbox, hostile),
            name(2, Folder::Inbox, hostile),
        );
        assert_ne!(one, two);
        assert!(
            one.starts_with("inbox/00001") && one.ends_with(".eml"),
            "{one}"
        );
        assert_eq!(one.matches('/').count(), 1);
        assert!(
            !one.contains('\\') && !one.chars().any(char::is_control),
            "{one:?}"
        );
        assert!(name(3, Folder::Sent, &"\u{e4}".repeat(500)).len() < 255);
    }
}
