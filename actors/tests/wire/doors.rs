//! At the door: nobody there, nobody answering, and the way back (S9 a, B2, B3).

use actors::status::DestinationState::{Canary, Down, Healthy, Ramp};
use storage::model::TlsPolicy;

use super::stage::{HOUR, MINUTE, SECOND, Stage, Standing};

/// How the host goes away.
#[derive(Debug, Clone, Copy)]
enum Leaving {
    Refused,
    BlackHole,
}

impl Leaving {
    async fn of(self, stage: &Stage) {
        match self {
            Self::Refused => stage.peer.refuse().await,
            Self::BlackHole => stage.peer.swallow().await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn b7_s9a_refused_or_swallowed_the_mail_stays_in_its_place_uncharged() {
    for leaving in [Leaving::Refused, Leaving::BlackHole] {
        let stage = Stage::new(TlsPolicy::Opportunistic).await;
        stage.prove().await;
        leaving.of(&stage).await;
        stage.node.accept_many(&stage.domain, 20).await;
        stage.still.step_by(SECOND / 100);
        let noticed = stage.until(MINUTE, || stage.state() == Down).await;
        stage.still.step_by(SECOND);
        let most = match leaving {
            Leaving::Refused => SECOND,
            // The connect and the one that confirms it.
            Leaving::BlackHole => 6 * SECOND,
        };
        assert!(noticed <= most, "{leaving:?}: {noticed:?}");
        stage.still.pass(HOUR).await;
        assert_eq!(stage.state(), Down);
        let queue = stage.queue();
        assert_eq!(queue.len(), 20);
        for n in 0..20 {
            let user = format!("user{n}@example.org");
            assert_eq!(stage.standing(&user), Standing::Ready, "{leaving:?} {user}");
        }
        stage.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn s12_s15_five_outages_are_noticed_in_order_and_each_ends_with_a_canary() {
    for leaving in [Leaving::Refused, Leaving::BlackHole] {
        let stage = Stage::new(TlsPolicy::Opportunistic).await;
        stage.prove().await;
        for outage in 0..5 {
            leaving.of(&stage).await;
            let delivered = stage.node.counters(&stage.domain).delivered;
            stage.node.accept_many(&stage.domain, 12).await;
            stage.until(MINUTE, || stage.state() == Down).await;
            stage.still.pass((10 + outage) * MINUTE).await;
            assert_eq!(stage.state(), Down, "{leaving:?} {outage}");
            let connections = stage.peer.ledger().heard.len();
            stage.peer.open().await;
            let back = stage
                .until(MINUTE, || {
                    stage.node.counters(&stage.domain).delivered > delivered
                })
                .await;
            assert!(back <= 6 * SECOND, "{leaving:?} {outage}: {back:?}");
            let proving = stage.state();
            assert!(matches!(proving, Canary | Ramp), "{proving:?}");
            stage.until_empty(MINUTE).await;
            stage.until(2 * MINUTE, || stage.state() == Healthy).await;
            let ledger = stage.peer.ledger();
            let taken = &ledger.taken[ledger.taken.len() - 12..];
            let first = taken[0].connection;
            assert_eq!(first, connections, "the probe's own connection is used");
            assert!(
                taken[..3].iter().all(|one| one.connection == first),
                "S13: one connection until three were delivered"
            );
        }
        let taken = stage.peer.ledger().taken.len();
        assert_eq!(taken, 4 + 5 * 12, "each exactly once");
        stage.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn s15_outages_close_together_are_each_noticed_and_each_end() {
    let stage = Stage::new(TlsPolicy::None).await;
    stage.node.accept_many(&stage.domain, 50).await;
    stage.until_empty(MINUTE).await;
    for outage in 0..12 {
        let leaving = if outage % 2 == 0 {
            Leaving::Refused
        } else {
            Leaving::BlackHole
        };
        leaving.of(&stage).await;
        stage.node.accept_many(&stage.domain, 50).await;
        stage.until(MINUTE, || stage.state() == Down).await;
        stage.still.pass((5 + outage) * SECOND).await;
        stage.peer.open().await;
        stage.until_empty(MINUTE).await;
    }
    assert_eq!(stage.peer.ledger().taken.len(), 13 * 50);
    stage.stop().await;
}
