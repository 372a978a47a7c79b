//! The phases of a client's connection, each with its deadline and its name.

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
    /// The answer to AUTH or to a part of its dialogue.
    Auth,
    /// Nothing: the connection is free for a transaction.
    Idle,
    /// The answer to RSET.
    Rset,
    /// The answer to XFORWARD.
    Xforward,
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
    /// The name in metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Banner => "banner",
            Self::Ehlo => "ehlo",
            Self::Helo => "helo",
            Self::StartTls => "starttls",
            Self::TlsHandshake => "tls_handshake",
            Self::Auth => "auth",
            Self::Idle => "idle",
            Self::Rset => "rset",
            Self::Xforward => "xforward",
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
