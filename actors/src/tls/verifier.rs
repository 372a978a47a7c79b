//! Certificates judged by other rules than those of the WebPKI (OUT14, OUT15).
//!
//! A [`Judge`] says whether a certificate is good enough; [`Judged`] is the verifier around it, which
//! always demands the proof that the peer has the certificate's key.

use std::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest as _, Sha256, Sha512};
use storage::model::{Fingerprint, Tlsa, TlsaMatching, TlsaSelector};

use super::provider;

/// What a peer shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    end_entity: &'a CertificateDer<'a>,
    intermediates: &'a [CertificateDer<'a>],
    name: &'a ServerName<'a>,
    now: UnixTime,
}

/// Says whether a certificate is good enough.
pub(super) trait Judge: fmt::Debug + Send + Sync + 'static {
    /// Takes what is shown, or says what is wrong with it.
    fn judge(&self, shown: Shown<'_>) -> Result<(), Error>;
}

/// The verifier around a judge.
#[derive(Debug)]
pub(super) struct Judged<J> {
    judge: J,
    provider: Arc<CryptoProvider>,
}

impl<J: Judge> Judged<J> {
    pub(super) fn new(judge: J) -> Arc<Self> {
        Arc::new(Self {
            judge,
            provider: provider(),
        })
    }
}

impl<J: Judge> ServerCertVerifier for Judged<J> {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Shown {
            end_entity,
            intermediates,
            name,
            now,
        };
        self.judge.judge(shown)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// Takes any certificate.
#[derive(Debug)]
pub(super) struct AnyCertificate;

impl Judge for AnyCertificate {
    fn judge(&self, _: Shown<'_>) -> Result<(), Error> {
        Ok(())
    }
}

/// Takes the certificates and keys that were named, whoever signed them.
#[derive(Debug)]
pub(super) struct Pinned(pub(super) Vec<Fingerprint>);

impl Judge for Pinned {
    fn judge(&self, shown: Shown<'_>) -> Result<(), Error> {
        let key = ParsedCertificate::try_from(shown.end_entity)?.subject_public_key_info();
        let known = |bytes: &[u8]| self.0.contains(&Fingerprint(Sha256::digest(bytes).into()));
        let is_known = known(shown.end_entity) || known(&key);
        is_known.then_some(()).ok_or_else(refused)
    }
}

/// Takes what the TLSA records of the server name (RFC 7672 §3.1). For DANE-EE neither names nor
/// times of the certificate matter; for DANE-TA the certificate has to lead to the named issuer and
/// to be for the server's name.
#[derive(Debug)]
pub(super) struct Dane(pub(super) Vec<Tlsa>);

impl Judge for Dane {
    fn judge(&self, shown: Shown<'_>) -> Result<(), Error> {
        let is_good = |record: &Tlsa| match record.is_anchor {
            false => matches(record, shown.end_entity),
            true => anchors(record, shown)
                .into_iter()
                .any(|anchor| leads_to(anchor, shown)),
        };
        self.0.iter().any(is_good).then_some(()).ok_or_else(refused)
    }
}

fn refused() -> Error {
    CertificateError::ApplicationVerificationFailure.into()
}

fn matches(record: &Tlsa, certificate: &CertificateDer<'_>) -> bool {
    let key;
    let selected: &[u8] = match record.selector {
        TlsaSelector::Certificate => certificate,
        TlsaSelector::PublicKey => {
            let Ok(parsed) = ParsedCertificate::try_from(certificate) else {
                return false;
            };
            key = parsed.subject_public_key_info();
            &key
        }
    };
    match record.matching {
        TlsaMatching::Exact => record.data == selected,
        TlsaMatching::Sha256 => *record.data == *Sha256::digest(selected),
        TlsaMatching::Sha512 => *record.data == *Sha512::digest(selected),
    }
}

/// The issuers that a record names: those that the peer shows, and one that stands in the record.
fn anchors<'a>(record: &Tlsa, shown: Shown<'a>) -> Vec<CertificateDer<'a>> {
    let shown = shown.intermediates.iter();
    let named = shown.filter(|one| matches(record, one));
    let mut anchors: Vec<_> = named.map(|one| one.clone().into_owned()).collect();
    if (record.selector, record.matching) == (TlsaSelector::Certificate, TlsaMatching::Exact) {
        anchors.push(CertificateDer::from(record.data.clone()));
    }
    anchors
}

fn leads_to(anchor: CertificateDer<'_>, shown: Shown<'_>) -> bool {
    let mut roots = RootCertStore::empty();
    if roots.add(anchor.into_owned()).is_err() {
        return false;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    verifier.is_ok_and(|verifier| {
        verifier
            .verify_server_cert(
                shown.end_entity,
                shown.intermediates,
                shown.name,
                &[],
                shown.now,
            )
            .is_ok()
    })
}
