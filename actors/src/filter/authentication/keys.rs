//! Public keys of DKIM and ARC signatures (RFC 6376 §3.6.1): looked up once for a message, all at the
//! same time, then handed to mail-auth as its cache, so that it verifies without asking anybody.

use std::borrow::Borrow;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Instant;

use futures_util::future::join_all;
use mail_auth::common::crypto::CryptoError;
use mail_auth::common::parse::TxtRecordParser;
use mail_auth::common::verify::{DomainKey, VerifySignature};
use mail_auth::hickory_resolver::proto::op::ResponseCode;
use mail_auth::{AuthenticatedMessage, DnsError, Error, ResolverCache, Txt};

use crate::dns::{Lookup, LookupError};
use crate::filter::limits::{KEYS_MAX, RSA_BITS_MIN};

/// The keys of one message, by the name they stand under.
#[derive(Default)]
pub(super) struct Keys {
    found: HashMap<Box<str>, Txt>,
}

impl Keys {
    /// Looks up the keys that a message's signatures name.
    pub(super) async fn look_up(dns: &dyn Lookup, message: &AuthenticatedMessage<'_>) -> Self {
        let names = names(message);
        let within = names.iter().take(KEYS_MAX);
        let found = join_all(within.map(|name| async move {
            let key = key(dns.txt(name).await);
            (name.as_str().into(), key)
        }));
        let mut found: HashMap<Box<str>, Txt> = found.await.into_iter().collect();
        for name in names.iter().skip(KEYS_MAX) {
            let why = format!("more than {KEYS_MAX} keys in one message");
            found.insert(name.as_str().into(), unavailable(why));
        }
        Self { found }
    }

    /// The keys of a message for which there was no time.
    pub(super) fn none_in_time(message: &AuthenticatedMessage<'_>) -> Self {
        let unavailable = || unavailable("no answer in time".to_owned());
        let found = names(message).into_iter();
        Self {
            found: found
                .map(|name| (name.into_boxed_str(), unavailable()))
                .collect(),
        }
    }
}

/// Names as mail-auth asks for them: lower case, with the final dot.
fn names(message: &AuthenticatedMessage<'_>) -> BTreeSet<String> {
    let dkim = message.dkim_headers.iter();
    let dkim = dkim.map(|field| field.header.domain_key());
    let ams = message.ams_headers.last().into_iter();
    let ams = ams.map(|field| field.header.domain_key());
    let seals = message.as_headers.iter();
    let seals = seals.map(|field| field.header.domain_key());
    let all = dkim.chain(ams).chain(seals);
    all.map(|name| name.to_lowercase()).collect()
}

fn key(answer: Result<Vec<Vec<u8>>, LookupError>) -> Txt {
    let texts = match answer {
        Ok(texts) => texts,
        Err(LookupError::NoSuchName) => return missing(ResponseCode::NXDomain),
        Err(LookupError::NoRecords) => return missing(ResponseCode::NoError),
        Err(LookupError::Unavailable(why)) => return unavailable(why),
    };
    let mut result = Err(Error::Dns(DnsError::InvalidRecordType));
    for text in &texts {
        result = DomainKey::parse(text).and_then(|key| usable(key, text));
        if result.is_ok() {
            break;
        }
    }
    result.into()
}

/// A key that may be used for mail, with SHA-256, and is long enough.
fn usable(key: DomainKey, text: &[u8]) -> Result<DomainKey, Error> {
    let refused = |why: &str| Err(Error::Crypto(CryptoError::Library(why.to_owned())));
    if key.p.public_key_bits() < RSA_BITS_MIN {
        return refused("the key has fewer than 1024 bits (RFC 8301)");
    }
    if !lists(text, "s", &["*", "email"]) {
        return refused("the key is not for mail");
    }
    if !lists(text, "h", &["sha256"]) {
        return refused("the key is not for SHA-256");
    }
    Ok(key)
}

/// Whether a colon-separated tag is absent or names one of `wanted`.
fn lists(text: &[u8], tag: &str, wanted: &[&str]) -> bool {
    let text = String::from_utf8_lossy(text);
    let mut tags = text.split(';').filter_map(|one| one.split_once('='));
    let value = tags.find(|(name, _)| name.trim().eq_ignore_ascii_case(tag));
    value.is_none_or(|(_, value)| {
        let mut items = value.split(':').map(str::trim);
        items.any(|item| wanted.iter().any(|one| item.eq_ignore_ascii_case(one)))
    })
}

fn missing(code: ResponseCode) -> Txt {
    Txt::Error(Error::Dns(DnsError::RecordNotFound(code)))
}

fn unavailable(why: String) -> Txt {
    Txt::Error(Error::Dns(DnsError::Resolver(why)))
}

impl ResolverCache<Box<str>, Txt> for Keys {
    fn get<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let found = self.found.get(name).cloned();
        // Every name was looked up before; one that was not is not asked for now.
        Some(found.unwrap_or_else(|| unavailable("the key was not looked up".to_owned())))
    }

    fn remove<Q>(&self, _: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: Txt, _: Instant) {}
}
