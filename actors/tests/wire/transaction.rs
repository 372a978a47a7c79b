//! In a transaction: MAIL, RCPT, DATA, the body, the final dot.

use actors::status::DestinationState::{Degraded, Down, Healthy};

use super::row::Fate::{Delivered, Held, Parked, Uncertain};
use super::row::{FULL, GREY, LATER, Row, large, row};

const MESSAGE: &[Row] = &[
    row(
        &["mail: 451 4.3.0 try again later"],
        &[LATER, LATER],
        Healthy,
    ),
    row(
        &["mail: 450 4.1.8 sender's domain not found"],
        &[LATER, LATER],
        Healthy,
    ),
    row(
        &["mail: 451 4.7.1 greylisted, come back"],
        &[GREY, GREY],
        Healthy,
    ),
    row(
        &["data: 451 4.3.0 try again later"],
        &[LATER, LATER],
        Healthy,
    ),
    row(
        &["end: 451 4.6.0 cannot scan this now"],
        &[LATER, LATER],
        Healthy,
    ),
    row(&["end: 450 4.2.0 not now"], &[LATER, LATER], Healthy),
];

#[tokio::test(start_paused = true)]
async fn b7_a_message_that_is_deferred_waits_a_minute_and_nobody_else_does() {
    for row in MESSAGE {
        row.try_proven().await;
    }
}

const REFUSED: &[Row] = &[
    row(
        &["mail: 550 5.7.1 we do not like the sender"],
        &[Parked, Parked],
        Healthy,
    ),
    row(&["data: 554 5.5.0 not this"], &[Parked, Parked], Healthy),
    row(&["end: 554 5.7.1 spam"], &[Parked, Parked], Healthy),
    row(&["end: 552 5.3.4 too large"], &[Parked, Parked], Healthy),
    row(
        &["rcpt a: 550 5.1.1 no such user"],
        &[Parked, Delivered],
        Healthy,
    ),
    row(
        &["rcpt: 550 5.1.1 no such user"],
        &[Parked, Parked],
        Healthy,
    ),
    row(
        &["rcpt a: 552 5.2.2 over quota"],
        &[Parked, Delivered],
        Healthy,
    ),
];

#[tokio::test(start_paused = true)]
async fn b7_a_permanent_failure_of_one_message_is_believed_and_says_nothing_about_the_host() {
    for row in REFUSED {
        row.try_proven().await;
    }
}

const RECIPIENTS: &[Row] = &[
    row(
        &["rcpt a: 450 4.2.0 greylisted"],
        &[GREY, Delivered],
        Healthy,
    ),
    row(
        &["rcpt a: 451 4.7.1 please try again"],
        &[GREY, Delivered],
        Healthy,
    ),
    row(
        &["rcpt a: 452 4.2.2 mailbox full"],
        &[FULL, Delivered],
        Healthy,
    ),
    row(
        &["rcpt a: 450 4.2.1 mailbox disabled"],
        &[LATER, Delivered],
        Healthy,
    ),
    row(
        &["rcpt a: 451 4.3.0 lookup failed"],
        &[LATER, Delivered],
        Healthy,
    ),
    row(
        &[
            "rcpt a: 550 5.1.1 no such user",
            "rcpt b: 452 4.2.2 full",
            "rcpt c: 450 4.2.0 grey",
        ],
        &[Parked, FULL, GREY, Delivered],
        Healthy,
    ),
    row(
        &["rcpt a: 550 5.1.1 no such user", "end: 451 4.6.0 later"],
        &[Parked, LATER],
        Healthy,
    ),
];

#[tokio::test(start_paused = true)]
async fn b7_q11_out19_each_recipient_ends_in_the_state_that_its_own_reply_says() {
    for row in RECIPIENTS {
        row.try_proven().await;
    }
}

const OVERLOAD: &[Row] = &[
    row(&["mail: 421 4.3.2 too busy"], &[Held, Held], Degraded),
    row(&["mail: 452 4.3.1 no space"], &[Held, Held], Degraded),
    row(
        &["mail: 451 4.3.2 not accepting messages"],
        &[Held, Held],
        Degraded,
    ),
    row(
        &["mail: 450 4.7.0 too many messages"],
        &[Held, Held],
        Degraded,
    ),
    row(
        &["rcpt: 421 4.7.0 too many connections"],
        &[Held, Held],
        Degraded,
    ),
    row(
        &["rcpt: 451 4.7.1 you send too fast"],
        &[Held, Held],
        Degraded,
    ),
    row(&["rcpt: 452 4.3.1 no space"], &[Held, Held], Degraded),
    row(&["data: 421 4.3.2 too busy"], &[Held, Held], Degraded),
    row(&["data: 452 4.3.1 no space"], &[Held, Held], Degraded),
    row(&["end: 421 4.3.2 shutting down"], &[Held, Held], Degraded),
    row(&["end: 452 4.3.1 no space"], &[Held, Held], Degraded),
    row(
        &["end: 451 4.3.2 not accepting messages"],
        &[Held, Held],
        Degraded,
    ),
];

#[tokio::test(start_paused = true)]
async fn b7_s9_a_host_that_is_full_or_busy_charges_nobody() {
    for row in OVERLOAD {
        row.try_proven().await;
    }
}

const BROKEN: &[Row] = &[
    row(&["mail: <close>"], &[Held, Held], Down),
    row(&["mail: <reset>"], &[Held, Held], Down),
    row(&["mail: <silence>"], &[Held, Held], Down),
    row(&["mail: <endless line>"], &[Held, Held], Down),
    row(&["mail: <garbage>"], &[Held, Held], Down),
    row(&["rcpt: <close>"], &[Held, Held], Down),
    row(&["rcpt: <reset>"], &[Held, Held], Down),
    row(&["rcpt: <silence>"], &[Held, Held], Down),
    row(&["data: <close>"], &[Held, Held], Down),
    row(&["data: <reset>"], &[Held, Held], Down),
    row(&["data: <silence>"], &[Held, Held], Down),
];

#[tokio::test(start_paused = true)]
async fn b7_a_connection_that_breaks_in_a_transaction_charges_nobody() {
    for row in BROKEN {
        row.try_proven().await;
    }
}

const LOST: &[Row] = &[
    row(&["end: <close>"], &[Uncertain, Uncertain], Healthy),
    row(&["end: <reset>"], &[Uncertain, Uncertain], Healthy),
    row(&["end: <silence>"], &[Uncertain, Uncertain], Healthy),
    row(&["end: <endless line>"], &[Uncertain, Uncertain], Healthy),
];

#[tokio::test(start_paused = true)]
async fn b7_rfc1047_a_lost_final_reply_is_waited_for_and_tried_again_after_five_minutes() {
    for row in LOST {
        row.try_proven().await;
    }
}

const SLOW: &[Row] = &[
    row(&["banner: <drip> 220 mx"], &[Delivered, Delivered], Healthy),
    row(&["ehlo: <drip> 250 mx"], &[Delivered, Delivered], Healthy),
    row(
        &["mail: <drip> 250 2.1.0 ok"],
        &[Delivered, Delivered],
        Healthy,
    ),
    row(
        &["rcpt: <drip> 250 2.1.5 ok"],
        &[Delivered, Delivered],
        Healthy,
    ),
    row(
        &["data: <drip> 354 go ahead"],
        &[Delivered, Delivered],
        Healthy,
    ),
    row(
        &["end: <drip> 250 2.0.0 taken"],
        &[Delivered, Delivered],
        Healthy,
    ),
];

#[tokio::test(start_paused = true)]
async fn q22_a_peer_that_says_an_octet_a_second_is_waited_for() {
    for row in SLOW {
        row.try_proven().await;
    }
}

const IN_THE_BODY: &[Row] = &[
    large(&["body: 552 5.3.4 too large"], &[Parked, Parked], Healthy),
    large(&["body: 452 4.3.1 no space left"], &[Held, Held], Degraded),
    large(
        &["body: 451 4.6.0 cannot read this"],
        &[LATER, LATER],
        Healthy,
    ),
    large(&["body: <reset>"], &[Held, Held], Down),
    large(&["body: <close>"], &[Held, Held], Down),
];

#[tokio::test(start_paused = true)]
async fn b7_q3_q22_a_body_that_is_refused_or_cut_on_its_way_is_never_half_delivered() {
    for row in IN_THE_BODY {
        row.try_proven().await;
    }
}
