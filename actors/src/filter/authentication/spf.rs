//! SPF (RFC 7208): whether a client may send for a domain. Records are parsed and macros expanded by
//! mail-auth; the evaluation is ours, because its bounds are the point: ten terms that ask the DNS,
//! two of them in vain (§4.6.4), and a DNS failure is `temperror`, never `fail`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use futures_util::future::BoxFuture;
use mail_auth::common::parse::TxtRecordParser;
use mail_auth::spf::{Directive, Macro, Mechanism, Qualifier, Spf, Variables};
use storage::model::AuthResult;

use super::client_names;
use crate::dns::{Lookup, LookupError};
use crate::filter::limits::{SPF_LOOKUPS_MAX, SPF_NAMES_MAX, SPF_VOIDS_MAX};

/// Octets of a name (§7.3).
const NAME_MAX: usize = 253;

/// Who sends, for whom.
#[derive(Debug, Clone, Copy)]
pub struct SpfQuestion<'a> {
    /// The client.
    pub client: IpAddr,
    /// The domain whose record is asked first.
    pub domain: &'a str,
    /// `local-part@domain`; `postmaster@helo` for the null reverse path (§2.4).
    pub sender: &'a str,
    /// What the client called itself.
    pub helo: &'a str,
    /// Our name.
    pub receiver: &'a str,
}

/// Why an evaluation ends early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    result: AuthResult,
    reason: String,
}

impl Fault {
    fn permanent(reason: impl Into<String>) -> Self {
        Self {
            result: AuthResult::PermError,
            reason: reason.into(),
        }
    }

    fn temporary(reason: impl Into<String>) -> Self {
        Self {
            result: AuthResult::TempError,
            reason: reason.into(),
        }
    }
}

/// `check_host()` of RFC 7208 §4: the result and, when that needs one, a reason.
pub async fn check_host(
    dns: &dyn Lookup,
    question: SpfQuestion<'_>,
) -> (AuthResult, Option<String>) {
    if !is_askable(question.domain) {
        return (AuthResult::None, None);
    }
    let mut evaluation = Evaluation {
        dns,
        question: SpfQuestion {
            client: question.client.to_canonical(),
            ..question
        },
        lookups: 0,
        voids: 0,
        validated: None,
    };
    let result = evaluation.evaluate(question.domain.to_owned()).await;
    match result {
        Ok(result) => (result, None),
        Err(fault) => (fault.result, Some(fault.reason)),
    }
}

/// A fully qualified name of sound labels (§4.3).
fn is_askable(domain: &str) -> bool {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    domain.len() <= NAME_MAX
        && !domain.starts_with('[')
        && domain.contains('.')
        && domain
            .split('.')
            .all(|label| (1..=63).contains(&label.len()))
}

struct Evaluation<'a> {
    dns: &'a dyn Lookup,
    question: SpfQuestion<'a>,
    lookups: u32,
    voids: u32,
    /// The macro `p`, once it was needed.
    validated: Option<String>,
}

impl<'a> Evaluation<'a> {
    /// The result of a domain's record. Boxed: records include records.
    fn evaluate(&mut self, domain: String) -> BoxFuture<'_, Result<AuthResult, Fault>> {
        Box::pin(async move {
            let Some(record) = self.record(&domain).await? else {
                return Ok(AuthResult::None);
            };
            for directive in &record.directives {
                if self.matches(directive, &domain).await? {
                    return Ok(result_of(&directive.qualifier));
                }
            }
            let Some(redirect) = &record.redirect else {
                return Ok(AuthResult::Neutral);
            };
            self.count_lookup()?;
            let target = self.expand(redirect, &domain).await?;
            match self.evaluate(target.clone()).await? {
                AuthResult::None => Err(Fault::permanent(format!(
                    "{target}, to which it redirects, has no SPF record"
                ))),
                result => Ok(result),
            }
        })
    }

    async fn record(&mut self, domain: &str) -> Result<Option<Spf>, Fault> {
        if !is_askable(domain) {
            return Ok(None);
        }
        let texts = match self.dns.txt(domain).await {
            Ok(texts) => texts,
            Err(error) if error.is_void() => return Ok(None),
            Err(error) => return Err(unavailable(domain, &error)),
        };
        let mut records = texts.iter().filter(|text| is_spf(text));
        let Some(record) = records.next() else {
            return Ok(None);
        };
        if records.next().is_some() {
            let reason = format!("{domain} has more than one SPF record");
            return Err(Fault::permanent(reason));
        }
        match Spf::parse(record) {
            Ok(parsed) if has_known_terms(record) && has_single_modifiers(record) => {
                Ok(Some(parsed))
            }
            _ => Err(Fault::permanent(format!(
                "the SPF record of {domain} is faulty"
            ))),
        }
    }

    async fn matches(&mut self, directive: &Directive, domain: &str) -> Result<bool, Fault> {
        match &directive.mechanism {
            Mechanism::All => Ok(true),
            Mechanism::Ip4 { addr, mask } => Ok(self.is_in_ipv4(*addr, *mask)),
            Mechanism::Ip6 { addr, mask } => Ok(self.is_in_ipv6(*addr, *mask)),
            Mechanism::A {
                macro_string,
                ip4_mask,
                ip6_mask,
            } => {
                self.count_lookup()?;
                let target = self.expand(macro_string, domain).await?;
                self.has_client(&target, *ip4_mask, *ip6_mask).await
            }
            Mechanism::Mx {
                macro_string,
                ip4_mask,
                ip6_mask,
            } => {
                self.count_lookup()?;
                let target = self.expand(macro_string, domain).await?;
                self.mx_has_client(&target, *ip4_mask, *ip6_mask).await
            }
            Mechanism::Include { macro_string } => {
                self.count_lookup()?;
                let target = self.expand(macro_string, domain).await?;
                self.includes(target).await
            }
            Mechanism::Ptr { macro_string } => {
                self.count_lookup()?;
                let target = self.expand(macro_string, domain).await?;
                let names = client_names::validated(self.dns, self.question.client).await;
                Ok(names.iter().any(|name| is_within(name, &target)))
            }
            Mechanism::Exists { macro_string } => {
                self.count_lookup()?;
                let target = self.expand(macro_string, domain).await?;
                // Always an A record, whatever the client's family (§5.7).
                let found = self.dns.ipv4(&target).await;
                Ok(self.counted(&target, found)?.is_some())
            }
        }
    }

    /// §5.2: what the other record says decides only when it passes.
    async fn includes(&mut self, target: String) -> Result<bool, Fault> {
        match self.evaluate(target.clone()).await? {
            AuthResult::Pass => Ok(true),
            AuthResult::None => Err(Fault::permanent(format!(
                "{target}, which it includes, has no SPF record"
            ))),
            _ => Ok(false),
        }
    }

    async fn has_client(&mut self, host: &str, mask4: u32, mask6: u128) -> Result<bool, Fault> {
        match self.question.client {
            IpAddr::V4(_) => {
                let found = self.dns.ipv4(host).await;
                let found = self.counted(host, found)?.unwrap_or_default();
                Ok(found.iter().any(|one| self.is_in_ipv4(*one, mask4)))
            }
            IpAddr::V6(_) => {
                let found = self.dns.ipv6(host).await;
                let found = self.counted(host, found)?.unwrap_or_default();
                Ok(found.iter().any(|one| self.is_in_ipv6(*one, mask6)))
            }
        }
    }

    async fn mx_has_client(&mut self, name: &str, mask4: u32, mask6: u128) -> Result<bool, Fault> {
        let found = self.dns.mx(name).await;
        let Some(exchangers) = self.counted(name, found)? else {
            return Ok(false);
        };
        if exchangers.len() > SPF_NAMES_MAX {
            let reason = format!("{name} has more than {SPF_NAMES_MAX} mail exchangers");
            return Err(Fault::permanent(reason));
        }
        for exchanger in exchangers {
            if exchanger.host != "." && self.has_client(&exchanger.host, mask4, mask6).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The name that a macro stands for, cut to what can be asked (§7.3).
    async fn expand(&mut self, text: &Macro, domain: &str) -> Result<String, Fault> {
        if text.needs_ptr() && self.validated.is_none() {
            self.count_lookup()?;
            let names = client_names::validated(self.dns, self.question.client).await;
            let own = names.iter().find(|name| is_within(name, domain));
            let name = own.or_else(|| names.first()).cloned();
            self.validated = Some(name.unwrap_or_else(|| "unknown".to_owned()));
        }
        let mut variables = Variables::new();
        variables.set_ip(&self.question.client);
        variables.set_sender(self.question.sender.as_bytes());
        variables.set_domain(domain.as_bytes());
        variables.set_helo_domain(self.question.helo.as_bytes());
        variables.set_host_domain(self.question.receiver.as_bytes());
        if let Some(name) = &self.validated {
            variables.set_validated_domain(name.as_bytes());
        }
        let expanded = text.eval(&variables, domain, false);
        let mut name = expanded.trim_end_matches('.');
        while name.len() > NAME_MAX {
            name = name.split_once('.').map_or("", |(_, rest)| rest);
        }
        Ok(name.to_owned())
    }

    /// One more term asks the DNS.
    fn count_lookup(&mut self) -> Result<(), Fault> {
        self.lookups += 1;
        if self.lookups > SPF_LOOKUPS_MAX {
            let reason = format!("more than {SPF_LOOKUPS_MAX} terms ask the DNS");
            return Err(Fault::permanent(reason));
        }
        Ok(())
    }

    /// The answer to a term's question; none for "nothing there", which may happen twice.
    fn counted<T>(
        &mut self,
        name: &str,
        answer: Result<T, LookupError>,
    ) -> Result<Option<T>, Fault> {
        match answer {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_void() => {
                self.voids += 1;
                if self.voids > SPF_VOIDS_MAX {
                    let reason =
                        format!("more than {SPF_VOIDS_MAX} names that do not exist are asked");
                    return Err(Fault::permanent(reason));
                }
                Ok(None)
            }
            Err(error) => Err(unavailable(name, &error)),
        }
    }

    fn is_in_ipv4(&self, address: Ipv4Addr, mask: u32) -> bool {
        matches!(self.question.client, IpAddr::V4(client)
            if client.to_bits() & mask == address.to_bits() & mask)
    }

    fn is_in_ipv6(&self, address: Ipv6Addr, mask: u128) -> bool {
        matches!(self.question.client, IpAddr::V6(client)
            if client.to_bits() & mask == address.to_bits() & mask)
    }
}

fn unavailable(name: &str, error: &LookupError) -> Fault {
    Fault::temporary(format!("{name}: {error}"))
}

const fn result_of(qualifier: &Qualifier) -> AuthResult {
    match qualifier {
        Qualifier::Pass => AuthResult::Pass,
        Qualifier::Fail => AuthResult::Fail,
        Qualifier::SoftFail => AuthResult::SoftFail,
        Qualifier::Neutral => AuthResult::Neutral,
    }
}

/// `v=spf1`, alone or before a blank (§4.5).
fn is_spf(text: &[u8]) -> bool {
    let Some((version, rest)) = text.split_at_checked(6) else {
        return false;
    };
    version.eq_ignore_ascii_case(b"v=spf1") && matches!(rest.first(), None | Some(b' '))
}

/// The terms of a record behind its version.
fn terms(record: &[u8]) -> impl Iterator<Item = &[u8]> {
    let all = record.split(|byte| *byte == b' ').skip(1);
    all.filter(|term| !term.is_empty())
}

/// A term is a mechanism of RFC 7208 or a modifier; the parser passes over what it does not know,
/// where §4.6 wants an error.
fn has_known_terms(record: &[u8]) -> bool {
    const MECHANISMS: [&[u8]; 8] = [
        b"all", b"include", b"a", b"mx", b"ptr", b"ip4", b"ip6", b"exists",
    ];
    terms(record).all(|term| {
        let bare = match term.split_first() {
            Some((b'+' | b'-' | b'~' | b'?', rest)) => rest,
            _ => term,
        };
        let end = bare
            .iter()
            .position(|byte| b":/=".contains(byte))
            .unwrap_or(bare.len());
        let (name, rest) = bare.split_at(end);
        let is_modifier = rest.first() == Some(&b'=') && bare.len() == term.len();
        let is_name = |name: &[u8]| name.first().is_some_and(u8::is_ascii_alphabetic);
        let is_mechanism = MECHANISMS.iter().any(|one| name.eq_ignore_ascii_case(one));
        let value = rest.get(1..).unwrap_or_default();
        let is_sound = match name.to_ascii_lowercase().as_slice() {
            b"ip4" => is_network(value, 32),
            b"ip6" => is_network(value, 128),
            _ => rest.first() != Some(&b'='),
        };
        (is_modifier && is_name(name)) || (is_mechanism && is_sound)
    })
}

/// An address of the family with so many bits, with or without a length.
fn is_network(value: &[u8], bits: u8) -> bool {
    let Ok(value) = std::str::from_utf8(value) else {
        return false;
    };
    let (address, length) = value.split_once('/').unwrap_or((value, "0"));
    let is_address = match bits {
        32 => address.parse::<Ipv4Addr>().is_ok(),
        _ => address.parse::<Ipv6Addr>().is_ok(),
    };
    is_address && length.parse::<u8>().is_ok_and(|length| length <= bits)
}

/// `redirect` and `exp` stand at most once each (§6), which the parser does not mind.
fn has_single_modifiers(record: &[u8]) -> bool {
    [&b"redirect="[..], b"exp="].iter().all(|name| {
        let named = terms(record).filter(|term| {
            let front = term.get(..name.len());
            front.is_some_and(|front| front.eq_ignore_ascii_case(name))
        });
        named.count() <= 1
    })
}

/// `name` is `domain` or below it.
fn is_within(name: &str, domain: &str) -> bool {
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    name == domain || super::super::engine::is_below(name, &domain)
}
