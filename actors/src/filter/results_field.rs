//! The `Authentication-Results` field (RFC 8601): ours is written, forged ones under our name are
//! taken out (IN26), because whoever reads mail behind us believes what stands under our name.

use std::fmt::Write;

use storage::model::{ArcRecord, Authentication, DkimRecord};

use super::header_summary::fields;

/// The name of the field that carries a [`super::Verdict::Tag`].
pub const TAG_FIELD: &str = "X-Mailhold-Filter";
const RESULTS_FIELD: &str = "Authentication-Results";

/// The section without `Authentication-Results` fields under our name and without tags of ours;
/// none when there were none, which is how nearly all mail comes. All other octets stay.
#[must_use]
pub fn without_forged(section: &[u8], host: &str) -> Option<Vec<u8>> {
    let is_forged = |field: &super::header_summary::HeaderField<'_>| {
        field.is(TAG_FIELD) || (field.is(RESULTS_FIELD) && claims_to_be(field.value, host))
    };
    if !fields(section).any(|field| is_forged(&field)) {
        return None;
    }
    let kept = fields(section).filter(|field| !is_forged(field));
    let mut clean = Vec::with_capacity(section.len());
    for field in kept {
        clean.extend_from_slice(field.whole);
    }
    Some(clean)
}

/// Whether the authserv-id of a field is our name: a token or a quoted string behind comments and
/// blanks (RFC 8601 §2.2).
fn claims_to_be(value: &[u8], host: &str) -> bool {
    let rest = behind_comments(value);
    let host = host.as_bytes();
    if let Some(quoted) = rest.strip_prefix(b"\"") {
        let mut name = Vec::new();
        let mut bytes = quoted.iter();
        while let Some(byte) = bytes.next() {
            match byte {
                b'"' => break,
                b'\\' => name.extend(bytes.next()),
                // Folding inside quotes is no part of the name.
                b'\r' | b'\n' => {}
                other => name.push(*other),
            }
        }
        return is_name(name.trim_ascii(), host);
    }
    let end = rest
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || b";(/".contains(byte))
        .unwrap_or(rest.len());
    is_name(rest.get(..end).unwrap_or_default(), host)
}

/// A final dot makes no difference to who reads the name.
fn is_name(name: &[u8], host: &[u8]) -> bool {
    name.strip_suffix(b".")
        .unwrap_or(name)
        .eq_ignore_ascii_case(host)
}

/// What stands behind blanks and (nested) comments (RFC 5322 §3.2.2).
fn behind_comments(value: &[u8]) -> &[u8] {
    let mut rest = value.trim_ascii_start();
    while let Some(inner) = rest.strip_prefix(b"(") {
        let (mut depth, mut at) = (1_usize, 0);
        while depth > 0 {
            match inner.get(at) {
                Some(b'(') => depth += 1,
                Some(b')') => depth -= 1,
                Some(b'\\') => at += 1,
                Some(_) => {}
                None => return &[],
            }
            at += 1;
        }
        rest = inner.get(at..).unwrap_or_default().trim_ascii_start();
    }
    rest
}

/// Our field with its CRLF, one method a line.
#[must_use]
pub fn results_field(found: &Authentication, host: &str) -> String {
    let mut field = format!("{RESULTS_FIELD}: {host};\r\n\tspf={}", found.spf.result);
    comment(&mut field, found.spf.reason.as_deref());
    let property = if found.spf.helo {
        "smtp.helo"
    } else {
        "smtp.mailfrom"
    };
    property_of(&mut field, property, &found.spf.domain);
    if found.dkim.is_empty() {
        field.push_str(";\r\n\tdkim=none");
    }
    for signature in &found.dkim {
        dkim(&mut field, signature);
    }
    push(
        &mut field,
        format_args!(";\r\n\tdmarc={}", found.dmarc.result),
    );
    if !found.dmarc.policy_domain.is_empty() {
        let policy = found.dmarc.policy.as_str();
        push(&mut field, format_args!(" policy.dmarc={policy}"));
    }
    property_of(&mut field, "header.from", &found.dmarc.from_domain);
    if found.arc.sets > 0 {
        arc(&mut field, &found.arc);
    }
    field.push_str("\r\n");
    field
}

/// The field that tells those behind us what was found.
#[must_use]
pub fn tag_field(reasons: &str) -> String {
    format!("{TAG_FIELD}: tag;\r\n\t{}\r\n", harmless(reasons, 500))
}

fn dkim(field: &mut String, signature: &DkimRecord) {
    push(field, format_args!(";\r\n\tdkim={}", signature.result));
    comment(field, signature.reason.as_deref());
    property_of(field, "header.d", &signature.domain);
    property_of(field, "header.s", &signature.selector);
    if !signature.signature.is_empty() {
        push(field, format_args!(" header.b=\"{}\"", signature.signature));
    }
}

fn arc(field: &mut String, found: &ArcRecord) {
    push(field, format_args!(";\r\n\tarc={}", found.result));
    comment(field, found.reason.as_deref());
    property_of(field, "arc.chain", &found.sealer);
}

fn comment(field: &mut String, reason: Option<&str>) {
    if let Some(reason) = reason {
        push(field, format_args!(" ({})", harmless(reason, 100)));
    }
}

/// `name=value` with a value of the characters of domain names; nothing for an empty one.
fn property_of(field: &mut String, name: &str, value: &str) {
    if value.is_empty() {
        return;
    }
    let plain = |c: char| {
        if c.is_alphanumeric() || "-._:".contains(c) {
            c
        } else {
            '?'
        }
    };
    let value: String = value.chars().take(255).map(plain).collect();
    push(field, format_args!(" {name}={value}"));
}

/// A text that can neither end a comment nor a line.
fn harmless(text: &str, length_max: usize) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || " -._:/=,;@'".contains(c) {
            c
        } else {
            '?'
        }
    };
    text.chars().take(length_max).map(plain).collect()
}

fn push(field: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = field.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use storage::model::{AuthResult, DmarcPolicy, DmarcRecord, SpfRecord};

    const HOST: &str = "mx.example.net";

    #[test]
    fn in26_forged_results_under_our_name_are_taken_out_however_they_are_written() {
        for forged in [
            "Authentication-Results: mx.example.net; spf=pass\r\n",
            "authentication-results : MX.Example.NET.; spf=pass\r\n",
            "Authentication-Results:\r\n\tmx.example.net\r\n\t; spf=pass\r\n",
            "Authentication-Results: (a (b\\)) c) mx.example.net 1; none\r\n",
            "Authentication-Results: \"mx.example.net\"; none\r\n",
            "Authentication-Results: \"m\\x.example.net\"; none\r\n",
            "Authentication-Results: mx.example.net/1; none\r\n",
            "Authentication-Results: mx.example.net",
            "X-Mailhold-Filter: tag; all is well\r\n",
        ] {
            let section = format!("A: b\r\n{forged}");
            let clean = without_forged(section.as_bytes(), HOST);
            assert_eq!(clean.as_deref(), Some(&b"A: b\r\n"[..]), "{forged}");
        }
        for honest in [
            "Authentication-Results: mx2.example.net; spf=pass\r\n",
            "Authentication-Results: (mx.example.net) other.example; none\r\n",
            "Authentication-Results: mx.example.net.evil.example; none\r\n",
            "X-Authentication-Results: mx.example.net; none\r\n",
            "ARC-Authentication-Results: i=1; mx.example.net; none\r\n",
            "Authentication-Results: (never ends mx.example.net\r\n",
        ] {
            assert_eq!(without_forged(honest.as_bytes(), HOST), None, "{honest}");
        }
    }

    #[test]
    fn in26_our_field_says_what_was_found() {
        let found = Authentication {
            spf: SpfRecord {
                result: AuthResult::SoftFail,
                domain: "far.example".to_owned(),
                helo: false,
                reason: None,
            },
            dkim: vec![DkimRecord {
                result: AuthResult::Fail,
                domain: "far.example".to_owned(),
                selector: "s1".to_owned(),
                signature: "abcd+/12".to_owned(),
                aligned: true,
                reason: Some("the body hash does not match)\r\nX: y".to_owned()),
            }],
            dmarc: DmarcRecord {
                result: AuthResult::Fail,
                from_domain: "far.example".to_owned(),
                policy_domain: "far.example".to_owned(),
                policy: DmarcPolicy::Reject,
                ..DmarcRecord::default()
            },
            arc: ArcRecord::default(),
        };
        let expected = "Authentication-Results: mx.example.net;\r\n\
            \tspf=softfail smtp.mailfrom=far.example;\r\n\
            \tdkim=fail (the body hash does not match???X: y) header.d=far.example header.s=s1 header.b=\"abcd+/12\";\r\n\
            \tdmarc=fail policy.dmarc=reject header.from=far.example\r\n";
        assert_eq!(results_field(&found, HOST), expected);
        let none = results_field(&Authentication::default(), HOST);
        assert_eq!(
            none,
            "Authentication-Results: mx.example.net;\r\n\tspf=none;\r\n\tdkim=none;\r\n\tdmarc=none\r\n"
        );
    }

    proptest! {
        #[test]
        fn stripping_never_panics_and_a_second_time_changes_nothing(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "Authentication-Results", ":", " ", "mx.example.net", ";", "\"", "\\", "(", ")",
                "\r\n", "\r\n\t", "x", ".", "/", "A: b\r\n", "X-Mailhold-Filter: ",
            ]), 0..40),
        ) {
            let section = pieces.concat().into_bytes();
            if let Some(clean) = without_forged(&section, HOST) {
                prop_assert!(clean.len() < section.len());
                prop_assert_eq!(without_forged(&clean, HOST), None);
            }
        }

        #[test]
        fn whatever_a_sender_is_called_our_field_stays_one_field(domain in "\\PC{0,80}", reason in "\\PC{0,80}") {
            let found = Authentication {
                spf: SpfRecord { domain, reason: Some(reason), ..SpfRecord::default() },
                ..Authentication::default()
            };
            let field = results_field(&found, HOST).into_bytes();
            prop_assert_eq!(fields(&field).count(), 1);
            prop_assert!(without_forged(&field, HOST).is_some());
        }
    }
}
