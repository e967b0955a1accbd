//! TEN-01: an owner deletes an organization, thinks better of it, or does not, and then nothing of it is left.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use saas_core::{
    Clock, PurgeError, TenantId, TenantStore, UserId,
    testing::{Answer, TestClient, isolation},
};
use saas_tenancy::{OrganizationPurgeError, Role};
use serde_json::json;

use crate::app::App;

fn march() -> Clock {
    Clock::fixed("2026-03-01T09:00:00Z".parse::<DateTime<Utc>>().unwrap())
}

async fn delete(client: &TestClient, name: &str) -> Answer {
    client.post("/api/v1/organization/deletion", &json!({ "name": name })).await
}

async fn restore(client: &TestClient, tenant: TenantId) -> u16 {
    client.post(&format!("/api/v1/leaving-organizations/{tenant}/restore"), &json!(null)).await.status.as_u16()
}

async fn state(app: &App, tenant: TenantId) -> String {
    let mut tx = app.test.db.system("look at what a test did").begin().await.unwrap();
    sqlx::query_scalar("select state from core.tenant where id = $1").bind(tenant).fetch_one(&mut *tx).await.unwrap()
}

async fn purge(app: &App) -> u64 {
    app.tenancy.purge(&app.test.db.system("purge"), &[]).await.unwrap()
}

async fn events(app: &App, name: &str) -> i64 {
    let mut tx = app.test.db.system("look at what a test did").begin().await.unwrap();
    sqlx::query_scalar("select count(*) from data.outbox where name = $1").bind(name).fetch_one(&mut *tx).await.unwrap()
}

async fn subjects(app: &App, user: UserId) -> Vec<String> {
    let mut subjects: Vec<_> = app.mailbox.to(&format!("{user}@example.com")).await.into_iter().map(|mail| mail.subject).collect();
    subjects.sort();
    subjects
}

#[tokio::test]
async fn only_an_owner_who_types_the_name_and_has_just_shown_who_they_are_deletes_an_organization() {
    let app = App::at(march()).await;
    let tenant = app.test.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    let unproved = delete(&app.client(owner).await, "acme").await;
    assert_eq!((unproved.status.as_u16(), unproved.json()["type"].as_str()), (403, Some("/problems/step-up-required")));
    assert_eq!(delete(&app.program(owner, false).await, "acme").await.status, 403);
    for role in [Role::Admin, Role::Member, Role::Viewer] {
        let client = app.client_with_proof(app.member(tenant, role).await).await;
        assert_eq!(delete(&client, "acme").await.status, 403, "{role}");
    }
    let client = app.client_with_proof(owner).await;
    for typed in ["", "Acme", "acme corp"] {
        let refused = delete(&client, typed).await;
        assert_eq!((refused.status.as_u16(), refused.json()["errors"][0]["pointer"].as_str()), (422, Some("/name")), "{typed}");
    }
    assert_eq!(state(&app, tenant).await, "active");
    let deleted = delete(&client, " acme ").await;
    assert_eq!((deleted.status.as_u16(), deleted.json()), (200, json!({ "until": "2026-03-31T09:00:00Z" })));
    assert_eq!(state(&app, tenant).await, "leaving");
    assert_eq!(delete(&client, "acme").await.status, 404, "there is nothing left to delete");
}

/// Whoever was an owner when the request began and is not any more deletes nothing.
#[tokio::test]
async fn whoever_owned_it_a_moment_ago_deletes_nothing() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let (was, is) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Owner).await);
    let stale = app.client_with_proof(was).await;
    let demoted = app.client(is).await.json(http::Method::PATCH, &format!("/api/v1/members/{was}"), &json!({ "role": "admin" })).await;
    assert_eq!(demoted.status, StatusCode::NO_CONTENT);
    assert_eq!(delete(&stale, "acme").await.status, 404);
    assert_eq!(state(&app, tenant).await, "active");
}

#[tokio::test]
async fn an_owner_brings_it_back_within_thirty_days() {
    let clock = march();
    let app = App::at(clock.clone()).await;
    let tenant = app.test.tenant("acme").await;
    let (ada, grace) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Owner).await);
    let viewer = app.member(tenant, Role::Viewer).await;
    assert_eq!(delete(&app.client_with_proof(ada).await, "acme").await.status, 200);
    // What an authenticating layer reads from now on has no such membership.
    assert_eq!(app.client(viewer).await.with("x-organization", "acme").get("/notes").await.status, 404);
    let list = async |user| app.client(user).await.get("/api/v1/leaving-organizations").await.json()["items"].clone();
    assert_eq!(list(grace).await, json!([{ "id": tenant, "name": "acme", "until": "2026-03-31T09:00:00Z" }]));
    assert_eq!(list(viewer).await, json!([]), "only owners can bring it back");
    assert_eq!(restore(&app.client(viewer).await, tenant).await, 404);
    assert_eq!(restore(&app.client(app.person().await).await, tenant).await, 404);

    clock.advance(TimeDelta::days(29));
    assert_eq!(purge(&app).await, 0);
    let page = app.client(grace).await.page("/organizations").await;
    assert!(page.text().contains("Will be deleted") && page.text().contains(&tenant.to_string()), "{}", page.text());
    let back = app.client(grace).await.form("/organizations/restore", &[("organization", &tenant.to_string())]).await;
    assert_eq!(back.location(), Some("/notes"), "{}", back.text());
    assert_eq!(app.client(grace).await.with("x-organization", "acme").get("/notes").await.status, 200);
    assert_eq!(restore(&app.client(grace).await, tenant).await, 404, "it is back already");
    clock.advance(TimeDelta::days(5));
    assert_eq!((purge(&app).await, state(&app, tenant).await.as_str()), (0, "active"), "and stays");

    for owner in [ada, grace] {
        let expected = ["acme is kept", "acme will be deleted", "acme will be deleted in three days"];
        assert_eq!(subjects(&app, owner).await, expected);
    }
    assert!(subjects(&app, viewer).await.is_empty());
    for name in ["tenancy.organization.leaving", "tenancy.organization.restored"] {
        assert_eq!(events(&app, name).await, 1, "{name}");
    }
}

#[tokio::test]
async fn after_thirty_days_it_is_gone_and_nobody_brings_it_back() {
    let clock = march();
    let app = App::at(clock.clone()).await;
    let (tenant, other) = (app.test.tenant("acme").await, app.test.tenant("other").await);
    let (owner, stays) = (app.member(tenant, Role::Owner).await, app.member(other, Role::Owner).await);
    assert_eq!(delete(&app.client_with_proof(owner).await, "acme").await.status, 200);
    clock.advance(TimeDelta::days(28));
    assert_eq!((purge(&app).await, purge(&app).await), (0, 0), "the reminder goes out once");
    assert_eq!(subjects(&app, owner).await.len(), 2);
    clock.advance(TimeDelta::days(2));
    assert_eq!(purge(&app).await, 1);
    assert_eq!((purge(&app).await, events(&app, "tenancy.organization.purged").await), (0, 1));
    assert_eq!(restore(&app.client(owner).await, tenant).await, 404);
    assert_eq!(subjects(&app, owner).await, ["acme is deleted", "acme will be deleted", "acme will be deleted in three days"]);
    let mut tx = app.test.db.system("look at what a test did").begin().await.unwrap();
    let revived = sqlx::query("update core.tenant set state = 'active' where id = $1").bind(tenant).execute(&mut *tx).await.unwrap_err();
    assert_eq!(saas_core::DbError::from(revived).constraint(), Some("tenant_stays_deleted"));
    // The name is free for others, and the other organization is as it was.
    assert_ne!(app.test.tenant("acme").await, tenant);
    assert_eq!(app.client(stays).await.with("x-organization", "other").get("/notes").await.status, 200);
}

/// CMP-02: the organization's log is gone with it, and the program's own says what was deleted, when and who wanted it, by ids alone.
#[tokio::test]
async fn that_it_is_gone_and_who_wanted_it_is_proved_without_its_name() {
    let clock = march();
    let app = App::at(clock.clone()).await;
    let tenant = app.test.tenant("kanarienvogel").await;
    let owner = app.member(tenant, Role::Owner).await;
    assert_eq!(delete(&app.client_with_proof(owner).await, "kanarienvogel").await.status, 200);
    clock.advance(chrono::TimeDelta::days(30));
    assert_eq!(purge(&app).await, 1);
    let mut tx = app.test.db.system("look at what a test did").begin().await.unwrap();
    let proof: Vec<(String, String, Option<uuid::Uuid>, bool, bool)> = sqlx::query_as(
        "select action, actor_kind, actor_id, at = $2, to_jsonb(entry)::text like '%kanarienvogel%'
        from data.audit_entry entry where resource = $1 order by id",
    )
    .bind(tenant.to_string())
    .bind(clock.now())
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    let expected = [
        ("tenancy.organization.deletion_began".to_owned(), "user".to_owned(), Some(owner.into()), false, false),
        ("tenancy.organization.purged".to_owned(), "system".to_owned(), None, true, false),
    ];
    assert_eq!(proof, expected);
}

#[tokio::test]
async fn a_browser_deletes_it_with_a_form() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let client = app.client_with_proof(app.member(tenant, Role::Owner).await).await;
    let page = "/organization/deletion";
    assert!(client.page("/organization/settings").await.text().replace("&#x2f;", "/").contains(page));
    assert!(client.page(page).await.text().contains("30 days"));
    let refused = client.form(page, &[("name", "Acme")]).await;
    assert!(refused.status == 422 && refused.text().contains("not the name of the organization"), "{}", refused.text());
    assert_eq!(client.form(page, &[("name", "acme")]).await.location(), Some("/organizations"));
    assert_eq!(state(&app, tenant).await, "leaving");
}

/// Polls so often, and then drops it.
async fn cut_short<F: Future>(future: F, mut polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(move |context| match polls.checked_sub(1) {
        None => Poll::Ready(None),
        Some(left) => {
            polls = left;
            future.as_mut().poll(context).map(Some)
        }
    })
    .await
}

/// It remembers whom it was asked to forget.
#[derive(Default)]
struct Elsewhere {
    asked: Mutex<Vec<TenantId>>,
    fails: AtomicUsize,
}

#[async_trait]
impl TenantStore for Elsewhere {
    async fn tenant_remove(&self, tenant: TenantId) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if self.fails.load(Ordering::Relaxed) > 0 {
            self.fails.fetch_sub(1, Ordering::Relaxed);
            return Err("away".into());
        }
        self.asked.lock().unwrap().push(tenant);
        Ok(())
    }
}

async fn leaves_now(app: &App, tenant: TenantId) {
    let mut tx = app.test.db.system("arrange a test").begin().await.unwrap();
    let now = tx.now();
    let query = sqlx::query("update core.tenant set state = 'leaving', leaves_at = $2 where id = $1");
    query.bind(tenant).bind(now).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

/// Killed at ever later moments and begun again each time, it ends all the same: nothing of the organization is left, the other one's is as it was,
/// and its end was recorded once.
#[tokio::test]
async fn a_purge_that_is_killed_at_every_step_and_begun_again_leaves_nothing() {
    let app = App::new().await;
    let store = Arc::new(Elsewhere::default());
    let stores: [Arc<dyn TenantStore>; 1] = [store.clone()];
    let mut cuts = 0;
    let purge = async |tenant: TenantId| {
        leaves_now(&app, tenant).await;
        let system = app.test.db.system("purge");
        for polls in (1..).step_by(2) {
            if let Some(done) = cut_short(app.tenancy.purge(&system, &stores), polls).await {
                done.unwrap();
                return;
            }
            cuts += 1;
        }
    };
    let report = isolation::purge(&app.test, &isolation::Seed::new(), purge).await.unwrap();
    report.assert_safe();
    assert!(cuts > 30, "it was cut short {cuts} times alone");
    assert!(report.tables.len() > 15, "the canary was in {:?} alone", report.tables);
    assert!(!store.asked.lock().unwrap().is_empty());
    assert_eq!(events(&app, "tenancy.organization.purged").await, 1);
}

/// Such as one that was cut off and has not given up its transaction yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_purge_waits_for_whoever_holds_the_organization() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    app.member(tenant, Role::Owner).await;
    leaves_now(&app, tenant).await;
    let mut holding = app.test.db.system("a test holds an organization").begin().await.unwrap();
    sqlx::query("select 1 from core.tenant where id = $1 for no key update").bind(tenant).execute(&mut *holding).await.unwrap();
    let (tenancy, system) = (app.tenancy.clone(), app.test.db.system("purge"));
    let purging = tokio::spawn(async move { tenancy.purge(&system, &[]).await.unwrap() });
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        // A transaction sees who is waiting as it was when it first looked.
        let mut tx = app.test.db.system("look at what a test did").begin().await.unwrap();
        let waiting = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
        if sqlx::query_scalar(waiting).fetch_one(&mut *tx).await.unwrap() {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline && !purging.is_finished(), "it waits");
    }
    holding.rollback().await;
    let purged = purging.await.unwrap();
    assert_eq!((purged, state(&app, tenant).await.as_str()), (1, "deleted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_that_purge_at_once_do_no_harm() {
    let app = App::new().await;
    let tenants = [app.test.tenant("one").await, app.test.tenant("two").await, app.test.tenant("three").await];
    for tenant in tenants {
        app.member(tenant, Role::Owner).await;
        leaves_now(&app, tenant).await;
    }
    let purged = tokio::join!(purge(&app), purge(&app), purge(&app), purge(&app));
    assert_eq!(purged.0 + purged.1 + purged.2 + purged.3, 3);
    assert_eq!(events(&app, "tenancy.organization.purged").await, 3);
}

/// What is kept elsewhere and does not let go keeps an organization's rows, so that it is asked again, and no other organization's.
#[tokio::test]
async fn one_that_cannot_be_purged_is_tried_again_and_keeps_no_other() {
    let app = App::new().await;
    let tenants = [app.test.tenant("one").await, app.test.tenant("two").await];
    for tenant in tenants {
        app.member(tenant, Role::Owner).await;
        leaves_now(&app, tenant).await;
    }
    let store = Arc::new(Elsewhere::default());
    store.fails.store(1, Ordering::Relaxed);
    let stores: [Arc<dyn TenantStore>; 1] = [store.clone()];
    let system = app.test.db.system("purge");
    let failed = app.tenancy.purge(&system, &stores).await.unwrap_err();
    assert!(matches!(failed, OrganizationPurgeError::Left { left: 1, source: PurgeError::Store(_) }), "{failed:?}");
    assert_eq!(events(&app, "tenancy.organization.purged").await, 1);
    assert_eq!(app.tenancy.purge(&system, &stores).await.unwrap(), 1);
    let mut asked = store.asked.lock().unwrap().clone();
    asked.sort();
    let mut all = tenants.to_vec();
    all.sort();
    assert_eq!(asked, all);
}

/// The guard of the last owner rests with the organization: its only owner may leave too, and need not be there at its end.
#[tokio::test]
async fn the_only_owner_of_an_organization_that_will_be_deleted_may_delete_their_account() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    let leave = async || {
        let mut tx = app.test.db.system("leave").begin().await?;
        sqlx::query("update core.user set state = 'leaving' where id = $1").bind(owner).execute(&mut *tx).await?;
        tx.commit().await
    };
    assert_eq!(leave().await.unwrap_err().constraint(), Some("user_last_owner"));
    leaves_now(&app, tenant).await;
    leave().await.unwrap();
    let mut tx = app.test.db.system("erase").begin().await.unwrap();
    saas_core::person_erase_in(&mut tx, &app.test.db.inventory(), owner).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(purge(&app).await, 1);
}

/// Only what is deleted can be purged, whoever calls.
#[tokio::test]
async fn an_organization_that_is_there_is_not_purged() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    app.member(tenant, Role::Owner).await;
    let system = app.test.db.system("purge");
    for tenant in [tenant, TenantId::new()] {
        let refused = saas_core::tenant_purge(&system, &app.test.db.inventory(), &[], tenant).await;
        assert!(matches!(refused, Err(PurgeError::NotDeleted)), "{refused:?}");
    }
    let mut tx = system.begin().await.unwrap();
    assert!(!saas_core::tenant_purged_in(&mut tx, tenant).await.unwrap());
}
