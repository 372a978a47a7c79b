//! What a browser says about a ceremony: `clientDataJSON` (WebAuthn §5.8.1).

use serde::Deserialize;

use super::ceremony::PasskeyFault;
use super::relying_party::RelyingParty;

/// Bytes of it, at most; browsers write some two hundred.
const BYTES_MAX: usize = 4 * 1024;

#[derive(Debug, Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
}

/// The challenge that was signed, when the browser took part in the ceremony `kind` on our site.
/// Whether the challenge is ours is the caller's to judge.
///
/// # Errors
/// [`PasskeyFault`].
pub(super) fn challenge_of(
    json: &[u8],
    kind: &str,
    party: &RelyingParty,
) -> Result<String, PasskeyFault> {
    if json.len() > BYTES_MAX {
        return Err(PasskeyFault::Malformed);
    }
    let data: ClientData = serde_json::from_slice(json).map_err(|_| PasskeyFault::Malformed)?;
    if data.kind != kind {
        return Err(PasskeyFault::Ceremony);
    }
    if data.origin != party.origin || data.cross_origin {
        return Err(PasskeyFault::Origin);
    }
    Ok(data.challenge)
}
