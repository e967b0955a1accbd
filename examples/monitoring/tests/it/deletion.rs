//! TEN-01: what is left of an organization of the whole product that was deleted.

use std::sync::Arc;

use chrono::TimeDelta;
use http::StatusCode;
use monitoring::server::ALL_MIGRATIONS;
use saas_core::{
    Clock, TenantId,
    audit::AuditChain,
    file::{FileRules, Files},
    testing::{
        TestDb,
        isolation::{self, Seed},
    },
};
use saas_tenancy::{ActiveOrganization, Role, Roles, Tenancy};
use serde_json::json;
use sqlx::{AssertSqlSafe, Row as _};

use crate::app::{App, expect, expect_problem};

/// What is in every name that the organization gives to anything.
const CANARY: &str = "Kanarienvogel";

fn tenancy(db: &saas_core::Db) -> Tenancy {
    Tenancy::new(db, ActiveOrganization, Roles::new(&[]))
}

/// Every table of the product and its crates, with a row of the organization's in it and a canary in each text.
#[tokio::test]
async fn nothing_of_a_purged_organization_is_left_in_any_table() {
    let test = TestDb::new(ALL_MIGRATIONS).await.unwrap();
    let system = test.db.system("purge");
    let purge = async |tenant: TenantId| {
        let mut tx = system.begin().await.unwrap();
        let query = sqlx::query("update core.tenant set state = 'leaving', leaves_at = $2 where id = $1");
        query.bind(tenant).bind(tx.now()).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(tenancy(&test.db).purge(&system, &[]).await.unwrap(), 1);
    };
    let report = isolation::purge(&test, &Seed::new(), purge).await.unwrap();
    report.assert_safe();
    for table in ["core.member", "core.mail", "data.audit_entry", "data.device", "data.file", "auth.api_key", "tenancy.invitation"] {
        assert!(report.tables.iter().any(|planted| planted == table), "nothing was planted in {table}: {:?}", report.tables);
    }
}

/// The rows of all tables that show this text, by table.
async fn sightings(app: &App, text: &str) -> Vec<String> {
    let mut superuser = app.superuser().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
    )
    .fetch_all(&mut superuser)
    .await
    .unwrap();
    let mut seen = Vec::new();
    for table in tables {
        let query = format!("select t::text from {table} t where strpos(lower(t::text), lower('{text}')) > 0");
        let rows = sqlx::raw_sql(AssertSqlSafe(query)).fetch_all(&mut superuser).await.unwrap();
        seen.extend(rows.iter().map(|row| format!("{table}: {}", row.get::<String, _>(0))));
    }
    seen.sort();
    seen
}

/// An organization that its people worked in, with a file, keys, machines, a webhook, jobs, mails and a sealed log, and another one beside it.
#[tokio::test]
async fn an_organization_that_was_used_is_deleted_with_everything() {
    let clock = Clock::fixed("2026-03-01T09:00:00Z".parse().unwrap());
    let app = App::at(clock.clone()).await;
    let (tenant, other) = (app.tenant("gone").await, app.tenant("stays").await);
    app.plan(tenant, "team").await;
    let (owner, member) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Member).await);
    let neighbour = app.member(other, Role::Owner).await;
    let named = |what: &str| format!("{what} {CANARY}");
    let created = async |path: &str, body: serde_json::Value| {
        let answer = owner.browser.post(path, &body).await;
        expect(&answer, StatusCode::CREATED);
        answer.json()
    };
    let renamed = owner.browser.json(http::Method::PATCH, "/api/v1/organization", &json!({ "name": named("Acme") })).await;
    expect(&renamed, StatusCode::OK);
    created("/api/v1/workspaces", json!({ "name": named("Hall") })).await;
    created("/api/v1/roles", json!({ "name": named("Guard"), "permissions": [] })).await;
    created("/api/v1/webhooks", json!({ "url": format!("http://127.0.0.1:9/{CANARY}") })).await;
    created("/api/v1/channels", json!({ "format": "json", "name": named("On-call"), "address": "http://127.0.0.1:9/" })).await;
    owner.proves().await;
    let key = created("/api/v1/api-keys", json!({ "name": named("Key"), "scopes": ["monitoring.device.read"] })).await;
    let program = app.anon().bearer(key["key"].as_str().unwrap());
    expect(&program.get("/api/v1/devices").await, StatusCode::OK);
    let agent = app.agent(&owner).await;
    let device = json!({ "devices": [{ "address": "10.0.0.1", "hostname": CANARY, "found_by": ["tcp"] }] });
    expect(&agent.client.post("/api/agent/devices", &device).await, StatusCode::OK);
    let invited = json!({ "emails": [format!("{CANARY}@example.com")], "role": "viewer" });
    expect(&owner.browser.post("/api/v1/invitations", &invited).await, StatusCode::OK);
    for person in [&owner, &neighbour] {
        expect(&person.browser.upload(http::Method::POST, "/api/v1/files", &format!("{CANARY}.txt")).await, StatusCode::CREATED);
    }
    app.told_of_events().await;
    let chain = AuditChain::new(&app.test.db, &app.program.master_key);
    assert!(chain.seal_now().await.unwrap() > 0);
    let neighbours = sightings(&app, &other.to_string()).await;
    assert!(sightings(&app, CANARY).await.len() > 10, "there is a lot to be deleted");

    // At once nobody and nothing comes in any more, and nobody sees it.
    let deleted = owner.browser.post("/api/v1/organization/deletion", &json!({ "name": named("Acme") })).await;
    expect(&deleted, StatusCode::OK);
    for person in [&owner, &member] {
        expect_problem(
            &person.browser.clone().with("x-organization", "gone").get("/api/v1/devices").await,
            StatusCode::NOT_FOUND,
            "not-found",
        );
        assert_eq!(person.browser.get("/api/v1/organizations").await.json()["items"], json!([]));
    }
    for machine in [&program, &agent.client] {
        let answer = machine.get("/api/v1/devices").await;
        expect_problem(&answer, StatusCode::UNAUTHORIZED, "unauthenticated");
    }
    let leaving = owner.browser.get("/api/v1/leaving-organizations").await.json();
    assert_eq!(leaving["items"][0]["until"], "2026-03-31T09:00:00Z", "{leaving}");
    app.told_of_events().await;
    let mails = app.mailbox.list().await.unwrap();
    // The address that the organization knows them by.
    let to = format!("{}@example.com", owner.id);
    assert!(mails.iter().any(|kept| kept.mail.to == to && kept.mail.text.contains("Bring it back")), "{mails:?}");

    clock.advance(TimeDelta::days(30));
    let files = Files::new(app.program.storage.clone(), &app.program.master_key, FileRules::DOCUMENTS);
    let purged = tenancy(&app.test.db).purge(&app.test.db.system("purge"), &[Arc::new(files.clone())]).await.unwrap();
    assert_eq!(purged, 1);

    // What the neighbour called so is the neighbour's.
    let left: Vec<String> = sightings(&app, CANARY).await.into_iter().filter(|row| !row.contains(&other.to_string())).collect();
    assert!(left.is_empty(), "{}", left.join("\n"));
    let with_id = sightings(&app, &tenant.to_string()).await;
    let allowed = |row: &String| {
        // Its own row, which keeps its id, and what the program recorded of its end.
        row.starts_with("core.tenant:") || ["purged", "deletion_began"].iter().any(|it| row.contains(&format!("tenancy.organization.{it}")))
    };
    let left: Vec<&String> = with_id.iter().filter(|row| !allowed(row)).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(sightings(&app, &other.to_string()).await, neighbours, "the neighbour's are as they were");
    let jobs = "select count(*) from core.job where tenant_id is not null";
    assert_eq!(app.count(jobs).await, 0);
    let folder = app.files();
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(left, [other.to_string()], "and so are the files");
    assert_eq!(std::fs::read_dir(folder.join(other.to_string())).unwrap().count(), 1);
    assert_eq!(chain.seal_now().await.unwrap(), 2, "the end itself is recorded, and who wanted it");
}
