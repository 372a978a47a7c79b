//! The resolver of production: hickory with the system's servers or configured ones.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::lookup::Lookup as Found;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError as HickoryDnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::{ResolverBuilder, TokioResolver};

use super::lookup::{Lookup, LookupError, MailExchanger, RECORDS_MAX, TXT_BYTES_MAX};
use super::{ADDRESSES_MAX, DnsError, EXCHANGERS_MAX, Exchanger, Resolver, literal};

/// Time for one look-up with all its repetitions.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for one question to one server.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest time a negative answer is believed, so that a repaired zone is noticed.
const NEGATIVE_TTL_MAX: Duration = Duration::from_secs(30);
/// Longest time a positive answer is believed.
const POSITIVE_TTL_MAX: Duration = Duration::from_secs(300);
/// Answers that are remembered, at most.
const CACHE_ENTRIES_MAX: u64 = 16_384;

/// A caching stub resolver. It follows `/etc/hosts` like the rest of the system does.
#[derive(Clone)]
pub struct HickoryResolver {
    inner: TokioResolver,
}

impl HickoryResolver {
    /// With the servers of the system's configuration when `servers` is empty, with these
    /// otherwise.
    ///
    /// # Errors
    /// When the system's configuration cannot be read.
    pub fn new(servers: &[SocketAddr]) -> Result<Self, DnsError> {
        let mut builder = builder(servers)?;
        let options = builder.options_mut();
        options.cache_size = CACHE_ENTRIES_MAX;
        options.negative_max_ttl = Some(NEGATIVE_TTL_MAX);
        options.positive_max_ttl = Some(POSITIVE_TTL_MAX);
        Ok(Self {
            inner: built(builder)?,
        })
    }
}

/// A resolver of the system's servers when `servers` is empty, of these otherwise.
pub(super) fn builder(
    servers: &[SocketAddr],
) -> Result<ResolverBuilder<TokioRuntimeProvider>, DnsError> {
    let mut builder = if servers.is_empty() {
        TokioResolver::builder_tokio().map_err(configuration)?
    } else {
        let servers = servers.iter().map(|server| name_server(*server)).collect();
        TokioResolver::builder_with_config(
            ResolverConfig::from_name_servers(servers),
            TokioRuntimeProvider::default(),
        )
    };
    let options = builder.options_mut();
    options.timeout = QUESTION_TIMEOUT;
    options.attempts = 2;
    Ok(builder)
}

pub(super) fn built(
    builder: ResolverBuilder<TokioRuntimeProvider>,
) -> Result<TokioResolver, DnsError> {
    builder.build().map_err(configuration)
}

fn configuration(error: NetError) -> DnsError {
    DnsError::Configuration(error.to_string())
}

fn name_server(server: SocketAddr) -> NameServerConfig {
    let mut config = NameServerConfig::udp_and_tcp(server.ip());
    for connection in &mut config.connections {
        connection.port = server.port();
    }
    config
}

impl Resolver for HickoryResolver {
    fn addresses(&self, host: &str) -> BoxFuture<'_, Result<Vec<IpAddr>, DnsError>> {
        let host = host.to_owned();
        Box::pin(async move {
            if let Some(address) = literal(&host) {
                return Ok(vec![address]);
            }
            let unavailable = |why: String| DnsError::Unavailable {
                host: host.clone(),
                why,
            };
            // A name with a dot is complete; without one the search list may apply ("localhost").
            let name = if host.contains('.') && !host.ends_with('.') {
                format!("{host}.")
            } else {
                host.clone()
            };
            let answer = tokio::time::timeout(LOOKUP_TIMEOUT, self.inner.lookup_ip(name))
                .await
                .map_err(|_| unavailable("no answer in time".to_owned()))?;
            let addresses: Vec<IpAddr> = match answer {
                Ok(found) => found.iter().take(ADDRESSES_MAX).collect(),
                Err(error) if error.is_no_records_found() => Vec::new(),
                Err(error) => return Err(unavailable(error.to_string())),
            };
            if addresses.is_empty() {
                return Err(DnsError::NoAddress { host });
            }
            Ok(addresses)
        })
    }

    fn exchangers(&self, domain: &str) -> BoxFuture<'_, Result<Vec<Exchanger>, DnsError>> {
        let host = domain.trim_end_matches('.').to_owned();
        Box::pin(async move {
            let unavailable = |why: String| DnsError::Unavailable {
                host: host.clone(),
                why,
            };
            let question = self.inner.mx_lookup(format!("{host}."));
            let answer = tokio::time::timeout(LOOKUP_TIMEOUT, question)
                .await
                .map_err(|_| unavailable("no answer in time".to_owned()))?;
            let found = match answer {
                Ok(found) => found,
                Err(error) if error.is_nx_domain() => return Err(DnsError::NoDomain { host }),
                Err(error) if error.is_no_records_found() => return Ok(Vec::new()),
                Err(error) => return Err(unavailable(error.to_string())),
            };
            let exchanger = |record: &Record| match &record.data {
                RData::MX(mx) => Some(Exchanger {
                    preference: mx.preference,
                    host: host_name(&mx.exchange),
                }),
                _ => None,
            };
            let mut exchangers: Vec<_> = found.answers().iter().filter_map(exchanger).collect();
            exchangers.sort();
            exchangers.truncate(EXCHANGERS_MAX);
            Ok(exchangers)
        })
    }
}

/// As it stands in our records: lower case, without the last dot; empty for the root.
fn host_name(name: &Name) -> String {
    let text = name.to_ascii().to_ascii_lowercase();
    text.trim_end_matches('.').to_owned()
}

impl HickoryResolver {
    /// The records of one type that a name has. Names are complete: no search list is tried.
    async fn records(&self, name: String, record: RecordType) -> Result<Vec<RData>, LookupError> {
        let mut name = Name::from_str_relaxed::<&str>(&name)
            .map_err(|error| LookupError::Unavailable(error.to_string()))?;
        name.set_fqdn(true);
        let found = tokio::time::timeout(LOOKUP_TIMEOUT, self.inner.lookup(name, record)).await;
        match found {
            Ok(Ok(found)) => of_type(&found, record),
            Ok(Err(error)) => Err(lookup_error(&error)),
            Err(_) => Err(LookupError::Unavailable("no answer in time".to_owned())),
        }
    }
}

fn of_type(found: &Found, record: RecordType) -> Result<Vec<RData>, LookupError> {
    let records = found.answers().iter().map(|answer| &answer.data);
    let records = records.filter(|data| data.record_type() == record);
    let records: Vec<RData> = records.take(RECORDS_MAX).cloned().collect();
    if records.is_empty() {
        return Err(LookupError::NoRecords);
    }
    Ok(records)
}

fn lookup_error(error: &NetError) -> LookupError {
    match error {
        NetError::Dns(HickoryDnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => LookupError::NoSuchName,
            ResponseCode::NoError => LookupError::NoRecords,
            other => LookupError::Unavailable(other.to_string()),
        },
        other => LookupError::Unavailable(other.to_string()),
    }
}

impl Lookup for HickoryResolver {
    fn txt(&self, name: &str) -> BoxFuture<'_, Result<Vec<Vec<u8>>, LookupError>> {
        let records = self.records(name.to_owned(), RecordType::TXT);
        Box::pin(async move {
            let joined = records.await?.into_iter().filter_map(|data| match data {
                RData::TXT(txt) => {
                    let mut text: Vec<u8> = txt.txt_data.iter().flatten().copied().collect();
                    text.truncate(TXT_BYTES_MAX);
                    Some(text)
                }
                _ => None,
            });
            Ok(joined.collect())
        })
    }

    fn ipv4(&self, name: &str) -> BoxFuture<'_, Result<Vec<Ipv4Addr>, LookupError>> {
        let records = self.records(name.to_owned(), RecordType::A);
        Box::pin(async move {
            let addresses = records.await?.into_iter().filter_map(|data| match data {
                RData::A(a) => Some(a.0),
                _ => None,
            });
            Ok(addresses.collect())
        })
    }

    fn ipv6(&self, name: &str) -> BoxFuture<'_, Result<Vec<Ipv6Addr>, LookupError>> {
        let records = self.records(name.to_owned(), RecordType::AAAA);
        Box::pin(async move {
            let addresses = records.await?.into_iter().filter_map(|data| match data {
                RData::AAAA(aaaa) => Some(aaaa.0),
                _ => None,
            });
            Ok(addresses.collect())
        })
    }

    fn mx(&self, name: &str) -> BoxFuture<'_, Result<Vec<MailExchanger>, LookupError>> {
        let records = self.records(name.to_owned(), RecordType::MX);
        Box::pin(async move {
            let exchangers = records.await?.into_iter().filter_map(|data| match data {
                RData::MX(mx) => Some(MailExchanger {
                    preference: mx.preference,
                    host: mx.exchange.to_ascii().to_ascii_lowercase(),
                }),
                _ => None,
            });
            let mut exchangers: Vec<_> = exchangers.collect();
            exchangers.sort_by_key(|exchanger| exchanger.preference);
            Ok(exchangers)
        })
    }

    fn ptr(&self, address: IpAddr) -> BoxFuture<'_, Result<Vec<String>, LookupError>> {
        let records = self.records(Name::from(address).to_ascii(), RecordType::PTR);
        Box::pin(async move {
            let names = records.await?.into_iter().filter_map(|data| match data {
                RData::PTR(name) => Some(name.to_ascii().to_ascii_lowercase()),
                _ => None,
            });
            Ok(names.collect())
        })
    }
}

impl std::fmt::Debug for HickoryResolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HickoryResolver").finish_non_exhaustive()
    }
}
