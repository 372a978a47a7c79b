//! MAIL and RCPT lines with the parameters that the peer understands.

use storage::model::{BodyKind, DsnNotify, DsnReturn, Recipient};

use super::super::xtext;
use super::capabilities::Capabilities;
use super::transaction::Transaction;

pub(super) fn mail_line(transaction: &Transaction, peer: &Capabilities) -> String {
    let mut line = format!("MAIL FROM:<{}>", transaction.reverse_path);
    if peer.size {
        line.push_str(&format!(" SIZE={}", transaction.size_bytes));
    }
    if peer.eight_bit_mime && transaction.body == BodyKind::EightBitMime {
        line.push_str(" BODY=8BITMIME");
    }
    if peer.smtputf8 && transaction.smtputf8 {
        line.push_str(" SMTPUTF8");
    }
    if peer.dsn {
        match transaction.dsn_return {
            Some(DsnReturn::Full) => line.push_str(" RET=FULL"),
            Some(DsnReturn::Headers) => line.push_str(" RET=HDRS"),
            None => {}
        }
        if let Some(id) = &transaction.envelope_id {
            line.push_str(&format!(" ENVID={}", xtext::encode(id)));
        }
    }
    line.push_str("\r\n");
    line
}

pub(super) fn rcpt_line(recipient: &Recipient, peer: &Capabilities) -> String {
    let mut line = format!("RCPT TO:<{}>", recipient.path);
    if peer.dsn {
        if let Some(notify) = recipient.notify {
            line.push_str(" NOTIFY=");
            line.push_str(&notify_words(notify));
        }
        if let Some(original) = recipient.original.as_deref().and_then(original_parameter) {
            line.push_str(&original);
        }
    }
    line.push_str("\r\n");
    line
}

/// `ORCPT=type;xtext`. What is no clean type is left out: the parameter is only information.
fn original_parameter(original: &str) -> Option<String> {
    let (kind, address) = original.split_once(';')?;
    let clean = !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    clean.then(|| format!(" ORCPT={kind};{}", xtext::encode(address)))
}

fn notify_words(notify: DsnNotify) -> String {
    let words = [
        (notify.success, "SUCCESS"),
        (notify.failure, "FAILURE"),
        (notify.delay, "DELAY"),
    ];
    let chosen: Vec<&str> = words
        .iter()
        .filter(|(wanted, _)| *wanted && !notify.never)
        .map(|(_, word)| *word)
        .collect();
    if chosen.is_empty() {
        "NEVER".to_owned()
    } else {
        chosen.join(",")
    }
}
