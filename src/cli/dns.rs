//! DNS records for people: lines of a zone file.

use web::api::DnsAdviceView;

/// Octets of one string of a TXT record; RFC 1035 §3.3 allows 255.
const STRING_MAX: usize = 250;

/// A record as it stands in a zone file.
pub(super) fn line(name: &str, kind: &str, value: &str) -> String {
    let value = match kind {
        "TXT" => {
            let strings = value.as_bytes().chunks(STRING_MAX);
            let quoted = strings.map(|part| format!("\"{}\"", String::from_utf8_lossy(part)));
            quoted.collect::<Vec<_>>().join(" ")
        }
        _ => value.to_owned(),
    };
    format!("{name} IN {kind} {value}\n")
}

/// What a domain publishes, each record below what it is good for.
pub(super) fn text(advice: &DnsAdviceView) -> String {
    let mut text = String::new();
    for record in &advice.records {
        text.push_str(&format!("; {}\n", record.note));
        text.push_str(&line(&record.name, &record.kind, &record.value));
    }
    text.push_str(&format!(
        "; the policy of MTA-STS, at {}\n",
        advice.policy_url
    ));
    for rule in advice.policy.lines() {
        text.push_str(&format!(";   {rule}\n"));
    }
    text
}
