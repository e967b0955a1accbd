use http::StatusCode;
use saas_core::{Principal, PushOutcome};

use super::scene::Scene;
use crate::webhooks::receiver::Receiver;

/// NOT-05: somebody allows browsers, sees them, and stops them; nobody else's.
#[tokio::test]
async fn a_browser_is_allowed_seen_and_stopped_by_its_person_alone() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let (ada, bob) = (scene.person(scene.tenant, "owner").await, scene.person(scene.tenant, "owner").await);
    let elsewhere = scene.signs_in(scene.tenant, ada.user, "owner");
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let there = super::scene::Person { client: elsewhere.client.with("user-agent", agent), ..elsewhere };
    let (here, other) = (scene.allows(&ada, &service, "here").await, scene.allows(&there, &service, "there").await);
    let page = ada.client.page("/notifications/preferences").await.text();
    assert!(page.contains("Firefox on Linux") && page.contains("An unknown browser"), "{page}");
    assert!(page.contains(&format!(r#"data-browser="{here}""#)) && !page.contains(&format!(r#"data-browser="{other}""#)), "{page}");
    assert!(!bob.client.page("/notifications/preferences").await.text().contains(&here));

    assert_eq!(bob.client.delete(&format!("/api/v1/notifications/browsers/{here}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(bob.client.form(&format!("/notifications/browsers/{here}/remove"), &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ada.client.delete(&format!("/api/v1/notifications/browsers/{here}")).await.status, StatusCode::NO_CONTENT);
    let removed = ada.client.form(&format!("/notifications/browsers/{other}/remove"), &[]).await;
    assert_eq!((removed.status, removed.location()), (StatusCode::SEE_OTHER, Some("/notifications/preferences")));
    assert!(scene.browsers(&ada).await.is_empty());
    scene.ends("a.example").await;
    assert!(scene.deliver().await.is_empty());
    let stranger = scene.app.acting(Principal::Anonymous);
    assert_eq!(stranger.get("/api/v1/notifications/browsers").await.status, StatusCode::UNAUTHORIZED);
}

/// NOT-05: a browser that its person stopped is not told again because they sign in there anew, but because they say so: then it has another address.
#[tokio::test]
async fn a_browser_that_was_stopped_stays_so_in_the_next_session() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let ada = scene.person(scene.tenant, "owner").await;
    let browser = scene.allows(&ada, &service, "here").await;
    scene.ends("a.example").await;
    assert_eq!(ada.client.delete(&format!("/api/v1/notifications/browsers/{browser}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(ada.client.delete(&format!("/api/v1/notifications/browsers/{browser}")).await.status, StatusCode::NOT_FOUND);
    let anew = scene.signs_in(scene.tenant, ada.user, "owner");
    let followed = scene.answer(&anew, &service, "here").await;
    let refused = anew.client.post("/api/v1/notifications/browsers", &followed).await;
    assert_eq!((refused.status, &refused.json()["type"]), (StatusCode::CONFLICT, &serde_json::json!("/problems/conflict")));
    assert_eq!(scene.deliver().await, [PushOutcome::Over], "what waited for it too");
    scene.ends("b.example").await;
    assert!(scene.deliver().await.is_empty());
    assert_eq!((service.count(), scene.browsers(&anew).await.len()), (0, 0));
    let kept = "select concat_ws(' ', length(sealed), user_agent, stopped_at is not null) from core.push_browser";
    assert_eq!(crate::planted::truth(&scene.test, kept).await, ["0 t"], "nothing is kept that one could send with");
    assert_eq!(scene.recorded().await, ["push.browser.added", "push.browser.removed wanted"]);

    scene.allows(&anew, &service, "asked anew").await;
    scene.ends("c.example").await;
    assert_eq!(scene.deliver().await, [PushOutcome::Delivered]);
    // Somebody else who allows it there is told there.
    let bob = scene.person(scene.tenant, "owner").await;
    scene.allows(&bob, &service, "here").await;
    let added = ["push.browser.added", "push.browser.removed wanted", "push.browser.added", "push.browser.added"];
    assert_eq!(scene.recorded().await, added, "and nobody is told of the first one's again");
}

/// NOT-05: those that were stopped do not count among those that one may have, and of them there is an end too.
#[tokio::test]
async fn there_is_an_end_to_browsers_that_were_stopped() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let ada = scene.person(scene.tenant, "owner").await;
    for number in 0..=100 {
        scene.pass(chrono::TimeDelta::seconds(1));
        // Of one session it would be one browser.
        let session = scene.signs_in(scene.tenant, ada.user, "owner");
        let browser = scene.allows(&session, &service, &number.to_string()).await;
        let stopped = session.client.delete(&format!("/api/v1/notifications/browsers/{browser}")).await;
        assert_eq!(stopped.status, StatusCode::NO_CONTENT, "{number}: {}", stopped.text());
    }
    assert_eq!(crate::planted::truth(&scene.test, "select count(*)::text from core.push_browser").await, ["100"]);
    for (number, status) in [("0", StatusCode::CREATED), ("1", StatusCode::CONFLICT), ("100", StatusCode::CONFLICT)] {
        let answer = scene.answer(&ada, &service, number).await;
        assert_eq!(ada.client.post("/api/v1/notifications/browsers", &answer).await.status, status, "{number}");
    }
}

/// NOT-05: there is an end to browsers, and those of sessions that are over do not count.
#[tokio::test]
async fn there_is_an_end_to_browsers() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let ada = scene.person(scene.tenant, "owner").await;
    let mut sessions = Vec::new();
    for number in 0..10 {
        let session = scene.signs_in(scene.tenant, ada.user, "owner");
        scene.allows(&session, &service, &number.to_string()).await;
        sessions.push(session);
    }
    let answer = scene.answer(&ada, &service, "one more").await;
    assert_eq!(ada.client.post("/api/v1/notifications/browsers", &answer).await.status, StatusCode::CONFLICT);
    scene.allows(&sessions[3], &service, "3").await;
    scene.signs_out(&sessions[7]);
    assert_eq!(ada.client.post("/api/v1/notifications/browsers", &answer).await.status, StatusCode::CREATED);
    assert_eq!(scene.browsers(&ada).await.len(), 10);
}

/// NOT-05: what shows messages stands at one address for good, for the pages that ask for it, and workers are allowed.
#[tokio::test]
async fn the_worker_stands_at_an_address_of_its_own() {
    let scene = Scene::new().await;
    let ada = scene.person(scene.tenant, "owner").await;
    let worker = ada.client.get("/assets/push-worker.js").await;
    assert_eq!(worker.status, StatusCode::OK);
    let header = |name| worker.headers[name].to_str().unwrap();
    assert_eq!((header("service-worker-allowed"), header("cache-control")), ("/notifications/", "no-cache"));
    assert!(worker.headers["content-type"].to_str().unwrap().starts_with("text/javascript"));
    let page = ada.client.page("/notifications/preferences").await;
    assert!(page.headers["content-security-policy"].to_str().unwrap().contains("worker-src 'self';"));
    assert!(ada.client.get("/assets/core.js").await.headers.get("service-worker-allowed").is_none());
}
