//! A session of an organization's host comes of one of the main host, and is worth nothing anywhere else.

use chrono::TimeDelta;
use http::{Method, StatusCode};
use saas_core::{
    TenantId, UserId,
    testing::{Answer, TestClient},
};
use serde_json::json;
use tokio::task::JoinSet;
use url::form_urlencoded;
use uuid::Uuid;

use crate::app::{App, COOKIE, PASSWORD, html, sign_in};

const ADA: &str = "ada@example.com";
const EVE: &str = "eve@example.com";
const RETURN: &str = "/hand-off/return";

/// Ada belongs to two organizations, Eve to one of them.
struct Scene {
    app: App,
    acme: TenantId,
    ada: UserId,
    main: TestClient,
    eve: TestClient,
}

impl Scene {
    async fn new() -> Self {
        let app = App::new().await;
        let (ada, eve) = (app.account(ADA).await, app.account(EVE).await);
        let (acme, other) = (app.test.tenant("acme").await, app.test.tenant("other").await);
        app.test.tenant("foreign").await;
        for tenant in [acme, other] {
            app.test.member(tenant, ada, "admin").await;
        }
        app.test.member(acme, eve, "member").await;
        let (main, eve) = (app.signed_in(ADA).await, app.signed_in(EVE).await);
        Self { app, acme, ada, main, eve }
    }

    /// A browser at a host, where it was never before.
    fn at(&self, host: &str) -> TestClient {
        at(&self.app.browser(), host)
    }

    /// A browser at a host, signed in there.
    async fn in_at(&self, host: &str) -> TestClient {
        let at = self.at(host);
        let code = self.code(&at, &self.main).await;
        assert_eq!(carry_on(&at, &code).await.status, StatusCode::SEE_OTHER);
        at
    }

    /// What a browser brings back from the main host, having asked at a host.
    async fn code(&self, at: &TestClient, main: &TestClient) -> String {
        let fields = asked(&at.page("/hand-off/begin?next=/here?a=b").await);
        code(&agrees(main, &fields).await)
    }

    /// Waits for what is noted off the request.
    async fn both_were_seen_now(&self) {
        for _ in 0..3_000 {
            let seen = sqlx::query_scalar("select count(*) from auth.session where user_id = $1 and last_seen_at = $2");
            let seen: i64 =
                seen.bind(Uuid::from(self.ada)).bind(self.app.clock.now()).fetch_one(&mut *self.app.system().await).await.unwrap();
            if seen == 2 {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("a use of the host's session is no use of the other");
    }

    async fn execute(&self, statement: &'static str, id: Uuid) {
        let mut tx = self.app.system().await;
        sqlx::query(statement).bind(id).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
}

fn at(browser: &TestClient, host: &str) -> TestClient {
    browser.clone().with("host", host)
}

/// What a host sends a browser to the main one with.
fn asked(begun: &Answer) -> Vec<(String, String)> {
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.text());
    let query = begun.location().unwrap().strip_prefix("http://localhost:3000/hand-off?").unwrap();
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

async fn agrees(main: &TestClient, fields: &[(String, String)]) -> Answer {
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    main.form("/hand-off", &fields).await
}

fn code(leave: &Answer) -> String {
    assert_eq!(leave.status, StatusCode::OK, "{}", leave.text());
    let page = html(leave);
    let (_, code) = page.split_once("/hand-off/return?code=").unwrap();
    code[..43].to_owned()
}

async fn carry_on(at: &TestClient, code: &str) -> Answer {
    at.form(RETURN, &[("code", code)]).await
}

/// TEN-05, T67, ASVS 3.3: there and back, and what comes of it opens one organization at one host.
#[tokio::test]
async fn a_session_of_a_host_opens_one_organization_there_and_nothing_anywhere_else() {
    let scene = Scene::new().await;
    let at = scene.at("acme.localhost:3000");
    let first = at.page("/here?a=b").await;
    assert_eq!(first.location(), Some("/hand-off/begin?next=%2Fhere%3Fa%3Db"), "a stranger is led to sign in");
    let begun = at.page(first.location().unwrap()).await;
    let cookie = begun.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-hand-off="), "{cookie}");
    for attribute in ["HttpOnly", "Secure", "Path=/", "SameSite=Lax"] {
        assert!(cookie.split("; ").any(|it| it == attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    let asks = begun.location().unwrap().strip_prefix("http://localhost:3000").unwrap();
    let stranger = scene.app.browser().page(asks).await;
    assert!(stranger.location().unwrap().starts_with("/sign-in?next=%2Fhand-off%3F"), "{stranger:?}");
    let shown = scene.main.page(asks).await;
    assert!(html(&shown).contains("data-submit") && html(&shown).contains("acme.localhost"), "{}", shown.text());
    assert_eq!(scene.app.count("select count(*) from auth.hand_off").await, 0, "what only asks changes nothing");
    let leave = agrees(&scene.main, &asked(&begun)).await;
    let code = code(&leave);
    assert!(html(&leave).contains(&format!("url=http://acme.localhost:3000/hand-off/return?code={code}")), "{}", html(&leave));
    let back = at.page(&format!("{RETURN}?code={code}")).await;
    assert!(html(&back).contains(&code) && html(&back).contains("data-submit"), "{}", back.text());
    let arrived = carry_on(&at, &code).await;
    assert_eq!((arrived.status, arrived.location()), (StatusCode::SEE_OTHER, Some("/here?a=b")));
    assert_eq!(at.page("/here").await.text(), "acme");
    assert_eq!(at.cookie("__Host-hand-off"), None);
    assert_eq!(scene.app.count("select count(*) from data.outbox where name = 'auth.session.handed_off'").await, 1);

    // Each session at the host of the other, and at one that nobody knows.
    let (main, host) = (scene.main.cookie(COOKIE).unwrap(), at.cookie(COOKIE).unwrap());
    let whose = async |token: &str, host: &str| {
        let answer = scene.app.browser().with("cookie", &format!("{COOKIE}={token}")).with("host", host).get("/here").await;
        (answer.status == StatusCode::OK).then(|| answer.text())
    };
    assert_eq!(whose(&main, "localhost:3000").await.as_deref(), Some("acme other"));
    assert_eq!(whose(&main, "nobody-knows.example:3000").await.as_deref(), Some("acme other"), "as before");
    for foreign in ["acme.localhost:3000", "other.localhost", "foreign.localhost", "none.localhost"] {
        assert_eq!(whose(&main, foreign).await, None, "{foreign}");
    }
    assert_eq!(whose(&host, "ACME.localhost.:3000").await.as_deref(), Some("acme"));
    for foreign in ["localhost:3000", "nobody-knows.example", "other.localhost", "foreign.localhost", "a.acme.localhost", "127.0.0.1"] {
        assert_eq!(whose(&host, foreign).await, None, "{foreign}");
    }

    // It is among one's sessions, and tells which host it is of.
    let sessions = scene.main.get("/api/v1/auth/sessions").await.json();
    let hosts: Vec<_> = sessions["items"].as_array().unwrap().iter().map(|session| session["host"].as_str()).collect();
    assert_eq!(hosts.iter().flatten().collect::<Vec<_>>(), [&"acme.localhost"]);
    assert!(scene.main.page("/sessions").await.text().contains("acme.localhost"));
}

/// T67: a code is worth something once, within a minute, at its host, in the browser that asked there.
#[tokio::test]
async fn a_code_is_worth_nothing_to_anybody_else() {
    let scene = Scene::new().await;
    let refused = async |at: &TestClient, code: &str, why: &str| {
        assert_eq!(carry_on(at, code).await.status, StatusCode::FORBIDDEN, "{why}");
        assert_eq!(at.cookie(COOKIE), None, "{why}");
    };
    let victim = scene.at("acme.localhost");
    let code = scene.code(&victim, &scene.main).await;
    refused(&scene.at("acme.localhost"), &code, "a browser that asked nothing").await;
    let eves = scene.at("acme.localhost");
    let of_eve = scene.code(&eves, &scene.eve).await;
    refused(&eves, &code, "a browser that asked something else").await;
    refused(&victim, &of_eve, "somebody's code, planted in another browser").await;
    let elsewhere = scene.at("other.localhost").with("cookie", &format!("__Host-hand-off={}", victim.cookie("__Host-hand-off").unwrap()));
    refused(&elsewhere, &code, "another host").await;
    for nonsense in ["", "x", &"A".repeat(43)] {
        refused(&victim, nonsense, nonsense).await;
    }
    assert_eq!(
        at(&victim, "localhost:3000").form(RETURN, &[("code", &code)]).await.location(),
        Some("/person"),
        "the main host knows no code"
    );
    assert_eq!(victim.cookie(COOKIE), None);
    scene.app.later(TimeDelta::seconds(60));
    refused(&victim, &code, "too late").await;

    // Of many at once one finds it.
    let code = scene.code(&victim, &scene.main).await;
    scene.app.later(TimeDelta::seconds(59));
    let cookie = format!("__Host-hand-off={}", victim.cookie("__Host-hand-off").unwrap());
    let mut many = JoinSet::new();
    for _ in 0..50 {
        let (at, code) = (scene.at("acme.localhost").with("cookie", &cookie), code.clone());
        many.spawn(async move { carry_on(&at, &code).await.status });
    }
    let came_in = many.join_all().await.into_iter().filter(|status| *status == StatusCode::SEE_OTHER).count();
    assert_eq!((came_in, scene.app.count("select count(*) from auth.session where host is not null").await), (1, 1));
}

/// T66, open redirect: nobody is led to a host that is not of an organization of theirs, nor to another path than one of it.
#[tokio::test]
async fn nobody_is_led_to_a_host_that_is_not_their_organizations() {
    let scene = Scene::new().await;
    let mut fields = asked(&scene.at("acme.localhost").page("/hand-off/begin?next=//evil.example").await);
    assert_eq!(fields[2].1, "/person", "a path of ours, or home");
    for host in [
        "evil.example",
        "foreign.localhost",
        "none.localhost",
        "localhost",
        "localhost:3000",
        "a.acme.localhost",
        "acme.localhost.evil.example",
        "acme.localhost@evil.example",
        "acme.localhost/evil",
        "127.0.0.1",
        "",
    ] {
        host.clone_into(&mut fields[0].1);
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        assert_eq!(scene.main.page(&format!("/hand-off?{query}")).await.status, StatusCode::NOT_FOUND, "{host}");
        assert_eq!(agrees(&scene.main, &fields).await.status, StatusCode::NOT_FOUND, "{host}");
    }
    "acme.localhost".clone_into(&mut fields[0].1);
    "//evil.example/".clone_into(&mut fields[2].1);
    let at = scene.at("acme.localhost");
    let mine = asked(&at.page("/hand-off/begin").await);
    fields[1].1.clone_from(&mine[1].1);
    let code = code(&agrees(&scene.main, &fields).await);
    assert_eq!(carry_on(&at, &code).await.location(), Some("/person"));
    // What a browser says that it keeps is a hash or nothing.
    "short".clone_into(&mut fields[1].1);
    assert_eq!(agrees(&scene.main, &fields).await.status, StatusCode::NOT_FOUND);
    assert_eq!(scene.app.count("select count(*) from auth.hand_off").await, 1);
}

/// At a host nothing is answered that concerns an account: whoever has its name reads what is sent there.
#[tokio::test]
async fn nothing_of_an_account_is_answered_at_a_host() {
    let scene = Scene::new().await;
    let at = scene.in_at("acme.localhost").await;
    for path in ["/account", "/account/security?asked=true", "/sessions", "/sign-in", "/hand-off?host=acme.localhost"] {
        let led = at.page(path).await;
        assert_eq!(led.location(), Some(format!("http://localhost:3000{path}").as_str()), "{path}: {}", led.status);
    }
    for path in ["/api/v1/auth/me", "/api/v1/auth/sessions", "/person", "/api/v1/auth/providers"] {
        assert_eq!(at.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let new = json!({ "password": PASSWORD, "new_password": "another river under ice" });
    for path in ["/api/v1/auth/password", "/api/v1/auth/token", "/api/v1/auth/prove", "/api/v1/auth/sign-in", "/sign-in"] {
        assert_eq!(at.json(Method::POST, path, &new).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    // The proof is a minute old, and was given on the main host.
    assert_eq!(scene.main.get("/proven").await.text(), "proven");
    assert_eq!(at.get("/proven").await.json()["type"], "/problems/step-up-required");
    assert_eq!(at.page("/proven").await.location(), Some("http://localhost:3000/account/prove?next=%2Fproven"));
}

/// T66: whatever ends a session, or takes somebody out of the organization, holds at its host with the next request.
#[tokio::test]
async fn a_session_of_a_host_ends_with_the_one_that_it_came_of() {
    let scene = Scene::new().await;
    let opens = async |at: &TestClient| at.get("/here").await.status == StatusCode::OK;

    // Whoever shows again who they are has another session, and the host's ends with the old one: whoever has a copy of that may have begun it.
    let at = scene.in_at("acme.localhost").await;
    let proven = scene.main.post("/api/v1/auth/prove", &json!({ "password": PASSWORD })).await;
    assert_eq!(proven.status, StatusCode::NO_CONTENT, "{}", proven.text());
    scene.app.later(TimeDelta::seconds(11));
    assert!(!opens(&at).await);
    let at = scene.in_at("acme.localhost").await;

    // Using it is a use of the other.
    for _ in 0..3 {
        scene.app.later(TimeDelta::minutes(90));
        assert!(opens(&at).await);
        scene.both_were_seen_now().await;
    }

    scene.execute("update core.member set left_at = now() where user_id = $1", scene.ada.into()).await;
    assert!(!opens(&at).await, "no member any more");
    scene.execute("update core.member set left_at = null where user_id = $1", scene.ada.into()).await;
    scene.execute("update core.tenant set state = 'suspended' where id = $1", scene.acme.into()).await;
    let at = scene.at("acme.localhost");
    assert_eq!(agrees(&scene.main, &asked(&at.page("/hand-off/begin").await)).await.status, StatusCode::NOT_FOUND);
    scene.execute("update core.tenant set state = 'active' where id = $1", scene.acme.into()).await;

    // A code outlives nothing either.
    let at = scene.at("acme.localhost");
    let code = scene.code(&at, &scene.main).await;
    assert_eq!(scene.main.post("/api/v1/auth/sign-out", &json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(carry_on(&at, &code).await.status, StatusCode::FORBIDDEN);

    // Signing out there, ending the others, and signing out at the host.
    assert_eq!(sign_in(&scene.main, ADA, PASSWORD, false).await.status, StatusCode::OK);
    let at = scene.in_at("acme.localhost").await;
    assert!(opens(&at).await);
    assert_eq!(scene.main.post("/api/v1/auth/sign-out", &json!({})).await.status, StatusCode::NO_CONTENT);
    assert!(!opens(&at).await);
    assert_eq!(at.cookie(COOKIE), None, "a cookie that opens nothing is taken away");

    assert_eq!(sign_in(&scene.main, ADA, PASSWORD, false).await.status, StatusCode::OK);
    let (at, another) = (scene.in_at("acme.localhost").await, scene.app.signed_in(ADA).await);
    assert_eq!(another.form("/sessions/end-others", &[]).await.status, StatusCode::SEE_OTHER);
    assert!(!opens(&at).await);

    assert_eq!(sign_in(&scene.main, ADA, PASSWORD, false).await.status, StatusCode::OK);
    let at = scene.in_at("acme.localhost").await;
    assert!(opens(&at).await && opens(&scene.main).await);
    assert_eq!(at.form("/sign-out", &[]).await.status, StatusCode::SEE_OTHER);
    assert!(!opens(&at).await && !opens(&scene.main).await, "else the next page would begin another");
}
