//! Messages that another program has to open: recognised, not decrypted (web (a) 30).

use mail_parser::MimeHeaders as _;
use memchr::memmem;

use super::parse::{Parsed, media_type};

/// How a message is protected by its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// OpenPGP, encrypted.
    PgpEncrypted,
    /// OpenPGP, signed; the signature is not checked here.
    PgpSigned,
    /// S/MIME, encrypted.
    SmimeEncrypted,
    /// S/MIME, signed; the signature is not checked here.
    SmimeSigned,
}

/// Reads it from the structure of the message, or from the armour in its text.
pub(super) fn recognise(parsed: &Parsed<'_>, text: &[u8]) -> Option<Protection> {
    let root = parsed.part(0)?;
    let declared = root.content_type();
    let attribute = |name| {
        declared
            .and_then(|declared| declared.attribute(name))
            .unwrap_or_default()
            .to_ascii_lowercase()
    };
    match media_type(root).as_str() {
        "multipart/encrypted" => Some(Protection::PgpEncrypted),
        "multipart/signed" if attribute("protocol").contains("pgp") => Some(Protection::PgpSigned),
        "multipart/signed" => Some(Protection::SmimeSigned),
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => {
            if attribute("smime-type") == "signed-data" {
                Some(Protection::SmimeSigned)
            } else {
                Some(Protection::SmimeEncrypted)
            }
        }
        _ if memmem::find(text, b"-----BEGIN PGP MESSAGE-----").is_some() => {
            Some(Protection::PgpEncrypted)
        }
        _ if memmem::find(text, b"-----BEGIN PGP SIGNED MESSAGE-----").is_some() => {
            Some(Protection::PgpSigned)
        }
        _ => None,
    }
}
