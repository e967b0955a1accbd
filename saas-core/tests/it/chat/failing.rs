use chrono::TimeDelta;
use http::StatusCode;
use saas_core::{Clock, Outbound, OutboundPolicy, chat::ChatOutcome};
use serde_json::json;

use super::scene::{Ended, Scene, text};
use crate::webhooks::receiver::{Receiver, Reply};

fn within(pause: TimeDelta, seconds: i64) -> bool {
    pause >= TimeDelta::seconds(seconds) && pause <= TimeDelta::milliseconds(seconds * 1100)
}

/// NOT-05: a receiver that is down gets it once when it is back.
#[tokio::test]
async fn a_receiver_that_is_down_is_tried_again_and_gets_the_message_once() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let id = scene.channel(&receiver, "slack").await;
    scene.ends("a.example").await;
    for (status, seconds) in [(500, 10), (503, 60), (408, 300)] {
        receiver.next(Reply::status(status));
        assert!(matches!(scene.deliver().await[..], [ChatOutcome::Waits(_)]));
        let pause = scene.pause(&id).await;
        assert!(within(pause, seconds), "{status}: {pause}");
        let message = &scene.messages(&id).await[0];
        assert_eq!((&message["state"], &message["status"]), (&json!("waiting"), &json!(status)));
        let tried = receiver.count();
        scene.pass(pause - TimeDelta::milliseconds(1));
        assert!(matches!(scene.deliver().await[..], [ChatOutcome::Waits(_)]));
        assert_eq!(receiver.count(), tried, "it was not due");
        scene.pass(TimeDelta::milliseconds(1));
    }
    assert_eq!(scene.deliver().await, [ChatOutcome::Delivered]);
    scene.pass(TimeDelta::days(1));
    assert_eq!((scene.deliver().await, receiver.count()), (vec![], 4));
    let channel = scene.read(&id).await;
    assert_eq!((&channel["failing_since"], &channel["last"]["state"]), (&json!(null), &json!("delivered")));
    assert_eq!(scene.recorded("chat.channel.failed").await, [] as [serde_json::Value; 0]);
}

/// NOT-05: nobody there at all, and for good: seven attempts, then it is given up.
#[tokio::test]
async fn after_seven_attempts_a_message_is_given_up() {
    let scene = Scene::new().await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let id = scene.channel_of(&scene.owner, &format!("http://{closed}/"), "slack").await;
    scene.ends("a.example").await;
    for seconds in [10, 60, 300, 900, 3600, 10_800] {
        assert!(matches!(scene.deliver().await[..], [ChatOutcome::Waits(_)]));
        let pause = scene.pause(&id).await;
        assert!(within(pause, seconds), "{pause}");
        scene.pass(pause);
    }
    assert_eq!(scene.deliver().await, [ChatOutcome::Failed]);
    let message = &scene.messages(&id).await[0];
    assert_eq!(
        (&message["state"], &message["attempts"], &message["error"], &message["due_at"]),
        (&json!("failed"), &json!(7), &json!("unreachable"), &json!(null))
    );
    let failed = scene.recorded("chat.channel.failed").await;
    let data = json!({ "name": "On-call", "host": "127.0.0.1", "status": null, "state": "active", "undelivered": 1 });
    assert_eq!((failed.len(), &failed[0]["data"]), (1, &data));
}

/// NOT-05: Slack asks for a pause, and the whole channel keeps it.
#[tokio::test]
async fn a_channel_that_asks_for_a_pause_gets_it_from_all_messages() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let id = scene.channel(&receiver, "slack").await;
    receiver.next(Reply::status(429).header("retry-after", "120"));
    scene.ends("first").await;
    assert!(matches!(scene.deliver().await[..], [ChatOutcome::Waits(_)]));
    assert_eq!(scene.pause(&id).await, TimeDelta::seconds(120));
    scene.ends("second").await;
    scene.pass(TimeDelta::seconds(119));
    assert!(matches!(scene.deliver().await[..], [ChatOutcome::Waits(_), ChatOutcome::Waits(_)]));
    assert_eq!(receiver.count(), 1);
    scene.pass(TimeDelta::seconds(1));
    assert_eq!(scene.deliver().await, [ChatOutcome::Delivered, ChatOutcome::Delivered]);
    assert_eq!(receiver.count(), 3);
    assert_eq!(receiver.got().iter().map(text).filter(|text| text.contains("second")).count(), 1);
}

/// NOT-05: a refusal is given up at once, stands on the page, and is told to those who may see it, once; a success ends it.
#[tokio::test]
async fn a_refusal_is_given_up_at_once_and_told_to_those_who_may_see_it() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let nobody = scene.person(scene.tenant, "viewer").await;
    let id = scene.channel(&receiver, "slack").await;
    receiver.always(Reply::status(403));
    scene.ends("first").await;
    scene.ends("second").await;
    assert_eq!(scene.deliver().await, [ChatOutcome::Failed, ChatOutcome::Failed]);
    assert_eq!(receiver.count(), 2);
    let channel = scene.read(&id).await;
    assert_eq!(
        (&channel["state"], &channel["last"]["state"], &channel["last"]["status"]),
        (&json!("active"), &json!("failed"), &json!(403))
    );
    let page = scene.owner.page(&format!("/channels/{id}")).await.text();
    assert!(page.contains("refused with 403") && page.contains("Nothing arrives"), "{page}");
    let failed = scene.recorded("chat.channel.failed").await;
    let data = json!({ "name": "On-call", "host": "127.0.0.1", "status": 403, "state": "active", "undelivered": 1 });
    assert_eq!((failed.len(), &failed[0]["data"], &failed[0]["subject"]), (1, &data, &json!(id)));
    let page = scene.owner.page("/notifications").await.text();
    assert!(page.contains("The chat channel “On-call” no longer gets messages."), "{page}");
    assert_eq!(nobody.get("/api/v1/notifications/count").await.json()["unread"], 0);
    let mails = "select template from core.mail where template = 'core/mail/notice'";
    assert_eq!(crate::planted::truth(&scene.test, mails).await.len(), 1, "one mail to the owner");

    receiver.always(Reply::status(200));
    scene.ends("third").await;
    assert_eq!(scene.deliver().await, [ChatOutcome::Delivered]);
    assert_eq!(scene.read(&id).await["failing_since"], json!(null));
    for (status, location) in [(301, "http://127.0.0.1:1/"), (400, "")] {
        receiver.next(Reply::status(status).header("location", location));
        scene.ends("once more").await;
        assert_eq!(scene.deliver().await, [ChatOutcome::Failed], "{status}");
    }
    assert_eq!(scene.recorded("chat.channel.failed").await.len(), 2);
}

/// NOT-05: nobody is there any more: what waits is dropped, and nothing is sent until somebody resumes it.
#[tokio::test]
async fn a_channel_that_is_gone_is_switched_off_until_it_is_resumed() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let id = scene.channel(&receiver, "slack").await;
    let path = format!("/api/v1/channels/{id}");
    receiver.next(Reply::status(404));
    scene.ends("first").await;
    scene.ends("second").await;
    assert_eq!(scene.deliver().await, [ChatOutcome::Failed, ChatOutcome::Over]);
    scene.ends("third").await;
    assert_eq!((scene.deliver().await, receiver.count()), (vec![], 1));
    let failed = scene.recorded("chat.channel.failed").await;
    assert_eq!((&failed[0]["data"]["state"], &failed[0]["data"]["undelivered"]), (&json!("refused"), &json!(2)));
    let page = scene.owner.page(&format!("/channels/{id}")).await.text();
    assert!(page.contains("Switched off") && !page.contains(&format!("/channels/{id}/test")), "{page}");
    assert_eq!(scene.owner.post(&format!("{path}/test"), &json!({})).await.status, StatusCode::CONFLICT);
    let refused = scene.owner.json(http::Method::PATCH, &path, &json!({ "state": "refused" })).await;
    assert_eq!((refused.status, &refused.json()["errors"][0]["pointer"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("/state")));

    let resumed = scene.owner.json(http::Method::PATCH, &path, &json!({ "state": "active" })).await.json();
    assert_eq!((&resumed["state"], &resumed["failing_since"]), (&json!("active"), &json!(null)));
    scene.ends("fourth").await;
    assert_eq!((scene.deliver().await, receiver.count()), (vec![ChatOutcome::Delivered], 2));
}

/// NOT-05: what has waited for six hours is no news any more.
#[tokio::test]
async fn a_message_that_waited_for_too_long_is_not_sent_any_more() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let id = scene.channel(&receiver, "slack").await;
    receiver.next(Reply::status(503).header("retry-after", "86400"));
    scene.ends("a.example").await;
    scene.deliver().await;
    scene.pass(TimeDelta::hours(6));
    assert_eq!((scene.deliver().await, receiver.count()), (vec![ChatOutcome::Failed], 1));
    let message = &scene.messages(&id).await[0];
    assert_eq!((&message["error"], &message["attempts"]), (&json!("expired"), &json!(1)));
}

/// NOT-05: two channels that are told of each other's failure do not go on about it for ever.
#[tokio::test]
async fn a_channel_is_not_told_of_its_own_failure_and_two_come_to_rest() {
    let (scene, one, two) = (Scene::new().await, Receiver::new().await, Receiver::new().await);
    for receiver in [&one, &two] {
        receiver.always(Reply::status(400));
        let new = json!({ "format": "slack", "name": "Everything", "address": receiver.url() });
        assert_eq!(scene.owner.post("/api/v1/channels", &new).await.status, StatusCode::CREATED);
    }
    scene.ends("a.example").await;
    let mut rounds = 0;
    while !scene.deliver().await.is_empty() {
        rounds += 1;
        assert!(rounds < 5, "they go on: {} {}", one.count(), two.count());
    }
    // What ended, and the failure of the other.
    assert_eq!((one.count(), two.count(), scene.recorded("chat.channel.failed").await.len()), (2, 2, 2));
}

/// NOT-05: one that does not answer is tried again like one that is not there.
#[tokio::test]
async fn a_receiver_that_is_silent_costs_ten_seconds_at_most() {
    let scene = Scene::with(Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap()), Outbound::new(OutboundPolicy::local()).unwrap()).await;
    let receiver = Receiver::new().await;
    let id = scene.channel(&receiver, "slack").await;
    receiver.next(Reply::status(200).after(std::time::Duration::from_secs(600)));
    scene.happens(scene.tenant, &Ended { host: "a.example".to_owned() }).await;
    let began = std::time::Instant::now();
    assert!(matches!(scene.deliver().await[..], [ChatOutcome::Waits(_)]));
    assert!(began.elapsed() < std::time::Duration::from_secs(50), "{:?}", began.elapsed());
    assert_eq!(scene.messages(&id).await[0]["error"], "timeout");
    scene.pass(TimeDelta::seconds(11));
    assert_eq!(scene.deliver().await, [ChatOutcome::Delivered]);
}
