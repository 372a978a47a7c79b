//! A certificate of our own making for a node that was given none: senders do not verify it, but
//! mail is encrypted from the first start on.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::{CertificateFiles, TlsError};

/// Where the self-signed certificate of a listener (`smtp`, `admin`) is kept.
pub(super) fn files(data_dir: &Path, listener: &str) -> CertificateFiles {
    CertificateFiles {
        certificate: data_dir.join(format!("{listener}-self-signed.pem")),
        key: data_dir.join(format!("{listener}-self-signed.key")),
    }
}

/// The files of a listener's self-signed certificate in `data_dir`, made now if one of them is
/// missing. The key is readable by us alone (mode 0600).
///
/// # Errors
/// When the files cannot be written or the name fits in no certificate.
pub(super) fn ensure(
    data_dir: &Path,
    listener: &str,
    name: &str,
) -> Result<CertificateFiles, TlsError> {
    let files = files(data_dir, listener);
    if files.certificate.exists() && files.key.exists() {
        return Ok(files);
    }
    let failed = |source| TlsError::SelfSigned {
        name: name.to_owned(),
        source,
    };
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).map_err(failed)?;
    write(&files.key, &made.signing_key.serialize_pem())?;
    write(&files.certificate, &made.cert.pem())?;
    tracing::info!(
        tls.certificate = %files.certificate.display(),
        tls.name = name,
        "made a self-signed certificate"
    );
    Ok(files)
}

/// Writes beside and renames, so that a crash leaves no half file.
fn write(path: &Path, text: &str) -> Result<(), TlsError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        |source| TlsError::File { path, source }
    };
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .map_err(at(&beside))?;
    file.write_all(text.as_bytes()).map_err(at(&beside))?;
    file.sync_all().map_err(at(&beside))?;
    fs::rename(&beside, path).map_err(at(path))
}
