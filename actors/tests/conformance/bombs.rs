//! Forty-seven kinds of mail bombs: content and commands made to cost more than they weigh.

/// (name, octets said, replies).
pub(crate) type Dialogue = (&'static str, Vec<u8>, Vec<&'static str>);

/// Messages with what they are answered: name, content without its end, reply.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn messages() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let (taken, too_large, loops, bare) = ("250 2.0.0", "552 5.3.4", "554 5.4.6", "550 5.6.0");
    // Deeper and more numerous than anything honest: the filter's structure limits refuse it.
    let structure = "550 5.7.1 refused: structure";
    let text = |text: String| text.into_bytes();
    let nested = |depth: usize| {
        let mut message = String::new();
        for level in 0..depth {
            message.push_str(&format!(
                "Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"
            ));
        }
        message.into_bytes()
    };
    let parts = |count: usize| {
        let part = "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n".repeat(count);
        text(format!(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n{part}--b--\r\n"
        ))
    };
    let header = |line: &str, count: usize| text(format!("{}\r\nx", line.repeat(count)));
    vec![
        ("100 hops", header("Received: a\r\n", 100), taken),
        ("101 hops", header("Received: a\r\n", 101), loops),
        ("1,000 hops", header("Received: a\r\n", 1_000), loops),
        (
            "our own stamp three times",
            header("Received: from a by mx.example.net; x\r\n", 3),
            loops,
        ),
        ("header of 255 KiB", header("X: y\r\n", 43_500), taken),
        ("header of 257 KiB", header("X: y\r\n", 43_900), too_large),
        ("header of 2 MiB", header("X: y\r\n", 350_000), too_large),
        (
            "one field of 200 KiB",
            text(format!("X: {}\r\n\r\nx", "y".repeat(200_000))),
            taken,
        ),
        (
            "one field of 1 MiB",
            text(format!("X: {}\r\n\r\nx", "y".repeat(1 << 20))),
            too_large,
        ),
        (
            "one field folded 20,000 times",
            text(format!("X: a\r\n{}\r\nx", " b\r\n".repeat(20_000))),
            taken,
        ),
        (
            "a field folded without end",
            text(format!("X: a\r\n{}\r\nx", " b\r\n".repeat(100_000))),
            too_large,
        ),
        (
            "field name of 100,000 octets",
            text(format!("{}: a\r\n\r\nx", "X".repeat(100_000))),
            taken,
        ),
        (
            "10,000 recipients in To",
            text(format!("To: {}\r\n\r\nx", "a@b.example, ".repeat(10_000))),
            taken,
        ),
        (
            "10,000 To fields",
            header("To: a@b.example\r\n", 10_000),
            taken,
        ),
        (
            "10,000 From fields",
            header("From: a@b.example\r\n", 10_000),
            taken,
        ),
        (
            "comments nested 10,000 deep",
            text(format!("To: {}a@b.example\r\n\r\nx", "(".repeat(10_000))),
            taken,
        ),
        (
            "10,000 encoded words",
            text(format!(
                "Subject:{}\r\n\r\nx",
                " =?utf-8?q?a?=".repeat(10_000)
            )),
            taken,
        ),
        (
            "encoded words in unknown charsets",
            text(format!(
                "Subject:{}\r\n\r\nx",
                " =?x-none?b?////?=".repeat(8_000)
            )),
            taken,
        ),
        (
            "10,000 parameters",
            text(format!(
                "Content-Type: text/plain{}\r\n\r\nx",
                ";a=b".repeat(10_000)
            )),
            taken,
        ),
        (
            "10,000 continuations of a parameter",
            text(format!(
                "Content-Type: text/plain{}\r\n\r\nx",
                (0..10_000).map(|n| format!(";n*{n}=a")).collect::<String>()
            )),
            taken,
        ),
        (
            "boundary of 100,000 octets",
            text(format!(
                "Content-Type: multipart/mixed; boundary={}\r\n\r\nx",
                "b".repeat(100_000)
            )),
            taken,
        ),
        ("parts nested 50 deep", nested(50), taken),
        ("parts nested 1,000 deep", nested(1_000), structure),
        ("parts nested 10,000 deep", nested(10_000), structure),
        ("1,000 parts", parts(1_000), taken),
        ("10,000 parts", parts(10_000), structure),
        ("100,000 parts", parts(100_000), structure),
        (
            "messages nested 5,000 deep",
            text("Content-Type: message/rfc822\r\n\r\n".repeat(5_000)),
            structure,
        ),
        (
            "1,000,000 empty lines",
            text(format!("A: b\r\n{}", "\r\n".repeat(1_000_000))),
            taken,
        ),
        (
            "1,000,000 dots",
            text(format!("A: b\r\n\r\n{}", "..\r\n".repeat(1_000_000))),
            taken,
        ),
        (
            "one line of 4 MiB",
            text(format!("A: b\r\n\r\n{}", "x".repeat(4 << 20))),
            taken,
        ),
        (
            "a message of 9 MiB",
            text(format!("A: b\r\n\r\n{}", "x".repeat(9 << 20))),
            too_large,
        ),
        (
            "1,000,000 bare LF",
            text(format!("A: b\r\n\r\n{}", "\n".repeat(1_000_000))),
            bare,
        ),
        (
            "1,000,000 bare CR",
            text(format!("A: b\r\n\r\n{}", "\r".repeat(1_000_000) + "x")),
            bare,
        ),
        (
            "1,000,000 NUL",
            text(format!("A: b\r\n\r\n{}", "\0".repeat(1_000_000))),
            bare,
        ),
        (
            "1,000,000 octets of 0xff",
            [b"A: b\r\n\r\n".to_vec(), vec![0xff; 1_000_000]].concat(),
            taken,
        ),
        ("no header at all", text("text\r\n".repeat(100_000)), taken),
        (
            "base64 of zeros, 3 MiB",
            text(format!(
                "Content-Transfer-Encoding: base64\r\n\r\n{}",
                format!("{}\r\n", "A".repeat(76)).repeat(40_000)
            )),
            taken,
        ),
        (
            "quoted-printable of soft breaks",
            text(format!(
                "Content-Transfer-Encoding: quoted-printable\r\n\r\n{}",
                "=\r\n".repeat(500_000)
            )),
            taken,
        ),
        (
            "uuencode without an end",
            text(format!(
                "A: b\r\n\r\nbegin 644 x\r\n{}",
                "M\r\n".repeat(300_000)
            )),
            taken,
        ),
        (
            "a thousand DKIM signatures",
            header("DKIM-Signature: v=1; d=x.example; s=a; b=x\r\n", 1_000),
            taken,
        ),
        (
            "a thousand ARC sets",
            header("ARC-Seal: i=1; cv=none\r\n", 1_000),
            taken,
        ),
        (
            "a thousand Authentication-Results",
            header(
                "Authentication-Results: mx.example.net; spf=pass\r\n",
                1_000,
            ),
            taken,
        ),
    ]
}

/// Dialogues with their replies.
pub(crate) fn dialogues() -> Vec<Dialogue> {
    vec![
        (
            "a command of 1 MiB",
            [vec![b'A'; 1 << 20], b"\r\nNOOP\r\n".to_vec()].concat(),
            vec!["500 5.5.2", "250 2.0.0"],
        ),
        (
            "a chunk that is announced and never comes",
            b"MAIL FROM:<>\r\nRCPT TO:<alice@x.example>\r\nBDAT 18446744073709551615\r\nx".to_vec(),
            vec!["250 2.1.0", "250 2.1.5"],
        ),
        (
            "100,000 octets of NOOP",
            b"NOOP\r\n".repeat(16_000),
            std::iter::repeat_n("250 2.0.0", 99)
                .chain(["250 2.0.0", "421 4.7.0"])
                .collect(),
        ),
        (
            "a thousand EHLO in one burst",
            b"EHLO a\r\n".repeat(1_000),
            vec!["554 5.5.0"],
        ),
    ]
}
