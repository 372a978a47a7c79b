//! QR codes as drawings: no file, no script, nothing loaded from elsewhere.

use maud::{Markup, html};
use qrcode::{Color, QrCode};

/// Modules of quiet zone on each side (ISO/IEC 18004 §9.1).
const MARGIN: usize = 4;

/// A text as a drawing that a camera reads, with a name for those who do not see it; nothing when
/// the text is too long for one.
pub(crate) fn draw(text: &str, name: &str) -> Markup {
    let Ok(code) = QrCode::new(text.as_bytes()) else {
        return html! {};
    };
    let width = code.width();
    let mut path = String::new();
    for (place, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (place % width + MARGIN, place / width + MARGIN);
            path.push_str(&format!("M{x} {y}h1v1h-1z"));
        }
    }
    let side = width + MARGIN * 2;
    let view = format!("0 0 {side} {side}");
    html! {
        svg.qr role="img" aria-label=(name) viewBox=(view) width="200" height="200"
            shape-rendering="crispEdges" {
            rect width=(side) height=(side) fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    }
}
