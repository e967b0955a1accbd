use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::Value;

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

/// API-01, API-04: to the end, by links that need no script. The first page is live, and those that follow stay as they are.
#[tokio::test]
async fn deliveries_are_read_page_by_page_to_their_end() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let (id, _) = scene.endpoint(&receiver).await;
    scene.happen(120).await;
    let (mut path, mut seen, mut pages) = (format!("/webhooks/{id}"), BTreeSet::new(), 0);
    loop {
        let page = scene.owner.page(&path).await.text();
        let rows = page.split("data-key=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        let before = seen.len();
        seen.extend(rows);
        assert_eq!((page.contains("data-topic=\"webhooks\""), page.contains(">Newest<")), (pages == 0, pages > 0), "{path}");
        pages += 1;
        assert!(seen.len() <= before + 50 && seen.len() > before, "{path}");
        match page.split_once("rel=\"next\" href=\"") {
            Some((_, rest)) => path = rest.split('"').next().unwrap().to_owned(),
            None => break,
        }
    }
    assert_eq!((seen.len(), pages), (120, 3));
    let part = scene.owner.clone().with("x-fragment", "1").page(&format!("/webhooks/{id}")).await.text();
    assert!(part.contains("rel=\"next\"") && !part.contains("<html"), "what is live says where it goes on: {part}");
    assert_eq!(scene.owner.page(&format!("/webhooks/{id}?after=made-up")).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

/// API-04, topic 1: what was sent is shown without secrets, and to those alone who may hear of the event.
#[tokio::test]
async fn what_was_sent_is_shown_to_whoever_may_hear_of_it() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let (id, _) = scene.endpoint(&receiver).await;
    let event = scene.happen(1).await[0];
    scene.deliver().await;
    let deaf = scene.person(scene.tenant, "hard-of-hearing").await;
    let path = format!("/api/v1/webhooks/{id}/deliveries/{event}");
    let sent = scene.owner.get(&path).await.json()["sent"].as_str().unwrap().to_owned();
    let (sent, got): (Value, Value) = (serde_json::from_str(&sent).unwrap(), receiver.got()[0].json());
    assert_eq!(sent, got, "there was nothing in it to be taken out");
    assert_eq!(deaf.get(&path).await.json()["sent"], Value::Null);
    let page = format!("/webhooks/{id}");
    let (owner, deaf_page) = (scene.owner.page(&page).await.text(), deaf.page(&page).await.text());
    assert!(owner.contains("na\u{ef}ve") && !owner.contains("may hear of the event"), "{owner}");
    assert!(!deaf_page.contains("na\u{ef}ve") && deaf_page.contains("may hear of the event"), "{deaf_page}");

    let test = deaf.post(&format!("/api/v1/webhooks/{id}/test"), &serde_json::json!({})).await.json();
    let test = format!("/api/v1/webhooks/{id}/deliveries/{}", test["id"].as_str().unwrap());
    assert!(deaf.get(&test).await.json()["sent"].as_str().unwrap().contains("This is a test."), "it means nothing");
    scene
        .owner_runs("update data.webhook_message set body = replace(body, 'quoted', 'ada@example.com sk_live_4eC39HqLyjWDarjtT1zdp7dc')")
        .await;
    let sent = scene.owner.get(&path).await.text();
    assert!(sent.contains("[redacted] [redacted]") && !sent.contains("sk_live") && !sent.contains("ada@"), "{sent}");
}
