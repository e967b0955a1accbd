use std::time::{Duration, Instant};

use serde_json::json;

use super::{ADA, back, begin, fake::Mood, is_refused, person, sign_in_as, with_fake};

/// Issue 4: a person who changes their mind, and a provider that fails, are told apart, and nobody is signed in.
#[tokio::test]
async fn whoever_cancels_is_told_so_and_whatever_fails_there_too() {
    let (app, fake) = with_fake().await;
    for (error, status, says) in [
        ("access_denied", 403, "You stopped at The Fake"),
        ("user_cancelled_authorize", 403, "You stopped at The Fake"),
        ("server_error", 502, "The Fake did not let you through"),
        ("temporarily_unavailable", 502, "The Fake did not let you through"),
        ("<script>", 502, "The Fake did not let you through"),
    ] {
        let browser = app.browser();
        let state = fake.authorize(&begin(&browser, "fake").await, &person("ada-there", ADA)).swap_remove(0);
        let query: String =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("state", &state.1).append_pair("error", error).finish();
        let shown = browser.page(&format!("/sign-in/with/fake/return?{query}&error_description=x")).await;
        assert!(shown.status == 200 && shown.text().contains("data-submit") && !shown.text().contains("<script>"), "{}", shown.text());
        is_refused(&back(&browser, "fake", &[state, ("error", error.to_owned())]).await, status, says);
    }
    assert_eq!(fake.asked("/token"), 0);
    let no_code = app.browser();
    let state = fake.authorize(&begin(&no_code, "fake").await, &person("ada-there", ADA)).swap_remove(0);
    is_refused(&back(&no_code, "fake", &[state]).await, 502, "did not let you through");
}

/// OPS-04: one that fails is left alone after three times, and found again; sign-in goes on without it.
#[tokio::test]
async fn a_provider_that_is_down_has_a_page_that_says_so_and_is_left_alone() {
    let (app, fake) = with_fake().await;
    let browser = app.browser();
    let ways: Vec<_> = {
        let mut ways = Vec::new();
        for _ in 0..6 {
            ways.push(fake.authorize(&begin(&browser, "fake").await, &person("ada-there", ADA)));
        }
        ways
    };
    fake.set(|script| script.mood = Mood::Broken);
    for (nth, with) in ways.iter().enumerate() {
        let answer = back(&browser, "fake", with).await;
        is_refused(&answer, 503, "The Fake does not answer");
        assert!(answer.headers.contains_key("retry-after"));
        assert_eq!(fake.asked("/token"), (nth + 1).min(3), "it is not asked any more");
    }
    assert_eq!(browser.page("/sign-in").await.status, 200);
    fake.set(|script| script.mood = Mood::Well);
    let again = async {
        loop {
            let answer = sign_in_as(&app.browser(), &fake, &person("ada-there", ADA)).await;
            if answer.status == 303 {
                return;
            }
            is_refused(&answer, 503, "The Fake does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), again).await.expect("it is found again");
}

/// Issue 4: one that does not answer, sends us elsewhere or never ends holds nobody up; nothing of it is followed or read without end.
#[tokio::test]
async fn a_provider_that_is_slow_or_leads_elsewhere_holds_nobody_up() {
    for mood in [Mood::Silent, Mood::Redirecting, Mood::Endless] {
        let (app, fake) = with_fake().await;
        fake.set(|script| script.mood = mood);
        let began = Instant::now();
        let answer = app.browser().form("/sign-in/with/fake", &[]).await;
        is_refused(&answer, 503, "The Fake does not answer");
        // Its question has five seconds.
        assert!(began.elapsed() < Duration::from_secs(25), "{mood:?} took {:?}", began.elapsed());
    }
    let (app, fake) = with_fake().await;
    let browser = app.browser();
    let with = fake.authorize(&begin(&browser, "fake").await, &person("ada-there", ADA));
    fake.set(|script| script.mood = Mood::Silent);
    let began = Instant::now();
    is_refused(&back(&browser, "fake", &with).await, 503, "The Fake does not answer");
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    let program = app.browser().post("/api/v1/auth/providers/fake", &json!({})).await;
    assert_eq!(program.status, 200, "where it is, is known for an hour");
}
