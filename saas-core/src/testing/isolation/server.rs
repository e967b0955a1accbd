//! T18, T51: ways through the server rather than through a table.

use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use super::{
    Battle, IsolationError, Report,
    attacker::{As, Attacker},
    candidate::CANARY,
    refused,
};

/// What must be out of reach. 42883 is a function that is not installed; 3F000 a schema that is not there.
const OUT_OF_REACH: [&str; 3] = ["42501", "42883", "3F000"];

pub(super) async fn attack(
    battle: &Battle<'_>,
    attacker: &mut Attacker,
    superuser: &mut PgConnection,
    report: &mut Report,
) -> Result<(), IsolationError> {
    let object: i64 = sqlx::raw_sql(AssertSqlSafe(format!("select lo_from_bytea(0, '{CANARY}')::bigint")))
        .fetch_one(&mut *superuser)
        .await
        .and_then(|row| row.try_get(0))
        .map_err(refused("make a large object"))?;
    for who in [As::Tenant(battle.attacker()), As::Nobody] {
        for statement in statements(object) {
            let outcome = attacker.run(&who, &statement).await?;
            if !outcome.code().is_some_and(|code| OUT_OF_REACH.contains(&code)) {
                report.breach("T51", "the server", format!("{statement}: {}", outcome.summary()));
            }
        }
        for statement in ["alter system set row_security = off", "create database leak"] {
            // Neither may stand in a transaction, and neither knows of a tenant.
            let outcome = attacker.batch(statement).await;
            if outcome.code() != Some("42501") {
                report.breach("T51", "the server", format!("{statement}: {}", outcome.summary()));
            }
        }
        for statement in filtered() {
            let outcome = attacker.run(&who, &statement).await?;
            if let Some(mark) = outcome.rows.iter().find_map(|row| battle.marks.find(row)) {
                report.breach("T51", "the server", format!("{statement}: showed {mark}"));
            }
        }
    }
    sqlx::raw_sql(AssertSqlSafe(format!("select lo_unlink({object})"))).execute(superuser).await.map_err(refused("drop a large object"))?;
    Ok(())
}

fn statements(object: i64) -> Vec<String> {
    let mut statements: Vec<String> = [
        "select dblink_connect('dbname=postgres')",
        "select * from dblink('dbname=postgres', 'select 1') t (one int)",
        "select pg_read_file('postgresql.conf')",
        "select pg_read_binary_file('global/pg_control')",
        "select pg_ls_dir('base')",
        "select * from pg_stat_file('postgresql.conf')",
        "select lo_import('/etc/passwd')",
        "copy (select 1) to program 'true'",
        "copy (select 1) to '/tmp/isolation'",
        "select pg_export_snapshot() from pg_create_logical_replication_slot('leak', 'test_decoding')",
        "select pg_reload_conf()",
        "set session_replication_role = replica",
        "create extension dblink",
        "create schema leak",
        "create temp table leak (body text)",
        "create function pg_temp.leak(text) returns boolean language sql return true",
        "create function data.leak(text) returns boolean language sql return true",
        "create operator data.=== (function = texteq, leftarg = text, rightarg = text)",
        "create role leak",
        "create publication leak for all tables",
        "create event trigger leak on ddl_command_end execute function suppress_redundant_updates_trigger()",
        "select * from pg_authid",
        "select * from pg_statistic",
        "select * from pg_largeobject",
        "select * from pg_hba_file_rules",
    ]
    .map(str::to_owned)
    .to_vec();
    statements.push(format!("select lo_get({object})"));
    statements.push(format!("select lo_export({object}, '/tmp/isolation')"));
    statements.push(format!("select loread(lo_open({object}, 262144), 1000)"));
    statements
}

/// What anybody may call, and answers with one's own.
fn filtered() -> Vec<String> {
    [
        "select schema_to_xml('data', true, false, '')::text",
        "select schema_to_xml('core', true, false, '')::text",
        "select database_to_xml(true, false, '')::text",
        "select most_common_vals::text, histogram_bounds::text, most_common_elems::text from pg_stats",
        "select query from pg_stat_activity where pid <> pg_backend_pid() and usename <> current_user",
    ]
    .map(str::to_owned)
    .to_vec()
}
