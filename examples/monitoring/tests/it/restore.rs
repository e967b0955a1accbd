//! T76, OPS-09: a dump of the whole product and its restoration, made by the owner, who is no superuser.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use http::{Method, StatusCode};
use monitoring::server::ALL_MIGRATIONS;
use saas_core::{
    Clock, DatabaseConfig, Db, Secret,
    mail::{SuppressionReason, Suppressions},
    provision,
    testing::{
        EmptyDatabase,
        isolation::{self, Seed},
    },
};
use saas_tenancy::Role;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use url::Url;

use crate::{
    app::{App, PASSWORD, expect},
    hosts, second_factor,
};

/// The programs of the server that runs, so that they are of its version.
async fn program(app: &App, name: &str) -> PathBuf {
    let mut superuser = PgConnection::connect(app.test.database.superuser_url().expose()).await.unwrap();
    let folder: String = sqlx::query_scalar("select setting from pg_config where name = 'BINDIR'").fetch_one(&mut superuser).await.unwrap();
    PathBuf::from(folder).join(name)
}

fn command(program: PathBuf, owner: &Secret) -> Command {
    let mut command = Command::new(program);
    // The password is not an argument, which everybody on the machine could read.
    let mut url = Url::parse(owner.expose()).unwrap();
    command.env("PGPASSWORD", url.password().unwrap());
    url.set_password(None).unwrap();
    command.arg("--dbname").arg(url.as_str());
    command
}

fn succeeds(mut command: Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Dumps the whole product into a file, as its owner does.
pub(crate) async fn dump(app: &App, archive: &Path) {
    let mut dump = command(program(app, "pg_dump").await, app.test.database.owner_url());
    dump.args(["--format=custom", "--enable-row-security", "--file"]).arg(archive);
    succeeds(dump);
}

/// Another database, with what is in a dump.
pub(crate) async fn restored(app: &App, archive: &Path) -> EmptyDatabase {
    let restored = EmptyDatabase::create().await.unwrap();
    let mut restore = command(program(app, "pg_restore").await, restored.owner_url());
    restore.args(["--no-owner", "--exit-on-error", "--single-transaction"]).arg(archive);
    succeeds(restore);
    restored
}

/// Every table that is not PostgreSQL's own, and how many rows the owner counts in it.
async fn counts(owner: &Secret) -> BTreeMap<String, i64> {
    let mut connection = PgConnection::connect(owner.expose()).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut counts = BTreeMap::new();
    for table in tables {
        let query = format!("select count(*) from {table}");
        counts.insert(table, sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&mut connection).await.unwrap());
    }
    counts
}

#[tokio::test]
async fn a_restored_product_has_all_rows_of_all_its_tables_and_the_same_walls() {
    let app = App::new().await;
    let acme = app.tenant("acme").await;
    let owner = app.member(acme, Role::Owner).await;
    let agent = app.agent(&owner).await;
    let devices = json!({ "devices": [{ "address": "10.0.0.1", "found_by": ["tcp"] }, { "address": "10.0.0.2", "found_by": ["tcp"] }] });
    expect(&agent.client.post("/api/agent/devices", &devices).await, StatusCode::OK);
    let guess = json!({ "email": owner.email, "password": "not the one that it is" });
    expect(&app.anon().post("/api/v1/auth/sign-in", &guess).await, StatusCode::UNAUTHORIZED);
    let wanted = json!({ "email": "ada@example.org" });
    expect(&owner.browser.json(Method::PUT, "/api/v1/me/email", &wanted).await, StatusCode::ACCEPTED);
    let agreed = json!({ "version": "1", "given": true });
    expect(&owner.browser.json(Method::PUT, "/api/v1/me/consents/marketing", &agreed).await, StatusCode::NO_CONTENT);
    expect(&owner.browser.post("/api/v1/me/exports", &json!({ "password": PASSWORD })).await, StatusCode::ACCEPTED);
    app.avatar(owner.id).await;
    app.identity(owner.id).await;
    app.passkey(owner.id).await;
    app.operator(owner.id).await;
    expect(&app.anon().post("/api/v1/auth/passkeys/challenge", &json!({})).await, StatusCode::OK);
    expect(&app.anon().post("/api/v1/auth/providers/dev", &json!({})).await, StatusCode::OK);
    expect(&owner.browser.post("/api/v1/auth/token", &json!({ "organization": acme })).await, StatusCode::OK);
    hosts::signed_in_at(&app, &owner, "acme.localhost").await;
    second_factor::set_up(&owner, &Clock::system()).await;
    let waits = json!({ "email": owner.email, "password": PASSWORD });
    expect(&app.anon().post("/api/v1/auth/sign-in", &waits).await, StatusCode::UNAUTHORIZED);
    let mut tx = app.test.db.system("an address that takes no mail").begin().await.unwrap();
    let suppressions = Suppressions::new(app.program.master_key.clone());
    suppressions.add_in(&mut tx, "gone@example.com", SuppressionReason::Bounce, None).await.unwrap();
    tx.commit().await.unwrap();
    let heard =
        "insert into billing.gateway_event (id, kind, body, state, received_at) values ('evt_1', 'invoice.paid', '{}', 'done', now())";
    sqlx::query(heard).execute(&mut app.owner().await).await.unwrap();
    let counted = "insert into billing.usage_batch (id, at) values (gen_random_uuid(), now())";
    sqlx::query(counted).execute(&mut app.owner().await).await.unwrap();
    let told = "insert into core.push_browser (id, user_id, session_id, endpoint_hash, sealed, server_key, created_at)
        values (gen_random_uuid(), $1, gen_random_uuid(), decode(repeat('07', 32), 'hex'), 'sealed', decode(repeat('04', 65), 'hex'), now())";
    sqlx::query(told).bind(uuid::Uuid::from(owner.id)).execute(&mut app.owner().await).await.unwrap();
    // What nobody did just now is filled too.
    let others = isolation::fill(&app.test, &Seed::new()).await.unwrap();
    // And what was sealed is so afterwards, with the same key.
    let key = &app.program.master_key;
    Db::seal(app.test.database.owner_url(), key).await.unwrap();
    let before = counts(app.test.database.owner_url()).await;
    // The library of the jobs keeps alarms and its own accounts; the jobs themselves are core's.
    let is_ours = |table: &str| !table.starts_with("graphile_worker.");
    let empty: Vec<_> = before.iter().filter(|(table, count)| **count == 0 && is_ours(table)).collect();
    assert!(empty.is_empty(), "nothing would be known of {empty:?}");

    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("dump");
    dump(&app, &archive).await;
    let restored = restored(&app, &archive).await;
    assert_eq!(counts(restored.owner_url()).await, before);

    // A program that starts on it makes its logins, and finds nothing to mend.
    let logins = provision(restored.owner_url(), |_| Secret::new("test")).await.unwrap();
    let seal = Some(key.clone());
    let config = DatabaseConfig { app: logins.app, system: logins.system, seal, allow_old_server: true, ..DatabaseConfig::default() };
    let db = Db::connect(&config, ALL_MIGRATIONS, Clock::system()).await.unwrap();
    let findings = db.findings().await.unwrap();
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(db.pending_migrations().await.unwrap(), 0);
    for (tenant, expected) in [(acme, 2), (others[0], 1), (others[1], 1)] {
        let mut tx = db.tenant(tenant).begin().await.unwrap();
        let seen: i64 = sqlx::query_scalar("select count(*) from device").fetch_one(&mut *tx).await.unwrap();
        assert_eq!(seen, expected);
    }
}
