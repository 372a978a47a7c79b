//! A site to ask, and answers to look at.

use std::sync::Arc;

use actors::status::StatusBoard;
use actors::tls::ServerTls;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use storage::model::{
    BodyKind, ClientFacts, DomainId, Envelope, MessageId, Recipient, Timestamp, TokioClock,
};
use storage::spool::{NewDisposition, NewEntry, NewMessage, Spool};
use tower::ServiceExt as _;
use web::auth::csrf::Origins;
use web::auth::reset::{ResetClerk, ResetOffice};
use web::auth::{OperatorToken, PasswordHasher, SignIn};
use web::guard::{Guard, Site as GuardedSite};
use web::{AdminSite, admin_router};

/// The operator's token in these tests.
pub(crate) const TOKEN: &str = "a-token-for-tests-with-32-letters";
/// The host name that the site has.
pub(crate) const HOST: &str = "localhost:8444";

pub(crate) struct Site {
    pub(crate) spool: Spool,
    pub(crate) board: StatusBoard,
    pub(crate) sign_in: SignIn,
    pub(crate) clerk: ResetClerk,
    pub(crate) router: Router,
}

/// A certificate of its own, in a folder that goes at once.
fn smtp_tls() -> Arc<ServerTls> {
    let folder = tempfile::tempdir().unwrap();
    let tls = ServerTls::self_signed(folder.path(), "smtp", "mx.example.net", &["smtp"]);
    Arc::new(tls.unwrap())
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.bytes)))
    }

    /// The fields that a refusal names.
    pub(crate) fn fields(&self) -> Vec<String> {
        let json = self.json();
        let errors = json["errors"].as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .map(|error| error["field"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl Site {
    pub(crate) async fn new() -> Self {
        let clock = Arc::new(TokioClock::new(Timestamp::from_secs(1_800_000_000)));
        let spool = Spool::in_memory(clock).await;
        let sign_in = SignIn::new(spool.clone(), PasswordHasher::with_threads(2));
        let (desk, clerk) = ResetClerk::new(ResetOffice {
            sign_in: sign_in.clone(),
            board: StatusBoard::default(),
            hostname: "mx.example.net".to_owned(),
            portal_url: "https://mail.example.net".to_owned(),
            admin_url: format!("https://{HOST}"),
        });
        let board = StatusBoard::default();
        let site = AdminSite {
            spool: spool.clone(),
            status: board.clone(),
            token: OperatorToken::new(TOKEN),
            sign_in: sign_in.clone(),
            desk,
            tls: true,
            zone: TimeZone::UTC,
            origins: Origins([format!("https://{HOST}")].into()),
            url: format!("https://{HOST}"),
            portal_url: "https://mail.example.net".to_owned(),
            smtp_tls: Some(smtp_tls()),
            hostname: "mx.example.net".parse().unwrap(),
            started_at: Timestamp::from_secs(1_800_000_000),
        };
        let guard = Guard {
            hosts: [HOST.to_owned()].into(),
            tls: true,
            site: GuardedSite::Admin,
        };
        Self {
            spool,
            board,
            sign_in,
            clerk,
            router: admin_router(site, guard),
        }
    }

    /// A site that protects `example.org`.
    pub(crate) async fn with_domain() -> Self {
        let site = Self::new().await;
        let added = site
            .send(Method::POST, "/api/v1/domains", &domain("example.org"))
            .await;
        assert_eq!(added.status, StatusCode::CREATED);
        site
    }

    pub(crate) async fn raw(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            bytes: body.collect().await.unwrap().to_bytes().to_vec(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path, None).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        let body = ("application/json", body.to_string());
        self.ask(method, path, Some(body)).await
    }

    pub(crate) async fn upload(&self, path: &str, csv: &str) -> Answer {
        let body = ("text/csv", csv.to_owned());
        self.ask(Method::POST, path, Some(body)).await
    }

    async fn ask(&self, method: Method, path: &str, body: Option<(&str, String)>) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", HOST)
            .header("authorization", format!("Bearer {TOKEN}"));
        let mut bytes = String::new();
        if let Some((kind, text)) = body {
            request = request.header("content-type", kind);
            bytes = text;
        }
        self.raw(request.body(Body::from(bytes)).unwrap()).await
    }

    /// What was done, newest first.
    pub(crate) async fn audit(&self) -> Vec<(String, String)> {
        let rows = self.get("/api/v1/audit").await.json();
        let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
        rows["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (text(row, "action"), text(row, "subject")))
            .collect()
    }

    /// Takes a message in, as intake does.
    pub(crate) async fn accept(
        &self,
        domain: DomainId,
        sender: &str,
        recipient: &str,
        disposition: NewDisposition,
    ) -> MessageId {
        let id = self.spool.next_id();
        let mut body = self.spool.begin_body(id);
        body.write("Subject: x\r\n\r\nHello\r\n".into())
            .await
            .unwrap();
        let recipients = vec![Recipient::new(recipient.parse().unwrap())];
        let message = NewMessage {
            id,
            accepted_at: self.spool.clock().now(),
            envelope: Envelope {
                reverse_path: sender.parse().unwrap(),
                recipients: recipients.clone(),
                body: BodyKind::default(),
                smtputf8: false,
                dsn_return: None,
                envelope_id: None,
                client: ClientFacts {
                    ip: "192.0.2.1".parse().unwrap(),
                    helo: "client.example".to_owned(),
                    reverse_name: None,
                    tls_version: None,
                    tls_cipher: None,
                    authenticated_sender: false,
                },
                authentication: None,
            },
            body: body.finish().await.unwrap(),
            entries: vec![NewEntry {
                domain,
                recipients,
                disposition,
            }],
            bulk: false,
            copies: None,
        };
        self.spool.accept(message).await.unwrap();
        id
    }

    pub(crate) fn domain_id(&self, name: &str) -> DomainId {
        let found = self
            .spool
            .directory()
            .domain_by_name(&name.parse().unwrap());
        found.unwrap().id
    }
}

/// A domain as a client adds it.
pub(crate) fn domain(name: &str) -> Value {
    json!({"name": name, "destinations": [{"host": "mail.example.org", "port": 25}]})
}
