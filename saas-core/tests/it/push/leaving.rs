use saas_core::{Outbound, OutboundPolicy, Push, PushOutcome, person_erase_in, person_export_in};

use super::scene::{Scene, endpoint};
use crate::webhooks::receiver::Receiver;

/// NOT-05: a session that is over tells nobody anything more, what still waited neither.
#[tokio::test]
async fn whoever_has_signed_out_is_told_nothing_more() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let ada = scene.person(scene.tenant, "owner").await;
    let elsewhere = scene.signs_in(scene.tenant, ada.user, "owner");
    scene.allows(&ada, &service, "here").await;
    scene.allows(&elsewhere, &service, "elsewhere").await;
    scene.ends("a.example").await;
    scene.signs_out(&ada);
    scene.deliver().await;
    scene.ends("b.example").await;
    scene.deliver().await;
    let paths: Vec<_> = service.got().into_iter().map(|got| got.path).collect();
    assert_eq!(paths, ["/elsewhere", "/elsewhere"]);
    assert!(scene.messages().await.iter().any(|message| message["state"] == "dropped"));
    assert_eq!(scene.browsers(&elsewhere).await.len(), 1);
    assert_eq!(scene.recorded().await.last().unwrap(), "push.browser.removed session_over");
}

/// NOT-05: a browser whose session is over is forgotten by the next morning, though nothing has happened that would be told there.
#[tokio::test]
async fn browsers_of_sessions_that_are_over_are_forgotten_without_a_message() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let (ada, bob) = (scene.person(scene.tenant, "owner").await, scene.person(scene.other, "owner").await);
    let stopped = scene.signs_in(scene.tenant, ada.user, "owner");
    scene.allows(&ada, &service, "ada").await;
    scene.allows(&bob, &service, "bob").await;
    let browser = scene.allows(&stopped, &service, "stopped").await;
    assert_eq!(stopped.client.delete(&format!("/api/v1/notifications/browsers/{browser}")).await.status, http::StatusCode::NO_CONTENT);
    assert_eq!(scene.push.sweep().await.unwrap(), 0);
    scene.signs_out(&ada);
    scene.signs_out(&stopped);
    assert_eq!((scene.push.sweep().await.unwrap(), scene.push.sweep().await.unwrap()), (1, 0));
    let left = "select (stopped_at is not null)::text from core.push_browser order by 1";
    assert_eq!(crate::planted::truth(&scene.test, left).await, ["false", "true"], "what was stopped stays known");
    assert_eq!(scene.recorded().await.last().unwrap(), "push.browser.removed session_over");
    assert_eq!((scene.browsers(&bob).await.len(), service.count()), (1, 0));
}

/// NOT-05: in one browser one person is told: whoever allowed it last.
#[tokio::test]
async fn another_person_in_the_same_browser_gets_nothing_of_the_first_ones() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let (ada, bob) = (scene.person(scene.tenant, "owner").await, scene.person(scene.other, "owner").await);
    let first = scene.allows(&ada, &service, "shared").await;
    scene.ends("a.example").await;
    // Nobody has said that the first session is over.
    let second = scene.allows(&bob, &service, "shared").await;
    assert_ne!(first, second);
    assert_eq!(scene.deliver().await, [PushOutcome::Over], "what waited for the first one too");
    scene.ends("b.example").await;
    assert!(scene.deliver().await.is_empty());
    assert_eq!((service.count(), scene.browsers(&ada).await.len(), scene.browsers(&bob).await.len()), (0, 0, 1));
    scene.happens(scene.other, "7", &super::scene::Ended { host: "his".to_owned() }).await;
    scene.deliver().await;
    assert_eq!(service.count(), 1);
    assert_eq!(scene.recorded().await, ["push.browser.added", "push.browser.removed taken_over", "push.browser.added"]);
}

/// NOT-05: who signs in anew in the same browser goes on being told there, in one row.
#[tokio::test]
async fn the_same_person_in_another_session_takes_their_browser_along() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let ada = scene.person(scene.tenant, "owner").await;
    let before = scene.allows(&ada, &service, "ada").await;
    let anew = scene.signs_in(scene.tenant, ada.user, "owner");
    assert_eq!(scene.allows(&anew, &service, "ada").await, before);
    scene.signs_out(&ada);
    scene.ends("a.example").await;
    assert_eq!(scene.deliver().await, [PushOutcome::Delivered]);
    let browsers = scene.browsers(&anew).await;
    assert_eq!((browsers.len(), &browsers[0]["current"]), (1, &serde_json::json!(true)));
    // A session has one browser: asked anew it has another address.
    scene.allows(&anew, &service, "ada/anew").await;
    assert_eq!(scene.browsers(&anew).await.len(), 1);
}

/// NOT-05: whoever left the organization gets nothing that still waited.
#[tokio::test]
async fn whoever_has_left_gets_nothing_that_still_waited() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let (ada, bob) = (scene.person(scene.tenant, "owner").await, scene.person(scene.tenant, "reader").await);
    scene.allows(&ada, &service, "ada").await;
    scene.allows(&bob, &service, "bob").await;
    scene.ends("a.example").await;
    scene.test.left(scene.tenant, bob.user).await;
    scene.deliver().await;
    let paths: Vec<_> = service.got().into_iter().map(|got| got.path).collect();
    assert_eq!(paths, ["/ada"]);
}

/// NOT-05, CMP-01, CMP-02: what is kept of a browser goes with its person, who is given it without what lets others send there.
#[tokio::test]
async fn browsers_are_given_to_their_person_and_go_with_them() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let ada = scene.person(scene.tenant, "owner").await;
    // Somebody stays in the organization.
    scene.person(scene.tenant, "owner").await;
    scene.allows(&ada, &service, "hush").await;
    scene.ends("a.example").await;
    let mut tx = scene.test.db.system("test").begin().await.unwrap();
    let export = person_export_in(&mut tx, &scene.test.db.inventory(), ada.user).await.unwrap();
    let text = format!("{export:?}");
    assert!(text.contains("core.push_browser") && !text.contains("sealed") && !text.contains("endpoint_hash"), "{text}");
    sqlx::query("update core.user set state = 'leaving' where id = $1").bind(uuid::Uuid::from(ada.user)).execute(&mut *tx).await.unwrap();
    person_erase_in(&mut tx, &scene.test.db.inventory(), ada.user).await.unwrap();
    tx.commit().await.unwrap();
    for table in ["core.push_browser", "data.push_message"] {
        let left = crate::planted::truth(&scene.test, &format!("select t::text from {table} t")).await;
        assert!(left.is_empty(), "{left:?}");
    }
}

/// NOT-05, topic 20: where a browser is reached lets whoever knows it send there, and is shown nowhere; with another master key it is not reached.
#[tokio::test]
async fn where_a_browser_is_reached_is_a_secret() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let ada = scene.person(scene.tenant, "owner").await;
    let browser = scene.allows(&ada, &service, "hush").await;
    let event = scene.ends("a.example").await;
    let mut shown = vec![ada.client.get("/api/v1/notifications/browsers").await.text()];
    shown.push(ada.client.page("/notifications/preferences").await.text());
    for table in ["core.push_browser", "data.push_message", "data.outbox", "data.audit_entry", "core.job"] {
        shown.extend(crate::planted::truth(&scene.test, &format!("select t::text from {table} t")).await);
    }
    assert!(shown.iter().all(|text| !text.contains("hush") && !text.contains(&endpoint(&service, "hush"))), "{shown:?}");

    // The program has another key by now, and has forgotten the old one.
    let keys = saas_core::MasterKey::generate();
    let outbound = Outbound::new(OutboundPolicy::local()).unwrap();
    let push = Push::new(&scene.test.db, &keys, outbound, &"http://localhost:3000".parse().unwrap(), |_| async { Ok(true) });
    assert_eq!(push.attempt(scene.tenant, browser.parse().unwrap(), event).await.unwrap(), PushOutcome::Failed);
    assert_eq!((service.count(), &scene.messages().await[0]["error"]), (0, &serde_json::json!("internal")));
    assert_ne!(*keys.text(), *scene.keys.text());
}
