//! The destinations of the simulation.

use std::time::Duration;

use super::destination::{Model, UP_AT};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn after(seconds: u64) -> Duration {
    UP_AT + Duration::from_secs(seconds)
}

/// 421 above ten connections.
pub(crate) fn a_connections() -> Model {
    Model {
        connections_max: Some(10),
        ..Model::new("A: 421 above 10 connections", ms(280))
    }
}

/// Ten cores, and 452 above thirty in flight.
pub(crate) fn b_cores() -> Model {
    Model {
        cores: vec![(Duration::ZERO, 10.0)],
        in_flight_max: Some(3.0),
        ..Model::new("B: 10 cores, 452 above 30 in flight", ms(300))
    }
}

/// Ten messages a second.
pub(crate) fn c_rate() -> Model {
    Model {
        rate: Some((10.0, 10.0)),
        ..Model::new("C: 10 messages/s", ms(100))
    }
}

/// Cold at first, then warm, with a dip.
pub(crate) fn d_cold() -> Model {
    Model {
        cores: vec![
            (Duration::ZERO, 2.0),
            (after(30), 4.0),
            (after(60), 7.0),
            (after(120), 10.0),
            (after(400), 4.0),
            (after(520), 10.0),
        ],
        in_flight_max: Some(3.0),
        ..Model::new("D: cold start with a dip", ms(300))
    }
}

/// One core, 421 at MAIL above three in flight.
pub(crate) fn e_weak() -> Model {
    Model {
        cores: vec![(Duration::ZERO, 1.0)],
        in_flight_max: Some(3.0),
        ..Model::new("E: weak box", ms(500))
    }
}

/// A hundred connections, 167 messages a second.
pub(crate) fn f_big() -> Model {
    Model {
        connections_max: Some(100),
        ..Model::new("F: 167 messages/s over 100 connections", ms(580))
    }
}

/// Good for 40 a second with a burst of ten, quick.
pub(crate) fn forty() -> Model {
    Model {
        rate: Some((40.0, 10.0)),
        ..Model::new("40 messages/s, burst 10", ms(8))
    }
}

/// Back, but with its directory down for twenty minutes: nobody is known.
pub(crate) fn i_directory_down() -> Model {
    Model {
        cores: vec![(Duration::ZERO, 10.0)],
        refuses_until: after(1200),
        ..Model::new("I: 5yz to everybody for 20 min", ms(300))
    }
}

/// Good for 40 a second, a network away, and it does not say why it refuses.
pub(crate) fn forty_far(work_ms: u64) -> Model {
    Model {
        rate: Some((40.0, 10.0)),
        round_trip: ms(work_ms / 10),
        ..Model::new("40 messages/s, burst 10, other latency", ms(work_ms))
    }
}

/// Four cores that need a millisecond, next door: 4,000 a second.
pub(crate) fn quick() -> Model {
    Model {
        cores: vec![(Duration::ZERO, 4.0)],
        round_trip: Duration::from_micros(200),
        ..Model::new("quick: 4,000 messages/s", ms(1))
    }
}

/// Ten cores, a tenth of a second for a message.
pub(crate) fn ordinary() -> Model {
    Model {
        cores: vec![(Duration::ZERO, 10.0)],
        ..Model::new("ordinary: 100 messages/s", ms(100))
    }
}

/// A host that swallows every SYN.
pub(crate) fn black_hole() -> Model {
    let ever = Duration::from_secs(1 << 32);
    Model {
        down: Vec::new(),
        silent: vec![(Duration::ZERO, ever)],
        ..b_cores()
    }
}

/// The good one of two hosts.
pub(crate) fn h_good() -> Model {
    Model {
        name: "H: two hosts, one in a black hole",
        ..b_cores()
    }
}

/// 421 above ten connections, for 500 domains.
pub(crate) fn j_shared() -> Model {
    Model {
        name: "J: 500 domains on one server",
        ..a_connections()
    }
}

/// Good for 33 messages a second with ten connections.
pub(crate) fn k_busy() -> Model {
    Model {
        name: "K: fresh load of 0.7 C during the drain",
        ..a_connections()
    }
}

/// One of many that come back in the same second.
pub(crate) fn l_one_of_many() -> Model {
    Model {
        name: "L: 10,000 destinations come back in the same second",
        ..b_cores()
    }
}

/// A quick destination, and a relay that has more to do than wait for it.
pub(crate) fn busy_relay() -> Model {
    Model {
        cores: vec![(Duration::ZERO, 8.0)],
        round_trip: ms(1),
        own_time: ms(40),
        own_noise: (after(15), ms(20)),
        ..Model::new("quick, and a relay that is busy itself", ms(10))
    }
}

/// Down for 15 s every two minutes.
pub(crate) fn g_flapping() -> Model {
    let down = (0..40).map(|n| (after(105 + n * 120), after(120 + n * 120)));
    Model {
        down: [(Duration::ZERO, UP_AT)].into_iter().chain(down).collect(),
        cores: vec![(Duration::ZERO, 10.0)],
        ..Model::new("G: down for 15 s every two minutes", ms(300))
    }
}

/// Away for half a minute after some good ones, then back with three of ten cores for two minutes.
pub(crate) fn restarted_cold() -> Model {
    Model {
        down: vec![(Duration::ZERO, UP_AT), (after(150), after(180))],
        cores: vec![
            (Duration::ZERO, 10.0),
            (after(180), 3.0),
            (after(300), 10.0),
        ],
        in_flight_max: Some(3.0),
        ..Model::new("restarted, and cold", ms(300))
    }
}
