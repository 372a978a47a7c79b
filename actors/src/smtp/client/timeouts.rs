//! How long each phase of a client's connection may take (OUT1).

use std::time::Duration;

use super::super::limits;
use super::phase::Phase;

/// The time for each phase; the ceilings of RFC 5321 §4.5.3.2 by default, shorter where a
/// destination that is down has to be noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// To the greeting.
    pub banner: Duration,
    /// To the greeting that a probe waits for.
    pub probe_banner: Duration,
    /// To the answer to a command: EHLO, STARTTLS, AUTH, RSET, XFORWARD, MAIL, each RCPT.
    pub command: Duration,
    /// For the TLS handshake.
    pub tls_handshake: Duration,
    /// To the answer to DATA.
    pub data: Duration,
    /// For each block of the body to be taken.
    pub block: Duration,
    /// To the answer to the final dot.
    pub final_reply: Duration,
    /// To the answer to QUIT.
    pub quit: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            banner: limits::BANNER_TIMEOUT,
            probe_banner: limits::PROBE_BANNER_TIMEOUT,
            command: limits::COMMAND_TIMEOUT,
            tls_handshake: limits::TLS_HANDSHAKE_TIMEOUT,
            data: limits::DATA_TIMEOUT,
            block: limits::DATA_BLOCK_TIMEOUT,
            final_reply: limits::FINAL_REPLY_TIMEOUT,
            quit: limits::QUIT_TIMEOUT,
        }
    }
}

impl Timeouts {
    /// How long to wait for the peer in a phase. In [`Phase::Body`] it counts per block written, in
    /// all others from the moment the phase began.
    #[must_use]
    pub const fn of(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Banner => self.banner,
            Phase::Ehlo
            | Phase::Helo
            | Phase::StartTls
            | Phase::Auth
            | Phase::Rset
            | Phase::Xforward
            | Phase::Mail
            | Phase::Rcpt => self.command,
            Phase::TlsHandshake => self.tls_handshake,
            Phase::Data => self.data,
            Phase::Body => self.block,
            Phase::FinalReply => self.final_reply,
            Phase::Quit | Phase::Closed => self.quit,
            Phase::Idle => limits::IDLE_TIMEOUT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out1_no_phase_waits_longer_than_the_standard_asks_for() {
        let default = Timeouts::default();
        let seconds = |phase| default.of(phase).as_secs();
        for (phase, ceiling) in [
            (Phase::Banner, 300),
            (Phase::Mail, 300),
            (Phase::Rcpt, 300),
            (Phase::Data, 120),
            (Phase::Body, 180),
            (Phase::FinalReply, 600),
        ] {
            assert!((1..=ceiling).contains(&seconds(phase)), "{phase:?}");
        }
        assert_eq!(seconds(Phase::Body), 180);
        assert_eq!(seconds(Phase::FinalReply), 600);
        assert_eq!(seconds(Phase::Quit), 5, "OUT21");
    }
}
