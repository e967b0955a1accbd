//! Databases in which somebody made a mistake.

use saas_core::{Clock, ConnectError, DatabaseConfig, Db, Finding, Migrations, Secret, testing::TestDb};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

/// Small enough that a test of many transactions is about transactions.
pub(crate) const CONNECTIONS: u32 = 3;

/// A table as a product would have it, behind the wall.
pub(crate) const NOTE: &str = r"
    create table data.note (
        tenant_id uuid not null,
        id uuid not null,
        body text not null,
        constraint note_pkey primary key (tenant_id, id)
    );
    select core.isolate('data.note');
";

pub(crate) async fn connect(url: &Secret) -> PgConnection {
    PgConnection::connect(url.expose()).await.unwrap()
}

/// Runs statements as the owner.
pub(crate) async fn as_owner(test: &TestDb, statements: impl Into<String>) {
    run(test.database.owner_url(), statements.into()).await;
}

/// Runs statements as the superuser, for what an owner may not. `{name}` is the database; logins that are named after it, with `_app`,
/// `_system` or `_owner`, go away with it.
pub(crate) async fn as_superuser(test: &TestDb, statements: &str) {
    run(test.database.superuser_url(), statements.replace("{name}", test.database.name())).await;
}

pub(crate) async fn run(url: &Secret, statements: String) {
    let mut connection = connect(url).await;
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// The first column of all rows that the superuser finds.
pub(crate) async fn truth(test: &TestDb, query: &str) -> Vec<String> {
    let mut connection = connect(test.database.superuser_url()).await;
    let rows = sqlx::raw_sql(AssertSqlSafe(query.to_owned())).fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(0)).collect()
}

/// The application's address with another login, whose password is `test`.
pub(crate) fn login(test: &TestDb, name: &str) -> Secret {
    let mut url = url::Url::parse(test.database.logins().app.expose()).unwrap();
    url.set_username(&name.replace("{name}", test.database.name())).unwrap();
    url.set_password(Some("test")).unwrap();
    Secret::new(url)
}

pub(crate) fn config(test: &TestDb) -> DatabaseConfig {
    DatabaseConfig {
        owner: Some(test.database.owner_url().clone()),
        app: test.database.logins().app.clone(),
        system: test.database.logins().system.clone(),
        max_connections: CONNECTIONS,
        allow_old_server: true,
        ..DatabaseConfig::default()
    }
}

/// What a program that starts on this database is told to mend before it does.
pub(crate) async fn refusal(config: &DatabaseConfig, migrations: &[Migrations]) -> Vec<String> {
    match Db::connect(config, migrations, Clock::system()).await {
        Ok(_) => Vec::new(),
        Err(ConnectError::Dangerous(findings)) => findings.iter().map(named).collect(),
        Err(error) => panic!("{error}"),
    }
}

/// Everything that the doctor says, but for the inventory: these tables belong to no crate.
pub(crate) async fn findings(test: &TestDb) -> Vec<String> {
    let findings = test.db.findings().await.unwrap();
    findings.iter().filter(|finding| finding.rule != "inventory").map(named).collect()
}

fn named(finding: &Finding) -> String {
    format!("{}: {}", finding.rule, finding.object)
}
