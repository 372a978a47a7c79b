//! The style sheet, the script and the icon, under names that change with their content.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};

use super::refusal::Refusal;

const STYLE: &str = include_str!("portal.css");
const ICON: &str = include_str!("icon.svg");

const SCRIPT: &str = include_str!("portal.js");
const PASSKEY: &str = include_str!("passkey.js");

const STYLE_HASH: u64 = hash(STYLE.as_bytes());
const SCRIPT_HASH: u64 = hash(SCRIPT.as_bytes());
const PASSKEY_HASH: u64 = hash(PASSKEY.as_bytes());
const ICON_HASH: u64 = hash(ICON.as_bytes());

/// Where the style sheet is.
pub(super) fn style_path() -> String {
    format!("/assets/{}", style_name())
}

/// Where the script is.
pub(super) fn script_path() -> String {
    format!("/assets/{}", script_name())
}

/// Where the script for passkeys is; only pages that offer them name it.
pub(super) fn passkey_script_path() -> String {
    format!("/assets/{}", passkey_name())
}

/// Where the icon is.
pub(super) fn icon_path() -> String {
    format!("/assets/{}", icon_name())
}

fn style_name() -> String {
    format!("portal-{STYLE_HASH:016x}.css")
}

fn script_name() -> String {
    format!("portal-{SCRIPT_HASH:016x}.js")
}

fn passkey_name() -> String {
    format!("passkey-{PASSKEY_HASH:016x}.js")
}

fn icon_name() -> String {
    format!("icon-{ICON_HASH:016x}.svg")
}

pub(crate) async fn serve(Path(name): Path<String>) -> Result<Response, Refusal> {
    let (kind, content) = if name == style_name() {
        ("text/css; charset=utf-8", STYLE)
    } else if name == script_name() {
        ("text/javascript; charset=utf-8", SCRIPT)
    } else if name == passkey_name() {
        ("text/javascript; charset=utf-8", PASSKEY)
    } else if name == icon_name() {
        ("image/svg+xml", ICON)
    } else {
        return Err(Refusal::NotFound);
    };
    let headers = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, content).into_response())
}

/// FNV-1a: tells one build's file from another's, nothing more.
const fn hash(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut rest = bytes;
    while let [byte, tail @ ..] = rest {
        hash = (hash ^ *byte as u64).wrapping_mul(0x0100_0000_01b3);
        rest = tail;
    }
    hash
}
