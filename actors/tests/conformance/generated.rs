//! Classes of cases that are tables: ends of data, relays in disguise, bombs.

use crate::language::{Case, Step};

/// What some server somewhere takes for the end of the data.
const SEQUENCES: [&str; 28] = [
    "\n.\n",
    "\n.\r\n",
    "\r.\r",
    "\r.\r\n",
    "\r\n.\n",
    "\r\n.\r",
    "\n.\r",
    "\r.\n",
    "\r\r\n.\r\r\n",
    "\r\n.\r\r\n",
    "\n\n.\r\n",
    "\r\n\n.\r\n",
    "\n\r.\r\n",
    "\r\n\r.\r\n",
    "\r\n.\0\r\n",
    "\r\n\0.\r\n",
    "\0\r\n.\n",
    "\r\0\n.\r\n",
    "\r\n.\r\0\n",
    "\n\0.\r\n",
    "\r\n.\n\r\n",
    "\n.\n.\n",
    "\r.\r.\r",
    "\n.\r\n.\n",
    "\r\n.\r.\r\n",
    "\n\r\n.\n",
    "\r\n.\n.\r\n",
    "\0.\0",
];

const ENVELOPE: &str = "MAIL FROM:<s@sender.example>\r\nRCPT TO:<alice@x.example>\r\n";
const SMUGGLED: &str =
    "MAIL FROM:<evil@sender.example>\r\nRCPT TO:<bob@x.example>\r\nDATA\r\nsmuggled\r\n";

/// Each sequence in DATA and in BDAT, with commands joined to it: one refusal, nothing else runs.
pub(crate) fn end_of_data() -> Vec<Case> {
    let mut cases = Vec::new();
    for (number, sequence) in SEQUENCES.iter().enumerate() {
        let content = format!("Subject: a\r\n\r\ntext{sequence}{SMUGGLED}");
        let data = Case::new(format!("end of data: {number} {sequence:?} in DATA"))
            .say(format!("{ENVELOPE}DATA\r\n"))
            .expect("250 2.1.0")
            .expect("250 2.1.5")
            .expect("354")
            .say(format!("{content}\r\n.\r\nNOOP\r\n"))
            .expect("550 5.6.0")
            .expect("250 2.0.0");
        cases.push(data);
        let length = content.len();
        let bdat = Case::new(format!("end of data: {number} {sequence:?} in BDAT"))
            .say(format!("{ENVELOPE}BDAT {length} LAST\r\n{content}NOOP\r\n"))
            .expect("250 2.1.0")
            .expect("250 2.1.5")
            .expect("550 5.6.0")
            .expect("250 2.0.0");
        cases.push(bdat);
    }
    cases
}

/// Recipients that would make us relay if they were taken, and what they are answered.
const DISGUISES: [(&str, &str); 25] = [
    ("<v@foreign.example>", "550 5.7.1"),
    ("<v%foreign.example@x.example>", "550 5.7.1"),
    ("<v%foreign.example@mx.example.net>", "550 5.7.1"),
    ("<v%foreign.example%x.example@x.example>", "550 5.7.1"),
    ("<foreign.example!v@x.example>", "550 5.7.1"),
    ("<foreign.example!v>", "501 5.1.3"),
    ("<@x.example:v@foreign.example>", "550 5.7.1"),
    ("<@foreign.example:alice@x.example>", "550 5.7.1"),
    (
        "<@x.example,@foreign.example:v@foreign.example>",
        "550 5.7.1",
    ),
    ("<\"v@foreign.example\"@x.example>", "550 5.7.1"),
    ("<\"v%foreign.example\"@x.example>", "550 5.7.1"),
    ("<\"foreign.example!v\"@x.example>", "550 5.7.1"),
    ("<v@foreign.example@x.example>", "501 5.1.3"),
    ("<alice@x.example@foreign.example>", "501 5.1.3"),
    ("<alice@sub.x.example>", "550 5.7.1"),
    ("<alice@x.example.foreign.example>", "550 5.7.1"),
    ("<alice@foreignx.example>", "550 5.7.1"),
    ("<v@[192.0.2.1]>", "550 5.7.1"),
    ("<v@[127.0.0.1]>", "550 5.7.1"),
    ("<v@[IPv6:::1]>", "550 5.7.1"),
    ("<v@localhost>", "550 5.7.1"),
    ("<\"\"@foreign.example>", "550 5.7.1"),
    ("<v@foreign.example:25@x.example>", "501 5.1.3"),
    ("<\"v\\@foreign.example\"@x.example>", "550 5.7.1"),
    ("<v:foreign.example@x.example>", "501 5.1.3"),
];

/// Each disguise from each kind of sender.
pub(crate) fn relay_disguises() -> Vec<Case> {
    let senders = [
        "<>",
        "<s@sender.example>",
        "<alice@x.example>",
        "<postmaster@mx.example.net>",
        "<\"v@foreign.example\"@x.example>",
    ];
    let mut cases = Vec::new();
    for sender in senders {
        for (path, reply) in DISGUISES {
            let case = Case::new(format!("relay: {path} from {sender}"))
                .say(format!("MAIL FROM:{sender}\r\nRCPT TO:{path}\r\nDATA\r\n"))
                .expect("250 2.1.0")
                .expect(reply)
                .expect("5");
            cases.push(case);
        }
    }
    cases
}

/// Messages that are much work for who looks into them, and lines that are much work for who reads
/// them. All are answered; how long that takes is measured by a benchmark.
pub(crate) fn bombs() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, content, reply) in crate::bombs::messages() {
        let mut case = Case::new(format!("bomb: {name}"))
            .say(format!("{ENVELOPE}DATA\r\n"))
            .expect("250 2.1.0")
            .expect("250 2.1.5")
            .expect("354");
        case.steps.push(Step::Say(content));
        case.steps.push(Step::Say(b"\r\n.\r\n".to_vec()));
        case.queued = usize::from(reply.starts_with('2'));
        cases.push(case.expect(reply));
    }
    for (name, said, replies) in crate::bombs::dialogues() {
        let mut case = Case::new(format!("bomb: {name}")).say(said);
        for reply in replies {
            case = case.expect(reply);
        }
        cases.push(case);
    }
    cases
}
