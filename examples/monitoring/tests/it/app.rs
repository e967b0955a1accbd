use std::sync::atomic::{AtomicU32, Ordering};

use http::StatusCode;
use monitoring::server::{ALL_MIGRATIONS, product};
use saas_admin::{Program, RequestLimits, testing::TestProgram};
use saas_billing::MemoryGateway;
use saas_core::{
    AgentId, Clock, Db, Document, Lifecycle, RouteInfo, TenantId, UserId,
    mail::{DevMailbox, Mail, MailSender},
    testing::{Answer, TestApp, TestClient, TestDb},
};
use saas_tenancy::Role;
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

/// The composed product, and everybody who uses it.
pub(crate) struct App {
    pub(crate) test: TestDb,
    pub(crate) program: Program,
    pub(crate) mailbox: DevMailbox,
    pub(crate) gateway: MemoryGateway,
    pub(crate) sender: MailSender,
    pub(crate) routes: Vec<RouteInfo>,
    pub(crate) document: Document,
    app: TestApp,
    people: AtomicU32,
    folder: TempDir,
}

/// A person with a browser.
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) email: String,
    pub(crate) browser: TestClient,
}

impl Person {
    /// Shows again who they are: what they did when they signed in may be too long ago by now.
    pub(crate) async fn proves(&self) {
        expect(&self.browser.post("/api/v1/auth/prove", &json!({ "password": PASSWORD })).await, StatusCode::NO_CONTENT);
    }
}

/// A machine that registered.
pub(crate) struct Agent {
    pub(crate) id: AgentId,
    pub(crate) key: String,
    pub(crate) instance: Uuid,
    pub(crate) credential: String,
    pub(crate) client: TestClient,
}

pub(crate) const PASSWORD: &str = "correct horse battery staple 9";

impl App {
    pub(crate) async fn new() -> Self {
        Self::at(Clock::system()).await
    }

    pub(crate) async fn at(clock: Clock) -> Self {
        Self::within(clock, RequestLimits::default()).await
    }

    /// With other limits, for tests that ask more than anybody would.
    pub(crate) async fn within(clock: Clock, limits: RequestLimits) -> Self {
        let test = TestDb::at(ALL_MIGRATIONS, clock, 10).await.unwrap();
        let mail = TempDir::new().unwrap();
        let TestProgram { app, program, mailbox, sender, gateway, .. } = product().test_within(&test.db, mail.path(), limits).unwrap();
        let (routes, document) = (app.routes().to_vec(), app.document().clone());
        Self { test, program, mailbox, gateway, sender, routes, document, app: TestApp::new(app), people: AtomicU32::new(0), folder: mail }
    }

    /// The folder in which files lie.
    pub(crate) fn files(&self) -> std::path::PathBuf {
        self.folder.path().join("files")
    }

    /// The folder in which lies what is kept outside of the database: who was erased.
    pub(crate) fn records(&self) -> std::path::PathBuf {
        self.folder.path().join("records")
    }

    /// Somebody with an empty browser.
    pub(crate) fn anon(&self) -> TestClient {
        self.app.browser().here()
    }

    /// The same product over the same database, but reached in another way. The second value keeps its mail.
    pub(crate) fn again(&self, db: &Db) -> (TestApp, Lifecycle, TempDir) {
        let mail = TempDir::new().unwrap();
        let TestProgram { app, program, .. } = product().test(db, mail.path()).unwrap();
        (TestApp::new(app), program.lifecycle, mail)
    }

    /// An organization on the free plan, with nobody in it.
    pub(crate) async fn tenant(&self, slug: &str) -> TenantId {
        self.test.tenant(slug).await
    }

    /// Somebody who signed up, confirmed their address and signed in, and belongs nowhere.
    pub(crate) async fn person(&self) -> Person {
        let email = format!("person{}@example.com", self.people.fetch_add(1, Ordering::Relaxed));
        let browser = self.anon();
        let account = json!({ "name": "Ada Lovelace", "email": email, "password": PASSWORD });
        expect(&browser.post("/api/v1/auth/sign-up", &account).await, StatusCode::ACCEPTED);
        let token = self.mailed_token(&email).await;
        expect(&browser.post("/api/v1/auth/verify", &json!({ "token": token, "password": PASSWORD })).await, StatusCode::NO_CONTENT);
        let signed_in = browser.post("/api/v1/auth/sign-in", &json!({ "email": email, "password": PASSWORD })).await;
        expect(&signed_in, StatusCode::OK);
        let id = signed_in.json()["id"].as_str().unwrap().parse().unwrap();
        Person { id, email, browser }
    }

    /// The text of the newest letter to an address, but for the one that greets, which comes whatever a test is about.
    pub(crate) async fn letter(&self, email: &str) -> String {
        saas_core::testing::deliver(&self.test.db, &self.sender).await.unwrap();
        let mails = self.mailbox.list().await.unwrap();
        let mut theirs = mails.into_iter().map(|kept| kept.mail).filter(|mail| mail.to == email);
        let greets = |mail: &Mail| ["Welcome", "Willkommen"].iter().any(|word| mail.subject.starts_with(word));
        theirs.find(|mail| !greets(mail)).unwrap_or_else(|| panic!("no mail to {email}")).text
    }

    /// What the newest letter to an address lets its reader do something with.
    pub(crate) async fn mailed_token(&self, email: &str) -> String {
        let letter = self.letter(email).await;
        let (_, token) = letter.split_once("token=").unwrap();
        token.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).next().unwrap().to_owned()
    }

    /// A signed-in member of an organization.
    pub(crate) async fn member(&self, tenant: TenantId, role: Role) -> Person {
        let person = self.person().await;
        self.test.member(tenant, person.id, role.as_str()).await;
        person
    }

    /// Puts an organization on a plan.
    pub(crate) async fn plan(&self, tenant: TenantId, plan: &'static str) {
        self.execute("insert into billing.tenant_plan (tenant_id, plan, since) select $1, $2::text, now()", tenant, plan).await;
    }

    /// Sets the state of an organization: active, suspended, leaving or deleted.
    pub(crate) async fn set_state(&self, tenant: TenantId, state: &'static str) {
        let statement =
            "update core.tenant set state = $2, leaves_at = case $2 when 'leaving' then now() + interval '30 days' end where id = $1";
        self.execute(statement, tenant, state).await;
    }

    /// Undoes that people left an organization.
    pub(crate) async fn bring_back(&self, tenant: TenantId) {
        self.execute("update core.member set left_at = null where tenant_id = $1 and $2 = ''", tenant, "").await;
    }

    /// Something that the person with this address was told; for anybody else nothing that there is.
    pub(crate) async fn told(&self, tenant: TenantId, email: Option<&str>) -> Uuid {
        let mut owner = self.owner().await;
        let told: Option<Uuid> = sqlx::query_scalar(
            "insert into notification (tenant_id, user_id, event_id, kind, subject, data, at, listed, digest)
            select tenant_id, user_id, gen_random_uuid(), 'tenancy.member.joined', 'canarybird', '{}', now(), true, false
            from core.member join auth.account using (user_id) where tenant_id = $1 and account.email = $2
            returning event_id",
        )
        .bind(Uuid::from(tenant))
        .bind(email)
        .fetch_optional(&mut owner)
        .await
        .unwrap();
        told.unwrap_or_else(Uuid::now_v7)
    }

    /// Gives somebody a picture, and says its id.
    pub(crate) async fn avatar(&self, person: UserId) -> Uuid {
        let id = Uuid::now_v7();
        let given = sqlx::query("insert into auth.avatar (user_id, id, small, large, created_at) values ($1, $2, 'x', 'x', now())");
        given.bind(Uuid::from(person)).bind(id).execute(&mut self.owner().await).await.unwrap();
        id
    }

    /// Names somebody as one of those who run the product.
    pub(crate) async fn operator(&self, person: UserId) {
        let named =
            "insert into auth.operator (user_id, role, granted_at, granted_by, reason) values ($1, 'admin', now(), 'root', 'a test')";
        sqlx::query(named).bind(Uuid::from(person)).execute(&mut self.owner().await).await.unwrap();
    }

    /// Has somebody's sessions shown a second factor, which they do not have.
    pub(crate) async fn second_factor_shown(&self, person: UserId) {
        let shown = "update auth.session set methods = '{password,totp}' where user_id = $1 and ended_at is null";
        sqlx::query(shown).bind(Uuid::from(person)).execute(&mut self.owner().await).await.unwrap();
    }

    /// Links an account elsewhere with somebody's.
    pub(crate) async fn identity(&self, person: UserId) {
        let linked = sqlx::query(
            "insert into auth.identity (id, user_id, provider, issuer, subject, created_at) values ($1, $2, 'dev', 'https://id.example', 'ada', now())",
        );
        linked.bind(Uuid::now_v7()).bind(Uuid::from(person)).execute(&mut self.owner().await).await.unwrap();
    }

    /// Registers a passkey for somebody, which no device has, and says its id.
    pub(crate) async fn passkey(&self, person: UserId) -> Uuid {
        let id = Uuid::now_v7();
        let registered = sqlx::query(
            "insert into auth.passkey (id, user_id, credential_id, credential, name, created_at) values ($1, $2, uuid_send($1), '{}', 'Key ring', now())",
        );
        registered.bind(id).bind(Uuid::from(person)).execute(&mut self.owner().await).await.unwrap();
        id
    }

    async fn execute(&self, statement: &'static str, tenant: TenantId, text: &str) {
        let mut owner = self.owner().await;
        sqlx::query(statement).bind(Uuid::from(tenant)).bind(text).execute(&mut owner).await.unwrap();
    }

    /// A connection that migrations would have: it sees every tenant.
    pub(crate) async fn owner(&self) -> sqlx::PgConnection {
        use sqlx::Connection as _;
        let options: sqlx::postgres::PgConnectOptions = self.test.database.owner_url().expose().parse().unwrap();
        sqlx::PgConnection::connect_with(&options.options([("search_path", "data")])).await.unwrap()
    }

    /// A connection that may do anything, to arrange what a program never would.
    pub(crate) async fn superuser(&self) -> sqlx::PgConnection {
        use sqlx::Connection as _;
        sqlx::PgConnection::connect(self.test.database.superuser_url().expose()).await.unwrap()
    }

    /// Has everybody told of what happened, and the mail sent.
    pub(crate) async fn told_of_events(&self) {
        self.program.relay.relay_now().await.unwrap();
        saas_core::testing::deliver(&self.test.db, &self.sender).await.unwrap();
    }

    /// Waits for what is done off the request.
    pub(crate) async fn until(&self, what: &str, condition: impl AsyncFn() -> bool) {
        for _ in 0..3_000 {
            if condition().await {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("it never came to be that {what}");
    }

    /// A number that the database counts, over all tenants.
    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&mut self.owner().await).await.unwrap()
    }

    /// An agent that somebody with the right to do so added, and its key.
    pub(crate) async fn added(&self, by: &Person) -> (AgentId, String) {
        let added = by.browser.post("/api/v1/agents", &json!({ "name": "Office" })).await;
        expect(&added, StatusCode::CREATED);
        let added = added.json();
        (added["id"].as_str().unwrap().parse().unwrap(), added["key"].as_str().unwrap().to_owned())
    }

    /// An agent that registered with its key.
    pub(crate) async fn agent(&self, by: &Person) -> Agent {
        let (id, key) = self.added(by).await;
        let instance = Uuid::now_v7();
        let answer = self.register(&key, instance).await;
        expect(&answer, StatusCode::CREATED);
        let credential = answer.json()["credential"].as_str().unwrap().to_owned();
        let client = self.anon().bearer(&credential);
        Agent { id, key, instance, credential, client }
    }

    /// What a machine says when it runs for the first time.
    pub(crate) async fn register(&self, key: &str, instance: Uuid) -> Answer {
        self.anon().bearer(key).post("/api/agent/register", &registration(instance)).await
    }
}

/// The body of a registration.
pub(crate) fn registration(instance: Uuid) -> serde_json::Value {
    json!({ "instance": instance, "hostname": "probe", "version": "0.1.0", "os": "linux x86_64", "networks": ["10.0.0.0/24"] })
}

/// Demands a status, and shows the answer where it is another.
#[track_caller]
pub(crate) fn expect(answer: &Answer, status: StatusCode) {
    assert_eq!(answer.status, status, "{}", answer.text());
}

/// Demands a problem document of one kind.
#[track_caller]
pub(crate) fn expect_problem(answer: &Answer, status: StatusCode, kind: &str) -> serde_json::Value {
    expect(answer, status);
    assert_eq!(answer.headers[http::header::CONTENT_TYPE], "application/problem+json");
    let document = answer.json();
    assert_eq!(document["type"], format!("/problems/{kind}"), "{document}");
    assert_eq!(document["status"], status.as_u16());
    document
}
