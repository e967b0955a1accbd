use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use chrono::TimeDelta;
use futures_util::future::join_all;
use http::{StatusCode, header};
use saas_core::{Clock, testing::Answer};
use serde_json::json;

use super::{Scene, keyed};

const SITES: &str = "/api/v1/sites";

fn is_replayed(answer: &Answer) -> bool {
    answer.headers.contains_key("idempotency-replayed")
}

/// API-01: the first answer is given again, byte by byte, and nothing is done again.
#[tokio::test]
async fn the_same_request_is_done_once_and_answered_alike() {
    let scene = Scene::new().await;
    let client = scene.person(scene.tenant).await;
    for (path, name, count) in
        [(SITES, "one", 1), ("/api/v1/sites/twice", "two", 0), ("/api/sites", "three", 1), ("/api/v1/sites/anew", "four", 1)]
    {
        let body = json!({ "name": name });
        let first = keyed(&client, name, path, &body).await;
        assert_eq!(first.status, StatusCode::CREATED, "{}", first.text());
        assert!(!is_replayed(&first));
        // A string of RFC 8941 is the same key as the bare word.
        for key in [name.to_owned(), format!("\"{name}\"")] {
            let again = keyed(&client, &key, path, &body).await;
            assert_eq!((again.status, &again.body), (first.status, &first.body));
            assert_eq!(again.headers[header::CONTENT_TYPE], first.headers[header::CONTENT_TYPE]);
            assert!(is_replayed(&again));
        }
        assert_eq!(scene.count(scene.tenant, name).await, count);
    }
    assert_eq!(scene.count(scene.tenant, "two again").await, 1, "the second transaction saw the first");
}

/// API-01: a key is one caller's in one tenant, and stands for one request.
#[tokio::test]
async fn a_key_is_one_callers_and_stands_for_one_request() {
    let scene = Scene::new().await;
    let other = scene.test.tenant("other").await;
    let body = json!({ "name": "one" });
    let (client, colleague) = (scene.person(scene.tenant).await, scene.person(scene.tenant).await);
    assert_eq!(keyed(&client, "k", SITES, &body).await.status, StatusCode::CREATED);
    for (path, body) in [(SITES, json!({ "name": "two" })), ("/api/v1/sites/twice", body.clone()), ("/api/sites", body.clone())] {
        let answer = keyed(&client, "k", path, &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answer.json()["type"], "/problems/idempotency-key-reused");
    }
    assert_eq!(keyed(&colleague, "k", SITES, &json!({ "name": "theirs" })).await.status, StatusCode::CREATED);
    let elsewhere = keyed(&scene.person(other).await, "k", SITES, &body).await;
    assert!(elsewhere.status == StatusCode::CREATED && !is_replayed(&elsewhere));
    assert_eq!(scene.count(scene.tenant, "two").await, 0);
}

/// API-01: while the first is being answered, the second is told to wait.
#[tokio::test]
async fn a_duplicate_in_the_meantime_is_409_with_retry_after() {
    let scene = Scene::new().await;
    let client = scene.person(scene.tenant).await;
    let (path, body) = ("/api/v1/sites/slow", json!({ "name": "slow" }));
    let first = keyed(&client, "k", path, &body);
    let second = async {
        scene.gate.inside.acquire().await.unwrap().forget();
        let busy = keyed(&client, "k", path, &body).await;
        scene.gate.on.add_permits(1);
        busy
    };
    let (first, busy) = tokio::join!(first, second);
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text());
    assert_eq!((busy.status, busy.json()["type"].clone()), (StatusCode::CONFLICT, json!("/problems/request-in-progress")));
    assert_eq!(busy.headers[header::RETRY_AFTER], "1");
    assert!(is_replayed(&keyed(&client, "k", path, &body).await));

    let crowd = json!({ "name": "crowd" });
    for answer in join_all((0..8).map(|_| keyed(&client, "crowd", SITES, &crowd))).await {
        assert!(matches!(answer.status, StatusCode::CREATED | StatusCode::CONFLICT), "{}", answer.text());
    }
    assert_eq!(scene.count(scene.tenant, "crowd").await, 1);
}

/// API-01: what was refused changed nothing, so its key is free.
#[tokio::test]
async fn a_refused_request_leaves_its_key_free() {
    let scene = Scene::new().await;
    let client = scene.person(scene.tenant).await;
    for _ in 0..2 {
        let refused = keyed(&client, "k", "/api/v1/sites/refused", &json!({ "name": "x" })).await;
        assert!(refused.status == StatusCode::CONFLICT && !is_replayed(&refused));
        assert_eq!(keyed(&client, "k", SITES, &json!({ "name": "" })).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(keyed(&client, "k", SITES, &json!({ "name": "x" })).await.status, StatusCode::CREATED);
    assert_eq!(scene.count(scene.tenant, "x").await, 1);
}

/// API-01: a day later the key is free again.
#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let scene = Scene::at(Clock::fixed(Clock::system().now())).await;
    let client = scene.person(scene.tenant).await;
    assert_eq!(keyed(&client, "k", SITES, &json!({ "name": "monday" })).await.status, StatusCode::CREATED);
    scene.test.db.clock().advance(TimeDelta::hours(23));
    assert!(is_replayed(&keyed(&client, "k", SITES, &json!({ "name": "monday" })).await));
    scene.test.db.clock().advance(TimeDelta::minutes(61));
    assert_eq!(keyed(&client, "k", SITES, &json!({ "name": "tuesday" })).await.status, StatusCode::CREATED);
    assert_eq!(keyed(&client, "l", SITES, &json!({ "name": "also tuesday" })).await.status, StatusCode::CREATED);
    scene.test.db.clock().advance(TimeDelta::hours(25));
    assert_eq!(keyed(&client, "m", SITES, &json!({ "name": "wednesday" })).await.status, StatusCode::CREATED);
    let mut tx = scene.test.db.tenant(scene.tenant).begin().await.unwrap();
    let kept: Vec<String> = sqlx::query_scalar("select key from kept_answer").fetch_all(&mut *tx).await.unwrap();
    assert_eq!(kept, ["m"]);
}

/// An answer may show a key this once: it is not at rest in clear.
#[tokio::test]
async fn a_kept_answer_is_sealed() {
    let scene = Scene::new().await;
    let client = scene.person(scene.tenant).await;
    let secret = keyed(&client, "k", SITES, &json!({ "name": "one" })).await.json()["key"].as_str().unwrap().to_owned();
    let mut tx = scene.test.db.tenant(scene.tenant).begin().await.unwrap();
    let answer: Vec<u8> = sqlx::query_scalar("select answer from kept_answer where key = 'k'").fetch_one(&mut *tx).await.unwrap();
    assert!(!answer.windows(secret.len()).any(|part| part == secret.as_bytes()));
    // Moved to another key it does not open.
    sqlx::query("insert into kept_answer select tenant_id, caller_kind, caller_id, 'l', request, answer, at from kept_answer")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(keyed(&client, "l", SITES, &json!({ "name": "one" })).await.status, StatusCode::INTERNAL_SERVER_ERROR);
}

/// API-01: to take a key and forget it would be worse than to say no.
#[tokio::test]
async fn a_write_that_could_not_keep_its_answer_takes_no_key() {
    let scene = Scene::new().await;
    let client = scene.person(scene.tenant).await;
    let refused = keyed(&client, "k", "/api/v1/nowhere", &json!({})).await;
    assert_eq!((refused.status, refused.json()["type"].clone()), (StatusCode::BAD_REQUEST, json!("/problems/bad-request")));
    for key in ["", "two words", "\"", &"k".repeat(256)] {
        assert_eq!(keyed(&client, key, SITES, &json!({ "name": "x" })).await.status, StatusCode::BAD_REQUEST, "{key}");
    }
    let read = client.clone().with("idempotency-key", "k").get(SITES).await;
    assert_eq!(read.status, StatusCode::OK, "a read needs no key and ignores it");
    let gone = client.with("idempotency-key", "d").delete(&format!("{SITES}/{}", scene.tenant)).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
}

/// API-01: a tenant is made once too, although its id is not known before.
#[tokio::test]
async fn a_tenant_is_made_once() {
    let scene = Scene::new().await;
    let client = scene.person(scene.tenant).await;
    let made = keyed(&client, "k", "/api/v1/tenants", &json!({ "name": "New" })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let again = keyed(&client, "k", "/api/v1/tenants", &json!({ "name": "New" })).await;
    assert!(is_replayed(&again) && again.body == made.body);
    let other = keyed(&client, "l", "/api/v1/tenants", &json!({ "name": "New" })).await;
    assert!(other.status == StatusCode::CREATED && other.body != made.body);
    let theirs = keyed(&scene.person(scene.tenant).await, "k", "/api/v1/tenants", &json!({ "name": "New" })).await;
    assert!(theirs.status == StatusCode::CREATED && theirs.body != made.body);
}

/// Polls a future so often and then drops it.
struct Cancelled<F> {
    future: Pin<Box<F>>,
    left: usize,
}

impl<F: Future> Future for Cancelled<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        self.future.as_mut().poll(context).map(Some)
    }
}

/// API-01: wherever a request breaks off, its work and its answer are both there or both not, and sending it again does it once in all.
#[tokio::test]
async fn a_request_that_breaks_off_anywhere_is_done_once_when_it_is_sent_again() {
    let scene = Scene::new().await;
    let client = scene.person(scene.tenant).await;
    for polls in 0..500 {
        let (key, body) = (format!("k{polls}"), json!({ "name": format!("site {polls}") }));
        let broken = Cancelled { future: Box::pin(keyed(&client, &key, SITES, &body)), left: polls }.await;
        let again = loop {
            let again = keyed(&client, &key, SITES, &body).await;
            // The server may still be rolling back what was broken off.
            if again.status != StatusCode::CONFLICT {
                break again;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(again.status, StatusCode::CREATED, "after {polls} polls: {}", again.text());
        assert_eq!(scene.count(scene.tenant, &format!("site {polls}")).await, 1, "after {polls} polls");
        if let Some(first) = broken {
            assert!(is_replayed(&again) && again.body == first.body);
            return;
        }
    }
    panic!("it never came through");
}
