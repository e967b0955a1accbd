//! The frame of a REST API: its document, lists in pages, writes that are sent again (API-01).

mod document;
mod lists;
mod repeated;

use std::sync::Arc;

use axum::{extract::Request, middleware::Next, response::Response};
use chrono::{DateTime, Utc};
use http::Method;
use saas_core::{
    Actor, Can, Clock, Created, FieldError, Json, List, Listed, NewTenantDb, NoContent, Order, OrderBy, Permission as _, Principal,
    Problem, ProblemType, Routes, SessionId, SignedIn, Standing, TenantDb, TenantId, Validate, Wanted, WorkspaceId, finish,
    pages::Pages,
    testing::{Answer, TestApp, TestClient, TestDb},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::FromRow;
use tokio::sync::Semaphore;
use utoipa::ToSchema;
use uuid::Uuid;

saas_core::permissions! {
    /// See sites.
    SiteRead = "test.site.read";
    /// Make sites.
    SiteWrite = "test.site.write";
}

/// A part of the tenant.
#[derive(Debug, Serialize, FromRow, ToSchema)]
struct Site {
    id: WorkspaceId,
    name: String,
    created_at: DateTime<Utc>,
}

impl Listed for Site {
    const ORDERS: &'static [Order] =
        &[Order::new("name", "lower(name)", OrderBy::Text), Order::new("created_at", "created_at", OrderBy::Time)];
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SiteFilter {
    /// Only those with this in their name.
    q: Option<String>,
}

async fn list(_: Can<SiteRead>, db: TenantDb, wanted: Wanted<Site, SiteFilter>) -> Result<List<Site>, Problem> {
    let mut tx = db.begin().await?;
    let mut query = wanted.query("select id, name, created_at from core.workspace where tenant_id = ");
    query.push_bind(tx.tenant().map(Uuid::from));
    if let Some(q) = &wanted.filter.q {
        query.push(" and strpos(name, ").push_bind(q.clone()).push(") > 0");
    }
    Ok(wanted.fetch(&mut tx, query).await?)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSite {
    /// 1 to 100 characters.
    name: String,
}

impl Validate for NewSite {
    fn validate(&self) -> Vec<FieldError> {
        if self.name.is_empty() { vec![FieldError::new("/name", "must not be empty")] } else { Vec::new() }
    }
}

/// A site and a key that is shown this once.
#[derive(Debug, Serialize, ToSchema)]
struct SiteWithKey {
    id: WorkspaceId,
    key: String,
}

async fn insert(tx: &mut saas_core::TenantTx, name: &str) -> Result<SiteWithKey, Problem> {
    let (id, now) = (WorkspaceId::new(), tx.now());
    sqlx::query("insert into core.workspace (tenant_id, id, name, created_at) values ($1, $2, $3, $4)")
        .bind(tx.tenant().map(Uuid::from))
        .bind(id)
        .bind(name)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(SiteWithKey { id, key: format!("secret-{id}") })
}

async fn create(_: Can<SiteWrite>, db: TenantDb, Json(new): Json<NewSite>) -> Result<Created<SiteWithKey>, Problem> {
    let mut tx = db.begin().await?;
    let site = insert(&mut tx, &new.name).await?;
    tx.commit().await?;
    Ok(Created(site))
}

/// Opens a second transaction that sees what the first one wrote.
async fn create_twice(_: Can<SiteWrite>, db: TenantDb, Json(new): Json<NewSite>) -> Result<Created<SiteWithKey>, Problem> {
    let mut tx = db.begin().await?;
    let site = insert(&mut tx, &new.name).await?;
    tx.commit().await?;
    let mut tx = db.begin().await?;
    sqlx::query("update core.workspace set name = name || ' again' where tenant_id = $1 and id = $2")
        .bind(tx.tenant().map(Uuid::from))
        .bind(site.id)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(Created(site))
}

/// Takes its work back once and begins anew, as after a deadlock.
async fn begun_anew(_: Can<SiteWrite>, db: TenantDb, Json(new): Json<NewSite>) -> Result<Created<SiteWithKey>, Problem> {
    let mut tx = db.begin().await?;
    insert(&mut tx, &new.name).await?;
    drop(tx);
    let mut tx = db.begin().await?;
    let site = insert(&mut tx, &new.name).await?;
    tx.commit().await?;
    Ok(Created(site))
}

/// Waits inside its transaction until it is let on.
async fn create_slowly(
    _: Can<SiteWrite>,
    db: TenantDb,
    axum::extract::State(gate): axum::extract::State<Gate>,
    Json(new): Json<NewSite>,
) -> Result<Created<SiteWithKey>, Problem> {
    let mut tx = db.begin().await?;
    let site = insert(&mut tx, &new.name).await?;
    gate.inside.add_permits(1);
    gate.on.acquire().await.map_err(Problem::internal)?.forget();
    tx.commit().await?;
    Ok(Created(site))
}

/// Does its work and takes it back.
async fn refuse(_: Can<SiteWrite>, db: TenantDb, Json(new): Json<NewSite>) -> Result<Created<SiteWithKey>, Problem> {
    let mut tx = db.begin().await?;
    insert(&mut tx, &new.name).await?;
    Err(Problem::new(&ProblemType::CONFLICT))
}

async fn delete(_: Can<SiteWrite>, db: TenantDb, saas_core::Path(_): saas_core::Path<WorkspaceId>) -> Result<NoContent, Problem> {
    db.begin().await?.commit().await?;
    Ok(NoContent)
}

/// A write without a tenant.
async fn nowhere() -> NoContent {
    NoContent
}

/// Makes a tenant.
async fn found(NewTenantDb(db): NewTenantDb, Json(new): Json<NewSite>) -> Result<Created<Value>, Problem> {
    let mut tx = db.begin().await?;
    let tenant = tx.tenant().map(Uuid::from);
    sqlx::query("insert into core.tenant (id, slug, name, state, created_at) values ($1, $1::text, $2, 'active', now())")
        .bind(tenant)
        .bind(&new.name)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(Created(json!({ "id": tenant })))
}

/// Where a slow handler waits.
#[derive(Debug, Clone)]
struct Gate {
    inside: Arc<Semaphore>,
    on: Arc<Semaphore>,
}

struct Scene {
    test: TestDb,
    app: TestApp,
    document: saas_core::Document,
    gate: Gate,
    tenant: TenantId,
}

fn routes(gate: &Gate) -> Routes {
    Routes::new()
        .get("/api/v1/sites", list)
        .about("Lists sites")
        .post(["/api/v1/sites", "/api/sites"], create)
        .about("Makes a site")
        .post("/api/v1/sites/twice", create_twice)
        .about("Makes a site in two transactions")
        .post("/api/v1/sites/anew", begun_anew)
        .about("Makes a site at the second attempt")
        .post("/api/v1/sites/slow", create_slowly)
        .about("Makes a site slowly")
        .post("/api/v1/sites/refused", refuse)
        .about("Makes no site")
        .delete("/api/v1/sites/{id}", delete)
        .about("Deletes nothing")
        .post("/api/v1/nowhere", nowhere)
        .about("Does nothing")
        .post("/api/v1/tenants", found)
        .about("Makes a tenant")
        .with_state(gate.clone())
}

impl Scene {
    async fn new() -> Self {
        Self::at(Clock::system()).await
    }

    async fn at(clock: Clock) -> Self {
        let test = TestDb::at(&[], clock, 10).await.unwrap();
        let gate = Gate { inside: Arc::new(Semaphore::new(0)), on: Arc::new(Semaphore::new(0)) };
        let db = test.db.clone();
        let routes = routes(&gate).layer(axum::middleware::from_fn(move |request: Request, next: Next| {
            let db = db.clone();
            async move { member(db, request, next).await }
        }));
        // The second takes nothing back.
        let routes = routes.open_to_keys([SiteWrite::NAME]).open_to_keys([]);
        let app = finish(routes, TestApp::web(&test, &Pages::builder().build().unwrap()));
        let document = app.document().clone();
        let tenant = test.tenant("acme").await;
        Self { test, app: TestApp::new(app), document, gate, tenant }
    }

    async fn person(&self, tenant: TenantId) -> TestClient {
        let user = self.test.user().await;
        self.test.member(tenant, user, "owner").await;
        let mut me = SignedIn::new(user, SessionId::new());
        me.email = tenant.to_string();
        self.app.acting(Principal::User(Arc::new(me)))
    }

    /// How many sites a tenant has with this name.
    async fn count(&self, tenant: TenantId, name: &str) -> i64 {
        let mut tx = self.test.db.tenant(tenant).begin().await.unwrap();
        let query = sqlx::query_scalar("select count(*) from core.workspace where tenant_id = $1 and name = $2");
        query.bind(tenant).bind(name).fetch_one(&mut *tx).await.unwrap()
    }

    async fn add(&self, tenant: TenantId, name: &str) {
        let mut tx = self.test.db.tenant(tenant).begin().await.unwrap();
        insert(&mut tx, name).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// What a tenancy layer does, for a person whose address says where they belong.
async fn member(db: saas_core::Db, mut request: Request, next: Next) -> Response {
    if let Some(Principal::User(me)) = request.extensions().get::<Principal>().cloned() {
        let tenant: TenantId = me.email.parse().unwrap();
        let standing = Standing {
            tenant,
            slug: "acme".into(),
            name: "Acme".into(),
            actor: Actor::User(me.user),
            role: "owner".into(),
            permissions: [SiteRead::NAME, SiteWrite::NAME].into(),
            revision: None,
        };
        request.extensions_mut().insert(db.tenant(tenant).acting(me.user));
        request.extensions_mut().insert(standing);
    }
    next.run(request).await
}

/// Posts with a key.
async fn keyed(client: &TestClient, key: &str, path: &str, body: &Value) -> Answer {
    client.clone().with("idempotency-key", key).json(Method::POST, path, body).await
}
