//! A sealed database: the tenant of a transaction is whose the program said, whatever a statement makes of the settings (TEN-16).

use saas_core::{
    Clock, DatabaseConfig, Db, JobOptions, Jobs, MasterKey, Purpose, TenantId, TenantTx, UserId, job_in,
    testing::{
        Pooler, TestDb,
        isolation::{self, Seed},
    },
};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use crate::{
    borrower::{bodies, note, written},
    jobs::{Heard, nothing_left, quick, say, start},
    planted::{NOTE, as_owner, config, connect, refusal, run, truth},
};

const SEAL: Purpose = Purpose::new("tenant seal");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the program proves with, written down anew: its key's name, a time in microseconds and an HMAC.
fn proof(key: &MasterKey, at: i64, tenant: &str, user: &str) -> String {
    let name = hex(&key.sign(SEAL, b"name")[..8]);
    format!("{name}.{at}.{}", hex(&key.sign(SEAL, format!("enter/{at}/{tenant}/{user}").as_bytes())))
}

fn now() -> i64 {
    Clock::system().now().timestamp_micros()
}

/// A sealed database with a table of notes, and two tenants that have one each.
struct Sealed {
    test: TestDb,
    key: MasterKey,
    own: TenantId,
    other: TenantId,
}

impl Sealed {
    async fn new() -> Self {
        let key = MasterKey::generate();
        let test = TestDb::sealed(&[], &key).await.unwrap();
        as_owner(&test, NOTE).await;
        let sealed = Self { own: test.tenant("own").await, other: test.tenant("other").await, test, key };
        for tenant in [sealed.own, sealed.other] {
            let mut tx = sealed.test.db.tenant(tenant).begin().await.unwrap();
            note(&mut tx, &tenant.to_string()).await.unwrap();
            tx.commit().await.unwrap();
        }
        sealed
    }

    fn config(&self) -> DatabaseConfig {
        DatabaseConfig { seal: Some(self.key.clone()), ..config(&self.test) }
    }

    async fn begin(&self, tenant: TenantId) -> TenantTx {
        self.test.db.tenant(tenant).begin().await.unwrap()
    }

    /// The seal of a transaction, as a statement in it can see it.
    async fn seal_of(&self, tenant: TenantId) -> String {
        seal(&mut *self.begin(tenant).await).await
    }

    /// In a transaction of its own tenant, somebody runs this and then reads, changes, deletes and writes.
    async fn is_stopped(&self, injected: &str) {
        for then in [
            "select id::text from data.note".to_owned(),
            "update data.note set body = 'stolen' returning id::text".to_owned(),
            "delete from data.note returning id::text".to_owned(),
            format!("insert into data.note values ('{}', gen_random_uuid(), 'stolen') returning id::text", self.other),
        ] {
            let mut tx = self.begin(self.own).await;
            if sql(&mut tx, injected).await.is_err() {
                continue;
            }
            match sql(&mut tx, &then).await {
                Ok(rows) => assert_eq!(rows, Vec::<String>::new(), "{injected}; {then}"),
                Err(code) => assert!(code == "42501" && then.starts_with("insert"), "{injected}; {then}: {code}"),
            }
        }
    }
}

/// Runs statements; the first column of all their rows, or the code of the refusal.
async fn sql(connection: &mut PgConnection, statements: &str) -> Result<Vec<String>, String> {
    let rows = sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).fetch_all(connection).await;
    let rows = rows.map_err(|error| error.as_database_error().and_then(|it| it.code()).unwrap_or_default().into_owned())?;
    Ok(rows.iter().map(|row| row.try_get::<Option<String>, _>(0).unwrap_or_default().unwrap_or_default()).collect())
}

async fn seal(connection: &mut PgConnection) -> String {
    sql(connection, "select current_setting('saas.seal')").await.unwrap().remove(0)
}

/// T31, TEN-16
#[tokio::test]
async fn no_statement_moves_a_sealed_transaction_to_another_tenant() {
    let sealed = Sealed::new().await;
    let other = sealed.other;
    let seen = sealed.seal_of(other).await;
    let (name, mac) = seen.split_once('.').unwrap();
    let set = format!("set local saas.tenant_id = '{other}'");
    let proven = proof(&sealed.key, now(), &other.to_string(), "");
    for injected in [
        set.clone(),
        format!("select set_config('saas.tenant_id', '{other}', true)"),
        format!("select set_config('saas.tenant_id', '{other}', false)"),
        format!("{set}; set local saas.seal = ''"),
        format!("{set}; set local saas.seal = '{seen}'"),
        format!("{set}; set local saas.seal = '.{mac}'"),
        format!("{set}; set local saas.seal = '{name}.'"),
        format!("{set}; set local saas.seal = '{name}.{}'", "0".repeat(64)),
        format!("{set}; set local saas.seal = 'nobody.{mac}'"),
        "set local saas.tenant_id = ''; set local saas.seal = ''".to_owned(),
        format!("savepoint inner; {set}"),
        format!("select core.enter('{other}', '')"),
        format!("select core.enter('{other}', '', '{proven}')"),
        format!("set local saas.tenant_id = ''; set local saas.seal = ''; select core.enter('{other}', '')"),
        format!("set local saas.tenant_id = ''; set local saas.seal = ''; select core.enter('{other}', '', '{proven}')"),
        format!("{set}; select set_config('saas.seal', core.seal_of('{other}', '', '{proven}'), true)"),
        format!("rollback; begin; {set}; set local saas.seal = '{seen}'"),
        format!("rollback; begin; select core.enter('{other}', '')"),
    ] {
        sealed.is_stopped(&injected).await;
        assert_eq!(bodies(&mut sealed.begin(TenantId::new()).await).await, [] as [String; 0], "{injected}");
    }
    let mut expected = vec![sealed.own.to_string(), other.to_string()];
    expected.sort();
    assert_eq!(written(&sealed.test).await, expected);
    for tenant in [sealed.own, other] {
        assert_eq!(bodies(&mut sealed.begin(tenant).await).await, [tenant.to_string()]);
    }
}

/// T31: without the seal it does, which is why there is a lint; and so the attack is one.
#[tokio::test]
async fn a_statement_moves_an_open_transaction_to_another_tenant() {
    let sealed = Sealed::new().await;
    Db::unseal(sealed.test.database.owner_url()).await.unwrap();
    let db = Db::connect(&config(&sealed.test), &[], Clock::system()).await.unwrap();
    let mut tx = db.tenant(sealed.own).begin().await.unwrap();
    sql(&mut tx, &format!("set local saas.tenant_id = '{}'", sealed.other)).await.unwrap();
    assert_eq!(bodies(&mut tx).await, [sealed.other.to_string()]);
}

/// The seal of one's own transaction is no key to the next, in the same session or in another at the same time.
/// A session is the next tenant's too: what somebody prepares there under the names of our statements is gone before.
#[tokio::test]
async fn nothing_that_was_prepared_waits_for_the_next_tenant() {
    let sealed = Sealed::new().await;
    let one = DatabaseConfig { max_connections: 1, ..sealed.config() };
    let db = Db::connect(&one, &[], Clock::system()).await.unwrap();
    let read = async |tenant: TenantId| -> Vec<String> {
        let mut tx = db.tenant(tenant).begin().await.unwrap();
        sqlx::query_scalar("select body from data.note where tenant_id = $1").bind(tenant).fetch_all(&mut *tx).await.unwrap()
    };
    assert_eq!(read(sealed.own).await, [sealed.own.to_string()]);
    let mut tx = db.tenant(sealed.own).begin().await.unwrap();
    let theft = "select set_config('x.loot', string_agg(body, ' '), false) from data.note where tenant_id = $1";
    let planted: String = (1..20).map(|number| format!("prepare sqlx_s_{number}(uuid) as {theft}; ")).collect();
    sqlx::raw_sql(AssertSqlSafe(format!("deallocate all; {planted}"))).execute(&mut *tx).await.unwrap();
    drop(tx);
    assert_eq!(read(sealed.other).await, [sealed.other.to_string()]);
    let mut tx = db.tenant(sealed.own).begin().await.unwrap();
    let loot = sql(&mut tx, "select coalesce(current_setting('x.loot', true), '')").await.unwrap();
    assert_eq!(loot, [""]);
}

#[tokio::test]
async fn a_seal_is_worth_nothing_in_another_transaction() {
    let sealed = Sealed::new().await;
    let (mut one, mut two) = (sealed.begin(sealed.other).await, sealed.begin(sealed.own).await);
    let seen = seal(&mut one).await;
    let steal = format!("set local saas.tenant_id = '{}'; set local saas.seal = '{seen}'; select body from note", sealed.other);
    assert_eq!(sql(&mut two, &steal).await, Ok(Vec::new()));
    assert_eq!(sql(&mut one, &steal).await, Ok(vec![sealed.other.to_string()]), "it is the seal of this one");
    // The same session, and its next transaction.
    one.commit().await.unwrap();
    drop(two);
    let mut session = connect(&sealed.test.database.logins().app).await;
    let enter =
        |tenant: TenantId| format!("begin; select core.enter('{tenant}', '', '{}')", proof(&sealed.key, now(), &tenant.to_string(), ""));
    sql(&mut session, &enter(sealed.other)).await.unwrap();
    let seen = seal(&mut session).await;
    sql(&mut session, &format!("commit; {}", enter(sealed.own))).await.unwrap();
    let steal = format!("set local saas.tenant_id = '{}'; set local saas.seal = '{seen}'; select body from note", sealed.other);
    assert_eq!(sql(&mut session, &steal).await, Ok(Vec::new()));
}

/// A person before a tenant is known finds their own memberships, whoever they say they are later.
#[tokio::test]
async fn nobody_becomes_another_person() {
    let sealed = Sealed::new().await;
    let (ada, bob) = (sealed.test.user().await, sealed.test.user().await);
    sealed.test.member(sealed.own, ada, "owner").await;
    sealed.test.member(sealed.other, bob, "owner").await;
    let memberships = "select user_id::text from core.member";
    let of = async |injected: String| {
        let mut tx = sealed.test.db.person(ada).begin().await.unwrap();
        sql(&mut tx, &format!("{injected}; {memberships}")).await
    };
    assert_eq!(of("select 1 where false".to_owned()).await, Ok(vec![ada.to_string()]));
    assert_eq!(of(format!("set local saas.user_id = '{bob}'")).await, Ok(Vec::new()));
    assert_eq!(of(format!("set local saas.tenant_id = '{}'", sealed.other)).await, Ok(Vec::new()));
    // Nor does whoever acts in a tenant, there or outside of it.
    let mut tx = sealed.test.db.tenant(sealed.own).acting(ada).begin().await.unwrap();
    assert_eq!(sql(&mut tx, memberships).await, Ok(vec![ada.to_string()]));
    assert_eq!(sql(&mut tx, &format!("set local saas.user_id = '{bob}'; {memberships}")).await, Ok(Vec::new()));
    assert_eq!(sql(&mut tx, &format!("set local saas.tenant_id = ''; {memberships}")).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_proof_is_the_programs_for_this_tenant_and_person_and_minute() {
    const MINUTE: i64 = 60_000_000;
    let sealed = Sealed::new().await;
    let (own, other, user) = (sealed.own.to_string(), sealed.other.to_string(), UserId::new().to_string());
    let mut session = connect(&sealed.test.database.logins().app).await;
    let mut entered = async |tenant: &str, user: &str, proof: String| {
        let entered = sql(&mut session, &format!("begin; select core.enter('{tenant}', '{user}', '{proof}')")).await;
        let rows = match entered {
            Ok(_) => sql(&mut session, "select body from note").await,
            Err(code) => Err(code),
        };
        sql(&mut session, "rollback").await.unwrap();
        rows
    };
    let key = &sealed.key;
    assert_eq!(entered(&own, "", proof(key, now(), &own, "")).await, Ok(vec![own.clone()]));
    assert_eq!(entered(&own, &user, proof(key, now(), &own, &user)).await, Ok(vec![own.clone()]));
    let refused = Err("SA002".to_owned());
    assert_eq!(entered(&other, "", proof(key, now(), &own, "")).await, refused);
    assert_eq!(entered(&own, &user, proof(key, now(), &own, "")).await, refused);
    assert_eq!(entered(&own, "", proof(key, now(), &own, &user)).await, refused);
    assert_eq!(entered(&own, "", proof(&MasterKey::generate(), now(), &own, "")).await, refused);
    assert_eq!(entered(&own, "", String::new()).await, refused);
    assert_eq!(entered(&own, "", proof(key, now(), &own, "").replace('.', "")).await, refused);
    for away in [-2 * MINUTE, 2 * MINUTE] {
        assert_eq!(entered(&own, "", proof(key, now() + away, &own, "")).await, refused);
    }
    let at = now();
    let later = proof(key, at, &own, "").replace(&at.to_string(), &(at + 1).to_string());
    assert_eq!(entered(&own, "", later).await, refused, "the time is part of what is proved");
}

/// Sessions of one login see each other's statements.
#[tokio::test]
async fn no_other_session_is_shown_a_proof() {
    let sealed = Sealed::new().await;
    let _open = sealed.begin(sealed.other).await;
    let mut tx = sealed.begin(sealed.own).await;
    let shown = sql(&mut tx, "select query from pg_stat_activity where pid <> pg_backend_pid() and query ~ 'core.enter'").await.unwrap();
    assert!(shown.iter().any(|query| query.contains(&sealed.other.to_string())), "{shown:?}");
    let name = hex(&sealed.key.sign(SEAL, b"name")[..8]);
    assert!(shown.iter().all(|query| !query.contains(&name)), "{shown:?}");
}

/// In a million rows as in one: the seal is looked at once a statement, and the index finds the rows.
#[tokio::test]
async fn the_seal_is_looked_at_once_a_statement() {
    let sealed = Sealed::new().await;
    as_owner(
        &sealed.test,
        format!(
            "insert into data.note select '{}', gen_random_uuid(), 'many' from generate_series(1, 2000);
             insert into data.note select '{}', gen_random_uuid(), 'many' from generate_series(1, 2000); analyze data.note",
            sealed.own, sealed.other
        ),
    )
    .await;
    run(sealed.test.database.superuser_url(), format!("alter database {} set track_functions = 'all'", sealed.test.database.name())).await;
    let db = Db::connect(&sealed.config(), &[], Clock::system()).await.unwrap();
    let mut tx = db.tenant(sealed.own).begin().await.unwrap();
    let calls = "select coalesce(max(calls), 0)::text from pg_stat_xact_user_functions where funcname = 'seal_holds'";
    let before: i64 = sql(&mut tx, calls).await.unwrap()[0].parse().unwrap();
    assert_eq!(sql(&mut tx, "select count(*)::text from data.note").await, Ok(vec!["2001".to_owned()]));
    assert_eq!(
        sql(&mut tx, "with c as (update data.note set body = 'x' returning 1) select count(*)::text from c").await.unwrap(),
        ["2001"]
    );
    let after: i64 = sql(&mut tx, calls).await.unwrap()[0].parse().unwrap();
    // For each of a statement's policies at most once.
    assert!((2..10).contains(&(after - before)), "{before} {after}");
    let plan = sql(&mut tx, "explain (costs off) select * from data.note where id = '00000000-0000-7000-8000-000000000000'")
        .await
        .unwrap()
        .join("\n");
    assert!(plan.contains("InitPlan") && !plan.contains("SubPlan"), "{plan}");
    assert!(plan.lines().any(|line| line.contains("Index Cond") && line.contains("tenant_id")), "{plan}");
}

#[tokio::test]
async fn jobs_and_the_system_go_on_in_a_sealed_database() {
    let sealed = Sealed::new().await;
    let jobs = Jobs::new(&sealed.test.db);
    let mut heard = Heard::on(&jobs);
    let _running = start(&jobs, quick(1)).await;
    let mut tx = sealed.begin(sealed.own).await;
    job_in(&mut tx, &say("hello"), JobOptions::new()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(heard.next().await, (sealed.own, "hello".to_owned()));
    nothing_left(&sealed.test).await;
    let mut tx = sealed.test.db.system("a test counts").begin().await.unwrap();
    assert_eq!(sql(&mut tx, "select count(*)::text from data.note").await, Ok(vec!["2".to_owned()]));
    drop(tx);

    // A job for somebody else would be written on the way around the policies.
    let mut tx = sealed.begin(sealed.own).await;
    sql(&mut tx, &format!("set local saas.tenant_id = '{}'", sealed.other)).await.unwrap();
    let stolen = job_in(&mut tx, &say("stolen"), JobOptions::new()).await;
    assert!(stolen.is_err());
    drop(tx);
    assert_eq!(truth(&sealed.test, "select count(*)::text from core.job").await, ["0"]);
}

/// DX-08
#[tokio::test]
async fn a_program_and_a_database_that_disagree_about_the_seal_are_told_so() {
    let sealed = Sealed::new().await;
    let with = |seal: Option<MasterKey>| DatabaseConfig { seal, ..config(&sealed.test) };
    let owner = sealed.test.database.owner_url();
    assert_eq!(refusal(&sealed.config(), &[]).await, Vec::<String>::new());
    assert_eq!(refusal(&with(None), &[]).await, ["sealed: core.own_tenant"]);
    assert_eq!(refusal(&with(Some(MasterKey::generate())), &[]).await, ["seal-key: core.own_tenant"]);
    as_owner(&sealed.test, "delete from core.seal_key").await;
    assert_eq!(refusal(&sealed.config(), &[]).await, ["seal-key: core.own_tenant"]);
    assert!(sealed.test.db.tenant(sealed.own).begin().await.is_err());

    Db::unseal(owner).await.unwrap();
    assert_eq!(refusal(&sealed.config(), &[]).await, ["unsealed: core.own_tenant"]);
    assert_eq!(refusal(&with(None), &[]).await, Vec::<String>::new());
    // What runs, and was started without a seal, is not left to believe that there are no rows.
    let unsealed = Db::connect(&with(None), &[], Clock::system()).await.unwrap();
    assert_eq!(bodies(&mut unsealed.tenant(sealed.own).begin().await.unwrap()).await, [sealed.own.to_string()]);
    Db::seal(owner, &sealed.key).await.unwrap();
    let refused = unsealed.tenant(sealed.own).begin().await.unwrap_err();
    assert_eq!(refused.code().as_deref(), Some("SA002"));
    assert_eq!(bodies(&mut sealed.begin(sealed.own).await).await, [sealed.own.to_string()]);
}

#[tokio::test]
async fn the_key_of_the_seal_is_rotated_while_programs_run() {
    let sealed = Sealed::new().await;
    let owner = sealed.test.database.owner_url();
    let new = MasterKey::generate();
    let both: MasterKey = format!("{},{}", *new.text(), *sealed.key.text()).parse().unwrap();
    let node = async |key: &MasterKey| {
        let config = DatabaseConfig { seal: Some(key.clone()), ..config(&sealed.test) };
        Db::connect(&config, &[], Clock::system()).await.unwrap()
    };
    let sees = async |db: &Db| match db.tenant(sealed.own).begin().await {
        Ok(mut tx) => Some(bodies(&mut tx).await.len()),
        Err(_) => None,
    };
    // A node that knows both before the database does uses the one that the database knows.
    let early = node(&both).await;
    assert_eq!(sees(&early).await, Some(1));
    Db::seal(owner, &both).await.unwrap();
    let late = node(&both).await;
    for db in [&sealed.test.db, &early, &late] {
        assert_eq!(sees(db).await, Some(1));
    }
    Db::seal(owner, &new).await.unwrap();
    assert_eq!(sees(&late).await, Some(1));
    assert_eq!(sees(&node(&new).await).await, Some(1));
    assert_eq!(sees(&sealed.test.db).await, None, "the old key is no key any more");
}

/// Whether it is sealed is no table's matter.
#[tokio::test]
async fn to_seal_a_database_changes_no_table() {
    let sealed = Sealed::new().await;
    let policies = "select concat_ws(' ', polrelid::regclass, polname, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
        from pg_policy order by 1";
    let before = truth(&sealed.test, policies).await;
    Db::unseal(sealed.test.database.owner_url()).await.unwrap();
    assert_eq!(truth(&sealed.test, policies).await, before);
    assert!(before.iter().all(|policy| !policy.contains("current_setting")), "{before:?}");
}

/// T21–T23, T30–T32, T37, T40–T52, T54; TEN-16
#[tokio::test]
async fn the_tables_of_core_withstand_all_attacks_when_they_are_sealed() {
    let test = TestDb::sealed(&[], &MasterKey::generate()).await.unwrap();
    let report = isolation::attack(&test, &Seed::new()).await.unwrap();
    report.assert_safe();
    assert!(report.attacks > 500, "{}", report.attacks);
}

/// T29, T31: sessions change hands, and seals do not.
#[tokio::test]
async fn a_sealed_database_stands_behind_a_pooler() {
    let sealed = Sealed::new().await;
    let pooler = Pooler::start(&sealed.test.database, 1).await;
    let logins = pooler.through(sealed.test.database.logins());
    let direct = Some(sealed.test.database.owner_url().clone());
    let config = DatabaseConfig { app: logins.app, system: logins.system, direct, ..sealed.config() };
    let db = Db::connect(&config, &[], Clock::system()).await.unwrap();
    let mut seen = sealed.seal_of(sealed.other).await;
    for turn in 0..50 {
        let (tenant, other) = if turn % 2 == 0 { (sealed.own, sealed.other) } else { (sealed.other, sealed.own) };
        let mut tx = db.tenant(tenant).begin().await.unwrap();
        assert_eq!(bodies(&mut tx).await, [tenant.to_string()]);
        let own = seal(&mut tx).await;
        let steal = format!("set local saas.tenant_id = '{other}'; set local saas.seal = '{seen}'; select body from note");
        assert_eq!(sql(&mut tx, &steal).await, Ok(Vec::new()));
        seen = own;
    }
}
