//! What is stored decides at once, on every node, and one layer keeps out whoever may not.

use std::sync::Arc;

use axum::Extension;
use chrono::TimeDelta;
use http::{Method, StatusCode};
use saas_billing::{
    Access, Allowed, Billing, GrantError, Limit, LimitError, MIGRATIONS, PAGES, Subscription, SubscriptionState, Terms, subscription_put_in,
};
use saas_core::{
    Actor, AgentId, Clock, DatabaseConfig, Db, DbError, Principal, Problem, Routes, Standing, TenantDb, TenantId, UserId, finish,
    pages::Pages,
    testing::{TestApp, TestClient, TestDb},
};
use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::given::{DEVICES, SSO, billing, by_us, database, month, read};

/// The same database, as another node has it.
async fn another_node(test: &TestDb) -> Db {
    let config = DatabaseConfig {
        app: test.database.logins().app.clone(),
        system: test.database.logins().system.clone(),
        max_connections: 5,
        allow_old_server: true,
        ..DatabaseConfig::default()
    };
    Db::connect(&config, &[MIGRATIONS], test.db.clock().clone()).await.unwrap()
}

/// What a test may take, and what the soak takes.
fn rounds() -> u32 {
    if std::env::var_os("SAAS_FULL").is_some_and(|value| value == "1") { 10_000 } else { 400 }
}

/// A request as the layer that finds tenants sees it: with the revision that its tenant has then.
async fn request(db: &Db, tenant: TenantId) -> Standing {
    let mut tx = db.tenant(tenant).begin().await.unwrap();
    let revision = sqlx::query_scalar("select revision from core.tenant").fetch_one(&mut *tx).await.unwrap();
    Standing { revision: Some(revision), ..standing(tenant, Actor::User(UserId::new())) }
}

fn standing(tenant: TenantId, actor: Actor) -> Standing {
    let [slug, name, role] = ["acme", "Acme", "owner"].map(Arc::from);
    Standing { tenant, slug, name, actor, role, permissions: Arc::default(), revision: None }
}

/// BIL-07: no decision is ever older than the last change, on any node, though each keeps what it has read.
#[tokio::test(flavor = "multi_thread")]
async fn no_decision_is_older_than_the_last_change() {
    let (test, billing) = (database().await, billing());
    let nodes = [(test.db.clone(), crate::given::billing()), (another_node(&test).await, crate::given::billing())];
    let tenant = test.tenant("acme").await;
    let mut held = month(&test, tenant, SubscriptionState::Active);
    for round in 0..rounds() {
        // Each state in turn; of seven, so that nodes and states do not keep step.
        held.state = SubscriptionState::ALL[round as usize % 7];
        read(&test, tenant, &held).await;
        let expected = billing.plans().access_by(&held, test.db.clock().now()).unwrap_or(Access::Active);
        for (db, billing) in &nodes {
            let request = request(db, tenant).await;
            for decided in
                [billing.entitlement(db, tenant).await.unwrap().access(), billing.entitlement_of(db, &request).await.unwrap().access()]
            {
                let same = matches!((decided, expected), (Access::Grace { .. }, Access::Grace { .. })) || decided == expected;
                assert!(same, "round {round}, {:?}: {decided:?} instead of {expected:?}", held.state);
            }
            let mut tx = db.tenant(tenant).begin().await.unwrap();
            assert_eq!(billing.entitlement_in(&mut tx).await.unwrap().access().may_write(), expected.may_write());
        }
    }
}

/// BIL-07: whatever changes what a tenant holds is a new revision of that tenant and of no other, as soon as it is committed and not before.
#[tokio::test]
async fn each_change_of_what_is_held_is_a_new_revision() {
    let (test, billing) = (database().await, billing());
    let (tenant, other) = (test.tenant("acme").await, test.tenant("other").await);
    let held = month(&test, tenant, SubscriptionState::Active);
    let mut last = request(&test.db, tenant).await.revision;
    for change in ["a subscription", "a grant", "no grant", "a limit", "a feature", "neither"] {
        let mut tx = test.db.system("a test changes what is held").begin().await.unwrap();
        match change {
            "a subscription" => subscription_put_in(&mut tx, tenant, &held).await.unwrap(),
            "a grant" => billing.plan_grant_in(&mut tx, tenant, "team", &by_us()).await.unwrap(),
            "no grant" => billing.plan_grant_end_in(&mut tx, tenant, Actor::System).await.unwrap(),
            "a limit" => billing.limit_override_in(&mut tx, tenant, DEVICES, Limit::AtMost(7), &by_us()).await.unwrap(),
            "a feature" => billing.feature_override_in(&mut tx, tenant, SSO, Allowed::Yes, &by_us()).await.unwrap(),
            _ => billing.override_end_in(&mut tx, tenant, SSO.name(), Actor::System).await.unwrap(),
        }
        assert_eq!(request(&test.db, tenant).await.revision, last, "{change}, before it is committed");
        tx.commit().await.unwrap();
        let now = request(&test.db, tenant).await.revision;
        assert!(now > last, "{change}");
        last = now;
    }
    assert_eq!(request(&test.db, other).await.revision, Some(0));
}

/// Whoever changes what a tenant holds waits at the end alone for whoever holds the tenant's row, and so never while that one waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_what_is_held_waits_for_the_tenants_row_at_its_end_alone() {
    let test = database().await;
    let tenant = test.tenant("acme").await;
    let held = month(&test, tenant, SubscriptionState::Active);
    let mut other = test.db.system("a test locks the tenant").begin().await.unwrap();
    sqlx::query("select 1 from core.tenant where id = $1 for no key update").bind(tenant).execute(&mut *other).await.unwrap();
    let mut change = test.db.system("a test reads a subscription").begin().await.unwrap();
    sqlx::query("set local lock_timeout = '10s'").execute(&mut *change).await.unwrap();
    subscription_put_in(&mut change, tenant, &held).await.unwrap();
    let committed = tokio::spawn(change.commit());
    other.commit().await.unwrap();
    committed.await.unwrap().unwrap();
    assert_eq!(request(&test.db, tenant).await.revision, Some(1));
}

/// S53, S59: what is over or never came to be gives nothing, and the plan of before is the default one.
#[tokio::test]
async fn a_subscription_that_is_over_gives_nothing_on_the_next_request() {
    let (test, billing) = (database().await, billing());
    let tenant = test.tenant("acme").await;
    let mut held = month(&test, tenant, SubscriptionState::Active);
    read(&test, tenant, &held).await;
    assert_eq!(billing.entitlement(&test.db, tenant).await.unwrap().plan().name(), "team");
    for state in [SubscriptionState::Canceled, SubscriptionState::IncompleteExpired, SubscriptionState::Incomplete] {
        held.state = state;
        read(&test, tenant, &held).await;
        let entitlement = billing.entitlement(&test.db, tenant).await.unwrap();
        assert_eq!((entitlement.plan().name(), entitlement.access()), ("free", Access::Active), "{state:?}");
    }
}

/// T43: nothing of it is a tenant's to write, and another's cannot be read from inside a transaction.
#[tokio::test]
async fn a_tenant_neither_writes_what_it_holds_nor_reads_what_another_holds() {
    let (test, billing) = (database().await, billing());
    let (acme, other) = (test.tenant("acme").await, test.tenant("other").await);
    read(&test, acme, &month(&test, acme, SubscriptionState::Active)).await;
    let mut tx = test.db.system("a test gives something").begin().await.unwrap();
    billing.feature_override_in(&mut tx, acme, SSO, Allowed::Yes, &by_us()).await.unwrap();
    tx.commit().await.unwrap();
    for statement in [
        "update billing.subscription set state = 'active'",
        "delete from billing.override",
        "insert into billing.customer (tenant_id, id, created_at) values ($1, 'cus_1', now())",
        "update billing.invoice set state = 'paid'",
        "update billing.tenant_plan set plan = 'team'",
    ] {
        let mut tx = test.db.tenant(acme).begin().await.unwrap();
        let refused = sqlx::query(statement);
        let refused = if statement.contains("$1") { refused.bind(acme) } else { refused };
        let error: DbError = refused.execute(&mut *tx).await.unwrap_err().into();
        assert_eq!(error.code().as_deref(), Some("42501"), "{statement}");
    }
    let seen = async |by: TenantId, of: TenantId| {
        let mut tx = test.db.tenant(by).begin().await.unwrap();
        sqlx::query_scalar::<_, String>("select billing.holding($1)::text").bind(of).fetch_one(&mut *tx).await.unwrap()
    };
    assert!(seen(acme, acme).await.contains("team"));
    assert_eq!(seen(other, acme).await, "{}");
    for (of, rows) in [(other, 1), (acme, 0)] {
        let mut tx = test.db.tenant(other).begin().await.unwrap();
        let revised = sqlx::query_scalar::<_, i64>("select count(*) from billing.holding_revised($1)");
        assert_eq!(revised.bind(of).fetch_one(&mut *tx).await.unwrap(), rows);
    }
}

/// BIL-07: what we give a tenant holds at once, says why, ends by itself and can be taken back.
#[tokio::test]
async fn what_a_tenant_is_given_has_a_reason_and_an_end() {
    let clock = Clock::fixed("2026-03-01T00:00:00Z".parse().unwrap());
    let (test, billing) = (TestDb::at(&[MIGRATIONS], clock.clone(), 5).await.unwrap(), billing());
    let tenant = test.tenant("acme").await;
    let for_a_day = Terms { until: Some(clock.now() + TimeDelta::days(1)), ..by_us() };
    let mut tx = test.db.system("a test gives something").begin().await.unwrap();
    billing.limit_override_in(&mut tx, tenant, DEVICES, Limit::AtMost(70), &for_a_day).await.unwrap();
    billing.feature_override_in(&mut tx, tenant, SSO, Allowed::Yes, &by_us()).await.unwrap();
    let silent = Terms { reason: String::new(), ..by_us() };
    let refused = billing.limit_override_in(&mut tx, tenant, DEVICES, Limit::Unlimited, &silent).await.unwrap_err();
    assert!(matches!(refused, GrantError::Reason));
    let unknown = saas_billing::Meter::new("elephants");
    let refused = billing.limit_override_in(&mut tx, tenant, unknown, Limit::Unlimited, &by_us()).await.unwrap_err();
    assert!(matches!(refused, GrantError::Name("elephants")));
    tx.commit().await.unwrap();
    let given = async || {
        let entitlement = billing.entitlement(&test.db, tenant).await.unwrap();
        (entitlement.limit(DEVICES), entitlement.allowed(SSO))
    };
    assert_eq!(given().await, (Limit::AtMost(70), true));
    clock.advance(TimeDelta::days(1));
    assert_eq!(given().await, (Limit::AtMost(50), true));
    let mut tx = test.db.system("a test takes it back").begin().await.unwrap();
    billing.override_end_in(&mut tx, tenant, SSO.name(), Actor::System).await.unwrap();
    billing.override_end_in(&mut tx, tenant, SSO.name(), Actor::System).await.unwrap();
    billing.plan_grant_in(&mut tx, tenant, "team", &by_us()).await.unwrap();
    billing.plan_grant_end_in(&mut tx, tenant, Actor::System).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(given().await, (Limit::AtMost(50), false));
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    let told: Vec<String> = sqlx::query_scalar("select name from outbox order by at, id").fetch_all(&mut *tx).await.unwrap();
    let expected = ["override.set", "override.set", "override.ended", "plan.granted", "plan.grant_ended"];
    assert_eq!(told, expected.map(|name| format!("billing.{name}")));
}

/// AUD-01: what a tenant was given says what it had before, however it came to that.
#[tokio::test]
async fn what_a_tenant_is_given_is_in_the_log_with_what_it_had_before() {
    let clock = Clock::fixed("2026-03-01T00:00:00Z".parse().unwrap());
    let (test, billing) = (TestDb::at(&[MIGRATIONS], clock.clone(), 5).await.unwrap(), billing());
    let tenant = test.tenant("acme").await;
    let until = clock.now() + TimeDelta::days(1);
    let for_a_day = Terms { until: Some(until), ..by_us() };
    let mut tx = test.db.system("a test gives something").begin().await.unwrap();
    billing.limit_override_in(&mut tx, tenant, DEVICES, Limit::AtMost(70), &for_a_day).await.unwrap();
    billing.limit_override_in(&mut tx, tenant, DEVICES, Limit::Unlimited, &by_us()).await.unwrap();
    billing.override_end_in(&mut tx, tenant, DEVICES.name(), Actor::System).await.unwrap();
    billing.plan_grant_in(&mut tx, tenant, "team", &for_a_day).await.unwrap();
    billing.plan_grant_in(&mut tx, tenant, "free", &by_us()).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    let kept =
        "select jsonb_build_array(data::jsonb -> 'value', data::jsonb -> 'plan', data::jsonb -> 'until') from audit_entry order by id";
    let kept: Vec<Value> = sqlx::query_scalar(kept).fetch_all(&mut *tx).await.unwrap();
    let change = |old: Value, new: Value| json!({ "old": old, "new": new });
    let (day, none) = (json!(until), Value::Null);
    let expected = [
        json!([change(json!("plan"), json!({ "at_most": 70 })), none, change(none.clone(), day.clone())]),
        json!([change(json!({ "at_most": 70 }), json!("unlimited")), none, change(day.clone(), none.clone())]),
        json!([change(json!("unlimited"), json!("plan")), none, none]),
        json!([none, change(none.clone(), json!("team")), change(none.clone(), day.clone())]),
        json!([none, change(json!("team"), json!("free")), change(day.clone(), none.clone())]),
    ];
    assert_eq!(kept, expected);
}

/// AUD-01: of two that are given at once, the second says what the first was.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_overrides_at_once_the_second_says_what_the_first_was() {
    let (test, billing) = (database().await, billing());
    let tenant = test.tenant("acme").await;
    let give = async |most: u32| {
        let mut tx = test.db.system("a test gives something").begin().await.unwrap();
        billing.limit_override_in(&mut tx, tenant, DEVICES, Limit::AtMost(most), &by_us()).await.unwrap();
        tx
    };
    let first = give(1).await;
    let meanwhile = async {
        let waiting = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
        let mut owner = sqlx::PgConnection::connect(test.database.superuser_url().expose()).await.unwrap();
        while !sqlx::query_scalar::<_, bool>(waiting).fetch_one(&mut owner).await.unwrap() {
            tokio::task::yield_now().await;
        }
        first.commit().await.unwrap();
    };
    let (second, ()) = tokio::join!(give(2), meanwhile);
    second.commit().await.unwrap();
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    let kept = "select data::jsonb -> 'value' from audit_entry order by id";
    let kept: Vec<Value> = sqlx::query_scalar(kept).fetch_all(&mut *tx).await.unwrap();
    let (one, two) = (json!({ "at_most": 1 }), json!({ "at_most": 2 }));
    assert_eq!(kept, [json!({ "old": "plan", "new": one }), json!({ "old": one, "new": two })]);
}

/// A subscription belongs to one tenant, whatever is said of it later (S43).
#[tokio::test]
async fn a_subscription_never_becomes_another_tenants() {
    let test = database().await;
    let (acme, other) = (test.tenant("acme").await, test.tenant("other").await);
    let held = month(&test, acme, SubscriptionState::Active);
    read(&test, acme, &held).await;
    let mut tx = test.db.system("a test reads a subscription").begin().await.unwrap();
    let error = subscription_put_in(&mut tx, other, &held).await.unwrap_err();
    assert_eq!(error.constraint(), Some("subscription_id_idx"));
}

async fn see() -> &'static str {
    "seen"
}

/// Notes of a product behind the layer, and the page where one pays outside of it.
struct App {
    test: TestDb,
    billing: Billing,
    tenant: TenantId,
    app: TestApp,
    machine: TestApp,
}

impl App {
    async fn new() -> Self {
        let (test, billing) = (database().await, billing());
        let tenant = test.tenant("acme").await;
        let app = Self::served(&test, &billing, tenant, Actor::User(UserId::new()));
        let machine = Self::served(&test, &billing, tenant, Actor::Agent(AgentId::new()));
        Self { test, billing, tenant, app, machine }
    }

    fn served(test: &TestDb, billing: &Billing, tenant: TenantId, actor: Actor) -> TestApp {
        let pages = Pages::builder().add(PAGES).build().unwrap();
        let locked = Routes::new().get("/notes", see).post("/notes", see).delete("/notes", see).put("/notes", see).patch("/notes", see);
        let routes = locked.layer(billing.layer(&test.db)).post("/pay", see).layer(Extension(standing(tenant, actor)));
        TestApp::new(finish(routes, TestApp::web(test, &pages)))
    }

    fn client(&self) -> TestClient {
        self.app.acting(Principal::Anonymous)
    }

    async fn becomes(&self, change: impl FnOnce(&mut Subscription)) {
        let mut held = month(&self.test, self.tenant, SubscriptionState::Active);
        change(&mut held);
        read(&self.test, self.tenant, &held).await;
    }
}

/// What reading, changing and paying are answered with.
async fn answers(client: &TestClient) -> [u16; 3] {
    let mut statuses = [0; 3];
    for (status, (method, path)) in statuses.iter_mut().zip([(Method::GET, "/notes"), (Method::POST, "/notes"), (Method::POST, "/pay")]) {
        *status = client.call(method, path, "application/json", None, bytes::Bytes::new()).await.status.as_u16();
    }
    statuses
}

/// BIL-06: in a soft lock all can be read and nothing changed; paying stays possible, and lifts it at once.
#[tokio::test]
async fn a_soft_lock_lets_read_and_pay_and_paying_lifts_it_at_once() {
    let app = App::new().await;
    let client = app.client();
    let past_due = |attempts: u32| {
        move |held: &mut Subscription| {
            held.state = SubscriptionState::PastDue;
            held.past_due_since = Some(held.created_at);
            held.failed_attempts = attempts;
        }
    };
    assert_eq!(answers(&client).await, [200, 200, 200]);
    for attempts in [1, 2] {
        app.becomes(past_due(attempts)).await;
        assert_eq!(answers(&client).await, [200, 200, 200], "{attempts}");
    }
    app.becomes(past_due(3)).await;
    assert_eq!(answers(&client).await, [200, 402, 200]);
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        let answer = client.call(method, "/notes", "application/json", None, bytes::Bytes::new()).await;
        assert_eq!(answer.status, StatusCode::PAYMENT_REQUIRED);
        let problem = answer.json();
        assert_eq!((&problem["type"], &problem["access"]), (&"/problems/payment-overdue".into(), &"soft_locked".into()), "{problem}");
    }
    app.becomes(|_| {}).await;
    assert_eq!(answers(&client).await, [200, 200, 200]);
}

/// S57: what nobody pays for is used by nobody, and still can be paid.
#[tokio::test]
async fn a_suspended_tenant_can_pay_and_nothing_else() {
    let app = App::new().await;
    app.becomes(|held| held.state = SubscriptionState::Unpaid).await;
    assert_eq!(answers(&app.client()).await, [402, 402, 200]);
    let page = app.client().page("/notes").await;
    assert_eq!(page.status, StatusCode::PAYMENT_REQUIRED);
    assert!(page.text().contains("Your subscription is not paid"), "{}", page.text());
}

/// What machines watch is not lost, and no more is added.
#[tokio::test]
async fn machines_go_on_and_get_no_more() {
    let app = App::new().await;
    let machine = app.machine.acting(Principal::Anonymous);
    app.becomes(|held| held.state = SubscriptionState::Unpaid).await;
    assert_eq!(answers(&machine).await, [200, 200, 200]);
    let db: TenantDb = app.test.db.tenant(app.tenant);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(app.billing.reserve_up_to_in(&mut tx, DEVICES, 5).await.unwrap(), 0);
    let refused = app.billing.reserve_in(&mut tx, DEVICES, 1).await.unwrap_err();
    assert!(matches!(refused, LimitError::Locked(Access::Suspended)));
    assert_eq!(Problem::from(refused).document()["access"], "suspended");
}

/// A route that is behind no layer which finds the tenant is a mistake, and open to nobody.
#[tokio::test]
async fn without_a_tenant_nothing_is_let_through() {
    let (test, billing) = (database().await, billing());
    let pages = Pages::builder().add(PAGES).build().unwrap();
    let routes = Routes::new().get("/notes", see).layer(billing.layer(&test.db));
    let app = TestApp::new(finish(routes, TestApp::web(&test, &pages)));
    assert_eq!(app.browser().get("/notes").await.status, StatusCode::INTERNAL_SERVER_ERROR);
}
