//! T76: a dump and its restoration, made by the owner, who is no superuser.

use std::{path::PathBuf, process::Command};

use saas_core::{
    Clock, DatabaseConfig, Db, Secret, provision,
    testing::{EmptyDatabase, TestDb},
};
use url::Url;

use crate::{
    borrower::{bodies, few, note},
    planted::{connect, truth},
};

/// The programs of the server that runs, so that they are of its version.
async fn program(test: &TestDb, name: &str) -> PathBuf {
    let folder = truth(test, "select setting from pg_config where name = 'BINDIR'").await;
    PathBuf::from(&folder[0]).join(name)
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

/// Every table and how many rows the owner counts in it.
async fn counts(owner: &Secret) -> Vec<(String, i64)> {
    let mut connection = connect(owner).await;
    let tables: Vec<String> =
        sqlx::query_scalar("select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('core', 'data') order by 1")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    let mut counts = Vec::new();
    for table in tables {
        let query = format!("select count(*) from {table}");
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&mut connection).await.unwrap();
        counts.push((table, count));
    }
    counts
}

#[tokio::test]
async fn a_restored_database_has_all_rows_and_the_same_walls() {
    let test = few().await;
    let (acme, other) = (test.tenant("acme").await, test.tenant("other").await);
    for (tenant, number) in [(acme, 3), (other, 5)] {
        test.member(tenant, test.user().await, "owner").await;
        let mut tx = test.db.tenant(tenant).begin().await.unwrap();
        for _ in 0..number {
            note(&mut tx, &tenant.to_string()).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    let before = counts(test.database.owner_url()).await;
    assert!(before.contains(&("data.note".to_owned(), 8)), "{before:?}");

    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("dump");
    let mut dump = command(program(&test, "pg_dump").await, test.database.owner_url());
    dump.args(["--format=custom", "--enable-row-security", "--file"]).arg(&archive);
    succeeds(dump);

    let restored = EmptyDatabase::create().await.unwrap();
    let mut restore = command(program(&test, "pg_restore").await, restored.owner_url());
    restore.args(["--no-owner", "--exit-on-error", "--single-transaction"]).arg(&archive);
    succeeds(restore);
    assert_eq!(counts(restored.owner_url()).await, before);

    // A program that starts on it makes its logins, and finds nothing to mend.
    let logins = provision(restored.owner_url(), |_| Secret::new("test")).await.unwrap();
    let config = DatabaseConfig { app: logins.app, system: logins.system, allow_old_server: true, ..DatabaseConfig::default() };
    let db = Db::connect(&config, &[], Clock::system()).await.unwrap();
    let findings = db.findings().await.unwrap();
    let findings: Vec<_> = findings.iter().filter(|finding| !finding.object.starts_with("data.note.")).collect();
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(db.pending_migrations().await.unwrap(), 0);
    let mut tx = db.tenant(acme).begin().await.unwrap();
    assert_eq!(bodies(&mut tx).await, vec![acme.to_string(); 3]);
}
