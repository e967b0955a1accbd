//! CMP-02, topic 16: whoever was erased does not come back with an older state of the database.

use std::{fs, future::poll_fn, pin::pin, task::Poll, time::Duration};

use http::{Method, StatusCode};
use monitoring::server::ALL_MIGRATIONS;
use saas_core::{
    Clock, DatabaseConfig, Db, Erased, Job, JobOptions, JobsConfig, Lifecycle, Logins, Secret, TenantId, UserId, job_system_in, provision,
    testing::EmptyDatabase,
};
use saas_tenancy::Role;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tempfile::TempDir;

use crate::{
    app::{App, Person, expect},
    process::{Ended, Settings, folder},
    restore::{dump, restored},
};

/// What the person and the organization that go call everything.
const CANARY: &str = "Kanarienvogel";

#[derive(Debug, Serialize, Deserialize)]
struct EraseAccounts {}

impl Job for EraseAccounts {
    const NAME: &'static str = "auth.erase";
}

#[derive(Debug, Serialize, Deserialize)]
struct PurgeOrganizations {}

impl Job for PurgeOrganizations {
    const NAME: &'static str = "tenancy.purge";
}

/// Who is there when the dump is made.
struct Cast {
    gone: TenantId,
    stays: TenantId,
    leaver: Person,
    /// Owns the organization that stays, and belonged to the one that goes.
    owner: Person,
}

async fn cast(app: &App) -> Cast {
    let (gone, stays) = (app.tenant("gone").await, app.tenant("stays").await);
    let (leaver, owner) = (app.member(gone, Role::Owner).await, app.member(stays, Role::Owner).await);
    app.test.member(gone, owner.id, "member").await;
    let working = leaver.browser.clone().with("x-organization", "gone");
    let named = working.json(Method::PATCH, "/api/v1/organization", &json!({ "name": format!("Acme {CANARY}") })).await;
    expect(&named, StatusCode::OK);
    expect(&working.post("/api/v1/workspaces", &json!({ "name": format!("Hall {CANARY}") })).await, StatusCode::CREATED);
    expect(&working.upload(Method::POST, "/api/v1/files", &format!("{CANARY}.txt")).await, StatusCode::CREATED);
    expect(&owner.browser.clone().with("x-organization", "stays").get("/api/v1/devices").await, StatusCode::OK);
    // The person in another organization than their own too.
    app.test.member(stays, leaver.id, "member").await;
    let profile = json!({ "name": format!("Ada {CANARY}"), "locale": "de" });
    expect(&leaver.browser.json(Method::PUT, "/api/v1/me/profile", &profile).await, StatusCode::OK);
    Cast { gone, stays, leaver, owner }
}

/// Lets the 30 days of both be over, and the night come.
async fn erased(app: &App, cast: &Cast) {
    let mut superuser = app.superuser().await;
    let wishes = [
        "update core.tenant set state = 'leaving', leaves_at = now() where id = $1",
        "update auth.account set leaves_at = now() where user_id = $1",
        "update core.user set state = 'leaving' where id = $1",
    ];
    for (wish, id) in wishes.into_iter().zip([uuid::Uuid::from(cast.gone), cast.leaver.id.into(), cast.leaver.id.into()]) {
        assert_eq!(sqlx::query(wish).bind(id).execute(&mut superuser).await.unwrap().rows_affected(), 1, "{wish}");
    }
    let mut tx = app.test.db.system("the night").begin().await.unwrap();
    job_system_in(&mut tx, None, &EraseAccounts {}, JobOptions::new()).await.unwrap();
    job_system_in(&mut tx, None, &PurgeOrganizations {}, JobOptions::new()).await.unwrap();
    tx.commit().await.unwrap();
    let lifecycle = Lifecycle::new();
    let config = JobsConfig { concurrency: 2, poll: Duration::from_millis(50), ..JobsConfig::default() };
    let jobs = app.program.jobs.start(config, &lifecycle).await.unwrap();
    let listed = |kind: &str| fs::read_dir(app.records().join("erased").join(kind)).is_ok_and(|entries| entries.count() == 1);
    app.until("both are erased and listed", async || listed("tenant") && listed("person")).await;
    lifecycle.drain();
    jobs.drained().await;
    assert_eq!(app.count("select count(*) from core.tenant where purged_at is not null").await, 1);
    assert_eq!(app.count("select count(*) from core.user where state = 'deleted'").await, 1);
}

/// The rows of all tables that show this text.
async fn sightings(database: &EmptyDatabase, text: &str) -> Vec<String> {
    let mut superuser = PgConnection::connect(database.superuser_url().expose()).await.unwrap();
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

async fn logins(database: &EmptyDatabase) -> Logins {
    provision(database.owner_url(), |_| Secret::new("test")).await.unwrap()
}

async fn connected(logins: Logins) -> Db {
    let config = DatabaseConfig { app: logins.app, system: logins.system, allow_old_server: true, ..DatabaseConfig::default() };
    Db::connect(&config, ALL_MIGRATIONS, Clock::system()).await.unwrap()
}

/// CMP-02: restore, one command, done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_whoever_was_erased_nothing_comes_back_with_an_older_dump() {
    let app = App::new().await;
    let cast = cast(&app).await;
    let dumps = TempDir::new().unwrap();
    let archive = dumps.path().join("dump");
    dump(&app, &archive).await;
    erased(&app, &cast).await;
    let restored = restored(&app, &archive).await;
    let marks = [CANARY, cast.leaver.email.as_str()];
    for mark in marks {
        assert!(sightings(&restored, mark).await.len() > 2, "{mark} is back");
    }

    let (own, logins) = (folder(), logins(&restored).await);
    let place = |folder: std::path::PathBuf| format!("file://{}", folder.display());
    let command = async |arguments: &[&str]| -> Ended {
        let settings = Settings::new(own.path())
            .set("DATABASE_URL", restored.owner_url().expose())
            .set("DATABASE_APP_URL", logins.app.expose())
            .set("DATABASE_SYSTEM_URL", logins.system.expose())
            .set("SAAS_MASTER_KEY", &app.program.master_key.text())
            .set("SAAS_STORAGE_URL", &place(app.files()))
            .set("SAAS_AUDIT_CHECKPOINTS_URL", &place(app.records()));
        arguments.iter().fold(settings, |settings, argument| settings.argument(argument)).run().await
    };
    let said = |ended: &Ended| -> Value { serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}")) };
    let doctor = command(&["doctor"]).await;
    assert_eq!(doctor.status.code(), Some(1), "{doctor:?}");
    assert!(doctor.stdout.contains("erasures apply") && doctor.stdout.contains(&cast.leaver.id.to_string()), "{doctor:?}");
    let listed = said(&command(&["erasures", "list", "--json"]).await);
    let both = json!([{ "kind": "tenant", "id": cast.gone }, { "kind": "person", "id": cast.leaver.id }]);
    assert_eq!(listed["returned"], both, "exactly who was erased");

    let applied = command(&["erasures", "apply", "--json"]).await;
    assert!(applied.status.success(), "{applied:?}");
    assert_eq!(said(&applied), json!({ "people": 1, "tenants": 1, "owners": [], "foreign": [], "failed": [] }));
    for mark in marks {
        assert_eq!(sightings(&restored, mark).await, Vec::<String>::new());
    }
    let of_tenant = sightings(&restored, &cast.gone.to_string()).await;
    let is_allowed = |row: &&String| row.starts_with("core.tenant:") || row.contains("tenancy.organization.purged");
    assert_eq!(of_tenant.iter().filter(|row| !is_allowed(row)).collect::<Vec<_>>(), Vec::<&String>::new());
    let proof = sightings(&restored, "auth.account.erased").await;
    assert!(proof.iter().any(|row| row.starts_with("data.audit_entry:") && row.contains(&cast.leaver.id.to_string())), "{proof:?}");
    assert!(of_tenant.iter().any(|row| row.starts_with("data.audit_entry:")), "{of_tenant:?}");
    // What nobody erased is as it was.
    assert!(sightings(&restored, &cast.owner.email).await.iter().any(|row| row.starts_with("auth.account:")));
    let mut owners = PgConnection::connect(restored.superuser_url().expose()).await.unwrap();
    let owner: (String, UserId) = sqlx::query_as(
        "select tenant.state, member.user_id from core.tenant join core.member on member.tenant_id = tenant.id
        where tenant.id = $1 and member.role = 'owner' and member.left_at is null",
    )
    .bind(cast.stays)
    .fetch_one(&mut owners)
    .await
    .unwrap();
    assert_eq!(owner, ("active".to_owned(), cast.owner.id));

    let again = said(&command(&["erasures", "apply", "--json"]).await);
    assert_eq!((&again["people"], &again["tenants"]), (&json!(0), &json!(0)));
    let doctor = command(&["doctor"]).await;
    assert!(doctor.status.success(), "{doctor:?}");
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

/// Killed at any moment and begun again; with an organization that the dump knows no other owner of; and with an entry of the list that somebody else
/// wrote.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erasing_again_is_killed_at_every_step_and_begun_again() {
    let app = App::new().await;
    let cast = cast(&app).await;
    let lonely = app.tenant("lonely").await;
    app.test.member(lonely, cast.leaver.id, "owner").await;
    let dumps = TempDir::new().unwrap();
    let archive = dumps.path().join("dump");
    dump(&app, &archive).await;
    // Handed over since.
    app.test.member(lonely, cast.owner.id, "owner").await;
    erased(&app, &cast).await;
    let restored = restored(&app, &archive).await;
    let db = connected(logins(&restored).await).await;
    let (system, erasures) = (db.system("erase again"), &app.program.erasures);
    let forged = app.records().join("erased/person").join(cast.owner.id.to_string());
    fs::write(&forged, fs::read(app.records().join("erased/person").join(cast.leaver.id.to_string())).unwrap()).unwrap();

    let mut polls = 0;
    let report = loop {
        if let Some(report) = cut_short(erasures.erase_again(&system), polls).await {
            break report.unwrap();
        }
        polls += 3;
    };
    assert!(polls > 30, "it was cut off often: {polls}");
    assert_eq!((report.foreign, report.failed), (vec![Erased::Person(cast.owner.id)], Vec::new()));
    assert_eq!(report.owners, [Erased::Person(cast.leaver.id)], "an organization has no other owner");
    for mark in [CANARY, cast.leaver.email.as_str()] {
        assert_eq!(sightings(&restored, mark).await, Vec::<String>::new(), "of them nothing is left all the same");
    }
    fs::remove_file(forged).unwrap();
    assert_eq!(erasures.returned(&system).await.unwrap(), [Erased::Person(cast.leaver.id)]);

    let mut superuser = PgConnection::connect(restored.superuser_url().expose()).await.unwrap();
    let given =
        "insert into core.member (tenant_id, user_id, role, name, email, joined_at) values ($1, $2, 'owner', 'B', 'b@example.com', now())";
    sqlx::query(given).bind(lonely).bind(cast.owner.id).execute(&mut superuser).await.unwrap();
    let report = erasures.erase_again(&system).await.unwrap();
    assert!(report.is_whole() && report.people == 1, "{report:?}");
    assert_eq!(erasures.returned(&system).await.unwrap(), []);
    let purged = "select count(*) from data.audit_entry where action = 'tenancy.organization.purged'";
    assert_eq!(sqlx::query_scalar::<_, i64>(purged).fetch_one(&mut superuser).await.unwrap(), 1);
}
