//! Who did what, as the people of an organization, its auditors and its operators see it.

use std::{collections::BTreeSet, fs, path::Path};

use chrono::TimeDelta;
use http::StatusCode;
use monitoring::server::{audit_kept, plans};
use saas_billing::Billing;
use saas_core::{
    Clock, Ledger, TenantId,
    audit::{AuditChain, FaultKind},
    testing::TestClient,
};
use saas_tenancy::{ActiveOrganization, Role, Roles, Tenancy};
use serde_json::{Value, json};

use crate::{
    app::{App, PASSWORD, expect},
    process::{Settings, folder},
};

async fn entries(client: &TestClient, query: &str) -> Vec<Value> {
    let answer = client.get(&format!("/api/v1/audit{query}")).await;
    expect(&answer, StatusCode::OK);
    answer.json()["items"].as_array().unwrap().clone()
}

/// AUD-01: a request's entry says who it was, and from where.
#[tokio::test]
async fn a_request_that_changes_something_is_in_the_log_with_its_origin() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    app.plan(tenant, "team").await;
    let owner = app.member(tenant, Role::Owner).await;
    let client = owner.browser.clone().with("user-agent", "Browser/1.0");
    let added = client.post("/api/v1/agents", &json!({ "name": "Office" })).await;
    expect(&added, StatusCode::CREATED);
    let found = entries(&owner.browser, "?action=monitoring.agent.added").await;
    let [entry] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((&entry["actor_kind"], &entry["actor_id"]), (&json!("user"), &json!(owner.id)));
    assert_eq!(entry["resource"], added.json()["id"]);
    assert_eq!(entry["data"]["name"], "Office");
    assert_eq!((&entry["address"], &entry["user_agent"]), (&json!("127.0.0.1"), &json!("Browser/1.0")));
    assert_eq!(entry["request_id"], added.headers["x-request-id"].to_str().unwrap());
    // What a machine does has its own name and origin.
    let agent = app.agent(&owner).await;
    let connected = entries(&owner.browser, &format!("?actor={}", agent.id)).await;
    assert!(
        connected.iter().any(|entry| entry["action"] == "monitoring.agent.connected" && entry["address"] == "127.0.0.1"),
        "{connected:?}"
    );
}

/// T81: owners and admins of the organization, nobody else, and nothing of another one.
#[tokio::test]
async fn the_log_is_for_owners_and_admins_of_the_organization_alone() {
    let app = App::new().await;
    let (acme, beta) = (app.tenant("acme").await, app.tenant("beta").await);
    let (ours, theirs) = (app.member(acme, Role::Owner).await, app.member(beta, Role::Admin).await);
    let (id, _) = app.added(&ours).await;
    for path in
        ["/api/v1/audit", "/api/v1/audit/export?format=csv", "/api/v1/audit/export?format=json", "/audit", "/audit/export?format=csv"]
    {
        for role in [Role::Viewer, Role::Member] {
            expect(&app.member(acme, role).await.browser.get(path).await, StatusCode::FORBIDDEN);
        }
        expect(&app.anon().get(path).await, StatusCode::UNAUTHORIZED);
        let seen = theirs.browser.get(path).await;
        expect(&seen, StatusCode::OK);
        assert!(!seen.text().contains(&id.to_string()), "{path}: {}", seen.text());
        assert!(!seen.text().contains("auth.session.began"), "{path} shows what belongs to no organization");
        assert!(ours.browser.get(path).await.text().contains(&id.to_string()), "{path}");
        expect(&theirs.browser.clone().with("x-organization", &acme.to_string()).get(path).await, StatusCode::NOT_FOUND);
    }
    // Asking for the other organization's things by name finds nothing.
    assert_eq!(entries(&theirs.browser, &format!("?resource={id}&actor={}", ours.id)).await, Vec::<Value>::new());
}

/// AUD-03
#[tokio::test]
async fn the_log_is_searched_in_pages_and_exported_as_csv_and_json() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    app.plan(tenant, "team").await;
    let owner = app.member(tenant, Role::Owner).await;
    for number in 0..5 {
        let name = format!("=Office \"{number}\", north");
        expect(&owner.browser.post("/api/v1/agents", &json!({ "name": name })).await, StatusCode::CREATED);
    }
    let mut seen = BTreeSet::new();
    let mut next = String::new();
    loop {
        let answer = owner.browser.get(&format!("/api/v1/audit?limit=2&action=monitoring{next}")).await;
        expect(&answer, StatusCode::OK);
        let page = answer.json();
        for entry in page["items"].as_array().unwrap() {
            assert!(seen.insert(entry["id"].as_str().unwrap().to_owned()), "{entry} came twice");
        }
        match page["next"].as_str() {
            Some(cursor) => next = format!("&after={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 5);
    let all = entries(&owner.browser, "").await.len();
    // The newest comes first where nobody says otherwise.
    let ids = async |query: &str| -> Vec<Value> { entries(&owner.browser, query).await.iter().map(|entry| entry["id"].clone()).collect() };
    let mut oldest_first = ids("?sort=at").await;
    oldest_first.reverse();
    assert_eq!((oldest_first, ids("?sort=-at").await), (ids("").await, ids("").await));

    let json = owner.browser.get("/api/v1/audit/export?format=json&action=monitoring").await;
    assert_eq!(json.json().as_array().unwrap().len(), 5);
    let csv = owner.browser.get("/audit/export?format=csv").await;
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
    let text = csv.text();
    assert_eq!(text.matches("\r\n").count(), all + 1, "{text}");
    assert!(text.contains(r#"{""name"":""=Office \""3\"", north"""#), "{text}");
    for (query, pointer) in [
        ("?actor=Ada", "/actor"),
        ("?from=yesterday", "/from"),
        ("?after=x", "/after"),
        ("?limit=0", "/limit"),
        ("?limit=201", "/limit"),
        ("?sort=number", "/sort"),
    ] {
        let refused = owner.browser.get(&format!("/api/v1/audit{query}")).await;
        expect(&refused, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text().contains(pointer), "{}", refused.text());
    }
    assert_eq!(entries(&owner.browser, "?from=2020-01-01&to=2020-12-31").await, Vec::<Value>::new());
    assert_eq!(entries(&owner.browser, "?from=2020-01-01&to=2999-12-31").await.len(), all);
}

/// AUD-03: for people, in their language, without a script.
#[tokio::test]
async fn the_page_shows_the_log_and_its_filter_in_two_languages() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    app.added(&owner).await;
    let page = owner.browser.page("/audit").await;
    expect(&page, StatusCode::OK);
    for part in ["Audit log", "monitoring.agent.added", "Ada Lovelace", "Office", "127.0.0.1", "export?format=csv"] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    let german = owner.browser.clone().with("accept-language", "de").page("/audit?action=tenancy&from=2026-01-01").await;
    assert!(german.text().contains("Protokoll") && german.text().contains("Nichts gefunden"), "{}", german.text());
    let wrong = owner.browser.page("/audit?actor=Ada").await;
    expect(&wrong, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text().contains("This is no id."), "{}", wrong.text());
}

/// AUD-01: sign-up, confirmation, sign-in, its refusal, and sign-out are kept, though they belong to no organization.
#[tokio::test]
async fn what_happens_to_accounts_is_in_the_programs_own_log() {
    let app = App::new().await;
    let person = app.person().await;
    let wrong = json!({ "email": person.email, "password": "not the password at all" });
    expect(&app.anon().post("/api/v1/auth/sign-in", &wrong).await, StatusCode::UNAUTHORIZED);
    let nobody = json!({ "email": "nobody@example.com", "password": PASSWORD });
    expect(&app.anon().post("/api/v1/auth/sign-in", &nobody).await, StatusCode::UNAUTHORIZED);
    expect(&person.browser.post("/api/v1/auth/sign-out", &json!({})).await, StatusCode::NO_CONTENT);
    let kept: Vec<(String, String, String, String, Option<String>)> = sqlx::query_as(
        "select action, actor_kind, resource, data, host(address) from audit_entry
         where tenant_id = '00000000-0000-0000-0000-000000000000' order by id",
    )
    .fetch_all(&mut app.owner().await)
    .await
    .unwrap();
    let actions: Vec<_> = kept.iter().map(|(action, actor, ..)| format!("{action} by {actor}")).collect();
    assert_eq!(
        actions,
        [
            "auth.account.created by user",
            "auth.account.verified by user",
            "auth.session.began by user",
            "auth.sign_in.refused by anonymous",
            "auth.sign_in.refused by anonymous",
            "auth.sessions.ended by user",
        ]
    );
    let id = person.id.to_string();
    let about: Vec<_> = kept.iter().map(|(_, _, resource, ..)| resource.as_str()).collect();
    assert_eq!(about, [&id, &id, &id, &id, "unknown", &id]);
    assert!(kept.iter().all(|(.., address)| address.as_deref() == Some("127.0.0.1")), "{kept:?}");
    assert!(!kept.iter().any(|(_, _, _, data, _)| data.contains("example.com")), "{kept:?}");
}

/// The catalogue is open to all, and nothing is announced that is not in it with its shape.
#[tokio::test]
async fn everything_that_is_recorded_or_could_be_is_in_the_published_catalogue() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    app.plan(tenant, "team").await;
    let owner = app.member(tenant, Role::Owner).await;
    let agent = app.agent(&owner).await;
    let device = json!({ "devices": [{ "address": "10.0.0.1", "found_by": ["tcp"] }] });
    expect(&agent.client.post("/api/agent/devices", &device).await, StatusCode::OK);
    let member = app.member(tenant, Role::Member).await;
    let changed = owner.browser.json(http::Method::PATCH, &format!("/api/v1/members/{}", member.id), &json!({ "role": "admin" })).await;
    expect(&changed, StatusCode::NO_CONTENT);
    expect(&owner.browser.delete(&format!("/api/v1/agents/{}", agent.id)).await, StatusCode::NO_CONTENT);

    let answer = app.anon().get("/api/v1/events/catalogue").await;
    expect(&answer, StatusCode::OK);
    let catalogue = answer.json();
    let kinds = catalogue["events"].as_array().unwrap();
    let recorded: Vec<(String, i32, Value)> =
        sqlx::query_as("select name, version, data from outbox order by id").fetch_all(&mut app.owner().await).await.unwrap();
    assert!(recorded.iter().any(|(name, ..)| name == "tenancy.member.role_changed"), "{recorded:?}");
    for (name, version, data) in recorded {
        let kind = kinds.iter().find(|kind| kind["name"] == name.as_str() && kind["version"] == version);
        let schema = &kind.unwrap_or_else(|| panic!("{name} is not in the catalogue"))["schema"];
        let known: BTreeSet<&String> = schema["properties"].as_object().into_iter().flat_map(serde_json::Map::keys).collect();
        let carried: BTreeSet<&String> = data.as_object().unwrap().keys().collect();
        assert!(carried.is_subset(&known), "{name} carries {carried:?}, and its schema knows {known:?}");
        let required = schema["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap());
        for name in required {
            assert!(data.get(name).is_some(), "{name} is missing: {data}");
        }
    }
    // Also what this test did not make happen.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().parent().unwrap();
    let mut declared = BTreeSet::new();
    for folder in ["saas-core/src", "saas-auth/src", "saas-tenancy/src", "saas-billing/src", "examples/monitoring/src"] {
        names(&root.join(folder), &mut declared);
    }
    assert!(declared.len() > 15, "{declared:?}");
    let published: BTreeSet<String> = kinds.iter().map(|kind| kind["name"].as_str().unwrap().to_owned()).collect();
    let missing: Vec<_> = declared.difference(&published).collect();
    assert!(missing.is_empty(), "declared and not in a list of EVENTS: {missing:?}");
    let page = app.anon().page("/events").await;
    expect(&page, StatusCode::OK);
    let text = page.text();
    let (_, row) = text.split_once(r#"id="monitoring.agent.went_offline""#).expect("its row");
    let (row, _) = row.split_once("</tr>").unwrap();
    // Its permission, and the one field of its schema.
    assert!(row.contains("monitoring.device.read") && row.contains("name"), "{row}");

    let says = |kind: &Value| carries_a_change(&kind["schema"], &kind["schema"]["$defs"]);
    let silent: Vec<_> =
        kinds.iter().filter(|kind| is_of_a_change(kind) && !says(kind)).map(|kind| kind["name"].as_str().unwrap()).collect();
    let mut excepted: Vec<_> = NEW_ALONE.iter().map(|(name, _)| *name).collect();
    excepted.sort_unstable();
    assert_eq!(silent, excepted, "what says that something changed says from what to what");
    assert!(kinds.iter().filter(is_of_a_change).count() > 2 * excepted.len());
}

/// Kinds of changes that do not say what was before, and why.
const NEW_ALONE: &[(&str, &str)] = &[
    ("auth.avatar.changed", "a picture shows a person, and is no value"),
    ("auth.consent.given", "each one stands for itself, with its document's version, and none is taken over by the next"),
    ("auth.passkey.renamed", "the name is its person's own, who alone is told"),
    ("auth.password.changed", "it is secret"),
    ("auth.profile.changed", "what it says is personal, so the log keeps which parts of it changed"),
    (
        "monitoring.devices.states_changed",
        "it is telemetry of thousands at once, and says of each which state it is in; the one before it is told of too",
    ),
];

/// Whether the name of the kind says that there was something before.
fn is_of_a_change(kind: &&Value) -> bool {
    let last = kind["name"].as_str().unwrap().rsplit(['.', '_']).next().unwrap();
    ["changed", "given", "granted", "renamed", "set", "switched"].contains(&last)
}

/// Whether something in the shape is `{old, new}`.
fn carries_a_change(schema: &Value, parts: &Value) -> bool {
    match schema {
        Value::Object(map) => {
            let has = |name: &str| map.get("properties").is_some_and(|properties| properties.get(name).is_some());
            let referred = map.get("$ref").and_then(Value::as_str).and_then(|at| at.strip_prefix("#/$defs/"));
            let within = map.iter().filter(|(key, _)| *key != "$defs").any(|(_, value)| carries_a_change(value, parts));
            (has("old") && has("new")) || within || referred.is_some_and(|part| carries_a_change(&parts[part], parts))
        }
        Value::Array(items) => items.iter().any(|item| carries_a_change(item, parts)),
        _ => false,
    }
}

/// AUD-01: the page shows what was before and what is now.
#[tokio::test]
async fn the_page_shows_from_what_to_what_something_changed() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    app.plan(tenant, "team").await;
    let owner = app.member(tenant, Role::Owner).await;
    let put = async |method: http::Method, path: &str, body: Value| {
        expect(&owner.browser.json(method, path, &body).await, StatusCode::NO_CONTENT);
    };
    let made = owner.browser.post("/api/v1/workspaces", &json!({ "name": "North" })).await;
    expect(&made, StatusCode::CREATED);
    put(http::Method::PATCH, &format!("/api/v1/workspaces/{}", made.json()["id"].as_str().unwrap()), json!({ "name": "South" })).await;
    let (agent, _) = app.added(&owner).await;
    for allowed in [json!(["192.0.2.0/24"]), json!(["198.51.100.7"]), json!(["198.51.100.7"])] {
        put(http::Method::PATCH, &format!("/api/v1/agents/{agent}"), json!({ "allowed_from": allowed })).await;
    }
    put(http::Method::PUT, "/api/v1/organization/flags/latency", json!({ "on": true })).await;
    let key = owner.browser.post("/api/v1/api-keys", &json!({ "name": "Reports", "scopes": ["monitoring.device.read"] })).await.json();
    let key = format!("/api/v1/api-keys/{}", key["id"].as_str().unwrap());
    for allowed in [json!(["192.0.2.1"]), json!([]), json!([])] {
        put(http::Method::PATCH, &key, json!({ "allowed_from": allowed })).await;
    }
    let page = owner.browser.page("/audit").await.text();
    for (old, new) in [
        ("North", "South"),
        ("[]", "[&quot;192.0.2.0&#x2f;24&quot;]"),
        ("[&quot;192.0.2.0&#x2f;24&quot;]", "[&quot;198.51.100.7&#x2f;32&quot;]"),
        ("–", "true"),
        ("[]", "[&quot;192.0.2.1&quot;]"),
        ("[&quot;192.0.2.1&quot;]", "[]"),
    ] {
        assert_eq!(page.matches(&format!("<del>{old}</del> → <ins>{new}</ins>")).count(), 1, "{old} → {new}: {page}");
    }
    // Setting it to what it is already is no change.
    for entries in [
        "select count(*) from data.audit_entry where action = 'auth.agent_key.networks_changed'",
        "select count(*) from data.audit_entry where action = 'auth.api_key.allowed_from_changed'",
    ] {
        assert_eq!(app.count(entries).await, 2, "{entries}");
    }
}

/// The names of the events that the sources declare, examples in comments left out.
fn names(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text: String = fs::read_to_string(&path).unwrap().lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            let declarations = text.split("Event for ").skip(1).filter_map(|rest| rest.split_once("const NAME: &'static str = \""));
            into.extend(declarations.map(|(_, rest)| rest.split('"').next().unwrap().to_owned()));
        }
    }
}

/// AUD-02: the command finds what was done to the log, and says so to scripts.
#[tokio::test]
async fn audit_verify_names_the_first_bad_entry_and_its_exit_code_says_so() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    for _ in 0..3 {
        app.added(&owner).await;
        expect(&owner.browser.delete(&format!("/api/v1/agents/{}", first_agent(&owner.browser).await)).await, StatusCode::NO_CONTENT);
    }
    let chain = AuditChain::new(&app.test.db, &app.program.master_key);
    chain.seal_now().await.unwrap();
    let folder = folder();
    let command = |arguments: &[&str]| Settings::of(&app, folder.path(), &[&["audit"], arguments].concat());
    let whole = command(&["verify"]).run().await;
    assert!(whole.status.success() && whole.stdout.contains(&format!("whole   {tenant}")), "{whole:?}");
    assert!(whole.stdout.contains("whole   the program itself"), "{whole:?}");
    let checkpoint = command(&["checkpoint"]).run().await;
    fs::write(folder.path().join("kept.json"), &checkpoint.stdout).unwrap();
    assert!(command(&["verify", "--checkpoints", "kept.json"]).run().await.status.success());
    assert!(command(&["keep"]).run().await.status.success());
    assert!(command(&["verify"]).run().await.status.success());

    let tamper = async |statement: &'static str| {
        let mut superuser = <sqlx::PgConnection as sqlx::Connection>::connect(app.test.database.superuser_url().expose()).await.unwrap();
        sqlx::raw_sql("set session_replication_role = replica").execute(&mut superuser).await.unwrap();
        sqlx::raw_sql(statement).execute(&mut superuser).await.unwrap();
    };
    tamper("update data.audit_entry set data = '{}' where number = 4 and tenant_id <> '00000000-0000-0000-0000-000000000000'").await;
    let fault = chain.verify(Ledger::Tenant(tenant), &[]).await.unwrap().fault.unwrap();
    assert_eq!((fault.kind, fault.number), (FaultKind::Changed, 4));
    let broken = command(&["verify"]).run().await;
    assert_eq!(broken.status.code(), Some(1));
    assert!(broken.stdout.contains(&format!("BROKEN  {tenant}: entry 4 (id {})", fault.entry.unwrap())), "{broken:?}");
    let broken = command(&["verify", "--json", "--tenant", &tenant.to_string()]).run().await;
    assert_eq!(broken.status.code(), Some(1));
    let report: Value = serde_json::from_str(&broken.stdout).unwrap();
    assert_eq!(report["ledgers"].as_array().unwrap().len(), 1);
    assert_eq!(report["ledgers"][0]["fault"], json!({ "kind": "changed", "number": 4, "entry": fault.entry }));
    // All of it, with the end: known from the checkpoint alone.
    tamper("delete from data.audit_entry; delete from data.audit_head").await;
    let gone = command(&["verify"]).run().await;
    assert_eq!(gone.status.code(), Some(1), "{gone:?}");
    fs::remove_dir_all(folder.path().join(".saas/files")).unwrap();
    assert!(command(&["verify"]).run().await.status.success(), "of what is kept nowhere nothing is known");
    let gone = command(&["verify", "--checkpoints", "kept.json"]).run().await;
    assert_eq!(gone.status.code(), Some(1), "{gone:?}");
}

/// AUD-03: each plan keeps the log for as long as it is sold with: 90 days, a year, seven years.
#[tokio::test]
async fn an_organizations_plan_says_how_long_its_log_is_kept() {
    let clock = Clock::fixed("2026-03-01T00:00:00Z".parse().unwrap());
    let app = App::at(clock.clone()).await;
    let chain = AuditChain::new(&app.test.db, &app.program.master_key);
    let mut kept = Vec::new();
    for (plan, days) in [("free", 90), ("team", 365), ("business", 7 * 365 + 2)] {
        let tenant = app.tenant(plan).await;
        app.plan(tenant, plan).await;
        let owner = app.member(tenant, Role::Owner).await;
        expect(&owner.browser.post("/api/v1/agents", &json!({ "name": "Office" })).await, StatusCode::CREATED);
        kept.push((tenant, days));
    }
    chain.seal_now().await.unwrap();
    let log = async |tenant: TenantId| {
        let count = "select count(*) from data.audit_entry where tenant_id = $1";
        sqlx::query_scalar::<_, i64>(count).bind(tenant).fetch_one(&mut app.owner().await).await.unwrap()
    };
    let billing = Billing::new(plans().unwrap()).unwrap();
    let mut today = 0;
    for day in kept.iter().flat_map(|(_, days)| [days - 1, days + 1]) {
        clock.advance(TimeDelta::days(day - today));
        today = day;
        let billing = billing.clone();
        chain.prune_all(move |db| audit_kept(billing.clone(), db)).await.unwrap();
        for (tenant, days) in &kept {
            assert_eq!(log(*tenant).await > 0, *days > day, "kept for {days} days, on day {day}");
        }
    }
}

async fn first_agent(client: &TestClient) -> String {
    client.get("/api/v1/agents").await.json()["items"][0]["id"].as_str().unwrap().to_owned()
}

/// AUD-02, TEN-01: the log of an organization that was deleted went with it, and is no alarm for ever; one that is only missing is.
#[tokio::test]
async fn a_log_that_went_with_its_organization_is_none_that_is_missing() {
    let app = App::new().await;
    let (gone, stays) = (app.tenant("gone").await, app.tenant("stays").await);
    for tenant in [gone, stays] {
        let owner = app.member(tenant, Role::Owner).await;
        app.added(&owner).await;
    }
    let chain = AuditChain::new(&app.test.db, &app.program.master_key);
    chain.seal_now().await.unwrap();
    let folder = folder();
    let audit = |arguments: &[&str]| Settings::of(&app, folder.path(), &[&["audit"], arguments].concat());
    assert!(audit(&["keep"]).run().await.status.success());
    sqlx::query("update core.tenant set state = 'leaving', leaves_at = $2 where id = $1")
        .bind(gone)
        .bind(app.test.db.clock().now())
        .execute(&mut app.owner().await)
        .await
        .unwrap();
    let tenancy = Tenancy::new(&app.test.db, ActiveOrganization, Roles::new(&[]));
    assert_eq!(tenancy.purge(&app.test.db.system("purge"), &[]).await.unwrap(), 1);
    chain.seal_now().await.unwrap();
    let verified = audit(&["verify"]).run().await;
    assert!(verified.status.success() && verified.stdout.contains(&format!("purged  {gone}")), "{verified:?}");
    let report: Value = serde_json::from_str(&audit(&["verify", "--json"]).run().await.stdout).unwrap();
    assert_eq!(report["purged"], json!([gone]));
    let alone = audit(&["verify", "--tenant", &gone.to_string()]).run().await;
    assert!(alone.status.success() && alone.stdout.contains(&format!("purged  {gone}")), "{alone:?}");

    // Somebody who can write everywhere deletes another's log and says that it was purged.
    let mut superuser = app.superuser().await;
    for statement in [
        "set session_replication_role = replica".to_owned(),
        format!("delete from data.audit_entry where tenant_id = '{stays}'"),
        format!("delete from data.audit_head where tenant_id = '{stays}'"),
        format!("update core.tenant set state = 'deleted', purged_at = now() where id = '{stays}'"),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut superuser).await.unwrap();
    }
    let missing = audit(&["verify"]).run().await;
    assert_eq!(missing.status.code(), Some(1));
    assert!(missing.stdout.contains(&format!("BROKEN  {stays}")) && missing.stdout.contains(&format!("purged  {gone}")), "{missing:?}");
    let lie = format!("update data.audit_entry set resource = '{stays}' where action = 'tenancy.organization.purged'");
    sqlx::raw_sql(sqlx::AssertSqlSafe(lie)).execute(&mut superuser).await.unwrap();
    let found = audit(&["verify"]).run().await;
    assert_eq!(found.status.code(), Some(1));
    assert!(found.stdout.contains("BROKEN  the program itself"), "{found:?}");
}
