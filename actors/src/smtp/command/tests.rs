use super::*;
use proptest::prelude::*;
use std::borrow::Cow;
use storage::model::{DsnNotify, ForwardPath};

fn parse(line: &str) -> Result<Command, CommandError> {
    Command::parse(line.as_bytes())
}

fn mail(line: &str) -> Mail {
    match parse(line) {
        Ok(Command::Mail(mail)) => mail,
        other => panic!("{line}: {other:?}"),
    }
}

fn rcpt(line: &str) -> Recipient {
    match parse(line) {
        Ok(Command::Rcpt(recipient)) => recipient,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn in2_verbs_are_known_in_any_case_and_spaces_at_the_end_are_tolerated() {
    assert_eq!(
        parse("ehlo X.example"),
        Ok(Command::Ehlo("X.example".into()))
    );
    assert_eq!(
        parse("Helo [192.0.2.1]"),
        Ok(Command::Helo("[192.0.2.1]".into()))
    );
    assert_eq!(
        parse("EHLO odd_name!"),
        Ok(Command::Ehlo("odd_name!".into()))
    );
    assert_eq!(parse("daTa  "), Ok(Command::Data));
    assert_eq!(parse("NOOP whatever it is"), Ok(Command::Noop));
    assert_eq!(
        parse("BDAT 10"),
        Ok(Command::Bdat {
            size_bytes: 10,
            is_last: false
        })
    );
    assert_eq!(
        parse("bdat 0 last"),
        Ok(Command::Bdat {
            size_bytes: 0,
            is_last: true
        })
    );
}

#[test]
fn arguments_too_many_too_few_or_wrong_are_refused() {
    for line in [
        "EHLO",
        "HELO",
        "EHLO a b",
        "EHLO \u{e9}",
        "DATA now",
        "RSET x",
        "QUIT please",
        "STARTTLS x",
        "VRFY",
        "MAIL",
        "MAIL FROM",
        "MAIL FROM:",
        "MAIL FROM:a@b.example",
        "MAIL FROM:<a@b.example",
        "MAIL FROM:<a@b.example>SIZE=1",
        "MAIL <a@b.example>",
        "MAIL TO:<a@b.example>",
        "RCPT FROM:<a@b.example>",
        "RCPT TO:a@b.example",
        "RCPT TO <a@b.example>",
        "BDAT",
        "BDAT x",
        "BDAT -1",
        "BDAT +1",
        "BDAT 1 2",
        "BDAT 1 LAST 2",
        "BDAT 18446744073709551616",
        "BDAT 000000000000000000001",
    ] {
        assert!(
            matches!(parse(line), Err(CommandError::Syntax(_))),
            "{line}"
        );
    }
    assert_eq!(
        parse(&format!("EHLO {}", "a".repeat(256))),
        Err(CommandError::Syntax("EHLO name"))
    );
}

#[test]
fn what_is_not_ours_is_told_apart() {
    for line in [
        "",
        " ",
        "FOO",
        "\tNOOP",
        " NOOP",
        "MAILFROM:<a@b.example>",
        "NOOPX",
    ] {
        assert_eq!(parse(line), Err(CommandError::Unknown), "{line:?}");
    }
    for line in [
        "EXPN list",
        "ETRN x",
        "AUTH PLAIN AAAA",
        "XCLIENT NAME=x",
        "TURN",
        "LHLO x",
    ] {
        assert_eq!(parse(line), Err(CommandError::NotImplemented), "{line}");
    }
    for line in [
        "GET / HTTP/1.1",
        "POST /x HTTP/1.0",
        "CONNECT mx:25 HTTP/1.1",
        "options * HTTP/1.1",
    ] {
        assert_eq!(parse(line), Err(CommandError::Http), "{line}");
    }
    assert_eq!(Command::parse(b"EHLO \xff"), Err(CommandError::NotUtf8));
}

#[test]
fn in13_in16_in17_in18_parameters_of_mail() {
    let parsed =
        mail("MAIL FROM:<a@b.example> size=123 BODY=8bitmime SMTPUTF8 RET=HDRS ENVID=x+20y");
    assert_eq!(parsed.size_bytes, Some(123));
    assert_eq!(parsed.body, BodyKind::EightBitMime);
    assert!(parsed.smtputf8);
    assert_eq!(parsed.dsn_return, Some(DsnReturn::Headers));
    assert_eq!(parsed.envelope_id.as_deref(), Some("x y"));
    assert_eq!(mail("MAIL FROM:<>").reverse_path, ReversePath::Null);
    assert_eq!(mail("mail from: <a@b.example>").size_bytes, None);
}

#[test]
fn in18_parameters_of_rcpt() {
    let parsed = rcpt("RCPT TO:<a@b.example> NOTIFY=SUCCESS,delay ORCPT=RFC822;a+2Bb@c.example");
    let expected = DsnNotify {
        never: false,
        success: true,
        failure: false,
        delay: true,
    };
    assert_eq!(parsed.notify, Some(expected));
    assert_eq!(parsed.original.as_deref(), Some("rfc822;a+b@c.example"));
    assert!(
        rcpt("RCPT TO:<a@b.example> NOTIFY=never")
            .notify
            .unwrap()
            .never
    );
}

#[test]
fn wrong_repeated_and_unknown_parameters_are_refused() {
    for (line, error) in [
        (
            "MAIL FROM:<a@b.example> SIZE=1 SIZE=2",
            CommandError::Parameter("SIZE"),
        ),
        (
            "MAIL FROM:<a@b.example> SIZE",
            CommandError::Parameter("SIZE"),
        ),
        (
            "MAIL FROM:<a@b.example> SIZE=",
            CommandError::Parameter("SIZE"),
        ),
        (
            "MAIL FROM:<a@b.example> SIZE=-1",
            CommandError::Parameter("SIZE"),
        ),
        (
            "MAIL FROM:<a@b.example> SIZE=99999999999999999999",
            CommandError::Parameter("SIZE"),
        ),
        (
            "MAIL FROM:<a@b.example> BODY=BINARYMIME",
            CommandError::Parameter("BODY"),
        ),
        (
            "MAIL FROM:<a@b.example> SMTPUTF8=1",
            CommandError::Parameter("SMTPUTF8"),
        ),
        (
            "MAIL FROM:<a@b.example> RET=SOME",
            CommandError::Parameter("RET"),
        ),
        (
            "MAIL FROM:<a@b.example> ENVID=a+0D",
            CommandError::Parameter("ENVID"),
        ),
        (
            "MAIL FROM:<a@b.example> AUTH=<>",
            CommandError::UnknownParameter,
        ),
        ("MAIL FROM:<a@b.example> x", CommandError::UnknownParameter),
        (
            "MAIL FROM:<a@b.example> NOTIFY=NEVER",
            CommandError::UnknownParameter,
        ),
        (
            "RCPT TO:<a@b.example> SIZE=1",
            CommandError::UnknownParameter,
        ),
        (
            "RCPT TO:<a@b.example> NOTIFY=NEVER,SUCCESS",
            CommandError::Parameter("NOTIFY"),
        ),
        (
            "RCPT TO:<a@b.example> NOTIFY=",
            CommandError::Parameter("NOTIFY"),
        ),
        (
            "RCPT TO:<a@b.example> ORCPT=a@b.example",
            CommandError::Parameter("ORCPT"),
        ),
        (
            "RCPT TO:<a@b.example> ORCPT=rf c;x",
            CommandError::Parameter("ORCPT"),
        ),
    ] {
        assert_eq!(parse(line), Err(error), "{line}");
    }
}

#[test]
fn in9_source_routes_and_malformed_addresses_are_told_apart() {
    assert_eq!(
        parse("RCPT TO:<@a.example,@b.example:c@d.example>"),
        Err(CommandError::SourceRoute)
    );
    assert_eq!(
        parse("MAIL FROM:<@a.example:c@d.example>"),
        Err(CommandError::SourceRoute)
    );
    for line in [
        "RCPT TO:<>",
        "RCPT TO:<a b@c.example>",
        "RCPT TO:<a@b@c.example>",
        "RCPT TO:<a@>",
    ] {
        assert!(
            matches!(parse(line), Err(CommandError::Recipient(_))),
            "{line}"
        );
    }
    assert!(matches!(
        parse("MAIL FROM:<a>"),
        Err(CommandError::Sender(_))
    ));
}

#[test]
fn quotes_hide_brackets_and_nothing_else() {
    let parsed = rcpt("RCPT TO:<\"a> SIZE=1\"@b.example>");
    assert_eq!(parsed.path.to_string(), "\"a> SIZE=1\"@b.example");
    let parsed = rcpt("RCPT TO:<\"a\\\"> x\"@b.example>");
    assert_eq!(parsed.path.to_string(), "\"a\\\"> x\"@b.example");
    assert!(parse("RCPT TO:<\"a>").is_err());
    assert_eq!(rcpt("RCPT TO:<PostMaster>").path, ForwardPath::Postmaster);
}

proptest! {
    #[test]
    fn no_line_panics(line in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Command::parse(&line);
    }

    #[test]
    fn commands_near_the_grammar_do_not_panic(line in "(MAIL FROM|RCPT TO|mail from):[<>@a\"\\\\. =;+,A-Z0-9\u{e9}]{0,60}") {
        let _ = parse(&line);
    }

    /// Q30: whatever is accepted prints back to the same command: nothing hides in an address.
    #[test]
    fn what_is_accepted_prints_back_to_itself(path in "[<>@a-c\"\\\\. %!:]{0,20}@[a-c.\\[\\]1]{1,10}") {
        if let Ok(Command::Rcpt(recipient)) = parse(&format!("RCPT TO:<{path}>")) {
            let again = rcpt(&format!("RCPT TO:<{}>", recipient.path));
            prop_assert_eq!(again, recipient);
        }
    }

    /// On clean, well-formed lines smtp-proto reads the same as we do.
    #[test]
    fn well_formed_lines_mean_what_smtp_proto_reads(
        local in "[a-z]{1,10}(\\.[a-z]{1,5})?", domain in "[a-z]{1,10}\\.[a-z]{2,5}",
        size in 0_u32..1_000_000, eight in any::<bool>(), utf8 in any::<bool>(),
    ) {
        let body = if eight { "8BITMIME" } else { "7BIT" };
        let flag = if utf8 { " SMTPUTF8" } else { "" };
        let line = format!("MAIL FROM:<{local}@{domain}> SIZE={size} BODY={body}{flag}");
        let ours = mail(&line);
        let bytes = format!("{line}\r\n");
        let theirs = smtp_proto::Request::<Cow<'_, str>>::parse(&mut bytes.as_bytes().iter()).unwrap();
        let smtp_proto::Request::Mail { from } = theirs else { panic!("{line}") };
        prop_assert_eq!(ours.reverse_path.to_string(), from.address.as_ref());
        prop_assert_eq!(ours.size_bytes, Some(from.size as u64));
        prop_assert_eq!(ours.smtputf8, from.flags & smtp_proto::MAIL_SMTPUTF8 != 0);
        prop_assert_eq!(ours.body == BodyKind::EightBitMime, from.flags & smtp_proto::MAIL_BODY_8BITMIME != 0);
    }
}
