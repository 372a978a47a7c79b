//! What holds for any input: no panic, a bounded result, nothing off the lists (H22, H23).

use std::sync::Arc;

use proptest::prelude::*;
use web::message::{MessageView, PartPath, decode_charset};
use web::sanitize::{NoImages, Refusal, sanitise};

use crate::AllImages;
use crate::judge::{faults, style_faults};

/// Pieces that parsers trip over; put together at random they make hostile documents.
const PIECES: &[&str] = &[
    "<",
    ">",
    "</",
    "/>",
    "<!--",
    "-->",
    "--!>",
    "<!",
    "<?",
    "&",
    ";",
    "\"",
    "'",
    "=",
    " ",
    "\n",
    "`",
    "x",
    "<a href=",
    "javascript:alarm()",
    "https://a.example/",
    "</a>",
    "<table>",
    "<tr>",
    "<td>",
    "</td>",
    "</table>",
    "<p>",
    "</p>",
    "<b>",
    "</b>",
    "<i>",
    "<font size=1>",
    "</font>",
    "<svg>",
    "</svg>",
    "<math>",
    "<mtext>",
    "<style>",
    "</style>",
    "<title>",
    "</title>",
    "<textarea>",
    "<script>",
    "</script>",
    "<select>",
    "<option>",
    "<form>",
    "<template>",
    "</template>",
    "<noscript>",
    "</noscript>",
    "<iframe>",
    "</iframe>",
    "<img src=",
    "data:image/gif;base64,R0lGODlhAQABAAAAACw=",
    "cid:x",
    " onerror=alarm()",
    " style=\"",
    "color:red;",
    "background:url(",
    "https://evil.example/x",
    ")",
    "{",
    "}",
    "@media print{",
    "@import '",
    "expression(",
    "\\72",
    "/*",
    "*/",
    "&lt;",
    "&#60;",
    "&quot;",
    "\u{0}",
    "\u{202e}",
    "<pre>",
    "</pre>",
    "<li>",
    "<ul>",
    "</ul>",
    "<body style=\"margin:0\">",
    "<plaintext>",
    "<xmp>",
    "</xmp>",
    "<br>",
    "</br>",
    "<caption>",
    "<colgroup>",
    "<col>",
    "<h1>",
    "<center>",
    "<nobr>",
    "<button>",
    "<a>",
    "]]>",
    "<![CDATA[",
];

fn document() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => "[ -~]{0,6}",
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 768, ..ProptestConfig::default() })]

    #[test]
    fn h22_whatever_is_written_comes_out_on_the_lists(html in document()) {
        match sanitise(&html, Arc::new(AllImages)) {
            Ok(shown) => {
                let found = faults(&shown.html);
                prop_assert!(found.is_empty(), "{:?}\n{}", found, shown.html);
                let found: Vec<_> = style_faults(&shown.sheet).into_iter()
                    .chain(style_faults(&shown.body_style)).collect();
                prop_assert!(found.is_empty(), "{:?}", found);
                prop_assert!(shown.html.len() < 64 * 1024);
            }
            Err(refusal) => prop_assert_eq!(refusal, Refusal::NotStable),
        }
    }

    #[test]
    fn h23_any_bytes_are_a_message(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = MessageView::read(&bytes, &PartPath::default());
        let html = decode_charset(&bytes, None, true);
        let _ = sanitise(&html, Arc::new(NoImages));
    }

    #[test]
    fn h23_any_structure_is_a_message(
        lines in prop::collection::vec(prop::sample::select(&[
            "Content-Type: multipart/mixed; boundary=a", "Content-Type: multipart/alternative; boundary=b",
            "Content-Type: multipart/related; boundary=\"a\"", "Content-Type: text/html; charset=x",
            "Content-Type: message/rfc822", "Content-Type: text/calendar", "Content-Transfer-Encoding: base64",
            "Content-Transfer-Encoding: quoted-printable", "Content-ID: <x>", "--a", "--a--", "--b", "--b--",
            "", "", "<b>", "=3C=", "BEGIN:VEVENT", "DTSTART:2026", "END:VEVENT", "From: =?x?q?=?=", " folded",
            "Content-Disposition: attachment; filename*0*=utf-8''%", "Subject: \u{202e}x",
        ][..]), 0..40)
    ) {
        let raw = lines.join("\r\n");
        if let Ok(view) = MessageView::read(raw.as_bytes(), &PartPath::default()) {
            for file in &view.attachments {
                let _ = MessageView::read(raw.as_bytes(), &file.path);
            }
        }
    }
}

/// Inputs made to take long: each is refused or done in linear time.
#[test]
fn h3_bombs_are_refused_or_small() {
    let bombs = [
        "<div>".repeat(30_000),
        format!("<b {}>", "a b c d ".repeat(100_000)),
        "<b title=x ".repeat(100_000),
        "<a ".repeat(500_000),
        "<".repeat(2_000_000),
        "&".repeat(2_000_000),
        "&amp;<".repeat(49_000),
        "<!--".repeat(400_000),
        "<svg>".repeat(19_000),
        "</p>".repeat(19_000),
        "<table><tr><td>".repeat(6_000),
        "<p><b><i><u>".repeat(4_900),
        format!(
            "{}{}",
            "<font color=red>".repeat(250),
            "<p>x</p>".repeat(9_000)
        ),
        format!("<style>{}</style>x", "p{color:red}".repeat(10_000)),
        format!("<style>{}</style>x", "{".repeat(100_000)),
        format!("<style>{}</style>x", "a(".repeat(60_000)),
        format!("<p style='{}'>x", "width:calc(".repeat(5_000)),
        format!("<p style=\"{}\">x", "color:red;".repeat(6_000)),
        format!("<style>{}{{color:red}}</style>x", ".a,".repeat(40_000)),
        "<img src=https://a.example/x>".repeat(9_000),
        "<a href=https://a.example/>x</a>".repeat(9_000),
        "x ".repeat(1_000_000),
    ];
    for bomb in bombs {
        let start: String = bomb.chars().take(40).collect();
        if let Ok(shown) = sanitise(&bomb, Arc::new(NoImages)) {
            assert!(shown.html.len() <= 12 * bomb.len() + 1024, "{start}");
        }
    }
}
