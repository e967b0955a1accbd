//! RBA-03: what is held for one's own, what is shared one by one, and what takes a feature of the plan.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use http::{Method, StatusCode};
use saas_core::{
    Actor, CanOwn, Clock, Created, DbError, Json, List, Listed, Migrations, NoContent, Order, OrderBy, Permission as _, PlanFeatures,
    Problem, Reached, Reaching, Resource, Routes, Standing, TenantDb, TenantId, UserId, Wanted,
    inventory::{
        Class::{Content, Internal},
        Erasure, Retention, Table,
    },
    testing::{Answer, TestClient},
};
use saas_tenancy::{Role, RoleWrite, Roles};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{FromRow, migrate::Migrator};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;

saas_core::ids! {
    /// A report.
    pub(crate) ReportId;
}

saas_core::permissions! {
    /// See reports.
    pub(crate) ReportRead = "test.report.read";
    /// Write reports.
    pub(crate) ReportWrite = "test.report.write";
    /// Share reports.
    pub(crate) ReportShare = "test.report.share";
}

pub(crate) struct Report;

impl Resource for Report {
    type Id = ReportId;
    type Share = ReportShare;
    const KIND: &'static str = "test.report";
    const TABLE: &'static str = "report";
    const TITLE: &'static str = "name";
    const AUTHOR: Option<&'static str> = Some("created_by");
    const VIEW: &'static [&'static str] = &[ReportRead::NAME];
    const EDIT: &'static [&'static str] = &[ReportWrite::NAME];
}

static DATA: Migrator = sqlx::migrate!("tests/migrations");

/// The table of an application whose rows are shared.
pub(crate) const MIGRATIONS: Migrations =
    Migrations { name: "test_report", control: None, data: Some(&DATA), lookups: &[], inventory: INVENTORY };

const INVENTORY: &[Table] = &[Table {
    name: "data.report",
    erasure: Erasure::Purge,
    retention: Retention::Lasting,
    exported: true,
    columns: &[("tenant_id", Internal), ("id", Internal), ("name", Content), ("created_by", Internal)],
}];

/// Who may do what with reports: members with their own.
pub(crate) fn roles(roles: &[(&'static str, &[Role])]) -> Roles {
    let above = &[Role::Owner, Role::Admin];
    let mut all = roles.to_vec();
    all.extend([(ReportRead::NAME, above as &[Role]), (ReportWrite::NAME, above), (ReportShare::NAME, above)]);
    let member = &[Role::Member];
    Roles::new(&all).own(&[(ReportRead::NAME, member), (ReportWrite::NAME, member), (ReportShare::NAME, member)])
}

pub(crate) fn routes() -> Routes {
    Routes::new()
        .get("/api/v1/reports", list)
        .about("Lists reports")
        .post("/api/v1/reports", create)
        .about("Makes a report")
        .get("/api/v1/reports/{id}", show)
        .about("Shows a report")
        .delete("/api/v1/reports/{id}", remove)
        .about("Deletes a report")
}

#[derive(Debug, FromRow, Serialize, ToSchema)]
struct ReportRow {
    id: ReportId,
    name: String,
}

impl Listed for ReportRow {
    const ORDERS: &'static [Order] = &[Order::new("name", "name", OrderBy::Text)];
}

async fn list(reports: Reaching<ReportRead, Report>, wanted: Wanted<ReportRow>) -> Result<List<ReportRow>, Problem> {
    let (mut tx, within) = reports.begin().await?;
    let mut query = wanted.query("select r.id, r.name from report r where r.tenant_id = ");
    query.push_bind(tx.tenant().map(Uuid::from));
    within.push(&mut query, "r");
    Ok(wanted.fetch(&mut tx, query).await?)
}

async fn create(can: CanOwn<ReportWrite>, db: TenantDb) -> Result<Created<ReportRow>, Problem> {
    let mut tx = db.begin().await?;
    let row = ReportRow { id: ReportId::new(), name: "Quarter".to_owned() };
    let Actor::User(me) = can.actor() else { return Err(Problem::forbidden()) };
    sqlx::query("insert into report (tenant_id, id, name, created_by) values ($1, $2, $3, $4)")
        .bind(tx.tenant().map(Uuid::from))
        .bind(row.id)
        .bind(&row.name)
        .bind(Uuid::from(me))
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(Created(row))
}

async fn show(report: Reached<ReportRead, Report>) -> Result<Json<ReportRow>, Problem> {
    let (mut tx, id) = report.begin().await?;
    let row = sqlx::query_as("select id, name from report where tenant_id = $1 and id = $2");
    let row = row.bind(tx.tenant().map(Uuid::from)).bind(id).fetch_optional(&mut *tx).await?;
    row.map(Json).ok_or_else(Problem::not_found)
}

async fn remove(report: Reached<ReportWrite, Report>) -> Result<NoContent, Problem> {
    let (mut tx, id) = report.begin().await?;
    let gone = sqlx::query("delete from report where tenant_id = $1 and id = $2");
    let gone = gone.bind(tx.tenant().map(Uuid::from)).bind(id).execute(&mut *tx).await?;
    if gone.rows_affected() == 0 {
        return Err(Problem::not_found());
    }
    tx.commit().await?;
    Ok(NoContent)
}

/// An organization with an owner, and reports that somebody makes in it.
struct Scene {
    app: App,
    acme: TenantId,
    owner: TestClient,
}

impl Scene {
    async fn new() -> Self {
        let app = App::new().await;
        let acme = app.test.tenant("acme").await;
        let owner = app.client(app.member(acme, Role::Owner).await).await;
        Self { app, acme, owner }
    }

    async fn somebody(&self, role: Role) -> (UserId, TestClient) {
        let user = self.app.member(self.acme, role).await;
        (user, self.app.client(user).await)
    }

    async fn shares(&self) -> i64 {
        let mut tx = self.app.test.db.tenant(self.acme).begin().await.unwrap();
        sqlx::query_scalar("select count(*) from core.share").fetch_one(&mut *tx).await.unwrap()
    }
}

/// Makes a report, and says its path.
async fn made(client: &TestClient) -> String {
    let made = client.post("/api/v1/reports", &json!({})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    format!("/api/v1/reports/{}", made.json()["id"].as_str().unwrap())
}

async fn share(client: &TestClient, report: &str, user: UserId, level: &str) -> Answer {
    client.json(Method::PUT, &format!("{report}/people/{user}"), &json!({ "level": level })).await
}

async fn listed(client: &TestClient) -> usize {
    client.get("/api/v1/reports").await.json()["items"].as_array().unwrap().len()
}

/// What a client is answered that looks at a report.
async fn sees(client: &TestClient, report: &str) -> u16 {
    client.get(report).await.status.as_u16()
}

/// What somebody made is theirs to see, to change and to share, and nobody else's who has no more than they.
#[tokio::test]
async fn what_is_held_for_ones_own_reaches_no_further() {
    let scene = Scene::new().await;
    let ((_, ada), (bea_id, bea)) = (scene.somebody(Role::Member).await, scene.somebody(Role::Member).await);
    let (of_ada, of_owner) = (made(&ada).await, made(&scene.owner).await);
    assert_eq!((listed(&ada).await, listed(&bea).await, listed(&scene.owner).await), (1, 0, 2));
    assert_eq!((sees(&ada, &of_ada).await, sees(&bea, &of_ada).await, sees(&ada, &of_owner).await), (200, 404, 404));
    assert_eq!(bea.delete(&of_ada).await.status, StatusCode::NOT_FOUND, "what one may not see is not there");
    assert_eq!(share(&bea, &of_ada, bea_id, "edit").await.status, StatusCode::NOT_FOUND);
    assert_eq!(ada.delete(&of_ada).await.status, StatusCode::NO_CONTENT);
    let nowhere = format!("/api/v1/reports/{}", ReportId::new());
    for client in [&ada, &scene.owner] {
        assert_eq!(client.delete(&nowhere).await.status, StatusCode::NOT_FOUND);
        assert_eq!(client.get("/api/v1/reports/none").await.status, StatusCode::NOT_FOUND);
    }
    let (_, viewer) = scene.somebody(Role::Viewer).await;
    let refused = viewer.post("/api/v1/reports", &json!({})).await;
    assert_eq!((refused.status, &refused.json()["permission"]), (StatusCode::FORBIDDEN, &json!(ReportWrite::NAME)));
    assert_eq!((listed(&viewer).await, sees(&viewer, &of_owner).await), (0, 404));
}

/// A share gives what its level says, for that thing alone, from the next request on and until it ends.
#[tokio::test]
async fn what_is_shared_reaches_as_far_as_it_is_shared() {
    let scene = Scene::new().await;
    let (bea, client) = scene.somebody(Role::Viewer).await;
    let (first, second) = (made(&scene.owner).await, made(&scene.owner).await);
    assert_eq!(share(&scene.owner, &first, bea, "view").await.status, StatusCode::NO_CONTENT);
    assert_eq!((listed(&client).await, sees(&client, &first).await, sees(&client, &second).await), (1, 200, 404));
    let refused = client.delete(&first).await;
    assert_eq!((refused.status, &refused.json()["permission"]), (StatusCode::FORBIDDEN, &json!(ReportWrite::NAME)), "seen, and not theirs");
    assert_eq!(share(&client, &first, bea, "edit").await.status, StatusCode::FORBIDDEN, "nobody shares what was shared with them");
    assert_eq!(client.get(&format!("{first}/people")).await.status, StatusCode::FORBIDDEN);

    let people = scene.owner.get(&format!("{first}/people")).await.json();
    assert_eq!((&people["items"][0]["user"], &people["items"][0]["level"]), (&json!(bea), &json!("view")));
    assert_eq!(scene.owner.delete(&format!("{first}/people/{bea}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!((listed(&client).await, sees(&client, &first).await), (0, 404), "at once");
    assert_eq!(scene.owner.delete(&format!("{first}/people/{bea}")).await.status, StatusCode::NOT_FOUND);

    assert_eq!(share(&scene.owner, &first, bea, "edit").await.status, StatusCode::NO_CONTENT);
    assert_eq!(client.delete(&second).await.status, StatusCode::NOT_FOUND, "what is worked on is that one");
    assert_eq!(client.delete(&first).await.status, StatusCode::NO_CONTENT);
}

/// Nobody shares more than they have, with people who do not belong, or what is not there.
#[tokio::test]
async fn who_shares_has_it_and_with_whom_belongs() {
    let scene = Scene::new().await;
    let other = scene.app.test.tenant("other").await;
    let foreign = scene.app.member(other, Role::Owner).await;
    let (bea, _) = scene.somebody(Role::Viewer).await;
    let (_, author) = scene.somebody(Role::Member).await;
    let report = made(&author).await;
    let wrong = share(&scene.owner, &report, foreign, "view").await;
    assert_eq!((wrong.status, &wrong.json()["errors"][0]["pointer"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("/user")));
    assert_eq!(share(&scene.owner, &report, UserId::new(), "view").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(share(&scene.owner, &report, bea, "own").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(share(&author, &report, bea, "edit").await.status, StatusCode::NO_CONTENT, "what one made is one's to share");
    let nowhere = format!("/api/v1/reports/{}", ReportId::new());
    assert_eq!(share(&scene.owner, &nowhere, bea, "view").await.status, StatusCode::NOT_FOUND);
    // Whoever may share, and not see, gives nothing away.
    let role = json!({ "name": "Porter", "permissions": [ReportShare::NAME] });
    assert_eq!(scene.owner.post("/api/v1/roles", &role).await.status, StatusCode::CREATED);
    let porter = scene.app.test.user().await;
    scene.app.test.member(scene.acme, porter, "Porter").await;
    let porter = scene.app.client(porter).await;
    for level in ["view", "edit"] {
        assert_eq!(share(&porter, &report, bea, level).await.status, StatusCode::FORBIDDEN, "{level}");
    }
    // The owner of another organization reaches nothing here.
    let stranger = scene.app.client(foreign).await;
    assert_eq!((listed(&stranger).await, sees(&stranger, &report).await), (0, 404));
    assert_eq!(share(&stranger, &report, foreign, "view").await.status, StatusCode::NOT_FOUND);
    assert_eq!(scene.shares().await, 1);
}

/// A share ends with the membership and with what it is of, whoever ends those; who comes back begins with nothing.
#[tokio::test]
async fn shares_end_with_the_member_and_with_the_thing() {
    let scene = Scene::new().await;
    let (bea, _) = scene.somebody(Role::Viewer).await;
    let (carl, _) = scene.somebody(Role::Viewer).await;
    let (first, second) = (made(&scene.owner).await, made(&scene.owner).await);
    for (report, user) in [(&first, bea), (&first, carl), (&second, bea)] {
        assert_eq!(share(&scene.owner, report, user, "view").await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(scene.owner.delete(&format!("/api/v1/members/{bea}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(scene.shares().await, 1);
    let mut tx = scene.app.test.db.tenant(scene.acme).begin().await.unwrap();
    let back = "update core.member set left_at = null where user_id = $1";
    sqlx::query(back).bind(Uuid::from(bea)).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(listed(&scene.app.client(bea).await).await, 0);
    assert_eq!(share(&scene.owner, &second, bea, "view").await.status, StatusCode::NO_CONTENT);
    assert_eq!(scene.owner.delete(&first).await.status, StatusCode::NO_CONTENT);
    assert_eq!(scene.shares().await, 1, "of the other report");
}

/// No moment between the look and the work: while somebody works with what was shared with them, taking it back waits; and who comes after that is
/// refused.
#[tokio::test]
async fn taking_a_share_back_waits_for_what_is_done_by_it() {
    let scene = Scene::new().await;
    let (bea, client) = scene.somebody(Role::Viewer).await;
    let report = made(&scene.owner).await;
    assert_eq!(share(&scene.owner, &report, bea, "edit").await.status, StatusCode::NO_CONTENT);
    // Somebody else holds the report, so the deletion waits after it has looked at the share.
    let mut blocker = scene.app.test.db.tenant(scene.acme).begin().await.unwrap();
    sqlx::query("select 1 from report for update").execute(&mut *blocker).await.unwrap();
    let deleting = tokio::spawn({
        let (client, report) = (client.clone(), report.clone());
        async move { client.delete(&report).await.status }
    });
    scene.app.until_waiting(1).await;
    let ending = tokio::spawn({
        let (owner, path) = (scene.owner.clone(), format!("{report}/people/{bea}"));
        async move { owner.delete(&path).await.status }
    });
    scene.app.until_waiting(2).await;
    drop(blocker);
    assert_eq!(deleting.await.unwrap(), StatusCode::NO_CONTENT, "it was shared when it was looked at");
    assert_eq!(ending.await.unwrap(), StatusCode::NOT_FOUND, "it went with the report");
    assert_eq!(client.delete(&report).await.status, StatusCode::NOT_FOUND);
}

/// A program with a token is its person; a key is nobody with whom anything is shared.
#[tokio::test]
async fn programs_with_a_token_reach_what_their_person_does() {
    let scene = Scene::new().await;
    let (bea, _) = scene.somebody(Role::Viewer).await;
    let (ada, author) = scene.somebody(Role::Member).await;
    let report = made(&author).await;
    assert_eq!(share(&author, &report, bea, "view").await.status, StatusCode::NO_CONTENT);
    let program = scene.app.program(bea, false).await;
    assert_eq!((listed(&program).await, sees(&program, &report).await), (1, 200));
    assert_eq!(sees(&scene.app.program(ada, false).await, &report).await, 200);
    // The author's key holds nothing in full: what is its maker's own is not its own.
    let key = scene.app.key(ada, &[ReportRead::NAME, ReportWrite::NAME]).await;
    for answer in [key.get("/api/v1/reports").await, key.get(&report).await, key.delete(&report).await] {
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
    }
}

/// Both are written down, with who did it; nothing is said where nothing changed.
#[tokio::test]
async fn shares_are_written_down() {
    let scene = Scene::new().await;
    let (bea, _) = scene.somebody(Role::Viewer).await;
    let report = made(&scene.owner).await;
    for level in ["view", "view", "edit"] {
        assert_eq!(share(&scene.owner, &report, bea, level).await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(scene.owner.delete(&format!("{report}/people/{bea}")).await.status, StatusCode::NO_CONTENT);
    let mut tx = scene.app.test.db.tenant(scene.acme).begin().await.unwrap();
    let written: Vec<(String, Value)> =
        sqlx::query_as("select name, data from outbox where name like 'tenancy.share.%' order by id").fetch_all(&mut *tx).await.unwrap();
    let of = |name: &str, data: Value| (name.to_owned(), data);
    let person = json!(bea);
    assert_eq!(
        written,
        [
            of("tenancy.share.given", json!({ "kind": "test.report", "person": person, "level": { "old": null, "new": "view" } })),
            of("tenancy.share.given", json!({ "kind": "test.report", "person": person, "level": { "old": "view", "new": "edit" } })),
            of("tenancy.share.ended", json!({ "kind": "test.report", "person": person, "level": "edit" })),
        ]
    );
}

/// The pages do the same, and offer what may be given.
#[tokio::test]
async fn people_share_on_a_page() {
    let scene = Scene::new().await;
    let (bea, _) = scene.somebody(Role::Viewer).await;
    let report = made(&scene.owner).await;
    let page = format!("{}/people", report.replace("/api/v1", ""));
    let shown = scene.owner.page(&page).await.text();
    assert!(shown.contains("It is shared with nobody") && shown.contains(&format!("{bea}")), "{shown}");
    let shared = scene.owner.form(&page, &[("user", &bea.to_string()), ("level", "edit")]).await;
    assert_eq!(shared.location(), Some(page.as_str()), "{}", shared.text());
    let shown = scene.owner.page(&page).await.text();
    assert!(shown.contains("May work on it") && shown.contains("Stop sharing"), "{shown}");
    let refused = scene.owner.form(&page, &[("user", &UserId::new().to_string()), ("level", "view")]).await;
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.text().contains("does not belong"), "{}", refused.text());
    let ended = scene.owner.form(&format!("{page}/remove"), &[("user", &bea.to_string())]).await;
    assert_eq!(ended.location(), Some(page.as_str()));
    assert_eq!(scene.shares().await, 0);
}

/// "Why can she?": the role, what is her own, what was shared with her, and who gave it.
#[tokio::test]
async fn a_person_is_explained() {
    let scene = Scene::new().await;
    let (bea, _) = scene.somebody(Role::Member).await;
    let report = made(&scene.owner).await;
    assert_eq!(share(&scene.owner, &report, bea, "view").await.status, StatusCode::NO_CONTENT);
    let why = scene.owner.get(&format!("/api/v1/members/{bea}/permissions")).await.json();
    let of = |permission: &str| why["items"].as_array().unwrap().iter().find(|it| it["permission"] == permission).unwrap().clone();
    let roles = json!(["owner", "admin"]);
    let explained = |permission: &str, more: Value| {
        let mut explained = json!({ "permission": permission, "held": false, "roles": roles, "own": true });
        explained.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        explained
    };
    assert_eq!(of(ReportRead::NAME), explained(ReportRead::NAME, json!({ "shares": 1 })));
    assert_eq!(of(ReportWrite::NAME), explained(ReportWrite::NAME, json!({})));
    let id = report.rsplit('/').next().unwrap();
    assert_eq!(why["shared"][0]["title"], "Quarter");
    assert_eq!(why["shared"][0]["path"], format!("/reports/{id}"));
    let page = scene.owner.page(&format!("/members/{bea}")).await.text();
    for sentence in ["gives it for what they made themselves", "One thing was shared with them", "Quarter"] {
        assert!(page.contains(sentence), "{sentence}: {page}");
    }
    // Whoever may not see reports learns that there is one, and not what it is called.
    let (_, viewer) = scene.somebody(Role::Viewer).await;
    let hidden = viewer.get(&format!("/api/v1/members/{bea}/permissions")).await.json();
    assert_eq!((hidden["shared"].as_array().unwrap().len(), &hidden["shared"][0]["title"]), (1, &Value::Null));
    let matrix = scene.owner.page("/roles").await.text();
    assert!(matrix.contains("Also for one alone") && matrix.contains("Own"), "{matrix}");
}

/// What a stream hears follows what is shared.
#[tokio::test]
async fn a_stream_hears_of_what_is_shared() {
    let scene = Scene::new().await;
    let (bea, _) = scene.somebody(Role::Viewer).await;
    let report = made(&scene.owner).await;
    let hears = async || {
        let heard = scene.app.tenancy.heard_by(&scene.app.test.db.tenant(scene.acme), Actor::User(bea)).await.unwrap().unwrap();
        (heard.contains(&ReportRead::NAME), heard.contains(&ReportWrite::NAME))
    };
    assert_eq!(hears().await, (false, false));
    share(&scene.owner, &report, bea, "view").await;
    assert_eq!(hears().await, (true, false));
    share(&scene.owner, &report, bea, "edit").await;
    assert_eq!(hears().await, (true, true));
    scene.owner.delete(&format!("{report}/people/{bea}")).await;
    assert_eq!(hears().await, (false, false));
    assert!(scene.app.tenancy.heard_by(&scene.app.test.db.tenant(scene.acme), Actor::User(UserId::new())).await.unwrap().is_none());
}

/// A plan that can be changed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sold(Arc<AtomicBool>);

#[async_trait]
impl PlanFeatures for Sold {
    async fn has(&self, _: &Standing, feature: &'static str) -> Result<bool, DbError> {
        Ok(feature == "custom-roles" && self.0.load(Ordering::SeqCst))
    }

    fn upgrade(&self) -> &'static str {
        "/billing"
    }
}

/// What the plan does not have is refused to whoever holds it, with the way to a plan that has it; whoever does not hold it is told that.
#[tokio::test]
async fn a_permission_that_takes_a_feature_is_worth_what_the_plan_is() {
    let sold = Sold::default();
    let plan = sold.clone();
    let app = App::featured(Clock::system(), &[(RoleWrite::NAME, "custom-roles")], move |tenancy| tenancy.plan_features(plan)).await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let viewer_id = app.member(acme, Role::Viewer).await;
    let viewer = app.client(viewer_id).await;
    let role = json!({ "name": "Clerk", "permissions": [] });
    let refused = owner.post("/api/v1/roles", &role).await;
    assert_eq!(refused.status, StatusCode::PAYMENT_REQUIRED, "{}", refused.text());
    let problem = refused.json();
    assert_eq!(
        (&problem["type"], &problem["permission"], &problem["feature"], &problem["upgrade"]),
        (&json!("/problems/feature-not-in-plan"), &json!(RoleWrite::NAME), &json!("custom-roles"), &json!("/billing"))
    );
    let page = owner.page("/roles/new").await;
    assert!(page.status == StatusCode::PAYMENT_REQUIRED && page.text().contains("See plans"), "{}", page.text());
    assert_eq!(viewer.post("/api/v1/roles", &role).await.status, StatusCode::FORBIDDEN, "another plan would not help");
    let matrix = viewer.get("/api/v1/roles").await.json();
    assert_eq!(matrix["features"], json!([{ "permission": RoleWrite::NAME, "feature": "custom-roles", "in_plan": false }]));
    let shown = owner.page("/roles").await.text();
    assert!(shown.contains("Not in your plan") && shown.contains("See plans"), "{shown}");
    let of_owner = app.signed_in(app.member(acme, Role::Owner).await).await.user;
    let why = viewer.get(&format!("/api/v1/members/{of_owner}/permissions")).await.json();
    let item = why["items"].as_array().unwrap().iter().find(|it| it["permission"] == RoleWrite::NAME).unwrap().clone();
    assert_eq!((&item["held"], &item["lacking"]), (&json!(false), &json!("custom-roles")));
    let page = viewer.page(&format!("/members/{of_owner}")).await.text();
    assert!(page.contains("your plan does not have what it takes"), "{page}");

    sold.0.store(true, Ordering::SeqCst);
    assert_eq!(owner.post("/api/v1/roles", &role).await.status, StatusCode::CREATED, "from the next request on");
    assert!(!owner.page("/roles").await.text().contains("Not in your plan"));
    sold.0.store(false, Ordering::SeqCst);
    assert_eq!(owner.post("/api/v1/roles", &role).await.status, StatusCode::PAYMENT_REQUIRED);
}

/// What a route takes stands in its access and in the document: for some, and with which feature.
#[tokio::test]
async fn the_access_and_the_document_say_what_is_enough() {
    let app = App::featured(Clock::system(), &[(RoleWrite::NAME, "custom-roles")], |tenancy| tenancy).await;
    let of = |method: Method, path: &str| app.routes().iter().find(|it| it.method == method && it.path == path).unwrap().access.clone();
    let access = of(Method::DELETE, "/api/v1/reports/{id}");
    assert!(access.permissions.contains(ReportWrite::NAME) && access.in_part.contains(ReportWrite::NAME), "{access:?}");
    assert!(of(Method::GET, "/api/v1/members").in_part.is_empty());
    assert!(of(Method::POST, "/api/v1/roles").features.contains("custom-roles"));
    let document = app.document();
    let remove = &document["paths"]["/api/v1/reports/{id}"]["delete"];
    assert_eq!(remove["x-permissions-in-part"], json!([ReportWrite::NAME]), "{remove}");
    assert!(remove["description"].as_str().unwrap().contains("one's own"), "{remove}");
    let roles = &document["paths"]["/api/v1/roles"]["post"];
    assert_eq!((&roles["x-features"], roles["responses"]["402"].is_object()), (&json!(["custom-roles"]), true), "{roles}");
    let put = &document["paths"]["/api/v1/reports/{id}/people/{user}"]["put"];
    assert_eq!(put["parameters"].as_array().unwrap().iter().filter(|it| it["in"] == "path").count(), 2, "{put}");
}
