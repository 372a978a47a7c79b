//! The validating resolver of production: hickory with DNSSEC, from the root's key down.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hickory_resolver::TokioResolver;
use hickory_resolver::net::{DnsError as HickoryDnsError, NetError};
use hickory_resolver::proto::dnssec::Proof;
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use storage::model::Tlsa;

use super::hickory::{builder, built};
use super::lookup::RECORDS_MAX;
use super::{DnsError, LookupError, SecureLookup, TlsaRecords};

/// Time for one answer with the keys of all zones above it.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(8);

/// Asks and validates. The servers have to pass on signatures; what they say about their own
/// validation is not looked at.
#[derive(Clone)]
pub struct ValidatingResolver {
    inner: TokioResolver,
}

impl ValidatingResolver {
    /// With the servers of the system's configuration when `servers` is empty, with these otherwise.
    ///
    /// # Errors
    /// When the system's configuration cannot be read.
    pub fn new(servers: &[SocketAddr]) -> Result<Self, DnsError> {
        let mut builder = builder(servers)?;
        builder.options_mut().validate = true;
        Ok(Self {
            inner: built(builder)?,
        })
    }

    /// The records of one type, when there are some that are secure; none when there are none or the
    /// zone is provably not signed.
    async fn secure(
        &self,
        name: &str,
        kind: RecordType,
    ) -> Result<Option<Vec<Record>>, LookupError> {
        let mut name = Name::from_str_relaxed::<&str>(name)
            .map_err(|error| LookupError::Unavailable(error.to_string()))?;
        name.set_fqdn(true);
        let asked = tokio::time::timeout(LOOKUP_TIMEOUT, self.inner.lookup(name, kind)).await;
        match asked {
            Ok(Ok(found)) => judged(found.answers(), kind),
            Ok(Err(error)) => absence(&error).map(|_| None),
            Err(_) => Err(LookupError::Unavailable("no answer in time".to_owned())),
        }
    }

    /// Whether records of one type, or their absence, are secure.
    async fn is_secure(&self, name: &str, kind: RecordType) -> Result<bool, LookupError> {
        Ok(self.secure(name, kind).await?.is_some())
    }
}

/// What of an answer counts: all of it has to be secure, a CNAME on the way as well.
fn judged(answers: &[Record], kind: RecordType) -> Result<Option<Vec<Record>>, LookupError> {
    let proofs = || answers.iter().map(|record| record.proof);
    if proofs().any(|proof| matches!(proof, Proof::Bogus | Proof::Indeterminate)) {
        let why = "the answer does not validate (DNSSEC)";
        return Err(LookupError::Unavailable(why.to_owned()));
    }
    if !proofs().all(|proof| proof == Proof::Secure) {
        return Ok(None);
    }
    let wanted = answers.iter().filter(|record| record.record_type() == kind);
    let wanted: Vec<Record> = wanted.take(RECORDS_MAX).cloned().collect();
    Ok((!wanted.is_empty()).then_some(wanted))
}

/// Whether an error is a proof that there is nothing.
fn absence(error: &NetError) -> Result<(), LookupError> {
    match error {
        NetError::Dns(HickoryDnsError::Nsec {
            proof: Proof::Secure | Proof::Insecure,
            ..
        }) => Ok(()),
        // The handle has validated it before: what is forged comes as `Nsec` with another proof.
        NetError::Dns(HickoryDnsError::NoRecordsFound(none))
            if matches!(
                none.response_code,
                ResponseCode::NXDomain | ResponseCode::NoError
            ) =>
        {
            Ok(())
        }
        other => Err(LookupError::Unavailable(other.to_string())),
    }
}

impl SecureLookup for ValidatingResolver {
    fn has_secure_exchangers(&self, domain: &str) -> BoxFuture<'_, Result<bool, LookupError>> {
        let domain = domain.to_owned();
        Box::pin(async move {
            // A domain without MX records is its own exchanger, and its address says the rest.
            match self.is_secure(&domain, RecordType::MX).await? {
                true => Ok(true),
                false => self.is_secure(&domain, RecordType::SOA).await,
            }
        })
    }

    fn has_secure_address(&self, host: &str) -> BoxFuture<'_, Result<bool, LookupError>> {
        let host = host.to_owned();
        Box::pin(async move {
            match self.is_secure(&host, RecordType::A).await? {
                true => Ok(true),
                false => self.is_secure(&host, RecordType::AAAA).await,
            }
        })
    }

    fn tlsa(&self, name: &str) -> BoxFuture<'_, Result<Option<TlsaRecords>, LookupError>> {
        let name = name.to_owned();
        Box::pin(async move {
            let Some(records) = self.secure(&name, RecordType::TLSA).await? else {
                return Ok(None);
            };
            let usable: Vec<Tlsa> = records.iter().filter_map(usable).collect();
            Ok(Some(TlsaRecords {
                has_unusable: usable.len() < records.len(),
                usable,
            }))
        })
    }
}

fn usable(record: &Record) -> Option<Tlsa> {
    let RData::TLSA(tlsa) = &record.data else {
        return None;
    };
    Tlsa::usable(
        tlsa.cert_usage.into(),
        tlsa.selector.into(),
        tlsa.matching.into(),
        &tlsa.cert_data,
    )
}

impl std::fmt::Debug for ValidatingResolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ValidatingResolver").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(proof: Proof) -> Record {
        let data = RData::A(std::net::Ipv4Addr::LOCALHOST.into());
        let mut record = Record::from_rdata(Name::root(), 60, data);
        record.proof = proof;
        record
    }

    #[test]
    fn out15_only_an_answer_that_is_secure_throughout_counts_and_a_forged_one_is_an_error() {
        use Proof::{Bogus, Indeterminate, Insecure, Secure};
        for (proofs, expected) in [
            (&[Secure, Secure][..], Some(true)),
            (&[Secure, Insecure], Some(false)),
            (&[Insecure], Some(false)),
            (&[Secure, Bogus], None),
            (&[Insecure, Indeterminate], None),
        ] {
            let answers: Vec<Record> = proofs.iter().map(|proof| record(*proof)).collect();
            let judged = judged(&answers, RecordType::A);
            assert_eq!(
                judged.ok().map(|found| found.is_some()),
                expected,
                "{proofs:?}"
            );
        }
    }
}
