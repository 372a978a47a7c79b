//! Whatever arrives, however it is cut into packets.

use super::*;
use proptest::prelude::*;

fn any_dialogue() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "EHLO a\r\n",
        "MAIL FROM:<s@y.example>\r\n",
        "RCPT TO:<a@x.example>\r\n",
        "DATA\r\n",
        "x\r\n.\r\n",
        "\r\n.\r\n",
        ".\r\n",
        "BDAT 5\r\n",
        "BDAT 2 LAST\r\n",
        "BDAT 0 LAST\r\n",
        "RSET\r\n",
        "NOOP\r\n",
        "QUIT\r\n",
        "\n",
        "\r",
        "\0",
        "..\r\n",
        "abc",
        "MAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\n",
        "STARTTLS\r\n",
        "\r\n.\n",
        "\n.\r\n",
        "FOO\r\n",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat().into_bytes())
}

/// What an observer sees: replies and messages.
fn observe(pieces: &[&[u8]]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut session = Session::open();
    let mut said = Vec::new();
    for piece in pieces {
        session.say_bytes(piece);
        said.extend_from_slice(&session.said);
    }
    let bodies = session.taken.into_iter().map(|(_, body)| body).collect();
    (said, bodies)
}

proptest! {
    /// Packets do not matter, apart from what must not be pipelined (EHLO, STARTTLS).
    #[test]
    fn q28_a_split_at_every_octet_changes_nothing(dialogue in any_dialogue()) {
        let text = String::from_utf8_lossy(&dialogue).into_owned();
        prop_assume!(!text.contains("EHLO") && !text.contains("STARTTLS"));
        let whole = observe(&[&dialogue]);
        let octets: Vec<&[u8]> = dialogue.chunks(1).collect();
        prop_assert_eq!(observe(&octets), whole.clone());
        for cut in 0..dialogue.len() {
            let (left, right) = dialogue.split_at(cut);
            prop_assert_eq!(observe(&[left, right]), whole.clone());
        }
    }

    /// Whatever arrives: no panic, no message with a bare CR, LF or NUL, one reply line at least
    /// 4 octets long and clean, and memory for unread input stays bounded.
    #[test]
    fn q28_no_input_breaks_a_session(pieces in prop::collection::vec(prop_oneof![
        any_dialogue(),
        prop::collection::vec(any::<u8>(), 0..400),
    ], 0..6)) {
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let (said, bodies) = observe(&pieces);
        let mut guard = crate::smtp::crlf::CrlfGuard::default();
        prop_assert!(guard.check(&said).is_ok() && guard.is_at_line_start());
        for body in bodies {
            let mut guard = crate::smtp::crlf::CrlfGuard::default();
            prop_assert!(guard.check(&body).is_ok() && guard.is_at_line_start());
        }
    }
}
