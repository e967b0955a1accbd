use http::StatusCode;

use super::{
    receiver::{Receiver, Reply},
    scene::Scene,
};

/// API-04: the whole of it with a browser and no script.
#[tokio::test]
async fn an_endpoint_is_run_from_its_pages() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let list = scene.owner.page("/webhooks").await.text();
    assert!(list.contains("Add an endpoint"), "{list}");
    let form = scene.owner.page("/webhooks/new").await.text();
    assert!(form.contains("test.thing.done") && !form.contains("test.thing.whispered"), "{form}");

    let refused = scene.owner.form("/webhooks", &[("url", "http://[::1"), ("description", "Alarms"), ("events", "test.thing.done")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("value=\"Alarms\"") && refused.text().contains("value=\"test.thing.done\" checked"));

    let added = scene.owner.form("/webhooks", &[("url", &receiver.url()), ("description", "Alarms"), ("events", "test.thing.done")]).await;
    assert_eq!(added.status, StatusCode::CREATED);
    let text = added.text();
    assert!(text.contains("whsec_"), "{text}");
    let id = scene.owner.get("/api/v1/webhooks").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/webhooks/{id}");
    assert!(!scene.owner.page(&path).await.text().contains("whsec_"));

    let tested = scene.owner.form(&format!("{path}/test"), &[]).await;
    assert_eq!((tested.status, tested.location()), (StatusCode::SEE_OTHER, Some(path.as_str())));
    receiver.next(Reply::status(410).body("it moved"));
    scene.deliver().await;
    let page = scene.owner.page(&path).await.text();
    assert!(page.contains("webhook.test") && page.contains("410") && page.contains("it moved"), "{page}");

    assert_eq!(scene.owner.form(&format!("{path}/state"), &[("state", "active")]).await.status, StatusCode::SEE_OTHER);
    let page = scene.owner.page(&path).await.text();
    let (_, rest) = page.split_once("/deliveries/").unwrap();
    let message = rest.split('/').next().unwrap();
    assert_eq!(scene.owner.form(&format!("{path}/deliveries/{message}/replay"), &[]).await.status, StatusCode::SEE_OTHER);
    scene.deliver().await;
    assert_eq!(receiver.got()[0].header("webhook-id"), receiver.got()[1].header("webhook-id"));

    let edit = scene.owner.page(&format!("{path}/edit")).await.text();
    assert!(edit.contains("value=\"test.thing.done\" checked"), "{edit}");
    assert_eq!(scene.owner.form(&path, &[("url", &receiver.url()), ("description", "Calm")]).await.status, StatusCode::SEE_OTHER);
    assert!(scene.owner.page("/webhooks").await.text().contains("Calm"));
    for (action, shown) in [("rotate", true), ("reveal", true)] {
        let answer = scene.owner.form(&format!("{path}/{action}"), &[]).await;
        assert_eq!((answer.status, answer.text().contains("whsec_")), (StatusCode::OK, shown), "{action}");
        assert!(answer.headers["cache-control"].to_str().unwrap().contains("no-store"));
    }
    let reader = scene.person(scene.tenant, "reader").await.page(&path).await.text();
    assert!(reader.contains("Calm") && !reader.contains("/remove") && !reader.contains("/reveal"), "{reader}");
    assert_eq!(scene.owner.form(&format!("{path}/remove"), &[]).await.location(), Some("/webhooks"));
    assert_eq!(scene.owner.page(&path).await.status, StatusCode::NOT_FOUND);
}
