//! The media types that a download is given: from our own table, never from the mail (HD6).

/// Types that browsers hand to another program or show without running anything.
const DOWNLOADS: &[&str] = &[
    "application/gzip",
    "application/msword",
    "application/pdf",
    "application/rtf",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.oasis.opendocument.presentation",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/zip",
    "audio/mpeg",
    "audio/ogg",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/calendar",
    "text/csv",
    "text/plain",
    "text/vcard",
    "video/mp4",
];

/// What a browser is told when it is told nothing.
const UNKNOWN: &str = "application/octet-stream";

/// The type that a part is downloaded as.
#[must_use]
pub fn for_download(declared: &str) -> &'static str {
    let declared = declared.to_ascii_lowercase();
    DOWNLOADS
        .iter()
        .find(|known| **known == declared)
        .copied()
        .unwrap_or(UNKNOWN)
}

/// The type of a file that is sent from here, by the ending of its name.
#[must_use]
pub fn of_name(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    let ending = ending.map(str::to_ascii_lowercase).unwrap_or_default();
    match ending.as_str() {
        "csv" => "text/csv",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "eml" => "message/rfc822",
        "gif" => "image/gif",
        "gz" => "application/gzip",
        "ics" => "text/calendar",
        "jpeg" | "jpg" => "image/jpeg",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        "odp" => "application/vnd.oasis.opendocument.presentation",
        "ods" => "application/vnd.oasis.opendocument.spreadsheet",
        "odt" => "application/vnd.oasis.opendocument.text",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "ppt" => "application/vnd.ms-powerpoint",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "rtf" => "application/rtf",
        "txt" => "text/plain",
        "vcf" => "text/vcard",
        "webp" => "image/webp",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "zip" => "application/zip",
        _ => UNKNOWN,
    }
}

/// The words for a type in a list of attachments: what it claims to be.
#[must_use]
pub fn kind(declared: &str, name: &str) -> &'static str {
    let declared = declared.to_ascii_lowercase();
    let ending = name
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase());
    match (declared.as_str(), ending.as_deref()) {
        ("application/pdf", _) | (_, Some("pdf")) => "PDF",
        (_, Some("doc" | "docx" | "odt" | "rtf")) => "document",
        (_, Some("xls" | "xlsx" | "ods" | "csv")) => "spreadsheet",
        (_, Some("ppt" | "pptx" | "odp")) => "presentation",
        (_, Some("zip" | "gz" | "7z" | "rar" | "tar")) => "archive",
        ("message/rfc822" | "message/global", _) => "message",
        ("text/calendar", _) | (_, Some("ics")) => "invitation",
        ("text/vcard" | "text/x-vcard", _) | (_, Some("vcf")) => "contact",
        (image, _) if image.starts_with("image/") => "image",
        (audio, _) if audio.starts_with("audio/") => "audio",
        (video, _) if video.starts_with("video/") => "video",
        (text, _) if text.starts_with("text/") => "text",
        _ => "file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hd6_types_that_run_are_bytes() {
        for declared in [
            "text/html",
            "image/svg+xml",
            "application/xhtml+xml",
            "text/xml",
            "application/xml",
            "application/javascript",
            "text/javascript",
            "text/css",
            "x\r\nSet-Cookie: a",
            "",
            "multipart/x-mixed-replace",
            "application/x-shockwave-flash",
            "message/rfc822",
        ] {
            assert_eq!(for_download(declared), UNKNOWN, "{declared}");
        }
        assert_eq!(for_download("Application/PDF"), "application/pdf");
        assert!(DOWNLOADS.is_sorted());
    }
}
