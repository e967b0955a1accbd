//! What the payment gateway tells us, and what others say in its name.

use bytes::Bytes;
use chrono::TimeDelta;
use futures_util::future::join_all;
use http::StatusCode;
use saas_billing::{CustomerId, Inbox, Mode, NoSecret};
use saas_core::{Clock, Secret, finish, pages::Pages, testing::TestApp};
use serde_json::json;

use crate::shop::{SECRET, Shop, event, live_inbox, signature, signed};

const KEPT: &str = "select count(*) from billing.gateway_event";
const JOBS: &str = "select count(*) from core.job where name = 'billing.event'";

fn paid(id: &str) -> serde_json::Value {
    event(id, "invoice.paid", &CustomerId::new("cus_1"))
}

/// S01, S18, S19, S21: stored once and worked on once, however often it comes and at once.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_kept_once_however_often_it_comes() {
    let shop = Shop::new().await;
    let event = paid("evt_1");
    assert_eq!(shop.hears(&event).await, StatusCode::OK);
    assert_eq!(shop.hears(&event).await, StatusCode::OK);
    let answers = join_all((0..50).map(|_| shop.hears(&event))).await;
    assert!(answers.iter().all(|answer| *answer == StatusCode::OK), "{answers:?}");
    let other = paid("evt_2");
    let answers = join_all((0..50).map(|_| shop.hears(&other))).await;
    assert!(answers.iter().all(|answer| *answer == StatusCode::OK), "{answers:?}");
    assert_eq!((shop.count(KEPT).await, shop.count(JOBS).await), (2, 2));
}

/// S02–S07: whatever is not signed by the gateway, over these bytes and just now, is refused and not kept.
#[tokio::test]
async fn what_the_gateway_did_not_sign_is_refused_and_not_kept() {
    let shop = Shop::new().await;
    let (body, now) = (paid("evt_1").to_string(), shop.now());
    let right = signature(SECRET, now, body.as_bytes());
    let time = now.timestamp();
    for header in [
        None,
        Some(String::new()),
        Some("garbage".to_owned()),
        Some("x".repeat(100_000)),
        Some(format!("t={time}")),
        Some(format!("v1={right}")),
        Some(format!("t={time},v0={right}")),
        Some(format!("t={time},v1={}", &right[1..])),
        Some(format!("t={time},t={time},v1={right}")),
        Some(format!("t={},v1={right}", time + 1)),
        Some(format!("t=99999999999999999999,v1={right}")),
        Some(format!("t={time},v1=zz{}", &right[2..])),
        Some(signed("whsec_of_another", now, body.as_bytes())),
        Some(signed("", now, body.as_bytes())),
        Some(signed(SECRET, now - TimeDelta::seconds(302), body.as_bytes())),
        Some(signed(SECRET, now + TimeDelta::seconds(302), body.as_bytes())),
        // The same event, written in another way.
        Some(signed(SECRET, now, serde_json::to_string_pretty(&paid("evt_1")).unwrap().as_bytes())),
    ] {
        let answer = shop.post(header.as_deref(), body.clone()).await;
        assert_eq!(answer, StatusCode::BAD_REQUEST, "{}", header.unwrap_or_default().chars().take(120).collect::<String>());
    }
    assert_eq!(shop.count(KEPT).await, 0);
    for seconds in [-298, 298] {
        let header = signed(SECRET, now + TimeDelta::seconds(seconds), body.as_bytes());
        assert_eq!(shop.post(Some(&header), body.clone()).await, StatusCode::OK, "{seconds}");
    }
}

/// S08, S09: while a secret is replaced both count, wherever the right signature stands; afterwards the old one no longer does.
#[tokio::test]
async fn secrets_are_replaced_without_a_refused_event() {
    let shop = Shop::new().await.with_secrets(&["whsec_new", "whsec_old"]);
    let now = shop.now();
    let body = |id: &str| paid(id).to_string();
    let signed_by = |secret: &str, id: &str| signature(secret, now, body(id).as_bytes());
    let (time, wrong) = (now.timestamp(), "0".repeat(64));
    for (id, header) in [
        ("evt_1", format!("t={time},v1={},v1={wrong}", signed_by("whsec_old", "evt_1"))),
        ("evt_2", format!("t={time},v1={wrong},v1={}", signed_by("whsec_new", "evt_2"))),
        ("evt_3", format!("t={time}, v1={} ,v0=x", signed_by("whsec_old", "evt_3"))),
    ] {
        assert_eq!(shop.post(Some(&header), body(id)).await, StatusCode::OK, "{header}");
    }
    let shop = shop.with_secrets(&["whsec_new"]);
    let old = format!("t={time},v1={}", signed_by("whsec_old", "evt_4"));
    assert_eq!(shop.post(Some(&old), body("evt_4")).await, StatusCode::BAD_REQUEST);
    let new = format!("t={time},v1={}", signed_by("whsec_new", "evt_4"));
    assert_eq!(shop.post(Some(&new), body("evt_4")).await, StatusCode::OK);
    assert_eq!(shop.count(KEPT).await, 4);
}

/// S11: without a secret nothing is served, so nobody can say that they have paid.
#[tokio::test]
async fn without_a_secret_there_is_no_inbox() {
    let shop = Shop::new().await;
    for secrets in [vec![], vec![""], vec!["  "], vec![SECRET, ""]] {
        let secrets = secrets.into_iter().map(Secret::new);
        assert_eq!(Inbox::new(&shop.test.db, secrets, Mode::Live).unwrap_err(), NoSecret);
    }
}

/// S10, S14, S16: what is of another mode or account is kept, worked on by nobody, and refused to nobody.
#[tokio::test]
async fn what_is_of_another_mode_or_account_is_kept_and_not_worked_on() {
    let shop = Shop::new().await;
    let mut live = paid("evt_live");
    live["livemode"] = json!(true);
    let mut foreign = paid("evt_foreign");
    foreign["account"] = json!("acct_other");
    assert_eq!(shop.hears(&live).await, StatusCode::OK);
    assert_eq!(shop.hears(&foreign).await, StatusCode::OK);
    assert_eq!(shop.count("select count(*) from billing.gateway_event where state = 'foreign'").await, 2);
    assert_eq!(shop.count(JOBS).await, 0);
    // And the other way round.
    let inbox = live_inbox(&shop.test.db).unwrap();
    let app = TestApp::new(finish(inbox.routes(), TestApp::web(&shop.test, &Pages::builder().build().unwrap())));
    let body = paid("evt_test").to_string();
    let header = signed(SECRET, shop.now(), body.as_bytes());
    let request = http::Request::post("/api/v1/billing/webhook").header("host", "localhost:3000").header("stripe-signature", header);
    assert_eq!(app.browser().send(request.body(body.into()).unwrap()).await.status, StatusCode::OK);
    assert_eq!(shop.count("select count(*) from billing.gateway_event where state = 'foreign'").await, 3);
}

/// S12: what is larger than any event is not read.
#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let shop = Shop::new().await;
    let body = vec![b' '; 3 * 1024 * 1024];
    let header = signed(SECRET, shop.now(), &body);
    assert_eq!(shop.post(Some(&header), body).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(shop.count(KEPT).await, 0);
}

/// S13, S17: what is signed and cannot be read is kept for people to look at; sending it again would not help.
#[tokio::test]
async fn what_is_signed_and_unreadable_is_kept() {
    let shop = Shop::new().await;
    for body in [&b"\xff\xfe{"[..], b"{\"id\":", b"[]", b"{\"id\": 7, \"type\": \"x\"}", b"{\"id\": \"\", \"type\": \"x\"}"] {
        let header = signed(SECRET, shop.now(), body);
        assert_eq!(shop.post(Some(&header), Bytes::copy_from_slice(body)).await, StatusCode::OK);
        assert_eq!(shop.post(Some(&header), Bytes::copy_from_slice(body)).await, StatusCode::OK);
    }
    assert_eq!(shop.count("select count(*) from billing.gateway_event where state = 'unreadable'").await, 5);
    assert_eq!(shop.count(JOBS).await, 0);
    // Fields that nobody knows, or has not heard of, stop nothing.
    let newer = json!({ "id": "evt_1", "type": "invoice.imagined", "object": "event.v9", "data": null, "more": [1] });
    assert_eq!(shop.hears(&newer).await, StatusCode::OK);
    assert_eq!(shop.count(JOBS).await, 1);
}

/// S15: it takes a post and nothing else.
#[tokio::test]
async fn it_takes_a_post_and_nothing_else() {
    assert_eq!(Shop::new().await.get().await, StatusCode::METHOD_NOT_ALLOWED);
}

/// S30: what is not kept is not acknowledged.
#[tokio::test]
async fn an_event_that_cannot_be_kept_is_not_acknowledged() {
    let shop = Shop::new().await;
    shop.test.db.close().await;
    assert_eq!(shop.hears(&paid("evt_1")).await, StatusCode::SERVICE_UNAVAILABLE);
}

/// What was worked on is forgotten after 90 days, and what is still to be looked at is not.
#[tokio::test]
async fn what_was_worked_on_is_forgotten_after_a_while() {
    let clock = Clock::fixed("2027-01-01T00:00:00Z".parse().unwrap());
    let shop = Shop::at(clock.clone()).await;
    for (id, kind) in [("evt_1", "imagined.by.nobody"), ("evt_2", "invoice.paid")] {
        shop.hears(&event(id, kind, &CustomerId::new("cus_1"))).await;
    }
    shop.works_on("evt_1").await.unwrap();
    let swept = async || shop.test.sweep().await.values().sum::<u64>();
    clock.advance(TimeDelta::days(90));
    assert_eq!(swept().await, 0);
    clock.advance(TimeDelta::seconds(1));
    assert_eq!(swept().await, 1);
    assert_eq!(shop.count("select count(*) from billing.gateway_event where id = 'evt_2'").await, 1);
}
