//! What sender authentication found out about a message, as the API shows it.

use serde::{Deserialize, Serialize};
use storage::model::Authentication;
use utoipa::ToSchema;

/// SPF, DKIM, DMARC and ARC of one message, in the words of RFC 8601.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuthenticationView {
    /// Result of SPF.
    #[schema(example = "pass")]
    pub spf: String,
    /// The domain that SPF is about.
    pub spf_domain: String,
    /// The signatures.
    pub dkim: Vec<DkimView>,
    /// Result of DMARC.
    pub dmarc: String,
    /// The domain of `From`; empty when there is none, or more than one.
    pub from_domain: String,
    /// What the domain wants done with mail that fails.
    pub dmarc_policy: String,
    /// Whether SPF passed for a domain that is aligned with `From`.
    pub spf_aligned: bool,
    /// Whether a signature passed for such a domain.
    pub dkim_aligned: bool,
    /// Result of ARC.
    pub arc: String,
    /// Domain of the last ARC seal.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub arc_sealer: String,
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DkimView {
    /// Its result.
    pub result: String,
    /// Who signed.
    pub domain: String,
    /// With which key.
    pub selector: String,
    /// Whether the domain is aligned with `From`.
    pub aligned: bool,
    /// Why it did not pass.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

impl AuthenticationView {
    pub(super) fn new(found: &Authentication) -> Self {
        let dkim = found.dkim.iter().map(|one| DkimView {
            result: one.result.to_string(),
            domain: one.domain.clone(),
            selector: one.selector.clone(),
            aligned: one.aligned,
            reason: one.reason.clone(),
        });
        Self {
            spf: found.spf.result.to_string(),
            spf_domain: found.spf.domain.clone(),
            dkim: dkim.collect(),
            dmarc: found.dmarc.result.to_string(),
            from_domain: found.dmarc.from_domain.clone(),
            dmarc_policy: found.dmarc.policy.as_str().to_owned(),
            spf_aligned: found.dmarc.spf_aligned,
            dkim_aligned: found.dmarc.dkim_aligned,
            arc: found.arc.result.to_string(),
            arc_sealer: found.arc.sealer.clone(),
        }
    }
}
