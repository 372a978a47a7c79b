//! Before a transaction: the greeting, EHLO, STARTTLS. Who has a conversation that ends here has
//! learnt something about the host and nothing about the message.

use actors::status::DestinationState::{Degraded, Down, Healthy, Policy};

use super::row::Fate::{Delivered, Held};
use super::row::{Row, row, strict};

const BROKEN: &[Row] = &[
    row(&["banner: <close>"], &[Held], Down),
    row(&["banner: <reset>"], &[Held], Down),
    row(&["banner: <silence>"], &[Held], Down),
    row(
        &["banner: <drip> 220 mail.example.org ESMTP ready to serve you"],
        &[Held],
        Down,
    ),
    row(&["ehlo: <close>"], &[Held], Down),
    row(&["ehlo: <reset>"], &[Held], Down),
    row(&["ehlo: <silence>"], &[Held], Down),
    strict(&["starttls: <close>"], &[Held], Down),
    strict(&["starttls: <silence>"], &[Held], Down),
];

#[tokio::test(start_paused = true)]
async fn b7_a_connection_that_breaks_is_the_host_s_and_charges_nobody() {
    for row in BROKEN {
        row.try_proven().await;
    }
}

#[tokio::test(start_paused = true)]
async fn b7_a_probe_that_breaks_is_no_recovery() {
    for row in BROKEN {
        row.try_unknown().await;
    }
}

/// 5yz to everybody, or no SMTP at all.
const REFUSING: &[Row] = &[
    row(&["banner: 554 5.7.1 go away <close>"], &[Held], Policy),
    row(&["banner: 521 we take no mail <close>"], &[Held], Policy),
    row(&["banner: <garbage>"], &[Held], Policy),
    row(&["banner: <endless line>"], &[Held], Policy),
    row(&["banner: <endless lines>"], &[Held], Policy),
    row(
        &["ehlo: 554 5.7.1 not you", "helo: 554 5.7.1 not you"],
        &[Held],
        Policy,
    ),
    row(&["ehlo: <endless lines>"], &[Held], Policy),
    strict(&["starttls: 502 5.5.1 no such thing"], &[Held], Policy),
];

#[tokio::test(start_paused = true)]
async fn b7_s9_a_host_that_refuses_everybody_bounces_nothing() {
    for row in REFUSING {
        row.try_proven().await;
    }
}

#[tokio::test(start_paused = true)]
async fn b7_s9_a_probe_that_is_refused_for_good_is_no_recovery() {
    for row in REFUSING {
        row.try_unknown().await;
    }
}

/// 4yz to everybody.
const BUSY: [&[&str]; 5] = [
    &["banner: 421 4.3.2 too many connections"],
    &["banner: 450 4.3.2 not now <close>"],
    &["ehlo: 421 4.3.2 shutting down"],
    &["ehlo: 450 4.3.2 not now", "helo: 450 4.3.2 not now"],
    &["starttls: 454 4.7.0 no certificate today"],
];

#[tokio::test(start_paused = true)]
async fn b7_a_host_that_is_too_busy_for_a_session_charges_nobody() {
    for script in BUSY {
        strict(script, &[Held], Degraded).try_proven().await;
    }
}

#[tokio::test(start_paused = true)]
async fn b7_a_probe_that_meets_a_busy_host_is_no_recovery() {
    for script in BUSY {
        strict(script, &[Held], Down).try_unknown().await;
    }
}

/// What TLS can come to.
const HANDSHAKES: [&[&str]; 5] = [
    &["handshake: <garbage>"],
    &["handshake: <close>"],
    &["handshake: <reset>"],
    &["handshake: <silence>"],
    &["starttls: 220 go\r\n250 injected"],
];

#[tokio::test(start_paused = true)]
async fn b7_q29_tls_that_fails_is_no_hindrance_where_it_is_not_demanded() {
    for script in HANDSHAKES {
        row(script, &[Delivered], Healthy).try_proven().await;
    }
    const REFUSED: &[&str] = &["starttls: 502 5.5.1 no such thing"];
    row(REFUSED, &[Delivered], Healthy).try_proven().await;
    row(&["starttls: <close>"], &[Delivered], Healthy)
        .try_proven()
        .await;
}

#[tokio::test(start_paused = true)]
async fn b7_q29_tls_that_fails_where_it_is_demanded_holds_the_mail() {
    for script in HANDSHAKES {
        strict(script, &[Held], Policy).try_proven().await;
    }
    strict(&["offers: 8BITMIME"], &[Held], Policy)
        .try_unknown()
        .await;
}

#[tokio::test(start_paused = true)]
async fn out5_helo_is_tried_where_ehlo_is_not_understood() {
    const OLD: [&[&str]; 3] = [
        &["ehlo: 500 5.5.2 what?"],
        &["ehlo: 502 5.5.1 what?"],
        &["ehlo: 504 5.5.4 what?"],
    ];
    for script in OLD {
        row(script, &[Delivered], Healthy).try_proven().await;
    }
}
