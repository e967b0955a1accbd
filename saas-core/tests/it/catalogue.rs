//! Mistakes in tables, policies and grants: each is made in a database of its own, and must be named.

use saas_core::{
    Migrations,
    testing::{TestDb, isolation::Seed},
};

use crate::planted::{NOTE, as_owner, as_superuser, config, connect, findings, login, refusal};

/// What stops a program that starts on a database where the owner ran these statements.
async fn refused(statements: &str) -> Vec<String> {
    let test = TestDb::new(&[]).await.unwrap();
    as_superuser(&test, &format!("set role {}; {statements}", owner(&test))).await;
    refusal(&config(&test), &[]).await
}

/// What the doctor names there, while the program starts.
async fn named(statements: &str) -> Vec<String> {
    let test = TestDb::new(&[]).await.unwrap();
    as_superuser(&test, &format!("set role {}; {statements}", owner(&test))).await;
    assert_eq!(refusal(&config(&test), &[]).await, Vec::<String>::new());
    findings(&test).await
}

fn owner(test: &TestDb) -> String {
    url::Url::parse(test.database.owner_url().expose()).unwrap().username().to_owned()
}

/// T05, TEN-03
#[tokio::test]
async fn a_table_with_tenant_id_and_no_row_security_stops_the_program() {
    let bare = "create table data.note (tenant_id uuid, body text)";
    assert_eq!(refused(bare).await, ["row-security: data.note"]);
    // And all the more when the application may use it.
    let granted = "create table data.note (tenant_id uuid, body text); grant select on data.note to saas_app";
    assert_eq!(refused(granted).await, ["row-security: data.note", "policy: data.note"]);
}

/// T05: rights on single columns are rights.
#[tokio::test]
async fn a_right_on_one_column_does_not_hide_a_table_from_the_doctor() {
    let statements = r"
        create table data.note (tenant_id uuid, body text);
        alter table data.note enable row level security;
        alter table data.note force row level security;
        grant select (body) on data.note to saas_app
    ";
    assert_eq!(refused(statements).await, ["policy: data.note"]);
}

/// T06, TEN-03
#[tokio::test]
async fn row_security_that_is_not_forced_stops_the_program() {
    assert_eq!(refused(&format!("{NOTE} alter table data.note no force row level security")).await, ["row-security: data.note"]);
}

/// T07, TEN-03
#[tokio::test]
async fn policies_without_row_security_stop_the_program() {
    assert_eq!(refused(&format!("{NOTE} alter table data.note disable row level security")).await, ["row-security: data.note"]);
}

/// T05, T09: the tenants themselves are a tenant's table, though their column is called id.
#[tokio::test]
async fn the_table_of_tenants_is_held_to_the_same_rules() {
    assert_eq!(refused("alter table core.tenant disable row level security").await, ["row-security: core.tenant"]);
    assert_eq!(refused("drop policy tenant on core.tenant").await, ["policy: core.tenant"]);
    // A person would find the tenant that they belong to and rename it, with no tenant set.
    assert_eq!(refused("drop policy tenant_update on core.tenant").await, ["policy: core.tenant"]);
}

/// T08
#[tokio::test]
async fn row_security_without_policies_is_named() {
    let statements = r"
        create table data.note (tenant_id uuid, body text);
        alter table data.note enable row level security;
        alter table data.note force row level security;
        grant select on data.note to saas_app
    ";
    assert_eq!(refused(statements).await, ["policy: data.note"]);
}

/// T09
#[tokio::test]
async fn a_tenant_policy_that_lets_more_than_the_tenant_through_stops_the_program() {
    let own = "tenant_id = (select core.own_tenant())";
    let with = |policy: &str| format!("{NOTE} drop policy tenant on data.note; create policy tenant on data.note as restrictive {policy}");
    let both = ["policy: data.note", "policy-true: data.note policy tenant"];
    assert_eq!(refused(&with("to saas_app using (true) with check (true)")).await, both);
    assert_eq!(refused(&with(&format!("to saas_app using ({own}) with check (true)"))).await, both);
    assert_eq!(refused(&with(&format!("to saas_app using ({own})"))).await, both);
    assert_eq!(refused(&with(&format!("to saas_app using ({own} or body = '') with check ({own})"))).await, ["policy: data.note"]);
    assert_eq!(refused(&with(&format!("to saas_app using ({own}) with check ({own} or body = '')"))).await, ["policy: data.note"]);
    assert_eq!(refused(&with(&format!("for select to saas_app using ({own})"))).await, ["policy: data.note"]);
    assert_eq!(refused(&with(&format!("to saas_system using ({own}) with check ({own})"))).await, ["policy: data.note"]);
    // What only reads the setting would not ask for the seal.
    let unsealed = "tenant_id = (select nullif(current_setting('saas.tenant_id', true), '')::uuid)";
    assert_eq!(refused(&with(&format!("to saas_app using ({unsealed}) with check ({unsealed})"))).await, ["policy: data.note"]);
    assert_eq!(refused(&with(&format!("to saas_app using ({own}) with check ({own})"))).await, Vec::<String>::new());
}

/// T10
#[tokio::test]
async fn a_second_permissive_policy_is_named_and_shows_nobody_elses_rows() {
    let test = TestDb::new(&[]).await.unwrap();
    as_owner(&test, format!("{NOTE} create policy anybody on data.note using (true) with check (true)")).await;
    assert_eq!(findings(&test).await, ["policy-wide: data.note policy anybody"]);
    let report = saas_core::testing::isolation::attack(&test, &Seed::new()).await.unwrap();
    assert!(report.tables.contains(&"data.note".to_owned()), "{:?}", report.tables);
    let held: Vec<_> = report.breaches.iter().filter(|breach| breach.attack != "T10").collect();
    assert!(held.is_empty(), "{held:?}");
}

/// T11
#[tokio::test]
async fn a_new_login_sees_nothing_and_cannot_be_the_application() {
    let test = TestDb::new(&[]).await.unwrap();
    let tenant = test.tenant("acme").await;
    as_owner(&test, NOTE).await;
    as_superuser(
        &test,
        &format!(
            r"
            insert into data.note values ('{tenant}', gen_random_uuid(), 'hello');
            create role {{name}}_app login password 'test';
            grant connect on database {{name}} to {{name}}_app;
            grant usage on schema core, data to {{name}}_app;
            grant select on data.note to {{name}}_app;
            "
        ),
    )
    .await;
    let newcomer = login(&test, "{name}_app");
    let mut connection = connect(&newcomer).await;
    let set = format!("select set_config('saas.tenant_id', '{tenant}', false)");
    sqlx::raw_sql(sqlx::AssertSqlSafe(set)).execute(&mut connection).await.unwrap();
    let seen: i64 = sqlx::query_scalar("select count(*) from data.note").fetch_one(&mut connection).await.unwrap();
    assert_eq!(seen, 0);
    let members = sqlx::query("select from core.member").execute(&mut connection).await.unwrap_err();
    assert_eq!(members.as_database_error().unwrap().code().unwrap(), "42501");

    let mut config = config(&test);
    config.app = newcomer;
    let group = format!("login-group: {}_app", test.database.name());
    assert!(refusal(&config, &[]).await.contains(&group));
}

/// T12
#[tokio::test]
async fn a_view_that_runs_as_its_owner_stops_the_program() {
    let view = |options: &str| {
        format!("{NOTE} create view data.notes {options} as select * from data.note; grant select on data.notes to saas_app")
    };
    assert_eq!(refused(&view("")).await, ["view: data.notes"]);
    assert_eq!(refused(&view("with (security_invoker = off)")).await, ["view: data.notes"]);
    assert_eq!(refused(&view("with (security_barrier)")).await, ["view: data.notes"]);

    let test = TestDb::new(&[]).await.unwrap();
    as_owner(&test, view("with (security_invoker = true)")).await;
    assert_eq!(findings(&test).await, Vec::<String>::new());
    saas_core::testing::isolation::attack(&test, &Seed::new()).await.unwrap().assert_safe();
}

/// T12: a rule on a table is a view in disguise.
#[tokio::test]
async fn a_rule_on_a_table_stops_the_program() {
    let statements = format!("{NOTE} create rule copy as on insert to data.note do also delete from data.note");
    assert_eq!(refused(&statements).await, ["rewrite: data.note rule copy"]);
}

/// T13
#[tokio::test]
async fn a_materialized_view_that_the_application_may_read_stops_the_program() {
    let statements = format!("{NOTE} create materialized view data.notes as select * from data.note;");
    assert_eq!(named(&statements).await, Vec::<String>::new());
    assert_eq!(refused(&format!("{statements} grant select on data.notes to saas_app")).await, ["view: data.notes"]);
}

/// T14
#[tokio::test]
async fn a_foreign_table_or_server_that_the_application_may_use_stops_the_program() {
    let foreign = r"
        reset role;
        create foreign data wrapper elsewhere;
        create server elsewhere foreign data wrapper elsewhere;
        create foreign table data.notes (tenant_id uuid, body text) server elsewhere;
    ";
    assert_eq!(refused(foreign).await, Vec::<String>::new());
    assert_eq!(refused(&format!("{foreign} grant select on data.notes to saas_app")).await, ["view: data.notes"]);
    let server = format!("{foreign} grant usage on foreign server elsewhere to saas_app");
    assert_eq!(refused(&server).await, ["privilege: usage of foreign server elsewhere"]);
}

/// T15
#[tokio::test]
async fn a_function_that_runs_as_its_owner_is_registered_with_a_fixed_search_path_or_stops_the_program() {
    let function = |path: &str| {
        format!(
            "create function data.peek() returns bigint language sql security definer {path} return 1;
             revoke all on function data.peek() from public;
             grant execute on function data.peek() to saas_app"
        )
    };
    let fixed = "set search_path = pg_catalog, pg_temp";
    let peek = ["definer: data.peek()"];
    assert_eq!(refused(&function(fixed)).await, peek);

    let lookup = Migrations { name: "planted", control: None, data: None, lookups: &["data.peek"], inventory: &[] };
    for (path, expected) in
        [(fixed, &[][..]), ("", &peek), ("set search_path = data, pg_catalog", &peek), ("set search_path = pg_catalog", &peek)]
    {
        let test = TestDb::new(&[]).await.unwrap();
        as_owner(&test, function(path)).await;
        assert_eq!(refusal(&config(&test), &[lookup]).await, expected, "{path}");
    }
    // Without a grant it is everybody's: that is how functions are made.
    let everybody = format!("create function data.peek() returns bigint language sql security definer {fixed} return 1");
    assert_eq!(refused(&everybody).await, peek);
}

/// T16
#[tokio::test]
async fn parts_of_a_table_are_reached_through_the_whole_alone() {
    let parted = r"
        create table data.sample (tenant_id uuid not null, id uuid not null, body text, constraint sample_pkey primary key (tenant_id, id))
            partition by hash (tenant_id);
        create table data.sample_0 partition of data.sample for values with (modulus 1, remainder 0);
        select core.isolate('data.sample');
    ";
    let test = TestDb::new(&[]).await.unwrap();
    as_owner(&test, parted).await;
    assert_eq!(findings(&test).await, Vec::<String>::new());
    saas_core::testing::isolation::attack(&test, &Seed::new()).await.unwrap().assert_safe();
    let mut connection = connect(&test.database.logins().app).await;
    let part = sqlx::query("select from data.sample_0").execute(&mut connection).await.unwrap_err();
    assert_eq!(part.as_database_error().unwrap().code().unwrap(), "42501");

    let granted = format!("{parted} grant select on data.sample_0 to saas_app");
    assert_eq!(refused(&granted).await, ["row-security: data.sample_0", "policy: data.sample_0"]);
}

/// T17
#[tokio::test]
async fn rights_that_the_application_does_not_need_stop_the_program() {
    for (grant, expected) in [
        ("truncate on data.note", "truncate on data.note"),
        ("references on data.note", "references on data.note"),
        ("references (id) on data.note", "references on data.note"),
        ("trigger on data.note", "trigger on data.note"),
        ("create on schema data", "create in schema data"),
    ] {
        assert_eq!(refused(&format!("{NOTE} grant {grant} to saas_app")).await, [format!("privilege: {expected}")], "{grant}");
    }
    for right in ["create", "temp"] {
        let test = TestDb::new(&[]).await.unwrap();
        as_superuser(&test, &format!("grant {right} on database {{name}} to saas_app")).await;
        assert_eq!(refusal(&config(&test), &[]).await, [format!("privilege: {right} in database {}", test.database.name())]);
    }
}

/// T18
#[tokio::test]
async fn the_application_makes_no_functions_and_a_leakproof_one_is_named() {
    let test = TestDb::new(&[]).await.unwrap();
    let mut connection = connect(&test.database.logins().app).await;
    for statement in [
        "create function leak(text) returns boolean language sql return true",
        "create function pg_temp.leak(text) returns boolean language sql return true",
        "create operator data.<<< (function = texteq, leftarg = text, rightarg = text)",
        "create temp table leak (body text)",
        "do $$ begin execute 'create function data.leak() returns int language sql return 1'; end $$",
    ] {
        let error = sqlx::raw_sql(statement).execute(&mut connection).await.unwrap_err();
        assert!(matches!(error.as_database_error().unwrap().code().unwrap().as_ref(), "42501" | "3F000"), "{statement}: {error}");
    }
    as_superuser(&test, "create function data.quick(text) returns boolean language sql leakproof return true").await;
    assert_eq!(findings(&test).await, ["leakproof: data.quick"]);
}

/// T19
#[tokio::test]
async fn what_everybody_may_use_is_named() {
    assert_eq!(named(&format!("{NOTE} grant select on data.note to public")).await, ["public-grant: select on data.note"]);
    assert_eq!(named(&format!("{NOTE} grant update (body) on data.note to public")).await, ["public-grant: update on data.note.body"]);
    assert_eq!(named("grant usage on schema data to public").await, ["public-grant: usage on schema data"]);
    let defaults = named("alter default privileges in schema data grant select on tables to public").await;
    assert_eq!(defaults.len(), 1);
    assert!(defaults[0].starts_with("public-grant: default privileges of "), "{defaults:?}");
    let test = TestDb::new(&[]).await.unwrap();
    as_superuser(&test, "grant connect on database {name} to public").await;
    assert_eq!(findings(&test).await, [format!("public-grant: connect on database {}", test.database.name())]);
}

/// T54
#[tokio::test]
async fn keys_of_a_tenants_table_that_do_not_begin_with_the_tenant_are_named() {
    let table = "create table data.note (tenant_id uuid not null, id uuid not null, at tstzrange, constraint note_pkey primary key";
    assert_eq!(named(&format!("{table} (id)); select core.isolate('data.note')")).await, ["key: data.note index note_pkey"]);
    assert_eq!(named(&format!("{table} (id, tenant_id)); select core.isolate('data.note')")).await, ["key: data.note index note_pkey"]);
    let excluding =
        format!("{table} (tenant_id, id), constraint note_at exclude using gist (at with &&)); select core.isolate('data.note')");
    assert_eq!(named(&excluding).await, ["key: data.note index note_at"]);
    let global = format!(
        "{table} (tenant_id, id)); select core.isolate('data.note'); create unique index note_id on data.note (id);
         comment on index data.note_id is 'global: ids are random'"
    );
    assert_eq!(named(&global).await, Vec::<String>::new());
}

/// T52, T54, TEN-03
#[tokio::test]
async fn references_that_do_not_carry_the_tenant_are_named() {
    let parent = "create table data.folder (id uuid not null, tenant_id uuid not null, constraint folder_pkey primary key (tenant_id, id));
        create unique index folder_id on data.folder (id);
        create unique index folder_swapped on data.folder (id, tenant_id);
        comment on index data.folder_id is 'global: arranged'; comment on index data.folder_swapped is 'global: arranged';
        select core.isolate('data.folder');";
    let child = |constraint: &str| {
        format!(
            "{parent} create table data.note (tenant_id uuid not null, id uuid not null, folder_id uuid,
                constraint note_pkey primary key (tenant_id, id), constraint note_folder foreign key {constraint});
            select core.isolate('data.note')"
        )
    };
    let found = ["foreign-key: data.note constraint note_folder"];
    assert_eq!(named(&child("(folder_id) references data.folder (id)")).await, found);
    // The tenant of one side against the id of the other.
    assert_eq!(named(&child("(tenant_id, folder_id) references data.folder (id, tenant_id)")).await, found);
    assert_eq!(named(&child("(folder_id) references core.user (id)")).await, found);
    assert_eq!(named(&child("(tenant_id, folder_id) references data.folder (tenant_id, id)")).await, Vec::<String>::new());
}

/// T53
#[tokio::test]
async fn a_sequence_that_tells_tenants_of_each_other_is_named() {
    let counted = "create table data.note (tenant_id uuid not null, id bigint generated always as identity,
        constraint note_pkey primary key (tenant_id, id)); select core.isolate('data.note')";
    assert_eq!(named(counted).await, ["sequence: data.note_id_seq"]);
    assert_eq!(named("create sequence data.counter; grant usage on sequence data.counter to saas_app").await, ["sequence: data.counter"]);
}

#[tokio::test]
async fn a_table_without_a_tenant_that_the_application_may_use_says_why() {
    let statements = "create table data.country (code text primary key); grant select on data.country to saas_app;";
    assert_eq!(named(statements).await, ["global-table: data.country"]);
    let explained = format!("{statements} comment on table data.country is 'global: the same for all'");
    assert_eq!(named(&explained).await, Vec::<String>::new());
}
