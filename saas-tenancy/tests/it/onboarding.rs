//! TEN-13: first steps, that a product declares and each person takes.

use http::{Method, StatusCode};
use saas_core::{Clock, DbError, Permission as _, TenantId, TenantTx, UserId, testing::TestClient};
use saas_tenancy::{MemberInvite, Onboarding, Role, Step, Tenancy, WorkspaceWrite};
use serde_json::{Value, json};

use crate::{app::App, sharing::ReportWrite};

const STEPS: &[Step] = &[
    Step::new("organization", "tenancy-new-first-title", "/organization/settings"),
    Step::new("site", "tenancy-workspaces-title", "/workspaces").needs::<WorkspaceWrite>().skippable(),
    Step::new("report", "tenancy-roles-title", "/reports").needs_own::<ReportWrite>().waits(),
    Step::new("team", "tenancy-invite", "/members/invite").needs::<MemberInvite>().begins_team().skippable(),
    Step::new("news", "tenancy-members-title", "/notes").of_person().skippable(),
    Step::new("explore", "tenancy-settings-title", "/notes").closes(),
];

async fn done_in(tx: &mut TenantTx) -> Result<Vec<&'static str>, DbError> {
    let (sites, reports): (i64, i64) =
        sqlx::query_as("select (select count(*) from core.workspace), (select count(*) from report)").fetch_one(&mut **tx).await?;
    let all = [("organization", true), ("site", sites > 1), ("report", reports > 0)];
    Ok(all.into_iter().filter(|(_, done)| *done).map(|(step, _)| step).collect())
}

fn steps(tenancy: Tenancy) -> Tenancy {
    tenancy.onboarding(Onboarding::new(STEPS, |tx| Box::pin(done_in(tx))))
}

async fn app() -> App {
    App::with(Clock::system(), steps).await
}

async fn progress(client: &TestClient) -> Value {
    let answer = client.get("/api/v1/onboarding").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

/// Each step with its state.
fn states(progress: &Value) -> String {
    let steps = progress["steps"].as_array().unwrap().iter();
    steps.map(|step| format!("{}:{}", step["id"].as_str().unwrap(), step["state"].as_str().unwrap())).collect::<Vec<_>>().join(" ")
}

async fn set(client: &TestClient, step: &str, state: &str) -> StatusCode {
    client.json(Method::PUT, &format!("/api/v1/onboarding/steps/{step}"), &json!({ "state": state })).await.status
}

/// What the page itself shows, without the menu.
async fn shown(client: &TestClient) -> String {
    let page = client.page("/start").await.text().replace("&#x2f;", "/");
    page.split_once("<main").unwrap().1.split_once("</main>").unwrap().0.to_owned()
}

/// Whether the page leads to the workspaces, and to inviting people.
async fn leads(client: &TestClient) -> [bool; 2] {
    let shown = shown(client).await;
    ["/workspaces", "/members/invite"].map(|path| shown.contains(&format!("href=\"{path}\"")))
}

/// Whether the page offers to say that one is done.
async fn closes(client: &TestClient) -> bool {
    shown(client).await.contains("value=\"done\"")
}

async fn written(app: &App, tenant: TenantId) -> Vec<(String, Value)> {
    let mut tx = app.test.db.tenant(tenant).begin().await.unwrap();
    sqlx::query_as("select name, data from outbox where name like 'tenancy.onboarding.%' order by id").fetch_all(&mut *tx).await.unwrap()
}

async fn report(app: &App, tenant: TenantId, by: UserId) {
    let mut tx = app.test.db.tenant(tenant).acting(by).begin().await.unwrap();
    let written = "insert into report (tenant_id, id, name, created_by) values ($1, gen_random_uuid(), 'Q1', $2)";
    sqlx::query(written).bind(tenant).bind(by).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

/// What was done is seen where it was done, and undone with it.
#[tokio::test]
async fn a_step_is_done_when_what_it_asks_for_is_there() {
    let app = app().await;
    let acme = app.test.tenant("acme").await;
    let user = app.member(acme, Role::Owner).await;
    let owner = app.client(user).await;
    let begun = progress(&owner).await;
    assert_eq!(states(&begun), "organization:done site:open report:open team:open news:open explore:open");
    assert_eq!((&begun["done"], &begun["next"], &begun["dismissed"]), (&json!(1), &json!("site"), &json!(false)));

    assert_eq!(owner.json(Method::POST, "/api/v1/workspaces", &json!({ "name": "Harbour" })).await.status, StatusCode::CREATED);
    report(&app, acme, user).await;
    let further = progress(&owner).await;
    assert_eq!(states(&further), "organization:done site:done report:done team:open news:open explore:open");
    assert_eq!((&further["done"], &further["next"]), (&json!(3), &json!("team")));

    let mut tx = app.test.db.tenant(acme).acting(user).begin().await.unwrap();
    sqlx::query("delete from report").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(progress(&owner).await["next"], "report", "it is to be done again");
    let asked = json!({ "emails": ["grace@example.com"], "role": "member" });
    assert_eq!(owner.json(Method::POST, "/api/v1/invitations", &asked).await.status, StatusCode::OK);
    assert!(states(&progress(&owner).await).contains("team:done"), "somebody is asked to join");
    let invitations = owner.get("/api/v1/invitations").await.json();
    let revoked = format!("/api/v1/invitations/{}", invitations["items"][0]["id"].as_str().unwrap());
    assert_eq!(owner.delete(&revoked).await.status, StatusCode::NO_CONTENT);
    assert!(states(&progress(&owner).await).contains("team:open"), "nobody is any more");
    app.member(acme, Role::Viewer).await;
    assert!(states(&progress(&owner).await).contains("team:done"), "somebody has joined");
    assert_eq!(written(&app, acme).await, [], "what is seen is not written down");
}

/// What one skips for the organization is skipped for all who may take it; what is one's own, for oneself.
#[tokio::test]
async fn steps_are_skipped_and_taken_up_again() {
    let app = app().await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let admin = app.client(app.member(acme, Role::Admin).await).await;
    assert_eq!(
        (set(&owner, "site", "skipped").await, set(&owner, "news", "skipped").await),
        (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT)
    );
    assert_eq!(set(&owner, "site", "skipped").await, StatusCode::NO_CONTENT, "it is so already");
    assert_eq!(states(&progress(&owner).await), "organization:done site:skipped report:open team:done news:skipped explore:open");
    assert_eq!(states(&progress(&admin).await), "organization:done site:skipped report:open team:done news:open explore:open");
    assert_eq!(set(&admin, "site", "open").await, StatusCode::NO_CONTENT);
    assert_eq!(progress(&owner).await["next"], "site");

    for (step, state) in [("report", "skipped"), ("report", "done"), ("team", "done"), ("explore", "skipped")] {
        assert_eq!(set(&owner, step, state).await, StatusCode::UNPROCESSABLE_ENTITY, "{step} is not {state} by saying so");
    }
    assert_eq!(set(&owner, "nothing", "skipped").await, StatusCode::NOT_FOUND);
    let marked = |step: &str, state: &str| ("tenancy.onboarding.step_marked".to_owned(), json!({ "step": step, "state": state }));
    assert_eq!(written(&app, acme).await, [marked("site", "skipped"), marked("news", "skipped"), marked("site", "open")]);

    assert_eq!(set(&owner, "team", "skipped").await, StatusCode::NO_CONTENT);
    assert!(states(&progress(&owner).await).contains("team:done"), "what is done is done, whatever was said before");
}

/// Whoever is done says so at the last step, for themselves; and begins again when they like.
#[tokio::test]
async fn somebody_is_done_and_begins_again() {
    let app = app().await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let admin = app.client(app.member(acme, Role::Admin).await).await;
    assert_eq!(set(&owner, "explore", "done").await, StatusCode::CONFLICT, "steps are open that can be done or skipped");
    assert_eq!(owner.form("/start/steps/explore", &[("state", "done")]).await.status, StatusCode::CONFLICT);
    assert!(!closes(&owner).await);
    for (client, step) in [(&owner, "site"), (&owner, "news"), (&admin, "news")] {
        assert_eq!(set(client, step, "skipped").await, StatusCode::NO_CONTENT);
    }
    assert!(closes(&owner).await, "what is left open only waits");
    assert_eq!(set(&owner, "explore", "done").await, StatusCode::NO_CONTENT);
    for _ in 0..2 {
        assert_eq!(owner.json(Method::POST, "/api/v1/onboarding/dismiss", &json!({})).await.status, StatusCode::NO_CONTENT);
    }
    let done = progress(&owner).await;
    assert!(states(&done).ends_with("explore:done") && done["dismissed"] == true, "{done}");
    assert!(states(&progress(&admin).await).ends_with("news:skipped explore:open"));

    for _ in 0..2 {
        assert_eq!(owner.json(Method::POST, "/api/v1/onboarding/restart", &json!({})).await.status, StatusCode::NO_CONTENT);
    }
    let again = progress(&owner).await;
    assert_eq!(states(&again), "organization:done site:open report:open team:done news:open explore:open");
    assert_eq!(again["dismissed"], false);
    assert!(states(&progress(&admin).await).ends_with("news:skipped explore:open"), "what others said stays");
    let names: Vec<_> = written(&app, acme).await.into_iter().map(|(name, _)| name.replace("tenancy.onboarding.", "")).collect();
    assert_eq!(names, ["step_marked", "step_marked", "step_marked", "step_marked", "dismissed", "restarted"], "once each");
}

/// Nobody is told to do what they may not, nor decides it for others.
#[tokio::test]
async fn nobody_is_told_to_do_what_they_may_not() {
    let app = app().await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    assert_eq!(leads(&owner).await, [true, true]);
    let viewer = app.client(app.member(acme, Role::Viewer).await).await;
    let writer = app.member(acme, Role::Member).await;
    let member = app.client(writer).await;
    let program = app.program_without(writer, &[ReportWrite::NAME]).await;
    assert_eq!(
        states(&progress(&program).await),
        "organization:done news:open explore:open",
        "what is withheld from a program is no step of its"
    );
    assert_eq!(states(&progress(&viewer).await), "organization:done news:open explore:open");
    assert_eq!(states(&progress(&member).await), "organization:done report:open news:open explore:open", "a member writes their own");
    for step in ["site", "team"] {
        assert_eq!((set(&viewer, step, "skipped").await, set(&member, step, "open").await), (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN));
    }
    assert_eq!(set(&owner, "site", "skipped").await, StatusCode::NO_CONTENT);
    assert_eq!(viewer.json(Method::POST, "/api/v1/onboarding/restart", &json!({})).await.status, StatusCode::NO_CONTENT);
    assert!(states(&progress(&owner).await).contains("site:skipped"), "one's own beginning brings back nothing that others decide");
    assert_eq!(set(&owner, "site", "open").await, StatusCode::NO_CONTENT);
    assert_eq!(leads(&viewer).await, [false, false]);
}

#[tokio::test]
async fn another_organization_sees_nothing_of_it() {
    let app = app().await;
    let (acme, other) = (app.test.tenant("acme").await, app.test.tenant("other").await);
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    // Somebody who belongs to both has steps of their own in each.
    let both = app.member(acme, Role::Owner).await;
    app.test.member(other, both, "owner").await;
    let both = app.client(both).await.with("x-organization", &other.to_string());
    for (step, state) in [("site", "skipped"), ("news", "skipped"), ("explore", "done")] {
        assert_eq!(set(&owner, step, state).await, StatusCode::NO_CONTENT);
    }
    assert_eq!(states(&progress(&both).await), "organization:done site:open report:open team:open news:open explore:open");
    assert_eq!(set(&both, "site", "open").await, StatusCode::NO_CONTENT);
    assert_eq!(both.json(Method::POST, "/api/v1/onboarding/restart", &json!({})).await.status, StatusCode::NO_CONTENT);
    assert!(states(&progress(&owner).await).contains("site:skipped"));
    assert_eq!(written(&app, other).await, [], "nothing was there to be taken up again");
}

/// Of any number who skip a step at the same moment, one does, and all are told that it is so.
#[tokio::test]
async fn two_people_skip_a_step_at_once() {
    let app = app().await;
    for round in 0..10 {
        let tenant = app.test.tenant(&format!("round-{round}")).await;
        let (one, two) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Admin).await);
        let (one, two) = (app.client(one).await, app.client(two).await);
        let both = tokio::join!(set(&one, "site", "skipped"), set(&two, "site", "skipped"));
        assert_eq!(both, (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT), "round {round}");
        assert_eq!(written(&app, tenant).await.len(), 1, "round {round}");
        let both = tokio::join!(set(&one, "site", "open"), set(&two, "site", "open"));
        assert_eq!(both, (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT), "round {round}");
        assert_eq!(written(&app, tenant).await.len(), 2, "round {round}");
    }
}

/// The page shows one thing to do, and all that it offers works without a script.
#[tokio::test]
async fn the_page_leads_from_step_to_step() {
    let app = app().await;
    let acme = app.test.tenant("acme").await;
    let user = app.member(acme, Role::Owner).await;
    let owner = app.client(user).await;
    let page = owner.page("/start").await.text();
    assert!(page.contains("1 of 6 steps done") && page.contains("<h2>Workspaces</h2>"), "{page}");
    assert_eq!((page.matches("button primary").count(), page.matches("aria-current=\"step\"").count()), (1, 1), "{page}");
    let skipped = owner.form("/start/steps/site", &[("state", "skipped")]).await;
    assert_eq!(skipped.location(), Some("/start"), "{}", skipped.text());
    let fragment = owner.page("/start?fragment=steps").await.text();
    assert!(fragment.contains("tenancy-roles-title-waiting") && !fragment.contains("<html"), "{fragment}");
    report(&app, acme, user).await;
    for (step, state, leads) in [("team", "skipped", "/start"), ("news", "skipped", "/start"), ("explore", "done", "/notes")] {
        assert_eq!(owner.form(&format!("/start/steps/{step}"), &[("state", state)]).await.location(), Some(leads), "{step}");
    }
    let page = owner.page("/start").await.text();
    assert!(page.contains("That was all for now.") && page.contains("Take up again") && !page.contains("aria-current=\"step\""), "{page}");
    assert_eq!(owner.form("/start/restart", &[]).await.location(), Some("/start"));
    assert!(owner.page("/start").await.text().contains("<h2>Workspaces</h2>"));
    assert_eq!(owner.form("/start/dismiss", &[]).await.location(), Some("/notes"));
}

/// Whoever makes an organization takes the first step with it, and is led to the others; where a product has none, home.
#[tokio::test]
async fn whoever_makes_an_organization_is_led_to_the_steps() {
    let (app, without) = (app().await, App::new().await);
    let maker = app.client(app.person().await).await;
    assert!(maker.page("/organizations/new").await.text().contains("Step 1 of 6"));
    assert_eq!(maker.form("/organizations", &[("name", "Acme")]).await.location(), Some("/start"));
    let maker = without.client(without.person().await).await;
    assert!(!maker.page("/organizations/new").await.text().contains("Step 1"));
    assert_eq!(maker.form("/organizations", &[("name", "Acme")]).await.location(), Some("/notes"));
    let acme = without.test.tenant("other").await;
    let owner = without.client(without.member(acme, Role::Owner).await).await;
    assert_eq!(owner.page("/start").await.status, StatusCode::NOT_FOUND);
}
