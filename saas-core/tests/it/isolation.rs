//! The isolation suite on core's own tables, on tables of many kinds, and on tables with holes, which it must find.

use std::collections::BTreeSet;

use saas_core::testing::{
    TestDb,
    isolation::{self, IsolationError, Report, Seed},
};

use crate::planted::{NOTE, as_owner, as_superuser};

/// T21–T23, T30, T32, T37, T40–T52, T54; TEN-03
#[tokio::test]
async fn the_tables_of_core_withstand_all_attacks() {
    let test = TestDb::new(&[]).await.unwrap();
    let report = isolation::attack(&test, &Seed::new()).await.unwrap();
    report.assert_safe();
    let tables = [
        "core.brand",
        "core.job",
        "core.mail",
        "core.member",
        "core.role",
        "core.share",
        "core.tenant",
        "core.workspace",
        "data.audit_entry",
        "data.audit_head",
        "data.chat_channel",
        "data.chat_message",
        "data.file",
        "data.kept_answer",
        "data.notification",
        "data.notification_preference",
        "data.outbox",
        "data.push_message",
        "data.webhook_attempt",
        "data.webhook_delivery",
        "data.webhook_endpoint",
        "data.webhook_message",
        "data.webhook_secret",
    ];
    assert_eq!(report.tables, tables);
    assert!(report.attacks > 500, "{}", report.attacks);
}

/// What products make: parents and children, enumerations, domains, arrays, ranges, generated columns, partitions, views.
const PRODUCT: &str = r"
    create type data.mood as enum ('good', 'bad');
    create domain data.email as text check (value ~ '@');
    create table data.folder (
        tenant_id uuid not null,
        id uuid not null default gen_random_uuid(),
        parent_id uuid,
        name text not null,
        owner_id uuid not null,
        constraint folder_pkey primary key (tenant_id, id),
        constraint folder_name_key unique (tenant_id, name),
        constraint folder_parent_fkey foreign key (tenant_id, parent_id) references data.folder (tenant_id, id) on delete cascade,
        constraint folder_owner_fkey foreign key (tenant_id, owner_id) references core.member (tenant_id, user_id)
    );
    create table data.paper (
        tenant_id uuid not null,
        folder_id uuid not null,
        number bigint not null,
        mood data.mood not null,
        kind text not null,
        code varchar(6) not null,
        hash bytea not null,
        address inet not null,
        networks cidr[] not null,
        tags text[] not null,
        period tstzrange not null,
        ratio numeric(4, 2) not null,
        size bigint generated always as (number * 2) stored,
        data jsonb not null,
        words tsvector not null,
        due date not null,
        constraint paper_pkey primary key (tenant_id, folder_id, number),
        constraint paper_address_key unique (tenant_id, address),
        constraint paper_folder_fkey foreign key (tenant_id, folder_id) references data.folder (tenant_id, id) deferrable initially deferred,
        constraint paper_kind_check check (kind in ('invoice', 'letter')),
        constraint paper_code_check check (code ~ '^[A-Z]+$' and length(code) between 2 and 6),
        constraint paper_hash_check check (length(hash) = 20),
        constraint paper_number_check check (number > 100 and ratio < 100)
    );
    create table data.sample (
        tenant_id uuid not null,
        at timestamptz not null,
        value double precision not null,
        note text,
        constraint sample_pkey primary key (tenant_id, at)
    ) partition by range (at);
    create table data.sample_all partition of data.sample default;
    select core.isolate('data.folder');
    select core.isolate('data.paper', privileges => 'select, insert, update (kind, data)');
    select core.isolate('data.sample', privileges => 'insert');
    create view data.papers with (security_invoker = true) as select * from data.paper join data.folder using (tenant_id);
    grant select on data.papers to saas_app;
";

/// T21–T23, T37, T40–T52; TEN-03, DX-05
#[tokio::test]
async fn tables_of_all_kinds_are_filled_and_withstand_all_attacks() {
    let test = TestDb::new(&[]).await.unwrap();
    as_owner(&test, PRODUCT).await;
    let report = isolation::attack(&test, &Seed::new()).await.unwrap();
    report.assert_safe();
    // Core's own come with it, however many there are.
    for table in ["core.member", "core.tenant", "data.folder", "data.outbox", "data.paper", "data.sample"] {
        assert!(report.tables.iter().any(|attacked| attacked == table), "{table} is not among {:?}", report.tables);
    }
}

#[tokio::test]
async fn a_table_that_cannot_be_filled_fails_the_suite_until_the_seed_says_how() {
    let test = TestDb::new(&[]).await.unwrap();
    as_owner(
        &test,
        r"
        create table data.coupon (
            tenant_id uuid not null,
            code text not null,
            constraint coupon_pkey primary key (tenant_id, code),
            constraint coupon_code_check check (length(code) = 41 and code ~ '^[a-z]+$')
        );
        select core.isolate('data.coupon');
        ",
    )
    .await;
    let error = isolation::attack(&test, &Seed::new()).await.unwrap_err();
    assert!(matches!(&error, IsolationError::Unfilled { table, .. } if table == "data.coupon"), "{error}");

    let misspelt = isolation::attack(&test, &Seed::new().column("data.coupon", "kode", ["'a'", "'b'", "'c'"])).await.unwrap_err();
    assert!(matches!(&misspelt, IsolationError::UnknownColumn(column) if column == "data.coupon.kode"), "{misspelt}");

    let seed = Seed::new().column("data.coupon", "code", ["rpad('own', 41, 'x')", "rpad('canaryb', 41, 'x')", "rpad('spare', 41, 'x')"]);
    isolation::attack(&test, &seed).await.unwrap().assert_safe();
}

/// What gets through where the owner made this mistake.
async fn breaches(mistake: &str) -> BTreeSet<&'static str> {
    let test = TestDb::new(&[]).await.unwrap();
    as_owner(&test, format!("{NOTE} {mistake}")).await;
    attacks(&isolation::attack(&test, &Seed::new()).await.unwrap())
}

fn attacks(report: &Report) -> BTreeSet<&'static str> {
    report.breaches.iter().map(|breach| breach.attack).collect()
}

fn contains(found: &BTreeSet<&'static str>, expected: &[&'static str]) {
    assert!(expected.iter().all(|attack| found.contains(attack)), "{expected:?} of {found:?}");
}

#[tokio::test]
async fn the_suite_finds_a_table_without_row_security() {
    let found = breaches("alter table data.note disable row level security").await;
    contains(&found, &["T05-T07", "T21", "T22", "T23", "T37", "T40", "T41", "T42", "T43", "T44", "T45", "T46", "T47", "T49", "T50", "T51"]);
}

#[tokio::test]
async fn the_suite_finds_a_policy_that_lets_rows_be_written_for_others() {
    let own = "tenant_id = (select core.own_tenant())";
    let mistake = format!(
        "drop policy tenant on data.note;
         create policy tenant on data.note as restrictive to saas_app using ({own}) with check (true)"
    );
    let found = breaches(&mistake).await;
    contains(&found, &["T08-T09", "T21", "T43", "T45", "T46"]);
    assert!(!found.contains("T40"), "{found:?}");
}

#[tokio::test]
async fn the_suite_finds_a_policy_that_opens_up_when_no_tenant_is_set() {
    // As it is often written: no setting, no filter.
    let setting = "nullif(current_setting('saas.tenant_id', true), '')";
    let mistake = format!(
        "drop policy tenant on data.note;
         create policy tenant on data.note as restrictive to saas_app
             using ({setting} is null or tenant_id = {setting}::uuid) with check (tenant_id = {setting}::uuid)"
    );
    contains(&breaches(&mistake).await, &["T08-T09", "T21", "T22", "T40"]);
}

#[tokio::test]
async fn the_suite_finds_a_policy_that_compares_without_the_null_of_an_empty_setting() {
    let mistake = "drop policy tenant on data.note;
         create policy tenant on data.note as restrictive to saas_app
             using (tenant_id = current_setting('saas.tenant_id', true)::uuid)
             with check (tenant_id = current_setting('saas.tenant_id', true)::uuid)";
    contains(&breaches(mistake).await, &["T08-T09", "T22"]);
}

#[tokio::test]
async fn the_suite_finds_keys_and_references_that_tell_of_other_tenants() {
    let mistake = r"
        create unique index note_id on data.note (id);
        create table data.remark (
            tenant_id uuid not null,
            id uuid not null,
            note_id uuid not null,
            constraint remark_pkey primary key (tenant_id, id),
            constraint remark_note_fkey foreign key (note_id) references data.note (id)
        );
        select core.isolate('data.remark');
    ";
    contains(&breaches(mistake).await, &["T45", "T52", "T54"]);
}

#[tokio::test]
async fn the_suite_finds_views_and_parts_that_go_round_the_policies() {
    let view = "create view data.notes as select * from data.note; grant select on data.notes to saas_app";
    contains(&breaches(view).await, &["T12-T14", "T12"]);
    let part = r"
        create table data.sample (tenant_id uuid not null, id uuid not null, constraint sample_pkey primary key (tenant_id, id))
            partition by hash (tenant_id);
        create table data.sample_0 partition of data.sample for values with (modulus 1, remainder 0);
        select core.isolate('data.sample');
        grant select on data.sample_0 to saas_app;
    ";
    contains(&breaches(part).await, &["T05-T07", "T16"]);
}

#[tokio::test]
async fn the_suite_finds_rights_that_are_too_many() {
    contains(&breaches("grant truncate on data.note to saas_app").await, &["T17", "T48"]);
    let test = TestDb::new(&[]).await.unwrap();
    as_superuser(&test, "grant temp on database {name} to saas_app; grant execute on function pg_read_file(text) to saas_app").await;
    contains(&attacks(&isolation::attack(&test, &Seed::new()).await.unwrap()), &["T17", "T51"]);
}

#[tokio::test]
async fn the_suite_finds_a_wall_that_hides_a_tenants_own_rows() {
    contains(&breaches("create policy closed on data.note as restrictive to saas_app using (false)").await, &["control"]);
}

#[tokio::test]
async fn the_suite_finds_a_trigger_that_touches_the_rows_of_others() {
    let mistake = r"
        create function data.touch() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
        begin
            update data.note set body = body where tenant_id <> new.tenant_id;
            return null;
        end
        $$;
        revoke all on function data.touch() from public;
        create table data.remark (tenant_id uuid not null, id uuid not null, constraint remark_pkey primary key (tenant_id, id));
        select core.isolate('data.remark');
        create trigger touch after insert on data.remark for each row execute function data.touch();
    ";
    // Nothing that the attacker sees gives it away; the other tenant's rows do.
    contains(&breaches(mistake).await, &["T41-T49"]);
}

/// T31
#[test]
fn source_that_sets_the_tenant_is_found() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("deeper")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("a.sql", "select current_setting('saas.tenant_id');\nset local saas.tenant_id = 'x';\nSET saas.user_id TO 'x';");
    write("b.rs", "/// SQL must not set `saas.tenant_id`.\nquery(\"select set_config(\n\t'saas.tenant_id', $1, true)\")");
    write("c.md", "set saas.tenant_id = 'x'");
    write("deeper/d.rs", "format!(\"select pg_catalog.SET_CONFIG (''saas.user_id'', true)\")");
    let found = isolation::setters(folder.path()).unwrap();
    let found: Vec<_> = found.iter().map(|setter| setter.to_string().split_off(folder.path().display().to_string().len() + 1)).collect();
    assert_eq!(found, ["a.sql:2", "a.sql:3", "b.rs:3", "deeper/d.rs:1"]);
    assert!(isolation::setters(&folder.path().join("nowhere")).is_err());
}
