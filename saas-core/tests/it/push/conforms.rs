use saas_core::{TenantId, testing::channel_conforms};
use serde_json::json;

use super::scene::{ENDED, Scene};
use crate::webhooks::receiver::Receiver;

async fn count(scene: &Scene, table: &str, tenant: TenantId) -> i64 {
    let query = format!("select count(*)::text from {table} where tenant_id = '{tenant}'");
    crate::planted::truth(&scene.test, &query).await[0].parse().unwrap()
}

/// NOT-05: what the documentation of `Channel` demands.
#[tokio::test]
async fn browsers_do_what_a_channel_must() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let (ada, stranger) = (scene.person(scene.tenant, "owner").await, scene.person(scene.other, "owner").await);
    scene.allows(&ada, &service, "ada").await;
    scene.allows(&stranger, &service, "stranger").await;
    let channel = scene.notifications.browsers().unwrap();
    let (data, tenants) = (json!({ "host": "a.example" }), [scene.tenant, scene.other]);
    channel_conforms(&scene.test, &channel, &ENDED, &data, tenants, async |tenant| count(&scene, "data.push_message", tenant).await).await;
    assert_eq!(count(&scene, "core.job", scene.tenant).await, 2, "a job for each message");
}
