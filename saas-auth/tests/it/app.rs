use std::ops::Deref;

use axum::extract::Extension;
use chrono::TimeDelta;
use saas_auth::{Auth, AuthBuilder, ByAgentKey, MIGRATIONS, PAGES};
use saas_core::{
    AgentId, Clock, CurrentAgent, CurrentUser, Json, MasterKey, Principal, Problem, RecentProof, Routes, SystemTx, TenantHosts, TenantId,
    UserId, Web, finish,
    pages::Pages,
    testing::{Answer, TestApp, TestClient, TestDb},
};
use serde_json::json;

use crate::mailbox::{Mailbox, token};

pub(crate) const PASSWORD: &str = "quiet river under glass";
pub(crate) const COOKIE: &str = "__Host-session";

/// An application that has nothing but auth, and three routes to see who is let through.
pub(crate) struct App {
    pub(crate) test: TestDb,
    pub(crate) clock: Clock,
    pub(crate) mailbox: Mailbox,
    pub(crate) auth: Auth,
    pub(crate) keys: MasterKey,
    builder: AuthBuilder,
    pages: Pages,
    app: TestApp,
}

impl Deref for App {
    type Target = TestApp;

    fn deref(&self) -> &TestApp {
        &self.app
    }
}

async fn person(CurrentUser(me): CurrentUser) -> String {
    me.name.clone()
}

async fn machine(CurrentAgent(me): CurrentAgent) -> String {
    me.agent.to_string()
}

async fn register(key: ByAgentKey) -> String {
    key.tenant.to_string()
}

/// Whom a token is for.
async fn holder(Extension(principal): Extension<Principal>) -> Result<Json<serde_json::Value>, Problem> {
    let Principal::Token(token) = principal else { return Err(Problem::unauthenticated()) };
    Ok(Json(json!({
        "user": token.user, "family": token.family, "organization": token.tenant(), "role": token.place.role,
        "second_factor_missing": token.place.second_factor_required,
    })))
}

async fn open() -> &'static str {
    "open"
}

/// Whoever is signed in where the request was sent to, and where they belong by that session.
async fn here(CurrentUser(me): CurrentUser) -> String {
    me.memberships.iter().map(|place| place.slug.as_str()).collect::<Vec<_>>().join(" ")
}

/// What takes a recent proof.
async fn proven(RecentProof(_): RecentProof) -> &'static str {
    "proven"
}

fn serve(auth: &Auth, web: Web) -> TestApp {
    let web = Web { tenant_hosts: TenantHosts::beneath("localhost".parse().unwrap()), ..web };
    let routes = Routes::new()
        .get("/here", here)
        .get("/proven", proven)
        .on_tenant_hosts()
        .get("/person", person)
        .get("/machine", machine)
        .post("/register", register)
        .get("/holder", holder)
        .get("/open", open)
        .merge(auth.routes())
        .merge(auth.token_routes())
        .layer(auth.layer());
    TestApp::new(finish(routes, web))
}

impl App {
    pub(crate) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(set_up: impl FnOnce(AuthBuilder) -> AuthBuilder) -> Self {
        Self::at(Clock::fixed("2026-03-01T09:00:00Z".parse().unwrap()), set_up).await
    }

    pub(crate) async fn at(clock: Clock, set_up: impl FnOnce(AuthBuilder) -> AuthBuilder) -> Self {
        let test = TestDb::at(&[MIGRATIONS], clock.clone(), 10).await.unwrap();
        let pages = Pages::builder().product("Monitoring").add(PAGES).build().unwrap();
        let web = TestApp::web(&test, &pages);
        let mailbox = Mailbox::new(&test.db, &pages, &web.public_url);
        let keys = MasterKey::generate();
        let builder = Auth::builder(&test.db, &keys, mailbox.outbox.clone(), pages.clone(), web.public_url.clone())
            .home("/person")
            .welcome("/welcome")
            .agent_key_prefix("mon");
        let builder = set_up(builder);
        let auth = builder.clone().build().unwrap();
        Self { app: serve(&auth, web), test, clock, mailbox, auth, keys, builder, pages }
    }

    /// The same application on another node.
    pub(crate) fn again(&self) -> TestApp {
        self.again_with(|builder| builder)
    }

    /// The same application after a release that sets something up otherwise.
    pub(crate) fn again_with(&self, set_up: impl FnOnce(AuthBuilder) -> AuthBuilder) -> TestApp {
        serve(&set_up(self.builder.clone()).build().unwrap(), TestApp::web(&self.test, &self.pages))
    }

    /// An application with this master key over the same database.
    pub(crate) fn again_with_keys(&self, keys: &MasterKey) -> TestApp {
        self.another(keys, "http://localhost:3000")
    }

    /// An application at this address over the same database.
    pub(crate) fn again_at(&self, public_url: &str) -> TestApp {
        self.another(&self.keys, public_url)
    }

    fn another(&self, keys: &MasterKey, public_url: &str) -> TestApp {
        let auth = self.builder_at(keys, public_url).build().unwrap();
        serve(&auth, TestApp::web(&self.test, &self.pages))
    }

    /// What an application at this address is built with.
    pub(crate) fn builder_at(&self, keys: &MasterKey, public_url: &str) -> AuthBuilder {
        let (outbox, pages) = (self.mailbox.outbox.clone(), self.pages.clone());
        Auth::builder(&self.test.db, keys, outbox, pages, public_url.parse().unwrap()).agent_key_prefix("mon")
    }

    /// Makes an account without confirming its address.
    pub(crate) async fn sign_up(&self, email: &str) -> Answer {
        let body = json!({ "name": "Ada", "email": email, "password": PASSWORD });
        self.browser().post("/api/v1/auth/sign-up", &body).await
    }

    /// Makes an account whose address is confirmed.
    pub(crate) async fn account(&self, email: &str) -> UserId {
        let before = self.mailbox.all().await.len();
        self.sign_up(email).await;
        let token = token(&self.mailbox.nth(before + 1).await);
        let answer = self.browser().post("/api/v1/auth/verify", &json!({ "token": token, "password": PASSWORD })).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
        let mut tx = self.system().await;
        sqlx::query_scalar("select user_id from auth.account where email = $1").bind(email).fetch_one(&mut *tx).await.unwrap()
    }

    /// A browser in which somebody with an account signs in.
    pub(crate) async fn signed_in(&self, email: &str) -> TestClient {
        let browser = self.browser();
        let answer = sign_in(&browser, email, PASSWORD, false).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        browser
    }

    pub(crate) async fn system(&self) -> SystemTx {
        self.test.db.system("look at what a test did").begin().await.unwrap()
    }

    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&mut *self.system().await).await.unwrap()
    }

    /// As if somebody had used each session just now.
    pub(crate) async fn used(&self) {
        let mut tx = self.system().await;
        sqlx::query("update auth.session set last_seen_at = $1").bind(self.clock.now()).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) fn later(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    /// A key of a tenant and the credential of one agent that registered with it.
    pub(crate) async fn agent(&self, tenant: TenantId) -> (String, String, AgentId) {
        let mut tx = self.test.db.tenant(tenant).begin().await.unwrap();
        let new = saas_auth::NewAgentKey { name: "Office".to_owned(), ..Default::default() };
        let (key, secret) = self.auth.agent_key_create_in(&mut tx, saas_core::Actor::System, new).await.unwrap();
        let issued = self.auth.agent_credential_issue_in(&mut tx, key.id, AgentId::new(), uuid::Uuid::now_v7()).await.unwrap();
        tx.commit().await.unwrap();
        (secret.expose().to_owned(), issued.expose().to_owned(), issued.agent)
    }
}

pub(crate) async fn sign_in(browser: &TestClient, email: &str, password: &str, remember: bool) -> Answer {
    browser.post("/api/v1/auth/sign-in", &json!({ "email": email, "password": password, "remember": remember })).await
}

/// The one `Set-Cookie` of an answer that is about a session.
pub(crate) fn set_cookie(answer: &Answer) -> Option<String> {
    let all = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned());
    let all: Vec<_> = all.filter(|cookie| [COOKIE, "lan-session"].iter().any(|name| cookie.starts_with(&format!("{name}=")))).collect();
    assert!(all.len() <= 1, "{all:?}");
    all.into_iter().next()
}

/// A page without what differs each time.
pub(crate) fn plain(answer: &Answer) -> String {
    let text = answer.text();
    let nonce = answer.headers["content-security-policy"].to_str().unwrap().split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    // In a page the characters of a nonce that mean something in HTML are escaped.
    let escaped = nonce.replace('/', "&#x2f;");
    text.replace(nonce, "").replace(&escaped, "")
}

/// A page as it is meant: in attributes and texts that come from elsewhere a slash is escaped.
pub(crate) fn html(answer: &Answer) -> String {
    answer.text().replace("&#x2f;", "/")
}

/// The pointers of a problem's fields.
pub(crate) fn pointers(answer: &Answer) -> Vec<String> {
    let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}
