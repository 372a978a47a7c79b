//! Sender authentication: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 9989) and ARC (RFC 8617) of one
//! message.
//!
//! What always holds: the work is bounded (ten terms of SPF, ten signatures, twenty keys, eight
//! questions of DMARC) and has deadlines; what the DNS cannot answer is `temperror` and never speaks
//! against a message (Q21).

mod client_names;
pub mod dmarc;
mod keys;
mod signatures;
pub mod spf;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use mail_auth::MessageAuthenticator;
use mail_auth::hickory_resolver::config::{ResolverConfig, ResolverOpts};
use storage::model::{
    AuthResult, Authentication, DkimRecord, DmarcRecord, Envelope, ReversePath, SpfRecord,
    Timestamp,
};
use tokio::time::timeout;

use self::dmarc::{Alignment, TreeWalk};
use self::keys::Keys;
use self::signatures::Signed;
use self::spf::SpfQuestion;
use super::body_hash::FinishedHashes;
use super::header_summary::HeaderSummary;
use super::limits::{ALIGNMENT_TIMEOUT, CLIENT_NAME_TIMEOUT, LOOKUPS_TIMEOUT};
use crate::dns::{DnsError, Lookup, LookupError};
use crate::metrics;

/// Evaluates messages with the help of the DNS.
pub struct Authenticator {
    dns: Arc<dyn Lookup>,
    verifier: MessageAuthenticator,
}

/// A complete message, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub struct AuthenticationInput<'a> {
    /// Who sent it to whom, and from where.
    pub envelope: &'a Envelope,
    /// Its header section.
    pub section: &'a [u8],
    /// What that says.
    pub header: &'a HeaderSummary,
    /// Its body's hashes.
    pub hashes: &'a FinishedHashes,
    /// Our name.
    pub host: &'a str,
    /// Now, for the expiry of signatures.
    pub now: Timestamp,
}

impl Authenticator {
    /// One that asks `dns`.
    ///
    /// # Errors
    /// When the verifier cannot be made.
    pub fn new(dns: Arc<dyn Lookup>) -> Result<Self, DnsError> {
        // It is given every key beforehand and asks nobody.
        let nobody = ResolverConfig::from_name_servers(Vec::new());
        let verifier = MessageAuthenticator::new(nobody, ResolverOpts::default());
        let verifier = verifier.map_err(|error| DnsError::Configuration(error.to_string()))?;
        Ok(Self { dns, verifier })
    }

    /// Evaluates a message.
    pub async fn evaluate(&self, input: AuthenticationInput<'_>) -> Authentication {
        let signed = Signed::read(input.section, input.hashes, input.now);
        let author = author_domain(input.header);
        let mut walk = TreeWalk::default();
        let dns = self.dns.as_ref();
        let (spf, keys, walked) = futures_util::future::join3(
            self.spf(input),
            timeout(LOOKUPS_TIMEOUT, Keys::look_up(dns, &signed.message)),
            timeout(LOOKUPS_TIMEOUT, async {
                match &author {
                    Some(author) => go_up(dns, &mut walk, author).await,
                    None => Ok(()),
                }
            }),
        )
        .await;
        let keys = keys.unwrap_or_else(|_| Keys::none_in_time(&signed.message));
        let (mut dkim, arc) = signed.verify(&self.verifier, &keys).await;
        let dmarc = match (author, walked) {
            (None, _) => without_author(input.header),
            (Some(author), Ok(Ok(()))) => {
                let judged = judge(dns, walk, &author, &spf, &mut dkim);
                let judged = timeout(ALIGNMENT_TIMEOUT, judged).await;
                judged.unwrap_or_else(|_| temporary(author.clone()))
            }
            (Some(author), _) => temporary(author),
        };
        let found = Authentication {
            spf,
            dkim,
            dmarc,
            arc,
        };
        count(&found);
        found
    }

    /// The name of a client's address that leads back to it, for our trace field (RFC 5321 §4.4);
    /// none when it has none, or when the DNS does not answer in time.
    pub async fn client_name(&self, client: IpAddr) -> Option<String> {
        let client = client.to_canonical();
        let names = client_names::validated(self.dns.as_ref(), client);
        let names = timeout(CLIENT_NAME_TIMEOUT, names).await.ok()?;
        names.into_iter().next()
    }

    async fn spf(&self, input: AuthenticationInput<'_>) -> SpfRecord {
        let client = &input.envelope.client;
        let (domain, sender, helo) = match &input.envelope.reverse_path {
            ReversePath::Mailbox(mailbox) => {
                let domain = mailbox.domain().as_str();
                (domain, mailbox.to_string(), false)
            }
            ReversePath::Null => {
                let helo = client.helo.as_str();
                (helo, format!("postmaster@{helo}"), true)
            }
        };
        let domain = mail_auth::common::to_a_label(domain).into_owned();
        let question = SpfQuestion {
            client: client.ip,
            domain: &domain,
            sender: &sender,
            helo: &client.helo,
            receiver: input.host,
        };
        let checked = spf::check_host(self.dns.as_ref(), question);
        let (result, reason) = match timeout(LOOKUPS_TIMEOUT, checked).await {
            Ok(checked) => checked,
            Err(_) => {
                let why = "no answer in time".to_owned();
                (AuthResult::TempError, Some(why))
            }
        };
        SpfRecord {
            result,
            reason: reason.map(|reason| reason.chars().take(100).collect()),
            domain: domain.chars().take(255).collect(),
            helo,
        }
    }
}

/// The domain that DMARC is about: the only one that `From` names.
fn author_domain(header: &HeaderSummary) -> Option<String> {
    match header.from_domains().as_slice() {
        [only] if only.contains('.') && !only.starts_with('[') => {
            Some(mail_auth::common::to_a_label(only).to_ascii_lowercase())
        }
        _ => None,
    }
}

fn without_author(header: &HeaderSummary) -> DmarcRecord {
    let result = if header.from_domains().len() > 1 {
        AuthResult::PermError
    } else {
        AuthResult::None
    };
    DmarcRecord {
        result,
        ..DmarcRecord::default()
    }
}

fn temporary(author: String) -> DmarcRecord {
    DmarcRecord {
        result: AuthResult::TempError,
        from_domain: author,
        ..DmarcRecord::default()
    }
}

/// Walks from a domain upwards.
async fn go_up(dns: &dyn Lookup, walk: &mut TreeWalk, domain: &str) -> Result<(), LookupError> {
    while let Some(name) = walk.next_question(domain) {
        let texts = match dns.txt(&format!("_dmarc.{name}")).await {
            Ok(texts) => texts,
            Err(error) if error.is_void() => Vec::new(),
            Err(error) => return Err(error),
        };
        walk.answer(name, &texts);
    }
    Ok(())
}

/// Decides about DMARC when the walk from the author's domain is complete, and notes which
/// signatures are aligned.
async fn judge(
    dns: &dyn Lookup,
    mut walk: TreeWalk,
    author: &str,
    spf: &SpfRecord,
    dkim: &mut [DkimRecord],
) -> DmarcRecord {
    let (mut spf_mode, mut dkim_mode) = (Alignment::Relaxed, Alignment::Relaxed);
    let mut record = DmarcRecord {
        from_domain: author.to_owned(),
        ..DmarcRecord::default()
    };
    let mut applies = false;
    if let Some((at, policy)) = walk.policy(author)
        && policy.applies()
    {
        applies = true;
        (spf_mode, dkim_mode) = (policy.spf, policy.dkim);
        let is_own = at == author;
        let differs = policy.wish(false, true) != policy.wish(false, false);
        let exists = is_own || !differs || dns.ipv4(author).await != Err(LookupError::NoSuchName);
        record.policy = policy.wish(is_own, exists);
        record.policy_domain = at.to_owned();
    }
    let mut is_unsure = false;
    let counts = |result| matches!(result, AuthResult::Pass | AuthResult::TempError);
    if counts(spf.result) {
        let aligned = is_aligned(dns, &mut walk, author, &spf.domain, spf_mode).await;
        let passes = spf.result == AuthResult::Pass;
        record.spf_aligned = aligned == Ok(true) && passes;
        is_unsure |= aligned.is_err() || (aligned == Ok(true) && !passes);
    }
    for signature in dkim {
        if !counts(signature.result) {
            continue;
        }
        let aligned = is_aligned(dns, &mut walk, author, &signature.domain, dkim_mode).await;
        signature.aligned = aligned == Ok(true);
        let passes = signature.result == AuthResult::Pass;
        record.dkim_aligned |= signature.aligned && passes;
        is_unsure |= aligned.is_err() || (signature.aligned && !passes);
    }
    record.result = match (applies, record.spf_aligned || record.dkim_aligned) {
        (false, _) => AuthResult::None,
        (true, true) => AuthResult::Pass,
        (true, false) if is_unsure => AuthResult::TempError,
        (true, false) => AuthResult::Fail,
    };
    record
}

/// Whether a verified name is aligned with the author's domain (RFC 9989 §4.4).
async fn is_aligned(
    dns: &dyn Lookup,
    walk: &mut TreeWalk,
    author: &str,
    name: &str,
    mode: Alignment,
) -> Result<bool, LookupError> {
    let name = mail_auth::common::to_a_label(name).to_ascii_lowercase();
    if name == author {
        return Ok(true);
    }
    if mode == Alignment::Strict || !walk.may_be_aligned(author, &name) {
        return Ok(false);
    }
    go_up(dns, walk, &name).await?;
    Ok(walk.is_one_organisation(author, &name))
}

fn count(found: &Authentication) {
    metrics::authenticated("spf", found.spf.result.as_str());
    let passed = found.dkim.iter().find(|one| one.result == AuthResult::Pass);
    let dkim = passed.or_else(|| found.dkim.first());
    let dkim = dkim.map_or(AuthResult::None, |one| one.result);
    metrics::authenticated("dkim", dkim.as_str());
    metrics::authenticated("dmarc", found.dmarc.result.as_str());
    metrics::authenticated("arc", found.arc.result.as_str());
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("dns", &self.dns)
            .finish_non_exhaustive()
    }
}
