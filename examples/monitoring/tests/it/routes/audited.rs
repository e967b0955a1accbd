//! Every request that changes what an organization has leaves an entry of who did it.

use std::collections::BTreeMap;

use saas_core::{Caller, RouteInfo};
use saas_tenancy::Role;
use sqlx::Row as _;

use super::actors::{Kind, Scene};
use crate::app::App;

/// Columns that are telemetry (design 12.9): they change with use, and a change of state is recorded beside them.
pub(super) const TELEMETRY: &[&str] = &["last_used_at", "last_seen_at", "checked_at", "latency_us", "asked", "kept", "read_at"];

/// What is seen anew each time and belongs to no one moment: in which ways a sweep found a device, which differs from sweep to sweep with what gets
/// lost on the way. That nobody changes it for another organization is looked at all the same.
const SEEN: &[&str] = &["found_by"];

/// What is written about changes, and what is done later because of them.
const ABOUT: &[&str] = &[
    "outbox",
    "audit_entry",
    "audit_head",
    "job",
    "mail",
    "kept_answer",
    "notification",
    "quota",
    "usage_event",
    "usage_hour",
    "chat_message",
    "push_message",
    "webhook_message",
    "webhook_delivery",
    "webhook_attempt",
];

/// Whatever an organization has, as one text for each table.
async fn everything(app: &App) -> BTreeMap<String, String> {
    let mut owner = app.owner().await;
    let tables: Vec<String> = sqlx::query_scalar(
        r"select format('%I.%I', n.nspname, c.relname)
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
        where c.relkind = 'r' and n.nspname in ('core', 'data', 'auth', 'billing')
        union select 'core.tenant'",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    let mut texts = BTreeMap::new();
    for table in tables.into_iter().filter(|table| !ABOUT.contains(&table.split('.').nth(1).unwrap())) {
        let telemetry = TELEMETRY.iter().chain(SEEN).map(|column| format!("'{column}'")).collect::<Vec<_>>().join(", ");
        let query = format!("select (to_jsonb(t) - array[{telemetry}])::text as row from {table} t order by 1");
        let rows = sqlx::raw_sql(sqlx::AssertSqlSafe(query)).fetch_all(&mut owner).await.unwrap();
        texts.insert(table, rows.iter().map(|row| row.get::<String, _>("row")).collect::<Vec<_>>().join("\n"));
    }
    texts
}

/// AUD-01: of every route that writes, whoever may call it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_that_changes_what_an_organization_has_leaves_an_audit_entry() {
    let app = App::new().await;
    let scene = Scene::of(&app).await;
    let (mut unnoticed, mut changing) = (Vec::new(), Vec::new());
    // Files are sent in parts, which core's own tests do.
    let elsewhere = ["/files"];
    let writes = |route: &&RouteInfo| {
        !route.method.is_safe() && route.access.caller != Caller::Public && !elsewhere.iter().any(|path| route.path.contains(path))
    };
    for route in app.routes.iter().filter(writes) {
        for kind in [Kind::Role(Role::Owner), Kind::Agent, Kind::AgentKey, Kind::ApiKey] {
            let actor = scene.actor(kind);
            let request = scene.request(&app, route, actor).await;
            let entries = "select count(*) from data.audit_entry";
            let (before, noted) = (everything(&app).await, app.count(entries).await);
            let status = request.send(&actor.client, route).await.status;
            let after = everything(&app).await;
            let changed: Vec<_> = after.iter().filter(|(table, rows)| before.get(*table) != Some(rows)).map(|(table, _)| table).collect();
            let name = format!("{} {}", route.method, route.path);
            if !changed.is_empty() {
                changing.push(name.clone());
                if app.count(entries).await == noted {
                    unnoticed.push(format!("{name} as {kind:?} ({status}) changed {changed:?}"));
                }
            }
            scene.after(&app, route, actor).await;
        }
    }
    assert!(unnoticed.is_empty(), "{}", unnoticed.join("\n"));
    // That these were seen to change something shows that the comparison sees.
    for name in [
        "POST /agents",
        "POST /api/v1/agents",
        "POST /api/v1/api-keys/{id}/rotate",
        "DELETE /api/v1/api-keys/{id}",
        "DELETE /api/v1/agents/{id}",
        "PATCH /api/v1/members/{user}",
        "POST /api/agent/register",
        "POST /api/v1/agent/heartbeat",
        "POST /notifications/preferences",
        "PUT /api/v1/notifications/preferences",
        "POST /api/agent/devices",
        "POST /api/v1/agent/devices",
    ] {
        assert!(changing.iter().any(|it| it == name), "{name} changed nothing: {changing:?}");
    }
}
