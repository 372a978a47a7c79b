//! What every request passes on its way in and every answer on its way out, errors included:
//! security headers (HD1–HD3), the `Host` check and one reading of the path (HD5), the bound on
//! size.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use tower_http::timeout::TimeoutLayer;

use crate::api::problem::Problem;

/// How long a handler may take.
pub const HANDLER_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of a request's body, where a route does not say otherwise.
pub const BODY_MAX: usize = 1024 * 1024;

const ADMIN_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    object-src 'none'; manifest-src 'self'; worker-src 'self'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'; \
    report-to csp; report-uri /csp-report";

/// The portal shows mail in frames of its own and has one Trusted-Types policy.
const PORTAL_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; \
    base-uri 'none'; object-src 'none'; manifest-src 'self'; worker-src 'self'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types portal; \
    report-to csp; report-uri /csp-report";

/// Where reports about the policies go (H21); `report-uri` says the same to older browsers.
const REPORTING_ENDPOINTS: &str = "csp=\"/csp-report\"";

const PERMISSIONS_POLICY: &str = "camera=(), microphone=(), geolocation=(), payment=(), usb=()";

const TWO_YEARS: &str = "max-age=63072000; includeSubDomains";

/// Which site is guarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// The administration.
    Admin,
    /// The users' portal.
    Portal,
}

/// How a site is reached and guarded.
#[derive(Debug, Clone)]
pub struct Guard {
    /// Values of `Host` that are ours, in lower case; empty lets every host pass.
    pub hosts: Arc<[String]>,
    /// Whether the site speaks TLS.
    pub tls: bool,
    /// Which site it is.
    pub site: Site,
}

impl Guard {
    /// Puts the guards around all routes of a site.
    pub fn protect(self, router: Router) -> Router {
        router
            .layer(DefaultBodyLimit::max(BODY_MAX))
            .layer(middleware::from_fn_with_state(self.clone(), check_target))
            .layer(middleware::from_fn_with_state(self, set_headers))
    }

    /// As [`Guard::protect`], with `dress` between the checks and the headers: it sees every refusal,
    /// those of the checks included.
    pub(crate) fn protect_dressed(
        self,
        router: Router,
        dress: impl FnOnce(Router) -> Router,
    ) -> Router {
        let checked = router
            .layer(DefaultBodyLimit::max(BODY_MAX))
            .layer(middleware::from_fn_with_state(self.clone(), check_target));
        dress(checked).layer(middleware::from_fn_with_state(self, set_headers))
    }
}

/// The bound on the time of ordinary handlers. Jobs (a backup, the removal of a domain with its
/// mail) take as long as they take.
pub(crate) fn time_limit() -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, HANDLER_TIMEOUT)
}

async fn set_headers(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(
        HeaderName::from_static("reporting-endpoints"),
        REPORTING_ENDPOINTS,
    );
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("permissions-policy"),
        PERMISSIONS_POLICY,
    );
    if guard.tls {
        set(header::STRICT_TRANSPORT_SECURITY, TWO_YEARS);
    }
    let policy = match guard.site {
        Site::Admin => ADMIN_POLICY,
        Site::Portal => PORTAL_POLICY,
    };
    // Frames and images of mail have stricter ones of their own; nothing has none.
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

async fn check_target(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    if !is_plain(request.uri()) {
        return Problem::new(StatusCode::BAD_REQUEST, "bad-path")
            .detail("the path is not in its plain form")
            .into_response();
    }
    if !guard.hosts.is_empty() && !guard.hosts.iter().any(|host| is_for(&request, host)) {
        return Problem::new(StatusCode::MISDIRECTED_REQUEST, "other-host")
            .detail("this listener does not serve that host name; see `url` in its configuration")
            .into_response();
    }
    next.run(request).await
}

/// Whether a request says that it is for `host`, in every place where it says so.
fn is_for(request: &Request, host: &str) -> bool {
    let mut named = request.headers().get_all(header::HOST).iter();
    let (Some(first), None) = (named.next(), named.next()) else {
        return false;
    };
    let authority = request.uri().authority();
    first.as_bytes().eq_ignore_ascii_case(host.as_bytes())
        && authority.is_none_or(|authority| authority.as_str().eq_ignore_ascii_case(host))
}

/// Whether a path reads the same for everybody: no empty, `.` or `..` segment, nothing encoded that
/// would change its structure, valid UTF-8 after decoding.
fn is_plain(uri: &Uri) -> bool {
    let path = uri.path();
    let Some(decoded) = percent_decoded(path) else {
        return false;
    };
    let Ok(text) = std::str::from_utf8(&decoded) else {
        return false;
    };
    let structure = |text: &str| text.matches('/').count();
    let dotted = |segment: &str| matches!(segment, "." | "..");
    structure(path) == structure(text)
        && !text.contains("//")
        && !text.split('/').any(dotted)
        && !text.contains(|c: char| c.is_control() || c == '\\')
}

/// The bytes a percent-encoded text stands for; none when an escape is cut short.
pub(crate) fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            decoded.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt as _;

    async fn answer(request: Request) -> Response {
        let guard = Guard {
            hosts: ["mx.example.net:8444".to_owned()].into(),
            tls: true,
            site: Site::Admin,
        };
        let router = Router::new().route("/api/{name}", get(|| async { "here" }));
        guard.protect(router).oneshot(request).await.unwrap()
    }

    fn request(path: &str, hosts: &[&str]) -> Request {
        let builder = Request::builder().uri(path);
        let builder = hosts
            .iter()
            .fold(builder, |builder, host| builder.header("host", *host));
        builder.body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn hd5_another_host_is_misdirected() {
        for (hosts, status) in [
            (&["mx.example.net:8444"][..], 200),
            (&["MX.Example.NET:8444"], 200),
            (&["mx.example.net"], 421),
            (&["evil.example"], 421),
            (&["mx.example.net:8444", "evil.example"], 421),
            (&[], 421),
        ] {
            let response = answer(request("/api/x", hosts)).await;
            assert_eq!(response.status().as_u16(), status, "{hosts:?}");
        }
        let absolute = request("http://evil.example/api/x", &["mx.example.net:8444"]);
        assert_eq!(
            answer(absolute).await.status(),
            StatusCode::MISDIRECTED_REQUEST
        );
    }

    #[tokio::test]
    async fn hd5_a_path_has_one_reading() {
        for (path, status) in [
            ("/api/x", 200),
            ("/%61pi/x", 404),
            ("/api/caf%C3%A9", 200),
            ("/api/a%2fb", 400),
            ("/api//x", 400),
            ("//api/x", 400),
            ("/api/../x", 400),
            ("/api/%2e%2e/x", 400),
            ("/api/%00", 400),
            ("/api/%ff", 400),
            ("/api/%5c", 400),
            ("/api/%zz", 400),
            ("/api/%2", 400),
        ] {
            let response = answer(request(path, &["mx.example.net:8444"])).await;
            assert_eq!(response.status().as_u16(), status, "{path}");
        }
    }

    #[tokio::test]
    async fn hd1_hd2_hd3_headers_are_on_every_answer() {
        for path in ["/api/x", "/nothing", "/api/%00"] {
            let response = answer(request(path, &["mx.example.net:8444"])).await;
            let headers = response.headers();
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("cross-origin-opener-policy", "same-origin"),
                ("cross-origin-resource-policy", "same-origin"),
                ("permissions-policy", PERMISSIONS_POLICY),
                ("strict-transport-security", TWO_YEARS),
                ("content-security-policy", ADMIN_POLICY),
                ("cache-control", "no-store"),
            ] {
                assert_eq!(headers.get(name).unwrap(), value, "{path}");
            }
            assert!(headers.get("server").is_none());
        }
    }
}
