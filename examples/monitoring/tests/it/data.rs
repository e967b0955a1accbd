//! CMP-01: all that is an organization's, given to its owner.

use std::{collections::BTreeMap, io::Read as _, time::Duration};

use futures_util::TryStreamExt as _;
use http::StatusCode;
use monitoring::server::ALL_MIGRATIONS;
use saas_core::{
    JobsConfig, Lifecycle, TenantArchives, TenantId,
    file::Storage,
    inventory::{Class, Table},
    testing::{
        TestDb,
        isolation::{self, Seed},
    },
};
use saas_tenancy::Role;
use serde_json::{Map, Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, types::Json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::app::{App, expect};

type Row = Map<String, Value>;

/// A person's, though an organization stands in it: what they were told there, and which programs act for them. Their own export has it.
const OF_PEOPLE: [&str; 3] = ["auth.token_family", "data.notification", "data.notification_preference"];

fn unpacked(archive: &[u8]) -> BTreeMap<String, String> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..zip.len() {
        let mut file = zip.by_index(index).unwrap();
        let (name, mut text) = (file.name().unwrap().into_owned(), String::new());
        file.read_to_string(&mut text).unwrap();
        files.insert(name, text);
    }
    files
}

async fn packed(test: &TestDb, tenant: TenantId) -> BTreeMap<String, String> {
    let folder = TempDir::new().unwrap();
    let (archives, id) = (TenantArchives::new(Storage::folder(folder.path()).unwrap()), Uuid::now_v7());
    let said = archives.pack(&test.db.tenant(tenant), &test.db.inventory(), id).await.unwrap();
    let (length, bytes) = archives.read(tenant, id).await.unwrap();
    let archive = bytes
        .try_fold(Vec::new(), async |mut all, some| {
            all.extend_from_slice(&some);
            Ok(all)
        })
        .await
        .unwrap();
    assert_eq!((said, length), (archive.len() as u64, archive.len() as u64));
    unpacked(&archive)
}

/// The rows of a table that are a tenant's, seen by somebody who sees all.
async fn rows(superuser: &mut PgConnection, table: &Table, tenant: TenantId) -> Vec<Row> {
    let query = format!("select to_jsonb(t) from {} t where {} = $1", table.name, table.tenant().unwrap());
    let rows: Vec<Json<Row>> = sqlx::query_scalar(AssertSqlSafe(query)).bind(tenant).fetch_all(superuser).await.unwrap();
    rows.into_iter().map(|row| row.0).collect()
}

/// Every table of the product and its crates, with a row of each of two organizations in it: one has all of its own and nothing of the other's.
#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_an_organization_is_in_its_archive_and_nothing_of_another() {
    let test = TestDb::new(ALL_MIGRATIONS).await.unwrap();
    let [other, tenant] = isolation::fill(&test, &Seed::new()).await.unwrap();
    let files = packed(&test, tenant).await;
    let mut superuser = PgConnection::connect(test.database.superuser_url().expose()).await.unwrap();
    let tables: Vec<Table> = test.db.inventory().into_iter().filter(|table| table.exported && table.tenant().is_some()).collect();
    let (of_people, given): (Vec<&Table>, Vec<&Table>) = tables.iter().partition(|table| OF_PEOPLE.contains(&table.name));
    assert_eq!((of_people.len(), files.len()), (OF_PEOPLE.len(), 2 * given.len()), "{:?}", files.keys());
    assert!(of_people.iter().all(|table| table.person().is_some()));
    for name in ["core.tenant", "core.member", "data.agent", "data.device", "data.audit_entry", "auth.api_key", "tenancy.invitation"] {
        assert!(given.iter().any(|table| table.name == name), "{name}");
    }
    for table in given {
        let mut expected = rows(&mut superuser, table, tenant).await;
        assert!(!expected.is_empty(), "nothing was planted in {}", table.name);
        for row in &mut expected {
            for secret in table.of(Class::Secret) {
                assert!(row.remove(secret).is_some(), "{}.{secret}", table.name);
            }
        }
        let mut given: Vec<Row> = serde_json::from_str(&files[&format!("{}.json", table.name)]).unwrap();
        for rows in [&mut given, &mut expected] {
            rows.sort_by_key(|row| json!(row).to_string());
        }
        assert_eq!(given, expected, "{}", table.name);
        let csv = &files[&format!("{}.csv", table.name)];
        let header: Vec<_> = csv.lines().next().unwrap().split(',').collect();
        assert_eq!(header, table.given_to_tenant(), "{}", table.name);
        let id = tenant.to_string();
        assert!(given.iter().all(|row| row[table.tenant().unwrap()] == json!(id)) && csv.contains(&id), "{}", table.name);
    }
    for (name, text) in &files {
        assert!(!text.contains(&other.to_string()), "{name} shows another organization");
    }
}

/// However many rows there are, they are read some hundreds at a time, and all of them are as they were at one moment.
#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_rows_are_as_they_were_at_one_moment() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let mut superuser = app.superuser().await;
    let many = "insert into core.workspace (tenant_id, id, name, created_at)
        select $1, gen_random_uuid(), 'Workspace ' || n, now() from generate_series(1, 2499) n";
    sqlx::query(many).bind(tenant).execute(&mut superuser).await.unwrap();
    let done = Lifecycle::new();
    let renaming = {
        let (done, mut connection) = (done.clone(), app.superuser().await);
        tokio::spawn(async move {
            let mut turns = 0_i32;
            while !done.is_draining() {
                turns += 1;
                let rename = "update core.workspace set name = id || ' of turn ' || $2::int where tenant_id = $1";
                sqlx::query(rename).bind(tenant).bind(turns).execute(&mut connection).await.unwrap();
            }
            turns
        })
    };
    for _ in 0..5 {
        let files = packed(&app.test, tenant).await;
        let given: Vec<Row> = serde_json::from_str(&files["core.workspace.json"]).unwrap();
        let name = given[1]["name"].as_str().unwrap();
        let (own, turn) = (given.len(), name.split_once("turn ").map(|(_, turn)| turn));
        assert_eq!(own, 2500);
        if let Some(turn) = turn {
            let text = format!("turn {turn}");
            assert!(given.iter().all(|row| row["name"].as_str().unwrap().ends_with(&text)), "{turn}");
            assert_eq!(files["core.workspace.csv"].matches(&format!("{text},")).count(), 2500);
        }
    }
    done.drain();
    assert!(renaming.await.unwrap() > 0);
}

/// In the whole product.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_takes_the_organizations_data_along() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    let agent = app.agent(&owner).await;
    let found = json!({ "devices": [{ "address": "10.0.0.77", "found_by": ["tcp"] }] });
    expect(&agent.client.post("/api/agent/devices", &found).await, StatusCode::OK);
    let key = owner.browser.post("/api/v1/api-keys", &json!({ "name": "Nightly", "scopes": ["monitoring.device.read"] })).await;
    expect(&key, StatusCode::CREATED);
    let secret = key.json()["key"].as_str().unwrap().to_owned();

    let asked = owner.browser.post("/api/v1/organization/exports", &json!(null)).await;
    expect(&asked, StatusCode::ACCEPTED);
    let lifecycle = Lifecycle::new();
    app.program
        .jobs
        .start(JobsConfig { concurrency: 2, poll: Duration::from_millis(50), ..JobsConfig::default() }, &lifecycle)
        .await
        .unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while owner.browser.get("/api/v1/organization/exports").await.json()["items"][0]["ready_at"].is_null() {
        assert!(tokio::time::Instant::now() < deadline, "it is not packed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let path = format!("/api/v1/organization/exports/{}/file", asked.json()["id"].as_str().unwrap());
    let taken = owner.browser.post(&path, &json!(null)).await;
    expect(&taken, StatusCode::OK);
    let files = unpacked(&taken.body);
    assert!(files["data.device.json"].contains("10.0.0.77") && files["data.device.csv"].contains("10.0.0.77"));
    assert!(files["auth.api_key.json"].contains("Nightly"));
    assert!(!files.values().any(|text| text.contains(&secret) || text.contains(&agent.credential)));
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while !app
        .mailbox
        .list()
        .await
        .unwrap()
        .iter()
        .any(|kept| kept.mail.subject == "The data of acme" && kept.mail.text.contains("/organization/data"))
    {
        assert!(tokio::time::Instant::now() < deadline, "nobody is told");
        // Whoever sends mail may be this test or the jobs.
        saas_core::testing::deliver(&app.test.db, &app.sender).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    lifecycle.drain();
}
