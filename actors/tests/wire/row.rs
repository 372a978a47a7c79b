//! One row of a table: a script, and what has to come of it.

use std::sync::LazyLock;
use std::time::Duration;

use actors::status::DestinationState;
use storage::model::TlsPolicy;

use super::script::Script;
use super::stage::{HOUR, MINUTE, Stage, Standing};

/// What is to become of a recipient while the script lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Held in its place; no attempt is charged.
    Held,
    /// One attempt is charged, and the next is due after so many seconds.
    Due(u64, u64),
    /// As `Due`, and the peer may have it already.
    Uncertain,
    Delivered,
    Parked,
}

/// Back-off of the ordinary table: a minute, ±20 %.
pub(crate) const LATER: Fate = Fate::Due(48, 72);
/// A greylister's minute, never less.
pub(crate) const GREY: Fate = Fate::Due(60, 72);
/// A quarter of an hour, ±20 %.
pub(crate) const FULL: Fate = Fate::Due(720, 1080);

/// The row. Recipients are `a@`, `b@` and so on.
pub(crate) struct Row {
    pub(crate) tls: TlsPolicy,
    pub(crate) script: &'static [&'static str],
    pub(crate) fates: &'static [Fate],
    pub(crate) state: DestinationState,
    /// The message is larger than what the sockets between us hold.
    pub(crate) large: bool,
}

/// A row at a destination with the usual policy.
pub(crate) const fn row(
    script: &'static [&'static str],
    fates: &'static [Fate],
    state: DestinationState,
) -> Row {
    Row {
        tls: TlsPolicy::Opportunistic,
        script,
        fates,
        state,
        large: false,
    }
}

/// A row at a destination that has to be encrypted.
pub(crate) const fn strict(
    script: &'static [&'static str],
    fates: &'static [Fate],
    state: DestinationState,
) -> Row {
    Row {
        tls: TlsPolicy::Required,
        script,
        fates,
        state,
        large: false,
    }
}

/// A row with a message that the kernel cannot hold.
pub(crate) const fn large(
    script: &'static [&'static str],
    fates: &'static [Fate],
    state: DestinationState,
) -> Row {
    Row {
        tls: TlsPolicy::None,
        script,
        fates,
        state,
        large: true,
    }
}

/// Octets of a large message.
const LARGE: usize = 6 << 20;

static SMALL_MESSAGE: &[u8] = b"Subject: test\r\n\r\nhello\r\n";
static LARGE_MESSAGE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut content = SMALL_MESSAGE.to_vec();
    let line = [&[b'x'; 998][..], b"\r\n"].concat();
    while content.len() < LARGE {
        content.extend_from_slice(&line);
    }
    content
});

/// Longest time for a fate to show: the final reply has its ten minutes.
const SHOWS_WITHIN: Duration = Duration::from_secs(15 * 60);
/// What shows is looked at for longer, so that it is not a passing state.
const LASTS: Duration = Duration::from_secs(120);
/// Connections in that time: what a dead host costs (B3), and no more.
const CONNECTIONS_MAX: usize = 50;

const NAMES: [&str; 4] = [
    "a@example.org",
    "b@example.org",
    "c@example.org",
    "d@example.org",
];

impl Row {
    /// Tries it at a peer that has proved itself, with and without PIPELINING.
    pub(crate) async fn try_proven(&self) {
        for pipelining in [true, false] {
            let stage = Stage::new(self.tls.clone()).await;
            stage.prove().await;
            self.play(&stage, pipelining).await;
            stage.stop().await;
        }
    }

    /// Tries it at a peer that nobody knows yet, so that a probe meets the script first.
    pub(crate) async fn try_unknown(&self) {
        let stage = Stage::new(self.tls.clone()).await;
        self.play(&stage, true).await;
        stage.stop().await;
    }

    async fn play(&self, stage: &Stage, pipelining: bool) {
        let mut script = Script::read(self.script);
        if !pipelining {
            script = script.without("PIPELINING");
        }
        stage.peer.behave(script);
        let names = &NAMES[..self.fates.len()];
        let before = stage.peer.ledger().heard.len();
        let content = if self.large {
            LARGE_MESSAGE.as_slice()
        } else {
            SMALL_MESSAGE
        };
        stage
            .node
            .accept_body(stage.domain.id, names, content)
            .await;
        let tried = || stage.peer.ledger().heard.len() > before;
        let shows = || tried() && self.differs(stage).is_none();
        let explain = || {
            let (got, wanted) = self.differs(stage).unwrap_or_default();
            let script = self.script;
            format!(
                "{script:?} pipelining {pipelining}: {got}, not {wanted}; {}",
                stage.explain()
            )
        };
        stage.still.until(SHOWS_WITHIN, shows, explain).await;
        self.lasts(stage).await;
        stage.peer.behave(Script::default());
        stage.until_empty(2 * HOUR).await;
        self.check_copies(stage);
    }

    /// What is not as it should be, and how it should be.
    fn differs(&self, stage: &Stage) -> Option<(String, String)> {
        if stage.state() != self.state {
            return Some((format!("{:?}", stage.state()), format!("{:?}", self.state)));
        }
        for (name, fate) in NAMES.iter().zip(self.fates) {
            let standing = stage.standing(name);
            if !fate.fits(standing) {
                return Some((format!("{name} {standing:?}"), format!("{fate:?}")));
            }
        }
        None
    }

    async fn lasts(&self, stage: &Stage) {
        let connections = stage.peer.ledger().heard.len();
        stage.still.pass(LASTS).await;
        let connections = stage.peer.ledger().heard.len() - connections;
        assert!(
            connections <= CONNECTIONS_MAX,
            "{:?}: {connections} connections; {}",
            self.script,
            stage.explain()
        );
        for (name, fate) in NAMES.iter().zip(self.fates) {
            let standing = stage.standing(name);
            let holds = match fate {
                Fate::Due(..) | Fate::Uncertain => matches!(standing, Standing::Deferred { .. }),
                _ => fate.fits(standing),
            };
            assert!(
                holds,
                "{:?}: {name} {standing:?}, not {fate:?}",
                self.script
            );
        }
    }

    /// Nobody was lost and nobody got it twice, but for who may have had it before.
    fn check_copies(&self, stage: &Stage) {
        let ledger = stage.peer.ledger();
        for (name, fate) in NAMES.iter().zip(self.fates) {
            let copies = ledger.copies(name);
            let wanted = match fate {
                Fate::Parked => 0..=0,
                Fate::Uncertain => 1..=2,
                _ => 1..=1,
            };
            assert!(
                wanted.contains(&copies),
                "{:?}: {copies} for {name}",
                self.script
            );
        }
        let parked = self
            .fates
            .iter()
            .filter(|fate| **fate == Fate::Parked)
            .count();
        let counters = stage.node.counters(&stage.domain);
        assert_eq!(counters.parked, parked as u64, "{:?}", self.script);
    }
}

impl Fate {
    fn fits(self, standing: Standing) -> bool {
        match (self, standing) {
            (Self::Held, Standing::Ready)
            | (Self::Delivered, Standing::Delivered)
            | (Self::Parked, Standing::Parked) => true,
            (Self::Due(least, most), Standing::Deferred { attempts: 1, after }) => {
                // Seen a step late, at most.
                after.as_secs_f64() >= least as f64 - 1.0 && after.as_secs() <= most
            }
            (Self::Uncertain, Standing::Deferred { after, .. }) => {
                after >= 5 * MINUTE - MINUTE / 60 && after <= 7 * MINUTE
            }
            _ => false,
        }
    }
}
