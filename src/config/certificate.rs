//! A pair of PEM files.

use std::path::PathBuf;

use super::field::{Field, SectionReader};
use super::value::FilePath;

/// Where a certificate chain and its private key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// PEM, the server's certificate first, then its chain.
    pub certificate: PathBuf,
    /// PEM, PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
}

impl CertificateFiles {
    /// Both files or none; one alone is a fault.
    pub(super) fn read(
        section: &mut SectionReader<'_, '_>,
        certificate: &'static Field,
        key: &'static Field,
    ) -> Option<Option<Self>> {
        let chain = section.optional::<FilePath>(certificate);
        let private = section.optional::<FilePath>(key);
        match (chain?, private?) {
            (Some(FilePath(chain)), Some(FilePath(private))) => Some(Some(Self {
                certificate: section.folder().join(chain),
                key: section.folder().join(private),
            })),
            (None, None) => Some(None),
            (Some(_), None) => {
                section.object(key, "the private key's file, together with `certificate`");
                None
            }
            (None, Some(_)) => {
                section.object(certificate, "the certificate's file, together with `key`");
                None
            }
        }
    }
}
