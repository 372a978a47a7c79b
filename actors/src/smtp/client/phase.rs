//! The phases of a client's connection, each with its deadline and its name.

use std::time::Duration;

use super::super::limits;

/// What the client is waiting for. Deadlines, metrics and the classification of a failure hang on
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The greeting.
    Banner,
    /// The answer to EHLO.
    Ehlo,
    /// The answer to HELO, after EHLO was not understood.
    Helo,
    /// The answer to STARTTLS.
    StartTls,
    /// The TLS handshake.
    TlsHandshake,
    /// Nothing: the connection is free for a transaction.
    Idle,
    /// The answer to RSET.
    Rset,
    /// The answer to MAIL.
    Mail,
    /// The answer to a RCPT.
    Rcpt,
    /// The answer to DATA.
    Data,
    /// The body is on its way.
    Body,
    /// The answer to the final dot or to BDAT LAST: whether the peer has the message is unknown.
    FinalReply,
    /// The answer to QUIT.
    Quit,
    /// The connection is of no further use.
    Closed,
}

impl Phase {
    /// How long to wait for the peer in this phase (OUT1). In [`Phase::Body`] it counts per block
    /// written, in all others from the moment the phase began.
    #[must_use]
    pub const fn timeout(self) -> Duration {
        match self {
            Self::Banner => limits::BANNER_TIMEOUT,
            Self::Ehlo | Self::Helo | Self::StartTls | Self::Rset | Self::Mail | Self::Rcpt => {
                limits::COMMAND_TIMEOUT
            }
            Self::TlsHandshake => limits::TLS_HANDSHAKE_TIMEOUT,
            Self::Data => limits::DATA_TIMEOUT,
            Self::Body => limits::DATA_BLOCK_TIMEOUT,
            Self::FinalReply => limits::FINAL_REPLY_TIMEOUT,
            Self::Quit | Self::Closed => limits::QUIT_TIMEOUT,
            Self::Idle => limits::IDLE_TIMEOUT,
        }
    }

    /// The name in metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Banner => "banner",
            Self::Ehlo => "ehlo",
            Self::Helo => "helo",
            Self::StartTls => "starttls",
            Self::TlsHandshake => "tls_handshake",
            Self::Idle => "idle",
            Self::Rset => "rset",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
            Self::Body => "body",
            Self::FinalReply => "final_reply",
            Self::Quit => "quit",
            Self::Closed => "closed",
        }
    }
}
