//! What an organization pays for, while it is to be deleted and afterwards.

use std::{sync::Arc, time::Duration};

use saas_billing::Gateway as _;
use saas_core::{Jobs, JobsConfig, Lifecycle, RunningJobs, TenantStore};
use saas_tenancy::{OrganizationPurgeError, Tenancy};

use super::*;

/// The jobs of the product, while a test looks.
async fn works(jobs: &Jobs) -> (RunningJobs, Lifecycle) {
    let lifecycle = Lifecycle::new();
    let quick = JobsConfig { poll: Duration::from_millis(50), ..JobsConfig::default() };
    (jobs.start(quick, &lifecycle).await.unwrap(), lifecycle)
}

async fn ends(app: &App, order: &Order) -> bool {
    app.gateway.read(&order.customer).await.unwrap().unwrap().subscriptions[0].cancel_at.is_some()
}

/// TEN-01: whoever deletes their organization pays nothing more for it; whoever brings it back has what they paid for; and at its end the gateway knows
/// it no longer, or nothing of it goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_that_is_deleted_is_charged_no_more() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let person = app.member(tenant, Role::Owner).await;
    let owner = &person.browser;
    let order = begins(&app, owner).await;
    paid(&app, &order, SubscriptionState::Active);
    expect(&owner.form("/billing/return", &[]).await, StatusCode::SEE_OTHER);
    let (running, lifecycle) = works(&app.program.jobs).await;
    let delete = async || {
        person.proves().await;
        expect(&owner.post("/api/v1/organization/deletion", &json!({ "name": "acme" })).await, StatusCode::OK);
        app.program.relay.relay_now().await.unwrap();
        app.until("it ends", async || ends(&app, &order).await).await;
    };
    delete().await;
    expect(&owner.post(&format!("/api/v1/leaving-organizations/{tenant}/restore"), &json!(null)).await, StatusCode::NO_CONTENT);
    app.program.relay.relay_now().await.unwrap();
    app.until("it goes on", async || !ends(&app, &order).await).await;
    app.until("it is shown", async || subscription(owner).await["subscription"]["cancel_at"].is_null()).await;
    delete().await;
    lifecycle.drain();
    running.drained().await;

    sqlx::query("update core.tenant set leaves_at = now() - interval '1 day'").execute(&mut app.owner().await).await.unwrap();
    let stores: [Arc<dyn TenantStore>; 1] = [Arc::new(app.program.payments.clone().unwrap())];
    let tenancy = Tenancy::new(&app.test.db, saas_tenancy::ActiveOrganization, saas_tenancy::Roles::new(&[]));
    let purge = async || tenancy.purge(&app.test.db.system("purge"), &stores).await;
    app.gateway.away_once(None);
    assert!(matches!(purge().await, Err(OrganizationPurgeError::Left { left: 1, .. })));
    assert!(app.count("select count(*) from data.audit_entry").await > 0, "its rows wait for the gateway");
    assert_eq!(purge().await.unwrap(), 1);
    assert!(app.gateway.read(&order.customer).await.unwrap().unwrap().is_deleted);
}
