use std::sync::Arc;

use async_trait::async_trait;
use axum::Extension;
use chrono::TimeDelta;
use saas_core::{
    Can, Clock, DbError, Document, Flags, KeyId, KeyPrincipal, Membership, NoContent, Permission as _, Principal, Problem, ProblemType,
    RouteInfo, Routes, SessionId, SignedIn, StepUp, TenantDb, TenantId, TokenFamilyId, TokenPrincipal, UserId, finish,
    pages::Pages,
    testing::{TestApp, TestClient, TestDb},
};
use saas_tenancy::{ActiveOrganization, Header, MIGRATIONS, PAGES, PathParameter, ResolveTenant as _, Role, Tenancy};

use sqlx::{Connection as _, PgConnection};

use crate::{flags, mailbox::Mailbox, sharing};

saas_core::permissions! {
    /// For tests.
    pub(crate) NoteWrite = "test.note.write";
}

/// Tenancy with a route of an application, and people who are known without signing in.
pub(crate) struct App {
    pub(crate) test: TestDb,
    pub(crate) mailbox: Mailbox,
    pub(crate) tenancy: Tenancy,
    routes: Vec<RouteInfo>,
    document: Document,
    app: TestApp,
}

/// A proof is recent for ten minutes.
struct TenMinutes(Clock);

#[async_trait]
impl StepUp for TenMinutes {
    async fn check(&self, me: &SignedIn) -> Result<(), Problem> {
        let is_recent = self.0.now() < me.proved_at + TimeDelta::minutes(10);
        if is_recent { Ok(()) } else { Err(Problem::new(&ProblemType::STEP_UP_REQUIRED)) }
    }
}

async fn whoami(can: Can<NoteWrite>) -> String {
    can.standing().tenant.to_string()
}

/// Writes, whatever it is asked with.
async fn touch(_: Can<NoteWrite>, db: TenantDb) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    sqlx::query("update core.workspace set name = name").execute(&mut *tx).await.map_err(DbError::from)?;
    tx.commit().await?;
    Ok(NoContent)
}

impl App {
    pub(crate) async fn new() -> Self {
        Self::at(Clock::system()).await
    }

    pub(crate) async fn at(clock: Clock) -> Self {
        Self::with(clock, |tenancy| tenancy).await
    }

    pub(crate) async fn with(clock: Clock, set_up: impl FnOnce(Tenancy) -> Tenancy) -> Self {
        Self::featured(clock, &[], set_up).await
    }

    /// The same, where these permissions take features of the plan.
    pub(crate) async fn featured(clock: Clock, features: &[(&'static str, &'static str)], set_up: impl FnOnce(Tenancy) -> Tenancy) -> Self {
        let test = TestDb::at(&[MIGRATIONS, sharing::MIGRATIONS], clock, 10).await.unwrap();
        let pages = Pages::builder().add(PAGES).build().unwrap();
        let roles = sharing::roles(&[(NoteWrite::NAME, &[Role::Owner, Role::Admin, Role::Member])]).featured(features);
        let resolver = PathParameter("organization").or(Header::new("x-organization")).or(ActiveOrganization);
        let mailbox = Mailbox::new(&test.db, &pages);
        let tenancy = Tenancy::with_home(&test.db, resolver, roles, "/notes").inviting(mailbox.outbox.clone());
        let tenancy = set_up(tenancy.sharing::<sharing::Report>("/reports/{id}").flags(flags::FLAGS));
        let notes = Routes::new().get("/notes", whoami).get("/o/{organization}/notes", whoami).get("/flags", flags::all);
        let notes = notes.get("/touch", touch).post("/touch", touch);
        let notes = notes.merge(sharing::routes()).layer(tenancy.layer());
        let web = TestApp::web(&test, &pages);
        let step_up: Arc<dyn StepUp> = Arc::new(TenMinutes(test.db.clock().clone()));
        let app = finish(notes.merge(tenancy.routes()).layer(Extension(step_up)).featured(features), web);
        let (routes, document) = (app.routes().to_vec(), app.document().clone());
        Self { app: TestApp::new(app), mailbox, tenancy, routes, document, test }
    }

    /// What it answers to whom.
    pub(crate) fn routes(&self) -> &[RouteInfo] {
        &self.routes
    }

    /// What it says of itself.
    pub(crate) fn document(&self) -> &serde_json::Value {
        self.document.json()
    }

    /// Waits until so many statements wait for others.
    pub(crate) async fn until_waiting(&self, statements: i64) {
        let mut superuser = PgConnection::connect(self.test.database.superuser_url().expose()).await.unwrap();
        let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        for _ in 0..6_000 {
            if sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut superuser).await.unwrap() >= statements {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("it never came to be that {statements} statements wait");
    }

    pub(crate) fn stranger(&self) -> TestClient {
        self.app.acting(Principal::Anonymous)
    }

    /// A person who belongs nowhere.
    pub(crate) async fn person(&self) -> UserId {
        self.test.user().await
    }

    /// A person's client, with the memberships that they have right now, as an authenticating layer would read them.
    pub(crate) async fn client(&self, user: UserId) -> TestClient {
        self.app.acting(self.principal(user).await)
    }

    /// The same, in a session in which they have shown a second factor.
    pub(crate) async fn client_with_second_factor(&self, user: UserId) -> TestClient {
        let mut signed_in = self.signed_in(user).await;
        signed_in.second_factor = true;
        self.app.acting(Principal::User(Arc::new(signed_in)))
    }

    /// The same, in a session in which they have just shown who they are.
    pub(crate) async fn client_with_proof(&self, user: UserId) -> TestClient {
        let mut signed_in = self.signed_in(user).await;
        signed_in.proved_at = self.test.db.clock().now();
        self.app.acting(Principal::User(Arc::new(signed_in)))
    }

    /// A program with a token of a person for a tenant, which asks for a second factor that was not shown, or not.
    pub(crate) async fn program(&self, user: UserId, second_factor_missing: bool) -> TestClient {
        let mut place = self.signed_in(user).await.memberships.remove(0);
        place.second_factor_required = second_factor_missing;
        self.app.acting(Principal::Token(Arc::new(TokenPrincipal::new(user, TokenFamilyId::new(), place, &[]))))
    }

    /// The same, with what is withheld from it.
    pub(crate) async fn program_without(&self, user: UserId, withheld: &'static [&'static str]) -> TestClient {
        let place = self.signed_in(user).await.memberships.remove(0);
        self.app.acting(Principal::Token(Arc::new(TokenPrincipal::new(user, TokenFamilyId::new(), place, withheld))))
    }

    /// A program with a key that somebody made.
    pub(crate) async fn key(&self, maker: UserId, scopes: &[&'static str]) -> TestClient {
        let place = self.signed_in(maker).await.memberships.remove(0);
        self.app.acting(Principal::Key(Arc::new(KeyPrincipal::new(KeyId::new(), place, scopes.to_vec()))))
    }

    /// The same at another tenancy over the same database.
    pub(crate) async fn client_of(&self, tenancy: Tenancy, user: UserId) -> TestClient {
        let pages = Pages::builder().add(PAGES).build().unwrap();
        let web = TestApp::web(&self.test, &pages);
        TestApp::new(finish(tenancy.routes(), web)).acting(self.principal(user).await)
    }

    async fn principal(&self, user: UserId) -> Principal {
        Principal::User(Arc::new(self.signed_in(user).await))
    }

    /// Somebody who is signed in as the test says.
    pub(crate) fn acting(&self, signed_in: SignedIn) -> TestClient {
        self.app.acting(Principal::User(Arc::new(signed_in)))
    }

    pub(crate) async fn signed_in(&self, user: UserId) -> SignedIn {
        let mut tx = self.test.db.person(user).begin().await.unwrap();
        let memberships: Vec<(TenantId, String, String, String, bool, Option<serde_json::Value>)> = sqlx::query_as(
            "select t.id, t.slug, t.name, m.role, t.second_factor_required, jsonb_build_array(t.flags, t.platform_flags) from core.member m join core.tenant t on t.id = m.tenant_id
            where m.user_id = $1 and m.left_at is null and t.state = 'active' order by t.slug",
        )
        .bind(user)
        .fetch_all(&mut *tx)
        .await
        .unwrap();
        let mut signed_in = SignedIn::new(user, SessionId::new());
        signed_in.name = "Ada".to_owned();
        signed_in.email = format!("{user}@example.com");
        signed_in.verified = true;
        let memberships = memberships.into_iter();
        signed_in.memberships = memberships
            .map(|(id, slug, name, role, second_factor_required, flags)| Membership {
                id,
                slug,
                name,
                role,
                second_factor_required,
                revision: None,
                flags: Flags::stored(flags),
            })
            .collect();
        signed_in
    }

    /// A new member of a tenant.
    pub(crate) async fn member(&self, tenant: TenantId, role: Role) -> UserId {
        let user = self.test.user().await;
        self.test.member(tenant, user, role.as_str()).await;
        user
    }

    pub(crate) async fn unverified(&self) -> TestClient {
        self.app.acting(Principal::User(Arc::new(SignedIn::new(self.test.user().await, SessionId::new()))))
    }
}
