//! TEN-01: typed flags of organizations.

use http::{Method, StatusCode};
use saas_core::{Actor, Flag, Flags, TenantId, testing::TestClient};
use saas_tenancy::{Role, flag_set_system_in, flags_of_in, flags_unknown_in};
use serde_json::{Value, json};

use crate::app::App;

const CHARTS: Flag = Flag::new("charts", "tenancy-flags-on");
const SOUND: Flag = Flag::new("sound", "tenancy-flags-off").on_by_default();
const BETA: Flag = Flag::new("beta", "tenancy-flags-title").of_platform();

pub(crate) const FLAGS: &[Flag] = &[CHARTS, SOUND, BETA];

/// What a handler of an application sees.
pub(crate) async fn all(flags: Flags) -> String {
    FLAGS.iter().map(|flag| format!("{}={} ", flag.name(), flags.is_on(*flag))).collect()
}

async fn seen(client: &TestClient) -> String {
    client.get("/flags").await.text().trim().to_owned()
}

async fn put(client: &TestClient, name: &str, on: bool) -> u16 {
    client.json(Method::PUT, &format!("/api/v1/organization/flags/{name}"), &json!({ "on": on })).await.status.as_u16()
}

async fn written(app: &App, tenant: TenantId) -> Vec<Value> {
    let mut tx = app.test.db.tenant(tenant).begin().await.unwrap();
    sqlx::query_scalar("select data from outbox where name = 'tenancy.flag.switched' order by id").fetch_all(&mut *tx).await.unwrap()
}

/// An owner switches what is the organization's; it holds for everybody there, from the next request on, and for nobody elsewhere.
#[tokio::test]
async fn an_owner_switches_what_is_the_organizations() {
    let app = App::new().await;
    let (acme, other) = (app.test.tenant("acme").await, app.test.tenant("other").await);
    let (owner, viewer) = (app.member(acme, Role::Owner).await, app.member(acme, Role::Viewer).await);
    let stranger = app.client(app.member(other, Role::Owner).await).await;
    let owner = app.client(owner).await;
    assert_eq!(seen(&owner).await, "charts=false sound=true beta=false");
    assert_eq!((put(&owner, "charts", true).await, put(&owner, "charts", true).await, put(&owner, "sound", false).await), (204, 204, 204));
    assert_eq!(seen(&app.client(viewer).await).await, "charts=true sound=false beta=false");
    assert_eq!(seen(&stranger).await, "charts=false sound=true beta=false");
    let named = |name: &str, on: bool| json!({ "name": name, "on": { "old": null, "new": on }, "reason": null });
    assert_eq!(written(&app, acme).await, [named("charts", true), named("sound", false)], "once each, and not where nothing changed");
    assert_eq!(put(&owner, "charts", false).await, 204);
    assert_eq!(written(&app, acme).await[2]["on"], json!({ "old": true, "new": false }));
    assert_eq!(put(&owner, "charts", true).await, 204);

    assert_eq!(put(&owner, "beta", true).await, 403, "it is whoever runs the product who sets it");
    assert_eq!(put(&owner, "gone", true).await, 404);
    for role in [Role::Viewer, Role::Member, Role::Admin] {
        let client = app.client(app.member(acme, role).await).await;
        assert_eq!(put(&client, "charts", false).await, 403, "{role}");
    }
    let listed = app.client(viewer).await.get("/api/v1/organization/flags").await.json();
    assert_eq!(listed["items"][0], json!({ "name": "charts", "description": "On", "on": true, "default": false, "owner": "organization" }));
    assert_eq!(listed["items"][2]["owner"], "platform");
}

#[tokio::test]
async fn the_settings_show_what_is_on_and_let_an_owner_switch_it() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    let user = app.member(acme, Role::Owner).await;
    let owner = app.client(user).await;
    let page = owner.page("/organization/settings").await.text();
    assert!(page.contains("Turn on") && page.contains("Set by whoever runs this product."), "{page}");
    let posted = owner.form("/organization/flags", &[("name", "charts"), ("on", "true")]).await;
    assert_eq!(posted.location(), Some("/organization/settings"), "{}", posted.text());
    assert_eq!(seen(&app.client(user).await).await, "charts=true sound=true beta=false");
    assert_eq!(owner.form("/organization/flags", &[("name", "beta"), ("on", "true")]).await.status, StatusCode::FORBIDDEN);
    let admin = app.client(app.member(acme, Role::Admin).await).await.page("/organization/settings").await.text();
    assert!(admin.contains("An owner can change this.") && !admin.contains("Turn on"), "{admin}");
}

/// Whoever runs the product sets each of them, with a reason that the organization may read; the application's own login cannot.
#[tokio::test]
async fn whoever_runs_the_product_sets_all_of_them() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    let owner = app.member(acme, Role::Owner).await;
    let set = async |flag: Flag, on: Option<bool>| {
        let mut tx = app.test.db.system("switch a flag").begin().await.unwrap();
        let changed = flag_set_system_in(&mut tx, (acme, Actor::System), flag, on, "asked for it").await.unwrap();
        tx.commit().await.unwrap();
        changed
    };
    assert!(set(BETA, Some(true)).await && set(CHARTS, Some(true)).await && set(SOUND, Some(false)).await);
    assert!(!set(BETA, Some(true)).await, "it is so already");
    assert_eq!(seen(&app.client(owner).await).await, "charts=true sound=false beta=true");
    assert!(set(SOUND, None).await && set(BETA, None).await && !set(BETA, None).await);
    assert_eq!(seen(&app.client(owner).await).await, "charts=true sound=true beta=false");
    let written = written(&app, acme).await;
    assert_eq!(written.len(), 5);
    assert_eq!(written[2]["on"], json!({ "old": null, "new": false }));
    assert_eq!(written[4], json!({ "name": "beta", "on": { "old": true, "new": null }, "reason": "asked for it" }));

    let mut tx = app.test.db.tenant(acme).begin().await.unwrap();
    let forged = sqlx::query("update core.tenant set platform_flags = '{\"beta\": true}'").execute(&mut *tx).await.unwrap_err();
    assert!(forged.to_string().contains("permission denied"), "{forged}");
    // What it may write is read as the organization's, whatever it is called.
    let mut tx = app.test.db.tenant(acme).begin().await.unwrap();
    sqlx::query("update core.tenant set flags = '{\"beta\": true, \"gone\": true, \"charts\": false}'").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(seen(&app.client(owner).await).await, "charts=false sound=true beta=false");
    let mut tx = app.test.db.system("look for flags that nobody reads").begin().await.unwrap();
    assert_eq!(flags_unknown_in(&mut tx, FLAGS).await.unwrap(), ["beta", "gone"]);
    for named in ["acme".to_owned(), acme.to_string()] {
        let (id, flags) = flags_of_in(&mut tx, &named).await.unwrap().unwrap();
        assert_eq!((id, flags.set(CHARTS), flags.set(SOUND)), (acme, Some(false), None));
    }
    assert!(flags_of_in(&mut tx, "nobody").await.unwrap().is_none());
}

/// A job and a machine read them where they work.
#[tokio::test]
async fn flags_are_read_in_a_transaction_too() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    assert_eq!(put(&owner, "charts", true).await, 204);
    let mut tx = app.test.db.tenant(acme).begin().await.unwrap();
    let flags = Flags::read_in(&mut tx).await.unwrap();
    assert_eq!((flags.is_on(CHARTS), flags.is_on(SOUND), flags.is_on(BETA)), (true, true, false));
}
