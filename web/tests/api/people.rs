//! How users get in: administrators of the domain set passwords and hand out codes, the operator
//! does not (C18–C23, C25).

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use storage::model::AccountId;

use crate::access::operations;
use crate::browser::{ADMIN_PASSWORD, Browser};
use crate::site::{Answer, HOST, Site, TOKEN, domain};

const PASSWORD: &str = "correct horse battery staple";

async fn ask(site: &Site, token: &str, method: Method, path: &str, body: &Value) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", HOST)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    site.raw(request.body(Body::from(body.to_string())).unwrap())
        .await
}

/// Invites an administrator and uses the link; answers the token for programs.
pub(crate) async fn administrator(site: &Site, address: &str, of: &str, role: &str) -> String {
    let body = json!({"address": address, "domain": of, "role": role});
    let invited = site.send(Method::POST, "/api/v1/admins", &body).await;
    assert_eq!(invited.status, StatusCode::CREATED, "{:?}", invited.json());
    let link = invited.json()["link"].as_str().unwrap().to_owned();
    let path = link.strip_prefix("https://localhost:8444").unwrap();
    let mut browser = Browser::new(site);
    let fields = [("password", ADMIN_PASSWORD), ("again", ADMIN_PASSWORD)];
    let done = browser.submit(path, path, &fields).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let again = browser.get(path).await;
    assert_eq!(again.status, StatusCode::GONE, "used once");
    let token = done.text.split("<code class=\"token\">").nth(1).unwrap();
    token.split('<').next().unwrap().to_owned()
}

pub(crate) async fn site() -> Site {
    let site = Site::with_domain().await;
    let other = domain("other.example");
    site.send(Method::POST, "/api/v1/domains", &other).await;
    for address in ["alice@example.org", "bob@example.org", "carl@other.example"] {
        let body = json!({"address": address});
        site.send(Method::POST, "/api/v1/mailboxes", &body).await;
    }
    site
}

pub(crate) async fn has_password(site: &Site, address: &str) -> bool {
    let address: storage::model::Mailbox = address.parse().unwrap();
    let account = AccountId::user(site.domain_id(address.domain().as_str()), &address);
    site.spool
        .credentials(&account)
        .await
        .unwrap()
        .password
        .is_some()
}

#[tokio::test]
async fn c21_an_administrator_of_the_domain_sets_a_password_by_api_and_it_is_audited() {
    let site = site().await;
    let token = administrator(
        &site,
        "it@example.org",
        "example.org",
        "domain_administrator",
    )
    .await;
    let path = "/api/v1/mailbox/password?address=alice@example.org";
    let weak = json!({"password": "alice@example.org"});
    let refused = ask(&site, &token, Method::PUT, path, &weak).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.fields(), ["password"]);
    let sound = json!({"password": PASSWORD});
    let set = ask(&site, &token, Method::PUT, path, &sound).await;
    assert_eq!(set.status, StatusCode::NO_CONTENT);
    assert!(has_password(&site, "alice@example.org").await);
    let rows = site.get("/api/v1/audit").await.json();
    assert_eq!(rows["items"][0]["action"], "password.set");
    assert_eq!(rows["items"][0]["actor"], "it@example.org");
    assert!(!rows.to_string().contains(PASSWORD));
}

#[tokio::test]
async fn c18_an_administrator_adds_a_mailbox_with_its_password() {
    let site = site().await;
    let token = administrator(
        &site,
        "it@example.org",
        "example.org",
        "domain_administrator",
    )
    .await;
    let path = "/api/v1/mailboxes";
    let mut body = json!({"address": "eve@example.org", "password": "eve@example.org"});
    let refused = ask(&site, &token, Method::POST, path, &body).await;
    assert_eq!(refused.fields(), ["password"]);
    body["password"] = json!(PASSWORD);
    let added = ask(&site, &token, Method::POST, path, &body).await;
    assert_eq!(added.status, StatusCode::CREATED, "{:?}", added.json());
    assert_eq!(added.json()["has_password"], true);
    assert!(has_password(&site, "eve@example.org").await);
    let foreign = json!({"address": "eve@other.example", "password": PASSWORD});
    let refused = ask(&site, &token, Method::POST, path, &foreign).await;
    assert_eq!(refused.fields(), ["address"], "no domain of theirs");
    let rows = site.get("/api/v1/audit").await.json();
    assert_eq!(rows["items"][0]["action"], "mailbox.add");
    assert_eq!(rows["items"][0]["actor"], "it@example.org");
    assert!(!rows.to_string().contains(PASSWORD));
}

async fn upload(site: &Site, token: &str, query: &str, csv: &str) -> Answer {
    let request = Request::post(format!("/api/v1/mailboxes/import{query}"))
        .header("host", HOST)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "text/csv");
    site.raw(request.body(Body::from(csv.to_owned())).unwrap())
        .await
}

#[tokio::test]
async fn c19_an_administrator_sets_passwords_by_csv_all_or_none() {
    let site = site().await;
    let token = administrator(
        &site,
        "it@example.org",
        "example.org",
        "domain_administrator",
    )
    .await;
    let csv = "address,password\nalice@example.org,short\nnew@example.org,new@example.org\n\
               carl@other.example,\n";
    let refused = upload(&site, &token, "", csv).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let lines: Vec<_> = refused.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["line"].as_u64().unwrap())
        .collect();
    assert_eq!(
        lines,
        [2, 3, 4],
        "every faulty row, whatever is wrong with it"
    );
    let csv = format!(
        "address,password\nalice@example.org,{PASSWORD}\nnew@example.org,four more small words\nbob@example.org,\n"
    );
    let tried = upload(&site, &token, "?dry_run=true", &csv).await.json();
    assert_eq!(tried["passwords_set"], 2);
    assert!(
        !has_password(&site, "alice@example.org").await,
        "only tried"
    );
    let done = upload(&site, &token, "", &csv).await.json();
    assert_eq!(
        (done["passwords_set"].as_u64(), done["added"].as_u64()),
        (Some(2), Some(1))
    );
    for (address, expected) in [
        ("alice@example.org", true),
        ("new@example.org", true),
        ("bob@example.org", false),
    ] {
        assert_eq!(has_password(&site, address).await, expected, "{address}");
    }
    let foreign = format!("address,password\ncarl@other.example,{PASSWORD}\n");
    let refused = upload(&site, &token, "", &foreign).await;
    assert_eq!(refused.fields(), ["address"]);
    assert!(!has_password(&site, "carl@other.example").await);
    let helpdesk = administrator(&site, "desk@example.org", "example.org", "helpdesk").await;
    let refused = upload(&site, &helpdesk, "", &csv).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let rows = site.get("/api/v1/audit").await.json();
    assert!(!rows.to_string().contains(PASSWORD));
}

#[tokio::test]
async fn c25_the_operator_gives_nobody_a_way_in_by_any_route() {
    let site = site().await;
    let description = site.get("/api/openapi.json").await.json();
    let bodies = [
        json!({"password": PASSWORD}),
        json!({"address": "alice@example.org", "password": PASSWORD}),
    ];
    for (method, path) in operations(&description) {
        if method == Method::DELETE {
            continue;
        }
        for body in &bodies {
            let path = format!("{path}?address=alice@example.org");
            ask(&site, TOKEN, method.clone(), &path, body).await;
        }
    }
    for path in [
        "/api/v1/mailbox/code?address=alice@example.org",
        "/api/v1/domains/example.org/codes",
    ] {
        let answer = ask(&site, TOKEN, Method::POST, path, &json!({})).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    let path = "/api/v1/mailbox/password?address=alice@example.org";
    let answer = ask(&site, TOKEN, Method::PUT, path, &bodies[0]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    for address in ["alice@example.org", "bob@example.org"] {
        assert!(!has_password(&site, address).await, "{address}");
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn a10_route_by_role_by_foreign_domain() {
    let site = site().await;
    let admin = administrator(
        &site,
        "it@example.org",
        "example.org",
        "domain_administrator",
    )
    .await;
    let helpdesk = administrator(&site, "desk@example.org", "example.org", "helpdesk").await;
    let auditor = administrator(&site, "look@example.org", "example.org", "auditor").await;
    let roles = [admin.as_str(), &helpdesk, &auditor, TOKEN, "nonsense"];
    let password = json!({"password": PASSWORD});
    let table = [
        (
            Method::PUT,
            "/api/v1/mailbox/password?address=bob@example.org",
            [204, 403, 403, 403, 401],
        ),
        (
            Method::POST,
            "/api/v1/mailbox/code?address=bob@example.org",
            [201, 201, 403, 403, 401],
        ),
        (
            Method::POST,
            "/api/v1/domains/example.org/codes",
            [201, 201, 403, 403, 401],
        ),
        (
            Method::GET,
            "/api/v1/domains/example.org/readiness",
            [200, 200, 200, 200, 401],
        ),
        (
            Method::GET,
            "/api/v1/domains/example.org/outages",
            [200, 200, 200, 200, 401],
        ),
        (
            Method::PUT,
            "/api/v1/mailbox/password?address=carl@other.example",
            [404, 404, 404, 403, 401],
        ),
        (
            Method::POST,
            "/api/v1/mailbox/code?address=carl@other.example",
            [404, 404, 404, 403, 401],
        ),
        (
            Method::POST,
            "/api/v1/domains/other.example/codes",
            [404, 404, 404, 403, 401],
        ),
        (
            Method::GET,
            "/api/v1/domains/other.example/readiness",
            [404, 404, 404, 200, 401],
        ),
        (
            Method::GET,
            "/api/v1/domains/example.org/users",
            [200, 200, 200, 200, 401],
        ),
        (
            Method::GET,
            "/api/v1/domains/other.example/users",
            [404, 404, 404, 200, 401],
        ),
        (
            Method::DELETE,
            "/api/v1/mailbox/sessions?address=bob@example.org",
            [204, 403, 403, 403, 401],
        ),
        (
            Method::DELETE,
            "/api/v1/mailbox/sessions?address=carl@other.example",
            [404, 404, 404, 403, 401],
        ),
        (
            Method::DELETE,
            "/api/v1/mailbox/second-factor?address=bob@example.org",
            [204, 403, 403, 403, 401],
        ),
        (
            Method::DELETE,
            "/api/v1/mailbox/second-factor?address=carl@other.example",
            [404, 404, 404, 403, 401],
        ),
        (
            Method::GET,
            "/api/v1/domains/nowhere.example/readiness",
            [404, 404, 404, 404, 401],
        ),
        (
            Method::GET,
            "/api/v1/mailboxes?domain=example.org",
            [200, 200, 200, 200, 401],
        ),
        (
            Method::GET,
            "/api/v1/mailboxes?domain=other.example",
            [404, 404, 404, 200, 401],
        ),
        (
            Method::GET,
            "/api/v1/mailbox?address=carl@other.example",
            [404, 404, 404, 200, 401],
        ),
        (
            Method::GET,
            "/api/v1/aliases?domain=other.example",
            [404, 404, 404, 200, 401],
        ),
        (
            Method::DELETE,
            "/api/v1/mailbox?address=carl@other.example",
            [404, 404, 404, 204, 401],
        ),
        (
            Method::DELETE,
            "/api/v1/alias?address=sales@other.example",
            [404, 404, 404, 404, 401],
        ),
        (
            Method::DELETE,
            "/api/v1/alias?address=sales@example.org",
            [404, 403, 403, 404, 401],
        ),
        (
            Method::DELETE,
            "/api/v1/mailbox?address=bob@example.org",
            [204, 403, 403, 404, 401],
        ),
    ];
    for (method, path, expected) in table {
        for (token, status) in roles.iter().zip(expected) {
            let answer = ask(&site, token, method.clone(), path, &password).await;
            assert_eq!(answer.status.as_u16(), status, "{method} {path}");
        }
    }
    let description = site.get("/api/openapi.json").await.json();
    for (method, path) in operations(&description) {
        let of_people = [
            "/password",
            "/code",
            "/codes",
            "/readiness",
            "/mailbox",
            "/mailboxes",
            "/import",
            "/alias",
            "/aliases",
            "/sessions",
            "/second-factor",
            "/users",
            "/outages",
        ];
        if of_people.iter().any(|end| path.ends_with(end)) {
            continue;
        }
        let answer = ask(&site, &admin, method.clone(), &path, &json!({})).await;
        assert_eq!(
            answer.status,
            StatusCode::UNAUTHORIZED,
            "{method} {path} is the operator's"
        );
    }
}

#[tokio::test]
async fn c17_readiness_says_who_could_sign_in_right_now_and_who_could_not_and_why() {
    let site = site().await;
    let token = administrator(
        &site,
        "it@example.org",
        "example.org",
        "domain_administrator",
    )
    .await;
    for (address, more) in [
        ("dora@example.org", json!({"recovery": "dora@home.example"})),
        ("left@example.org", json!({"enabled": false})),
    ] {
        let mut body = more;
        body["address"] = json!(address);
        site.send(Method::POST, "/api/v1/mailboxes", &body).await;
    }
    let path = "/api/v1/mailbox/password?address=alice@example.org";
    ask(
        &site,
        &token,
        Method::PUT,
        path,
        &json!({"password": PASSWORD}),
    )
    .await;
    let codes = ask(
        &site,
        &token,
        Method::POST,
        "/api/v1/mailbox/code?address=bob@example.org",
        &json!({}),
    )
    .await;
    assert_eq!(codes.json()["code"].as_str().unwrap().len(), 19);
    let shown = site
        .get("/api/v1/domains/example.org/readiness")
        .await
        .json();
    assert_eq!(
        (shown["ready"].as_u64(), shown["mailboxes"].as_u64()),
        (Some(1), Some(3))
    );
    let reasons: Vec<_> = shown["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            (
                item["address"].as_str().unwrap(),
                item["reason"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        reasons,
        [
            ("alice@example.org", "password"),
            ("bob@example.org", "code_open"),
            ("dora@example.org", "recovery_address"),
            ("left@example.org", "disabled"),
        ]
    );
    let bulk = ask(
        &site,
        &token,
        Method::POST,
        "/api/v1/domains/example.org/codes",
        &json!({}),
    )
    .await;
    let bulk = bulk.json();
    assert_eq!(bulk["url"], "https://mail.example.net/enroll");
    assert_eq!(bulk["items"].as_array().unwrap().len(), 2, "bob and dora");
}
