//! `certificate` and `key` of a section: a pair of PEM files.

use actors::tls::CertificateFiles;

use super::field::{Field, SectionReader};
use super::value::FilePath;

/// Both files or none; one alone is a fault.
pub(super) fn read_certificate(
    section: &mut SectionReader<'_, '_>,
    certificate: &'static Field,
    key: &'static Field,
) -> Option<Option<CertificateFiles>> {
    let chain = section.optional::<FilePath>(certificate);
    let private = section.optional::<FilePath>(key);
    match (chain?, private?) {
        (Some(FilePath(chain)), Some(FilePath(private))) => Some(Some(CertificateFiles {
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
