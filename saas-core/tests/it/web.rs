//! What stands around every application.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode};
use saas_core::{
    Access, Can, FieldError, Form, Json, NoContent, Page, Path, Problem, ProblemType, Query, Routes, Validate, finish,
    pages::Pages,
    testing::{TestApp, TestClient, TestDb},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

saas_core::permissions! {
    /// For tests.
    NoteWrite = "test.note.write";
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Note {
    title: String,
    tags: Vec<Tag>,
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Tag {
    name: String,
}

impl Validate for Note {
    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if self.title.is_empty() {
            errors.push(FieldError::new("/title", "must not be empty"));
        }
        for (at, _) in self.tags.iter().enumerate().filter(|(_, tag)| tag.name.is_empty()) {
            errors.push(FieldError::new(format!("/tags/{at}/name"), "must not be empty"));
        }
        errors
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Paging {
    limit: Option<u8>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Name {
    name: String,
}

#[derive(Debug, thiserror::Error)]
#[error("the secret is swordfish")]
struct Leaky;

async fn echo(Json(note): Json<Note>) -> Json<Note> {
    Json(note)
}

async fn number(Path(number): Path<u32>) -> String {
    number.to_string()
}

async fn paged(Query(paging): Query<Paging>) -> String {
    paging.limit.unwrap_or(50).to_string()
}

async fn named(Form(form): Form<Name>) -> String {
    form.name
}

async fn guarded(_: Can<NoteWrite>, Json(_): Json<Note>) -> NoContent {
    NoContent
}

async fn leak() -> Result<NoContent, Problem> {
    Err(Problem::internal(Leaky).detail("swordfish").with("key", "swordfish"))
}

async fn explode() -> NoContent {
    panic!("swordfish");
}

async fn proves_first() -> Result<NoContent, Problem> {
    Err(Problem::new(&ProblemType::STEP_UP_REQUIRED).first("/prove").cookie(HeaderValue::from_static("a=b")))
}

async fn greet(page: Page) -> String {
    page.text("core-sign-out")
}

fn routes() -> Routes {
    Routes::new()
        .post("/echo", echo)
        .get("/number/{number}", number)
        .get("/paged", paged)
        .post("/named", named)
        .post("/guarded", guarded)
        .get("/leak", leak)
        .get("/explode", explode)
        .get("/greet", greet)
        .get("/guarded/page", proves_first)
        .post("/guarded/form", proves_first)
}

struct App {
    test: TestDb,
    app: TestApp,
    web: saas_core::Web,
}

async fn app() -> App {
    let test = TestDb::new(&[]).await.unwrap();
    let web = TestApp::web(&test, &Pages::builder().build().unwrap());
    App { app: TestApp::new(finish(routes(), web.clone())), test, web }
}

async fn client() -> TestClient {
    app().await.app.browser()
}

/// API-01: every refusal is a problem document, whoever refuses.
#[tokio::test]
async fn every_refusal_is_a_problem_document() {
    let client = client().await;
    let post = |content_type: &'static str, body: &'static [u8]| {
        let client = client.clone();
        async move { client.call(Method::POST, "/echo", "application/json", Some(content_type), Bytes::from_static(body)).await }
    };
    let too_large = vec![b' '; (1 << 20) + 1];
    let answers = [
        (StatusCode::NOT_FOUND, "not-found", client.get("/no/such/route").await),
        (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", client.delete("/echo").await),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", post("text/plain", b"{}").await),
        (StatusCode::BAD_REQUEST, "bad-request", post("application/json", b"{").await),
        (StatusCode::BAD_REQUEST, "bad-request", post("application/json", b"{\"title\":\"a\",\"tags\":[]} more").await),
        (StatusCode::UNPROCESSABLE_ENTITY, "invalid", post("application/json", b"{}").await),
        (
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            client.call(Method::POST, "/echo", "application/json", Some("application/json"), too_large.into()).await,
        ),
        (StatusCode::NOT_FOUND, "not-found", client.get("/number/seven").await),
        (StatusCode::UNPROCESSABLE_ENTITY, "invalid", client.get("/paged?limit=many").await),
        (StatusCode::INTERNAL_SERVER_ERROR, "internal", client.get("/leak").await),
        (StatusCode::INTERNAL_SERVER_ERROR, "internal", client.get("/explode").await),
    ];
    for (status, kind, answer) in answers {
        assert_eq!(answer.status, status, "{kind}: {}", answer.text());
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{kind}");
        assert_eq!(answer.json()["type"], format!("/problems/{kind}"));
        assert_eq!(answer.json()["status"], status.as_u16());
        assert!(answer.headers.contains_key("x-request-id"), "{kind}");
        assert!(answer.headers.contains_key("content-security-policy"), "{kind}");
    }
}

#[tokio::test]
async fn each_bad_field_has_its_pointer() {
    let client = client().await;
    for (body, pointers) in [
        (json!({ "tags": [] }), vec!["/title"]),
        (json!({ "title": 1, "tags": [] }), vec!["/title"]),
        (json!({}), vec!["/tags", "/title"]),
        (json!({ "title": null, "tags": {} }), vec!["/tags", "/title"]),
        (json!({ "titel": "a", "tags": [{ "name": 1 }, 2, {}] }), vec!["/tags/0/name", "/tags/1", "/tags/2/name", "/titel", "/title"]),
        (json!([]), vec![""]),
        (json!({ "title": "a", "tags": [{ "name": "b" }, { "nam": "c" }] }), vec!["/tags/1/nam", "/tags/1/name"]),
        (json!({ "title": "a", "tags": [{ "name": "b" }, {}] }), vec!["/tags/1/name"]),
        (json!({ "title": "", "tags": [{ "name": "" }, { "name": "x" }, { "name": "" }] }), vec!["/tags/0/name", "/tags/2/name", "/title"]),
    ] {
        let answer = client.post("/echo", &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        let problem = answer.json();
        let mut found: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, pointers, "{body}");
    }
    let form = client.form("/named", &[("nam", "x")]).await;
    assert_eq!(form.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn an_error_on_our_side_tells_the_client_nothing() {
    let client = client().await;
    for path in ["/leak", "/explode"] {
        for answer in [client.get(path).await, client.page(path).await] {
            assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
            assert!(!answer.text().contains("swordfish"), "{}", answer.text());
        }
    }
    let (one, two) = (client.get("/leak").await, client.get("/explode").await);
    assert_eq!(one.body, two.body, "the body is constant");
}

#[tokio::test]
async fn a_browser_gets_a_page_where_a_program_gets_a_document() {
    let client = client().await;
    let page = client.page("/no/such/page").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert!(page.text().contains("<h1"));
    let api = client.page("/api/no/such/route").await;
    assert_eq!(api.headers["content-type"], "application/problem+json", "the API answers everybody alike");
    for kind in ProblemType::ALL {
        let explained = client.page(&format!("/problems/{}", kind.slug)).await;
        assert_eq!(explained.status, StatusCode::OK, "{}", kind.slug);
    }
    assert_eq!(client.page("/problems/no-such-kind").await.status, StatusCode::NOT_FOUND);
}

/// ASVS 7.5.1: back to the page that was asked for, or that a form was sent from; to nobody else's.
#[tokio::test]
async fn a_browser_is_led_to_what_comes_first_and_back_and_a_program_is_told() {
    let client = client().await;
    assert_eq!(client.page("/guarded/page?a=b").await.location(), Some("/prove?next=%2Fguarded%2Fpage%3Fa%3Db"));
    for (referer, next) in [
        ("http://localhost:3000/notes?page=2#end", "%2Fnotes%3Fpage%3D2"),
        ("http://localhost:3000", "%2F"),
        ("https://evil.example/notes", "%2F"),
        ("nonsense", "%2F"),
    ] {
        let sent = client.clone().with("referer", referer).form("/guarded/form", &[]).await;
        assert_eq!((sent.status.as_u16(), sent.location()), (303, Some(format!("/prove?next={next}").as_str())), "{referer}");
    }
    assert_eq!(client.form("/guarded/form", &[]).await.location(), Some("/prove?next=%2F"));
    let told = client.get("/guarded/page").await;
    assert_eq!((told.status.as_u16(), &told.headers["set-cookie"]), (403, &HeaderValue::from_static("a=b")));
    assert_eq!(told.json()["type"], "/problems/step-up-required");
}

/// AUT-16.
#[tokio::test]
async fn every_answer_is_hardened() {
    let app = app().await;
    let one = app.app.browser().get("/greet").await;
    let two = app.app.browser().get("/greet").await;
    let policy = one.headers["content-security-policy"].to_str().unwrap();
    assert!(!policy.contains("unsafe-inline") && !policy.contains("unsafe-eval") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_ne!(one.headers["content-security-policy"], two.headers["content-security-policy"], "a nonce is used once");
    assert_eq!(one.headers["x-content-type-options"], "nosniff");
    assert_eq!(one.headers["referrer-policy"], "same-origin");
    assert_eq!(one.headers["cache-control"], "private, no-store");
    assert!(!one.headers.contains_key("strict-transport-security"), "over http it would mean nothing");

    let mut web = app.web.clone();
    web.public_url = "https://app.example.com".parse().unwrap();
    let secure = TestApp::new(finish(routes(), web)).browser().get("/greet").await;
    assert!(secure.headers["strict-transport-security"].to_str().unwrap().contains("max-age=63072000"));
}

async fn post_with(client: &TestClient, headers: &[(&str, &str)]) -> StatusCode {
    let mut request = Request::post("/echo").header("host", "localhost:3000").header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    client.send(request.body(Body::from(r#"{"title":"a","tags":[]}"#)).unwrap()).await.status
}

/// AUT-16: each combination of what a browser says of where a write comes from.
#[tokio::test]
async fn a_write_from_another_site_is_refused() {
    let client = client().await;
    let cookie = ("cookie", "__Host-session=x");
    let ok = StatusCode::OK;
    let no = StatusCode::FORBIDDEN;
    for (expected, headers) in [
        (ok, vec![cookie, ("sec-fetch-site", "same-origin")]),
        (ok, vec![cookie, ("sec-fetch-site", "none")]),
        (ok, vec![cookie, ("origin", "http://localhost:3000")]),
        (no, vec![cookie, ("sec-fetch-site", "cross-site")]),
        (no, vec![cookie, ("sec-fetch-site", "same-site")]),
        (no, vec![cookie, ("origin", "https://evil.example")]),
        (no, vec![cookie, ("origin", "http://sub.localhost:3000")]),
        (no, vec![cookie, ("origin", "null")]),
        (no, vec![cookie]),
        (no, vec![("sec-fetch-site", "cross-site")]),
        (ok, vec![]),
        (ok, vec![("authorization", "Bearer x"), ("origin", "https://elsewhere.example")]),
        (no, vec![cookie, ("authorization", "Bearer x"), ("origin", "https://evil.example")]),
    ] {
        assert_eq!(post_with(&client, &headers).await, expected, "{headers:?}");
    }
}

#[tokio::test]
async fn a_forgotten_layer_is_loud_and_says_nothing_to_the_client() {
    let answer = client().await.post("/guarded", &json!({})).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.json()["type"], "/problems/internal");
}

/// Design 12.16: the list is the router.
#[tokio::test]
async fn what_a_route_demands_is_read_from_its_handler() {
    let list: Vec<_> = routes().list().cloned().collect();
    let access = |path: &str| list.iter().find(|route| route.path == path).map(|route| route.access.clone()).unwrap();
    assert_eq!(access("/echo"), Access::public());
    assert_eq!(access("/guarded"), Access::permission("test.note.write"));
    let nested = Routes::<()>::new().nest("/o/{organization}", routes());
    assert!(nested.list().any(|route| route.path == "/o/{organization}/guarded" && route.access == access("/guarded")));
}

/// OPS-02.
#[tokio::test]
async fn readiness_follows_the_database_and_the_drain() {
    let app = app().await;
    let client = app.app.browser();
    assert_eq!(client.get("/health/live").await.status, StatusCode::OK);
    let ready = client.get("/health/ready").await;
    assert_eq!(ready.status, StatusCode::OK, "{}", ready.text());
    app.web.lifecycle.drain();
    let draining = client.get("/health/ready").await;
    assert_eq!((draining.status, draining.json()["draining"].clone()), (StatusCode::SERVICE_UNAVAILABLE, json!(true)));

    app.test.db.close().await;
    // An answer is remembered for less than a second.
    let lost = async {
        loop {
            let answer = client.get("/health/ready").await;
            if answer.json()["database"] != "ok" {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let lost = tokio::time::timeout(Duration::from_secs(2), lost).await.unwrap();
    assert_eq!((lost.status, lost.json()["database"].clone()), (StatusCode::SERVICE_UNAVAILABLE, json!("unreachable")));
    assert_eq!(client.get("/health/live").await.status, StatusCode::OK, "the process itself is well");
}

#[tokio::test]
async fn readiness_waits_for_migrations() {
    let test = TestDb::new(&[]).await.unwrap();
    let mut owner = <sqlx::PgConnection as sqlx::Connection>::connect(test.database.owner_url().expose()).await.unwrap();
    sqlx::query("delete from data._migrations_core").execute(&mut owner).await.unwrap();
    let web = TestApp::web(&test, &Pages::builder().build().unwrap());
    let ready = TestApp::new(finish(routes(), web)).browser().get("/health/ready").await;
    assert_eq!((ready.status, ready.json()["migrations"].clone()), (StatusCode::SERVICE_UNAVAILABLE, json!("pending")));
}

#[tokio::test]
async fn assets_are_cached_by_their_hash() {
    let client = client().await;
    let plain = client.get("/assets/core.css").await;
    assert_eq!((plain.status, &plain.headers["cache-control"]), (StatusCode::OK, &"no-cache".parse().unwrap()));
    let etag = plain.headers["etag"].to_str().unwrap().to_owned();
    let hashed = client.get(&format!("/assets/core.{}.css", etag.trim_matches('"'))).await;
    assert_eq!(hashed.headers["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(client.with("if-none-match", &etag).get("/assets/core.css").await.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn a_page_speaks_the_readers_language() {
    let client = client().await;
    assert_eq!(client.get("/greet").await.text(), "Sign out");
    assert_eq!(client.with("accept-language", "de-AT,en;q=0.5").get("/greet").await.text(), "Abmelden");
}
