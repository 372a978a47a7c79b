//! `/api/v1/domains/{name}/dns`: what a domain publishes so that its mail comes here safely.
//!
//! MX (RFC 5321 §5), the certificate's TLSA (RFC 7672 §3.1), MTA-STS (RFC 8461 §3), reports about
//! TLS (RFC 8460 §3) and the key that signs what users write (RFC 6376 §3.6.1). It is advice: who
//! publishes elsewhere, or nothing, is served all the same.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use storage::model::DomainName;
use utoipa::ToSchema;

use super::domains::find;
use super::problem::Problem;
use crate::AdminSite;

/// How long senders keep the policy, in seconds: a week, as RFC 8461 §3.2 advises at least.
const POLICY_AGE_SECONDS: u32 = 604_800;
/// Octets of the hash that tells one policy from the next.
const POLICY_ID_BYTES: usize = 8;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DnsRecordView {
    /// Where it stands, with the final dot.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it says, as in a zone file; a text without its quotation marks.
    pub value: String,
    /// What it is good for, and what to take care of.
    pub note: String,
}

/// What a domain publishes.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DnsAdviceView {
    /// The domain.
    pub domain: String,
    /// The records.
    pub records: Vec<DnsRecordView>,
    /// Where a web server shows the MTA-STS policy.
    pub policy_url: String,
    /// The policy, with its line ends.
    pub policy: String,
}

/// The records that a domain's owner publishes.
#[utoipa::path(get, path = "/domains/{name}/dns", tag = "domains", params(("name" = String, Path)),
    responses((status = 200, body = DnsAdviceView), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(site): State<AdminSite>,
    Path(name): Path<String>,
) -> Result<Json<DnsAdviceView>, Problem> {
    let domain = find(&site, &name)?;
    let key = site.spool.dkim_key(domain.id).await?;
    let certificate = site.smtp_tls.as_ref().map(|tls| tls.public_key_sha256());
    let mut advice = advice(&domain.name, &site.hostname, certificate);
    if let Some(key) = key {
        advice.records.push(record(
            &format!(
                "{}.",
                actors::dkim::record_name(&key.selector, &domain.name)
            ),
            "TXT",
            key.record,
            "signs what users write in the portal",
        ));
    }
    Ok(Json(advice))
}

fn advice(domain: &DomainName, host: &DomainName, key: Option<[u8; 32]>) -> DnsAdviceView {
    let policy = format!(
        "version: STSv1\r\nmode: enforce\r\nmx: {host}\r\nmax_age: {POLICY_AGE_SECONDS}\r\n"
    );
    let id = Sha256::digest(policy.as_bytes());
    let id = hex(id.get(..POLICY_ID_BYTES).unwrap_or_default());
    let mut records = vec![record(
        &format!("{domain}."),
        "MX",
        format!("10 {host}."),
        "mail comes here; the only MX, or senders go past the filter",
    )];
    if let Some(key) = key {
        records.push(record(
            &format!("_25._tcp.{host}."),
            "TLSA",
            format!("3 1 1 {}", hex(&key)),
            "only where the zone of this node's name is signed (DNSSEC); publish the next \
             certificate's record before it is installed",
        ));
    }
    records.push(record(
        &format!("_mta-sts.{domain}."),
        "TXT",
        format!("v=STSv1; id={id}"),
        "only with the policy in place, and with a certificate of a public authority",
    ));
    records.push(record(
        &format!("_smtp._tls.{domain}."),
        "TXT",
        format!("v=TLSRPTv1; rua=mailto:postmaster@{domain}"),
        "others report there when they cannot encrypt",
    ));
    DnsAdviceView {
        domain: domain.to_string(),
        records,
        policy_url: format!("https://mta-sts.{domain}/.well-known/mta-sts.txt"),
        policy,
    }
}

fn record(name: &str, kind: &str, value: String, note: &str) -> DnsRecordView {
    DnsRecordView {
        name: name.to_owned(),
        kind: kind.to_owned(),
        value,
        note: note.to_owned(),
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in21_the_policy_names_our_host_and_its_id_follows_it() {
        let domain = "example.org".parse().unwrap();
        let one = advice(&domain, &"mx.example.net".parse().unwrap(), None);
        let other = advice(&domain, &"mx2.example.net".parse().unwrap(), None);
        assert!(one.policy.contains("\r\nmx: mx.example.net\r\n"));
        assert_eq!(one.records[0].value, "10 mx.example.net.");
        let id = |advice: &DnsAdviceView| {
            let record = advice
                .records
                .iter()
                .find(|one| one.name.starts_with("_mta-sts"));
            record.unwrap().value.clone()
        };
        assert!(id(&one).starts_with("v=STSv1; id="));
        assert_ne!(id(&one), id(&other));
        assert!(
            id(&one).len() <= "v=STSv1; id=".len() + 32,
            "RFC 8461 section 3.1"
        );
    }
}
