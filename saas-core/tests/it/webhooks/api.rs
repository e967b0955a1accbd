use http::{Method, StatusCode};
use saas_core::{Actor, event_in};
use serde_json::json;
use sqlx::Row as _;

use super::{
    receiver::Receiver,
    scene::{Scene, Whispered},
};

/// API-04: an endpoint from its beginning to its end, as a program sees it.
#[tokio::test]
async fn an_endpoint_is_added_read_changed_tested_and_removed() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let body = json!({ "url": receiver.url(), "description": " Alarms ", "events": ["test.thing.done", "test.thing.done"] });
    let added = scene.owner.post("/api/v1/webhooks", &body).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
    let added = added.json();
    let id = added["id"].as_str().unwrap();
    assert!(added["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(
        (&added["description"], &added["events"], &added["state"]),
        (&json!("Alarms"), &json!(["test.thing.done"]), &json!("active"))
    );

    let listed = scene.owner.get("/api/v1/webhooks").await.json();
    assert_eq!(listed["items"][0]["id"], id);
    assert!(!listed.to_string().contains("whsec_"), "{listed}");
    let path = format!("/api/v1/webhooks/{id}");
    let changed = scene.owner.json(Method::PATCH, &path, &json!({ "events": ["test.*"] })).await;
    assert_eq!((changed.status, &changed.json()["events"]), (StatusCode::OK, &json!(["test.*"])), "{}", changed.text());
    assert_eq!(scene.read(id).await["description"], "Alarms");

    scene.forget().await;
    let test = scene.owner.post(&format!("{path}/test"), &json!({})).await;
    assert_eq!((test.status, &test.json()["event"]), (StatusCode::ACCEPTED, &json!("webhook.test")), "{}", test.text());
    scene.deliver().await;
    let got = receiver.got().pop().unwrap();
    assert_eq!((got.path.as_str(), &got.json()["type"]), ("/hook", &json!("webhook.test")));
    assert_eq!(got.header("webhook-id"), test.json()["webhook_id"]);

    assert_eq!(scene.owner.delete(&path).await.status, StatusCode::NO_CONTENT);
    for gone in [path.clone(), format!("{path}/deliveries"), format!("{path}/deliveries/{id}")] {
        assert_eq!(scene.owner.get(&gone).await.status, StatusCode::NOT_FOUND, "{gone}");
    }
    scene.happen(1).await;
    assert_eq!((scene.deliver().await, receiver.count()), (0, 1));
    for (event, count) in [("added", 1), ("changed", 1), ("removed", 1)] {
        assert_eq!(scene.recorded(&format!("webhook.endpoint.{event}")).await.len(), count, "{event}");
    }
}

/// API-04: endpoints hear of what they asked for, of nothing that is only one person's business, and once.
#[tokio::test]
async fn an_endpoint_hears_of_the_events_it_asked_for() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    for (path, events) in [("all", &[][..]), ("things", &["test.thing.*"][..]), ("hooks", &["webhook.*"][..])] {
        scene.endpoint_of(&scene.owner, &format!("{}/{path}", receiver.url()), events).await;
    }
    let mut tx = scene.test.db.tenant(scene.tenant).begin().await.unwrap();
    event_in(&mut tx, Actor::System, "secret", &Whispered {}).await.unwrap();
    tx.commit().await.unwrap();
    let event = scene.happen(1).await[0];
    // The relay may bring an event twice.
    scene.owner_runs("update data.outbox set relayed_at = null, taken = '{}'").await;
    scene.owner_runs("delete from data.outbox where name like 'webhook.%'").await;
    scene.relay.relay_now().await.unwrap();
    scene.deliver().await;
    let mut paths: Vec<_> = receiver.got().into_iter().map(|got| got.path).collect();
    paths.sort();
    assert_eq!(paths, ["/hook/all", "/hook/things"]);
    assert!(receiver.got().iter().all(|got| got.header("webhook-id") == super::scene::header_of(event)));
}

/// API-04: what is wrong is said field by field, and nothing is stored.
#[tokio::test]
async fn a_wrong_endpoint_is_refused_field_by_field() {
    let scene = Scene::new().await;
    let fine = "http://127.0.0.1:1/";
    for (body, pointers) in [
        (
            json!({ "url": "nonsense", "description": "x".repeat(201), "events": ["nothing.like.it"] }),
            &["/url", "/description", "/events"][..],
        ),
        (json!({ "url": fine, "events": ["test.thing.whispered"] }), &["/events"]),
        (json!({ "url": fine, "events": ["*"] }), &["/events"]),
        (json!({ "url": fine, "description": "a\nb" }), &["/description"]),
        (json!({ "url": format!("{fine}{}", "x".repeat(2000)) }), &["/url"]),
        (json!({ "description": "no address" }), &["/url"]),
        (json!({ "url": fine, "tenant_id": scene.tenant }), &["/tenant_id"]),
        (json!({ "url": fine, "state": "gone" }), &["/state"]),
    ] {
        let answer = scene.owner.post("/api/v1/webhooks", &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", answer.text());
        let errors = answer.json()["errors"].as_array().unwrap().clone();
        assert_eq!(errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect::<Vec<_>>(), pointers, "{body}");
    }
    assert_eq!(scene.owner.get("/api/v1/webhooks").await.json()["items"], json!([]));
}

/// API-04: who may only look, looks; and an endpoint is no way to hear of what one may not hear of oneself.
#[tokio::test]
async fn an_endpoint_takes_the_permission_and_hears_no_more_than_its_maker() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let (id, _) = scene.endpoint(&receiver).await;
    let path = format!("/api/v1/webhooks/{id}");
    let reader = scene.person(scene.tenant, "reader").await;
    assert_eq!(reader.get(&path).await.status, StatusCode::OK);
    for action in ["rotate", "reveal", "test"] {
        assert_eq!(reader.post(&format!("{path}/{action}"), &json!({})).await.status, StatusCode::FORBIDDEN, "{action}");
    }
    assert_eq!(reader.post("/api/v1/webhooks", &json!({ "url": receiver.url() })).await.status, StatusCode::FORBIDDEN);
    assert_eq!(reader.delete(&path).await.status, StatusCode::FORBIDDEN);
    assert_eq!(scene.person(scene.tenant, "viewer").await.get(&path).await.status, StatusCode::FORBIDDEN);

    let deaf = scene.person(scene.tenant, "hard-of-hearing").await;
    for events in [json!([]), json!(["test.*"]), json!(["test.thing.done"])] {
        let answer = deaf.post("/api/v1/webhooks", &json!({ "url": receiver.url(), "events": events })).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{events}");
    }
    // Nor by leading another's endpoint elsewhere.
    assert_eq!(deaf.json(Method::PATCH, &path, &json!({ "url": "http://127.0.0.1:2/" })).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(deaf.post("/api/v1/webhooks", &json!({ "url": receiver.url(), "events": ["webhook.*"] })).await.status, StatusCode::CREATED);
}

/// T77, T57: nothing of one tenant reaches another's endpoint, by whatever way.
#[tokio::test]
async fn nothing_of_a_tenant_reaches_the_endpoint_of_another() {
    let (scene, ours, theirs) = (Scene::new().await, Receiver::new().await, Receiver::new().await);
    let other = scene.test.tenant("other").await;
    let stranger = scene.person(other, "owner").await;
    let (own, secret) = scene.endpoint(&ours).await;
    let (foreign, _) = scene.endpoint_of(&stranger, &theirs.url(), &[]).await;
    let event = scene.happen(1).await[0];
    scene.deliver().await;
    assert_eq!((ours.count(), theirs.count()), (1, 0));

    // With the other's ids in our paths: as if there were nothing.
    let unknown = uuid::Uuid::now_v7().to_string();
    for (method, rest, body) in [
        (Method::GET, "", json!({})),
        (Method::GET, "/deliveries", json!({})),
        (Method::PATCH, "", json!({ "description": "ours now" })),
        (Method::DELETE, "", json!({})),
        (Method::POST, "/rotate", json!({})),
        (Method::POST, "/reveal", json!({})),
        (Method::POST, "/test", json!({})),
    ] {
        let theirs = scene.owner.json(method.clone(), &format!("/api/v1/webhooks/{foreign}{rest}"), &body).await;
        let nobodys = scene.owner.json(method.clone(), &format!("/api/v1/webhooks/{unknown}{rest}"), &body).await;
        assert_eq!((theirs.status, &theirs.body), (StatusCode::NOT_FOUND, &nobodys.body), "{method} {rest}");
    }
    for (endpoint, message) in [(foreign.as_str(), event.to_string()), (&own, unknown)] {
        let replay = scene.owner.post(&format!("/api/v1/webhooks/{endpoint}/deliveries/{message}/replay"), &json!({})).await;
        assert_eq!(replay.status, StatusCode::NOT_FOUND);
    }
    let swapped = stranger.post(&format!("/api/v1/webhooks/{foreign}/deliveries/{event}/replay"), &json!({})).await;
    assert_eq!(swapped.status, StatusCode::NOT_FOUND);

    // With SQL of one's own as the application.
    let statements = [
        format!("insert into webhook_delivery (tenant_id, endpoint_id, message_id, due_at) values ($1, '{foreign}', '{event}', now())"),
        format!(
            "insert into webhook_secret (tenant_id, id, endpoint_id, sealed, created_at) values ($1, gen_random_uuid(), '{foreign}', '', now())"
        ),
        format!("update webhook_secret set endpoint_id = '{foreign}' where tenant_id = $1"),
    ];
    for statement in statements {
        let mut tx = scene.test.db.tenant(scene.tenant).begin().await.unwrap();
        let error = sqlx::query(sqlx::AssertSqlSafe(statement.clone())).bind(scene.tenant).execute(&mut *tx).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("23503"), "{statement}: {error}");
    }
    let mut tx = scene.test.db.tenant(scene.tenant).begin().await.unwrap();
    let hosts = sqlx::query("select url from webhook_endpoint").fetch_all(&mut *tx).await.unwrap();
    assert_eq!(hosts.iter().map(|row| row.get::<String, _>(0)).collect::<Vec<_>>(), [ours.url()]);
    drop(tx);

    scene.pass(chrono::TimeDelta::days(1));
    scene.deliver().await;
    assert_eq!(theirs.count(), 0);
    assert!(ours.got().iter().all(|got| super::sign::signed_by(got, &secret) == [0]));
}

/// API-04: a tenant cannot fill the table, and old deliveries are deleted.
#[tokio::test]
async fn there_is_an_end_to_endpoints_and_to_what_is_kept() {
    let settings = saas_core::webhook::WebhookSettings { endpoints: 2, ..Default::default() };
    let scene = Scene::at(saas_core::Clock::fixed(super::scene::START.parse().unwrap()), settings).await;
    let receiver = Receiver::new().await;
    let (id, _) = scene.endpoint(&receiver).await;
    let new = json!({ "url": receiver.url() });
    let add = || scene.owner.post("/api/v1/webhooks", &new);
    let (a, b, c) = tokio::join!(add(), add(), add());
    let mut statuses = [a.status.as_u16(), b.status.as_u16(), c.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409]);
    scene.relay.relay_now().await.unwrap();
    scene.forget().await;

    scene.happen(1).await;
    scene.deliver().await;
    assert_eq!(scene.deliveries(&id).await.len(), 1);
    scene.pass(chrono::TimeDelta::days(31));
    let lifecycle = saas_core::Lifecycle::new();
    let running = scene.webhooks.start(&lifecycle);
    let deadline = std::time::Instant::now() + super::scene::SOON;
    while !scene.deliveries(&id).await.is_empty() {
        assert!(std::time::Instant::now() < deadline, "it is kept");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    lifecycle.drain();
    running.drained().await;
}
