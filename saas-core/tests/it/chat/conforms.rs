use saas_core::{TenantId, notification::Frequency, testing::channel_conforms};
use serde_json::json;

use super::scene::{ENDED, Scene};
use crate::webhooks::receiver::Receiver;

async fn count(scene: &Scene, table: &str, tenant: TenantId) -> i64 {
    let query = format!("select count(*)::text from {table} where tenant_id = '{tenant}'");
    crate::planted::truth(&scene.test, &query).await[0].parse().unwrap()
}

/// NOT-05: what the documentation of `Channel` demands, of each that there is.
#[tokio::test]
async fn the_list_mail_and_chat_do_what_a_channel_must() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let stranger = scene.person(scene.other, "owner").await;
    for (client, channels) in [(&scene.owner, 2), (&stranger, 1)] {
        for _ in 0..channels {
            scene.channel_of(client, &receiver.url(), "slack").await;
        }
    }
    let (kind, data, tenants) = (ENDED.mail(Frequency::Now), json!({ "host": "a.example" }), [scene.tenant, scene.other]);
    let (test, notifications) = (&scene.test, &scene.notifications);
    channel_conforms(test, &notifications.list(), &kind, &data, tenants, async |tenant| count(&scene, "data.notification", tenant).await)
        .await;
    channel_conforms(test, &notifications.mail(), &kind, &data, tenants, async |tenant| count(&scene, "core.mail", tenant).await).await;
    channel_conforms(test, &scene.chat, &kind, &data, tenants, async |tenant| count(&scene, "data.chat_message", tenant).await).await;
    assert_eq!(count(&scene, "core.job", scene.tenant).await, 4, "a job for each message of two events to two channels");
}
