//! From nothing to a connection that is ready for a transaction: dial, greeting, EHLO, STARTTLS.
//!
//! Attempts and probes open connections in the same way, so that a probe proves what an attempt
//! needs (S12).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use storage::model::{Destination, TlsPolicy};

use super::announced::Announced;
use super::conversation::{Avoid, Conversation, Manners};
use super::dialer::{DialError, Dialer, HurriedDialer};
use super::ourselves;
use crate::smtp::client::{Cause, Ending, Phase};

/// Opens connections.
#[derive(Debug, Clone)]
pub struct Opener {
    /// TCP, or what a test has instead.
    pub dialer: Arc<dyn Dialer>,
    /// How we introduce ourselves.
    pub manners: Manners,
    /// What hosts announce is noted here.
    pub announced: Announced,
}

/// A connection that is ready.
#[derive(Debug)]
pub struct Opened {
    /// It.
    pub conversation: Conversation,
    /// The address it leads to, when there is one.
    pub peer: Option<IpAddr>,
    /// What opportunistic TLS has cost a second connection for: avoid STARTTLS with this host for a
    /// while.
    pub tls_failure: Option<String>,
}

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenFailure {
    /// No TCP connection.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// A connection, but no session.
    #[error("{host}: {} in phase {}", .ending.cause, .ending.phase.as_str())]
    Session {
        /// `host:port`.
        host: String,
        /// How it ended.
        ending: Ending,
    },
}

impl Opener {
    /// One that gives up connecting after this time.
    #[must_use]
    pub fn hurried(self, within: Duration) -> Self {
        Self {
            dialer: Arc::new(HurriedDialer::new(self.dialer, within)),
            ..self
        }
    }

    /// Opens a connection; the greeting is awaited for at most `banner_timeout`.
    ///
    /// With the opportunistic policy a failed handshake leads to a second connection in clear, on
    /// the same host: refusing to send would protect nobody (RFC 7435).
    ///
    /// # Errors
    /// [`OpenFailure`].
    pub async fn open(
        &self,
        host: &Destination,
        avoid: Avoid,
        banner_timeout: Duration,
    ) -> Result<Opened, OpenFailure> {
        let failure = match self.open_once(host, avoid, banner_timeout).await {
            Ok((conversation, peer)) => {
                return Ok(Opened {
                    conversation,
                    peer,
                    tls_failure: None,
                });
            }
            Err(failure) => failure,
        };
        let Some(why) = handshake_failure(&failure, host) else {
            return Err(failure);
        };
        let in_clear = Avoid {
            starttls: true,
            ..avoid
        };
        let (conversation, peer) = self.open_once(host, in_clear, banner_timeout).await?;
        Ok(Opened {
            conversation,
            peer,
            tls_failure: Some(why),
        })
    }

    async fn open_once(
        &self,
        host: &Destination,
        avoid: Avoid,
        banner_timeout: Duration,
    ) -> Result<(Conversation, Option<IpAddr>), OpenFailure> {
        let connection = self.dialer.dial(&host.host, host.port).await?;
        if let Some(address) = ourselves::reached(&connection, host, &self.manners.listeners) {
            return Err(OpenFailure::Session {
                host: super::route::host_port(host),
                ending: Ending {
                    phase: Phase::Banner,
                    cause: Cause::Ourselves(address.to_string()),
                    transactions: 0,
                },
            });
        }
        let peer = connection.peer.map(|peer| peer.ip());
        let conversation =
            Conversation::open(connection, host, &self.manners, avoid, banner_timeout)
                .await
                .map_err(|ending| OpenFailure::Session {
                    host: super::route::host_port(host),
                    ending,
                })?;
        self.announced.learn(host, conversation.capabilities());
        Ok((conversation, peer))
    }
}

/// What is to be said about a handshake that failed where encryption is not demanded.
fn handshake_failure(failure: &OpenFailure, host: &Destination) -> Option<String> {
    match failure {
        // Injected plaintext as well: who can inject can take STARTTLS out of the dialogue.
        OpenFailure::Session { ending, .. }
            if host.tls == TlsPolicy::Opportunistic
                && (matches!(ending.cause, Cause::TlsFailed(_) | Cause::PlaintextInjected)
                    || ending.phase == Phase::StartTls) =>
        {
            Some(ending.cause.to_string())
        }
        _ => None,
    }
}
