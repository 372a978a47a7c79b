//! The operator token: 256 bits from the operating system, made at first start, kept in a file that
//! only its owner reads. The process keeps a digest and compares digests in constant time.

use std::fmt;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Name of the token's file in the data directory.
pub const TOKEN_FILE: &str = "operator.token";
/// Bytes of randomness.
const TOKEN_BYTES: usize = 32;
/// Shorter than this is a truncated or hand-made file.
const TOKEN_TEXT_MIN: usize = 32;
/// Read and written by its owner, by nobody else.
const FILE_MODE: u32 = 0o600;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read or written.
    #[error("operator token {}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Others may read the file.
    #[error("operator token {}: its mode is {mode:03o}, expected 600 (only its owner may read it)", file.display())]
    Exposed {
        /// The file.
        file: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file holds no token.
    #[error("operator token {}: the file holds no token; delete it to get a new one", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
    },
    /// The operating system gave no randomness.
    #[error("no randomness for the operator token: {0}")]
    Randomness(String),
}

/// The digest of the token in force.
#[derive(Clone)]
pub struct OperatorToken {
    digest: [u8; 32],
}

impl fmt::Debug for OperatorToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OperatorToken")
    }
}

impl OperatorToken {
    /// The token with this text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self {
            digest: Sha256::digest(text.as_bytes()).into(),
        }
    }

    /// The token in `file`; made there, with mode 0600, when there is none.
    ///
    /// # Errors
    /// When the file cannot be read or made, is open to others, or holds something else.
    pub fn load_or_create(file: &Path) -> Result<Self, TokenError> {
        match Self::read(file) {
            Err(TokenError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                create(file)?;
                Self::read(file).map(|text| Self::new(&text))
            }
            read => read.map(|text| Self::new(&text)),
        }
    }

    /// The text of the token in `file`, for a client.
    ///
    /// # Errors
    /// When the file cannot be read, is open to others, or holds something else.
    pub fn read(file: &Path) -> Result<String, TokenError> {
        let failed = |source| TokenError::Io {
            file: file.to_owned(),
            source,
        };
        let mode = std::fs::metadata(file)
            .map_err(failed)?
            .permissions()
            .mode()
            & 0o777;
        if mode & 0o077 != 0 {
            return Err(TokenError::Exposed {
                file: file.to_owned(),
                mode,
            });
        }
        let text = std::fs::read_to_string(file).map_err(failed)?;
        let token = text.trim();
        let sound =
            token.len() >= TOKEN_TEXT_MIN && token.bytes().all(|byte| byte.is_ascii_graphic());
        if sound {
            Ok(token.to_owned())
        } else {
            Err(TokenError::Malformed {
                file: file.to_owned(),
            })
        }
    }

    /// Whether `presented` is the token. Takes the same time wherever they differ.
    #[must_use]
    pub fn accepts(&self, presented: &str) -> bool {
        let digest: [u8; 32] = Sha256::digest(presented.as_bytes()).into();
        self.digest.ct_eq(&digest).into()
    }
}

/// Writes a new token beside its place and moves it there, so that a crash leaves none or a whole
/// one; a token that another process made meanwhile stays.
fn create(file: &Path) -> Result<(), TokenError> {
    let failed = |source| TokenError::Io {
        file: file.to_owned(),
        source,
    };
    let mut bytes = [0_u8; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| TokenError::Randomness(error.to_string()))?;
    let draft = file.with_extension(format!("new-{}", std::process::id()));
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(&draft)
        .and_then(|mut out| {
            writeln!(out, "{}", URL_SAFE_NO_PAD.encode(bytes))?;
            out.sync_all()
        })
        .and_then(|()| std::fs::hard_link(&draft, file));
    let removed = std::fs::remove_file(&draft);
    match written {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        written => written.and(removed).map_err(failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_start_makes_a_token_that_only_its_owner_reads_and_later_starts_keep_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("operator.token");
        let token = OperatorToken::load_or_create(&file).unwrap();
        let text = OperatorToken::read(&file).unwrap();
        assert_eq!(text.len(), 43);
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(token.accepts(&text));
        assert!(OperatorToken::load_or_create(&file).unwrap().accepts(&text));
        assert!(!token.accepts(&text.to_lowercase()));
        assert!(!token.accepts(""));
        let files = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 1, "nothing is left beside it");
    }

    #[test]
    fn a_token_that_others_can_read_or_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("operator.token");
        OperatorToken::load_or_create(&file).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = OperatorToken::load_or_create(&file).unwrap_err();
        assert!(error.to_string().contains("644"), "{error}");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&file, "short\n").unwrap();
        assert!(matches!(
            OperatorToken::load_or_create(&file),
            Err(TokenError::Malformed { .. })
        ));
    }
}
