use http::{Method, StatusCode};
use serde_json::json;

use super::scene::Scene;
use crate::webhooks::receiver::{Receiver, Reply};

/// NOT-05
#[tokio::test]
async fn a_channel_is_added_read_changed_tested_and_removed() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let id = scene.channel(&receiver, "slack").await;
    let path = format!("/api/v1/channels/{id}");
    let channel = scene.read(&id).await;
    let expected = json!({
        "id": id, "format": "slack", "name": "On-call", "host": "127.0.0.1", "kinds": ["test.thing.ended"], "severity": "info", "state": "active",
        "failing_since": null, "created_at": "2026-03-01T12:00:00Z", "last": null,
    });
    assert_eq!(channel, expected);
    assert_eq!(scene.owner.get("/api/v1/channels?sort=-name").await.json()["items"], json!([expected]));
    let changed = scene.owner.json(Method::PATCH, &path, &json!({ "name": " Night shift ", "kinds": [] })).await.json();
    assert_eq!((&changed["name"], &changed["kinds"]), (&json!("Night shift"), &json!([])));

    let test = scene.owner.post(&format!("{path}/test"), &json!({})).await;
    assert_eq!(test.status, StatusCode::ACCEPTED);
    scene.deliver().await;
    let message = &scene.messages(&id).await[0];
    assert_eq!((&message["id"], &message["kind"], &message["state"]), (&test.json()["id"], &json!("chat.test"), &json!("delivered")));
    assert_eq!(scene.owner.delete(&path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(scene.owner.get(&path).await.status, StatusCode::NOT_FOUND);
    for (event, field) in [("added", "name"), ("changed", "readdressed"), ("removed", "host")] {
        let recorded = scene.recorded(&format!("chat.channel.{event}")).await;
        assert_eq!((recorded.len(), &recorded[0]["subject"]), (1, &json!(id)), "{event}");
        assert!(!recorded[0]["data"][field].is_null(), "{event}: {recorded:?}");
    }
}

/// NOT-05
#[tokio::test]
async fn a_wrong_channel_is_refused_field_by_field() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let fine = json!({ "format": "slack", "name": "x", "address": receiver.url(), "kinds": [] });
    let long = "x".repeat(81);
    for (field, value) in [
        ("name", json!("  ")),
        ("name", json!(long)),
        ("name", json!("a\u{0}b")),
        ("address", json!("")),
        ("address", json!("http://ada:secret@127.0.0.1/")),
        ("address", json!(format!("http://127.0.0.1/{}", "x".repeat(2000)))),
        ("kinds", json!(["no.such.kind"])),
        ("kinds", json!(["*"])),
        ("format", json!("teams")),
    ] {
        let mut new = fine.clone();
        new[field] = value.clone();
        let refused = scene.owner.post("/api/v1/channels", &new).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {value}");
        assert_eq!(refused.json()["errors"][0]["pointer"], format!("/{field}"), "{}", refused.text());
    }
    assert_eq!(scene.owner.get("/api/v1/channels").await.json()["items"], json!([]));
}

/// NOT-05, RBA-02: who may only read changes nothing, who may not read sees nothing, and another organization's is not there.
#[tokio::test]
async fn a_channel_takes_the_permission_and_hears_no_more_than_its_maker() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let id = scene.channel(&receiver, "slack").await;
    let path = format!("/api/v1/channels/{id}");
    let new = json!({ "format": "slack", "name": "x", "address": receiver.url(), "kinds": ["test.thing.ended"] });
    let (reader, nobody) = (scene.person(scene.tenant, "reader").await, scene.person(scene.tenant, "viewer").await);
    assert_eq!(reader.get(&path).await.status, StatusCode::OK);
    for (client, status) in [(&reader, StatusCode::FORBIDDEN), (&nobody, StatusCode::FORBIDDEN)] {
        assert_eq!(client.post("/api/v1/channels", &new).await.status, status);
        assert_eq!(client.json(Method::PATCH, &path, &json!({ "state": "paused" })).await.status, status);
        assert_eq!(client.post(&format!("{path}/test"), &json!({})).await.status, status);
        assert_eq!(client.delete(&path).await.status, status);
        assert_eq!(client.form(&format!("/channels/{id}/remove"), &[]).await.status, status);
    }
    for asked in ["/api/v1/channels", &path, &format!("{path}/messages"), "/channels"] {
        assert_eq!(nobody.get(asked).await.status, StatusCode::FORBIDDEN, "{asked}");
    }
    let stranger = scene.person(scene.other, "owner").await;
    for asked in [path.clone(), format!("{path}/messages")] {
        assert_eq!(stranger.get(&asked).await.status, StatusCode::NOT_FOUND, "{asked}");
    }
    assert_eq!(stranger.json(Method::PATCH, &path, &json!({ "name": "mine" })).await.status, StatusCode::NOT_FOUND);
    assert_eq!(stranger.delete(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(scene.read(&id).await["name"], "On-call");

    let hard = scene.person(scene.tenant, "hard-of-hearing").await;
    assert_eq!(hard.post("/api/v1/channels", &new).await.status, StatusCode::CREATED);
    for kinds in [json!([]), json!(["test.thing.whispered"])] {
        let mut more = new.clone();
        more["kinds"] = kinds;
        let refused = hard.post("/api/v1/channels", &more).await;
        assert_eq!((refused.status, &refused.json()["errors"][0]["pointer"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("/kinds")));
    }
    let form = hard.page("/channels/new").await.text();
    assert!(form.contains("test.thing.ended") && !form.contains("test.thing.whispered"), "{form}");
}

/// NOT-05: a limit holds also for those who come at once.
#[tokio::test]
async fn there_is_an_end_to_channels() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let new = json!({ "format": "slack", "name": "x", "address": receiver.url() });
    for _ in 0..19 {
        assert_eq!(scene.owner.post("/api/v1/channels", &new).await.status, StatusCode::CREATED);
    }
    let add = || scene.owner.post("/api/v1/channels", &new);
    let (a, b, c) = tokio::join!(add(), add(), add());
    let mut statuses = [a.status.as_u16(), b.status.as_u16(), c.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409]);
    let address = receiver.url();
    let refused = scene.owner.form("/channels", &[("format", "slack"), ("name", "x"), ("address", address.as_str())]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("as many channels as there may be"), "{}", refused.text());
}

/// NOT-05: the whole of it with a browser and no script, in both languages.
#[tokio::test]
async fn a_channel_is_run_from_its_pages() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    assert!(scene.owner.page("/channels").await.text().contains("Add a channel"));
    let form = scene.owner.page("/channels/new").await.text();
    assert!(form.contains("value=\"test.thing.ended\"") && form.contains("A webhook was switched off"), "{form}");
    let german = scene.owner.clone().with("accept-language", "de");
    assert!(german.page("/channels/new").await.text().contains("Kanal hinzufügen"));

    let address = receiver.url();
    let filled =
        [("format", "json"), ("name", "<On-call>"), ("address", "http://[::1"), ("kinds", "test.thing.ended"), ("severity", "warning")];
    let refused = scene.owner.form("/channels", &filled).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let text = refused.text();
    assert!(text.contains("value=\"&lt;On-call&gt;\"") && text.contains("value=\"test.thing.ended\" checked"), "{text}");
    assert!(text.contains("value=\"json\" checked") && text.contains("This address cannot be used."), "{text}");
    assert!(text.contains("value=\"warning\" selected"), "{text}");
    let filled =
        [("format", "json"), ("name", "<On-call>"), ("address", address.as_str()), ("kinds", "test.thing.ended"), ("severity", "warning")];
    let added = scene.owner.form("/channels", &filled).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.text());
    let path = added.location().unwrap().to_owned();

    receiver.next(Reply::status(500));
    assert_eq!(scene.owner.form(&format!("{path}/test"), &[]).await.location(), Some(path.as_str()));
    assert!(scene.owner.page(&path).await.text().contains("Waiting"));
    scene.deliver().await;
    let page = scene.owner.page(&path).await.text();
    assert!(page.contains("refused with 500") && page.contains("Next attempt") && page.contains("&lt;On-call&gt;"), "{page}");
    scene.pass(chrono::TimeDelta::seconds(11));
    scene.deliver().await;
    assert!(scene.owner.page("/channels").await.text().contains("Delivered"));
    assert!(german.page(&path).await.text().contains("Zugestellt"));

    assert_eq!(scene.owner.form(&format!("{path}/state"), &[("state", "paused")]).await.status, StatusCode::SEE_OTHER);
    assert!(scene.owner.page(&path).await.text().contains("Nothing is sent until it is resumed."));
    let edit = scene.owner.page(&format!("{path}/edit")).await.text();
    assert!(edit.contains("value=\"test.thing.ended\" checked") && !edit.contains(&address), "{edit}");
    assert!(
        edit.contains("value=\"warning\" selected") && scene.owner.page("/channels").await.text().contains("at least: Warning"),
        "{edit}"
    );
    let changed = scene.owner.form(&path, &[("name", "Calm"), ("address", "")]).await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER, "{}", changed.text());
    assert_eq!(scene.owner.form(&format!("{path}/state"), &[("state", "active")]).await.status, StatusCode::SEE_OTHER);
    let page = scene.owner.page(&path).await.text();
    assert!(page.contains("Calm") && page.contains("anything happens"), "{page}");
    scene.ends("a.example").await;
    scene.deliver().await;
    assert_eq!(receiver.count(), 3, "the address stayed");

    let reader = scene.person(scene.tenant, "reader").await.page(&path).await.text();
    assert!(reader.contains("Calm") && !reader.contains("/remove") && !reader.contains("/edit"), "{reader}");
    assert_eq!(scene.owner.form(&format!("{path}/remove"), &[]).await.location(), Some("/channels"));
    assert_eq!(scene.owner.page(&path).await.status, StatusCode::NOT_FOUND);
}
