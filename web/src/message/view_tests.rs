//! Messages of many shapes, read.

use super::*;

fn read(raw: &str) -> MessageView {
    MessageView::read(raw.replace('\n', "\r\n").as_bytes(), &PartPath::default()).unwrap()
}

const GIF: &str = "R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";

fn mixed() -> String {
    format!(
        "From: =?utf-8?q?Ann_M=C3=BCller?= <ann@x.example>\nTo: a@y.example, \"B\" <b@y.example>\n\
         Subject: =?utf-8?q?Hi=0D=0ABcc=3A_c?=\nDate: Mon, 2 Mar 2026 09:00:00 +0100\nMessage-ID: <1@x>\n\
         References: <0@x>\nIn-Reply-To: <0@x>\nMIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=a\n\n\
         --a\nContent-Type: multipart/alternative; boundary=b\n\n\
         --b\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nGr=FC=DFe\n\
         --b\nContent-Type: multipart/related; boundary=c\n\n\
         --c\nContent-Type: text/html; charset=utf-8\n\n<b>Gr\u{fc}\u{df}e</b><img src=cid:i@x>\n\
         --c\nContent-Type: image/png\nContent-ID: <i@x>\nContent-Transfer-Encoding: base64\n\n{GIF}\n--c--\n--b--\n\
         --a\nContent-Type: application/pdf\nContent-Disposition: attachment; filename*=utf-8''..%2F%C3%BC.pdf.exe\n\
         Content-Transfer-Encoding: base64\n\nJVBERg==\n\
         --a\nContent-Type: message/rfc822\n\nFrom: c@z.example\nSubject: Inner/one\nContent-Type: multipart/mixed; boundary=d\n\n\
         --d\n\ninside\n--d\nContent-Type: text/plain; name=\"n.txt\"\nContent-Disposition: attachment\n\nfile\n--d--\n--a--\n"
    )
}

#[test]
fn headers_are_decoded_and_stay_one_line() {
    let view = read(&mixed());
    assert_eq!(view.from[0].name, "Ann Müller");
    assert_eq!(view.to.len(), 2);
    assert_eq!(view.subject, "Hi Bcc: c");
    assert_eq!(view.sent_at, Some(1_772_438_400));
    assert_eq!(view.message_id.as_deref(), Some("1@x"));
    assert_eq!(view.references, ["0@x"]);
    for (name, value) in &view.fields {
        assert!(!name.contains(['\r', '\n']) && !value.contains(['\r', '\n']));
    }
}

#[test]
fn the_body_is_chosen_and_the_rest_listed() {
    let view = read(&mixed());
    assert_eq!(view.text.as_ref().unwrap().text.trim_end(), "Grüße");
    assert!(view.html.as_ref().unwrap().starts_with("<b>Grüße</b>"));
    let files: Vec<_> = view
        .attachments
        .iter()
        .map(|file| {
            (
                file.name.as_str(),
                file.kind,
                file.size,
                file.is_inline,
                file.is_message,
            )
        })
        .collect();
    assert_eq!(
        files,
        [
            ("part-5.png", "image", 37, true, false),
            ("ü.pdf.exe", "PDF", 4, false, false),
            ("Inner_one.eml", "message", 190, false, true),
        ]
    );
    assert_eq!(
        view.attachments[1].warning,
        Some(FileWarning::DoubleExtension)
    );
    assert_eq!(view.inline.get("i@x"), Some(&view.attachments[0].path));
}

#[test]
fn a_message_inside_opens_by_its_place() {
    let raw = mixed().replace('\n', "\r\n");
    let outer = MessageView::read(raw.as_bytes(), &PartPath::default()).unwrap();
    let place = &outer.attachments[2].path;
    let inner = MessageView::read(raw.as_bytes(), place).unwrap();
    assert_eq!(inner.subject, "Inner/one");
    assert_eq!(inner.text.unwrap().text.trim_end(), "inside");
    let file = &inner.attachments[0];
    assert_eq!(file.name, "n.txt");
    let content = parse::content(raw.as_bytes(), &file.path).unwrap();
    assert_eq!(content.bytes, b"file");
    assert_eq!(parse::content(raw.as_bytes(), &"99".parse().unwrap()), None);
    assert_eq!(
        parse::content(raw.as_bytes(), &"0.1".parse().unwrap()),
        None
    );
}

#[test]
fn protected_messages_are_recognised() {
    for (head, body, wanted) in [
        (
            "multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=a",
            "",
            Protection::PgpEncrypted,
        ),
        (
            "multipart/signed; protocol=\"application/pgp-signature\"; boundary=a",
            "",
            Protection::PgpSigned,
        ),
        (
            "multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=a",
            "",
            Protection::SmimeSigned,
        ),
        (
            "application/pkcs7-mime; smime-type=enveloped-data",
            "",
            Protection::SmimeEncrypted,
        ),
        (
            "application/x-pkcs7-mime; smime-type=signed-data",
            "",
            Protection::SmimeSigned,
        ),
        (
            "text/plain",
            "-----BEGIN PGP MESSAGE-----",
            Protection::PgpEncrypted,
        ),
        (
            "text/plain",
            "-----BEGIN PGP SIGNED MESSAGE-----",
            Protection::PgpSigned,
        ),
    ] {
        let view = read(&format!(
            "From: a@x.example\nContent-Type: {head}\n\n--a\n\n{body}\n--a--\n{body}\n"
        ));
        assert_eq!(view.protection, Some(wanted), "{head} {body}");
    }
    assert_eq!(read("From: a@x.example\n\nhello").protection, None);
}

#[test]
fn utf7_is_text() {
    let view = read("Content-Type: text/html; charset=utf-7\n\n+ADw-script+AD4-alarm()");
    assert_eq!(view.html.unwrap().trim_end(), "+ADw-script+AD4-alarm()");
}

#[test]
fn an_invitation_is_found() {
    let view = read(
        "Content-Type: multipart/mixed; boundary=a\n\n--a\n\nhi\n--a\nContent-Type: text/calendar; method=REQUEST\n\n\
         BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Plan\nEND:VEVENT\nEND:VCALENDAR\n--a--\n",
    );
    assert_eq!(view.invitation.unwrap().events[0].summary, "Plan");
}

#[test]
fn h23_any_bytes_are_survived() {
    for raw in [
        &b""[..],
        b"\0",
        b"\r\n\r\n",
        b"From",
        b"From:\xff\xff",
        b"Content-Type: multipart/mixed; boundary=\n\n--\n--\n",
    ] {
        let _ = MessageView::read(raw, &PartPath::default());
    }
}
