//! Body hashes for DKIM and ARC (RFC 6376 §3.4.3, §3.4.4) while the body goes by, so that a message
//! of 50 MiB is verified without being held in memory.

use std::fmt;

use mail_auth::AuthenticatedMessage;
use mail_auth::common::crypto::{HashAlgorithm, HashContext, HashImpl, Sha256};
use mail_auth::dkim::Canonicalization;
use mail_auth::dkim::canonicalize::BodyHasher;

type Hasher = BodyHasher<<Sha256 as HashImpl>::Context>;

/// Hashes a body in the ways that its signatures ask for: at most two.
pub struct BodyHashes {
    relaxed: Option<Hasher>,
    simple: Option<Hasher>,
}

/// The finished hashes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FinishedHashes {
    relaxed: Option<Vec<u8>>,
    simple: Option<Vec<u8>>,
}

impl BodyHashes {
    /// The hashes that the signatures in a header section need. SHA-1 is none of them (RFC 8301).
    #[must_use]
    pub fn for_header(section: &[u8]) -> Self {
        let message = AuthenticatedMessage::parse(section);
        let wanted = |canonicalization| {
            let mut hashes = message.iter().flat_map(|message| &message.body_hashes);
            hashes
                .any(|(c, hash, _, _)| *c == canonicalization && *hash == HashAlgorithm::Sha256)
                .then(|| BodyHasher::new(Sha256::hasher(), canonicalization, 0))
        };
        Self {
            relaxed: wanted(Canonicalization::Relaxed),
            simple: wanted(Canonicalization::Simple),
        }
    }

    /// Takes the next piece of the body.
    pub fn push(&mut self, piece: &[u8]) {
        for hasher in [&mut self.relaxed, &mut self.simple].into_iter().flatten() {
            hasher.write(piece);
        }
    }

    /// The body is complete.
    #[must_use]
    pub fn finish(self) -> FinishedHashes {
        let finish = |hasher: Hasher| hasher.finish().0.complete().as_ref().to_vec();
        FinishedHashes {
            relaxed: self.relaxed.map(finish),
            simple: self.simple.map(finish),
        }
    }
}

impl FinishedHashes {
    /// The hash of one kind; empty, which equals no hash, when nobody had asked for it.
    #[must_use]
    pub fn of(&self, canonicalization: Canonicalization) -> &[u8] {
        let hash = match canonicalization {
            Canonicalization::Relaxed => &self.relaxed,
            Canonicalization::Simple => &self.simple,
        };
        hash.as_deref().unwrap_or_default()
    }
}

impl fmt::Debug for BodyHashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyHashes")
            .field("relaxed", &self.relaxed.is_some())
            .field("simple", &self.simple.is_some())
            .finish()
    }
}
