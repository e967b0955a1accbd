use std::time::{Duration, Instant};

use saas_core::{Clock, Lifecycle, TenantId, testing::TestClient, webhook::WebhookSettings};

use super::{
    receiver::{Receiver, Reply},
    scene::{SOON, Scene},
};

/// W12: of one tenant no more is under way than it has slots, of one endpoint too, and to a failing one a single one.
#[tokio::test]
async fn a_tenant_and_an_endpoint_have_their_slots_and_no_more() {
    let settings = WebhookSettings { tenant_slots: 5, endpoint_slots: 3, ..WebhookSettings::default() };
    let scene = Scene::at(Clock::system(), settings).await;
    let receivers = [Receiver::new().await, Receiver::new().await];
    for receiver in &receivers {
        scene.endpoint_of(&scene.owner, &receiver.url(), &["test.*"]).await;
        receiver.always(Reply::status(200).after(Duration::from_millis(50)));
    }
    scene.happen(20).await;
    // Two programs, and both together keep to it.
    let (lifecycle, other) = (Lifecycle::new(), scene.webhooks.clone());
    let running = [scene.webhooks.start(&lifecycle), other.start(&lifecycle)];
    for receiver in &receivers {
        receiver.wait_for(20).await;
    }
    lifecycle.drain();
    for running in running {
        running.drained().await;
    }
    let most: Vec<_> = receivers.iter().map(Receiver::most_under_way).collect();
    assert!(most.iter().all(|most| (1..=3).contains(most)) && most.iter().sum::<usize>() > 3, "{most:?}");
    assert_eq!(receivers.each_ref().map(Receiver::count), [20, 20]);

    let failing = Receiver::new().await;
    scene.endpoint_of(&scene.owner, &failing.url(), &["test.*"]).await;
    scene.owner_runs("update data.webhook_endpoint set failing_since = now()").await;
    failing.always(Reply::status(500).after(Duration::from_millis(20)));
    scene.happen(6).await;
    scene.deliver().await;
    assert_eq!((failing.count(), failing.most_under_way()), (6, 1));
}

/// From the commit of an event to its arrival, one after the other: how long the slowest but one took.
async fn slowest(scene: &Scene, tenant: TenantId, receiver: &Receiver) -> Duration {
    let mut times = Vec::new();
    for _ in 0..60 {
        let before = receiver.count();
        let started = Instant::now();
        scene.happen_to(tenant, 1).await;
        receiver.wait_for(before + 1).await;
        times.push(receiver.got()[before].at - started);
    }
    times.sort_unstable();
    times[times.len() - 2]
}

/// W9: a tenant whose endpoint takes 30 seconds for each of a hundred messages does not make another's slower.
#[tokio::test]
async fn a_slow_endpoint_of_one_tenant_does_not_hold_up_another() {
    let scene = Scene::at(Clock::system(), WebhookSettings::default()).await;
    let (quick, slow) = (Receiver::new().await, Receiver::new().await);
    let other = scene.test.tenant("other").await;
    let owner: TestClient = scene.person(other, "owner").await;
    scene.endpoint_of(&owner, &quick.url(), &["test.*"]).await;
    let lifecycle = Lifecycle::new();
    let _running = scene.webhooks.start(&lifecycle);
    let alone = slowest(&scene, other, &quick).await;

    slow.always(Reply::status(200).after(SOON));
    for _ in 0..3 {
        scene.endpoint_of(&scene.owner, &slow.url(), &["test.*"]).await;
    }
    scene.happen(100).await;
    slow.wait_for(16).await;
    let beside = slowest(&scene, other, &quick).await;
    // The machine that runs this has other things to do; thirty seconds of waiting would show all the same.
    assert!(beside <= alone * 2 + Duration::from_millis(500), "alone {alone:?}, beside the slow one {beside:?}");
    assert!(slow.count() <= 16, "{}", slow.count());
    lifecycle.drain();
}
