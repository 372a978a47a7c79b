//! All files of a message in one archive, written while it is read: store only, names that are
//! names of files and differ from each other.

use std::io::{self, Write};

use axum::body::Body;
use axum::http::Response;
use bytes::Bytes;
use tokio::sync::mpsc;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::download;
use super::limits::{ARCHIVE_FILES_MAX, ARCHIVE_PIECES_WAITING_MAX};
use crate::message::{Attachment, content_of_all, unique_names};

/// Octets in one piece of the answer.
const PIECE: usize = 64 * 1024;

/// The answer with an archive of `files`, all of them parts of one message. The work is done on a
/// blocking thread that ends when the reader is gone.
#[must_use]
pub fn respond(raw: Bytes, files: Vec<Attachment>, name: &str) -> Response<Body> {
    stream("application/zip", name, move |out| write(out, &raw, &files))
}

/// The answer with what `write` writes, while it is written, on a blocking thread that ends when the
/// reader is gone.
pub(crate) fn stream(
    media_type: &'static str,
    name: &str,
    write: impl FnOnce(Pieces) -> io::Result<()> + Send + 'static,
) -> Response<Body> {
    let (sender, receiver) = mpsc::channel(ARCHIVE_PIECES_WAITING_MAX);
    // The thread ends by itself: each piece waits for the reader, and a reader who left fails it.
    drop(tokio::task::spawn_blocking(move || {
        let writer = Pieces {
            sender: sender.clone(),
            piece: Vec::with_capacity(PIECE),
        };
        if let Err(error) = write(writer) {
            let _ = sender.blocking_send(Err(error));
        }
    }));
    let pieces = futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    download::respond(Body::from_stream(pieces), media_type, name)
}

/// Writes the archive.
fn write(out: impl Write, raw: &[u8], files: &[Attachment]) -> io::Result<()> {
    let files = files.get(..ARCHIVE_FILES_MAX).unwrap_or(files);
    let names = unique_names(files.iter().map(|file| file.name.as_str()));
    let mut archive = ZipWriter::new_stream(out);
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut names = names.iter();
    content_of_all(raw, files.iter().map(|file| &file.path), |bytes| {
        if let Some(name) = names.next() {
            archive.start_file(name.as_str(), options)?;
            archive.write_all(&bytes)?;
        }
        Ok::<(), io::Error>(())
    })?;
    archive.finish()?.into_inner().flush()
}

/// Hands what is written to the answer, piece by piece.
pub(crate) struct Pieces {
    sender: mpsc::Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::take(&mut self.piece));
        self.sender
            .blocking_send(Ok(piece))
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{MessageView, PartPath};

    #[tokio::test]
    async fn hd6_an_archive_holds_every_file_under_a_name_of_its_own() {
        let part = "Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"../a.txt\"\r\n\r\nhello\r\n";
        let raw = format!(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{part}--b\r\n{part}--b--\r\n"
        );
        let view = MessageView::read(raw.as_bytes(), &PartPath::default()).unwrap();
        let response = respond(raw.into_bytes().into(), view.attachments, "all.zip");
        assert_eq!(response.headers()["content-type"], "application/zip");
        let body = axum::body::to_bytes(response.into_body(), 1 << 20)
            .await
            .unwrap();
        let mut archive = zip::ZipArchive::new(io::Cursor::new(body)).unwrap();
        assert_eq!(archive.len(), 2);
        for (index, name) in ["a.txt", "a (2).txt"].iter().enumerate() {
            let mut file = archive.by_index(index).unwrap();
            assert_eq!(file.name().unwrap(), *name);
            assert_eq!(file.compression(), CompressionMethod::Stored);
            let mut text = String::new();
            io::Read::read_to_string(&mut file, &mut text).unwrap();
            assert_eq!(text.trim_end(), "hello");
        }
    }
}
