//! What is not believed.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    ADA, CHALLENGE, Device, PASSKEYS, SIGN_IN, ada, asked, asked_to_make,
    device::{BACKED_UP, PRESENT, VERIFIED, bytes, text},
    events, is_refused, list, new_passkey, register, show, with_passkeys,
};
use crate::app::{App, COOKIE, pointers};

const BOB: &str = "bob@example.com";

/// What is changed, by its name.
type Case<'a, T> = (&'a str, &'a dyn Fn(&mut T));

/// Topic 10 and AUT-09: what was asked is answered once, in the browser that was asked, within five minutes.
#[tokio::test]
async fn an_answer_counts_once_in_its_own_browser_and_for_five_minutes() {
    let app = with_passkeys().await;
    let (_, mut device) = ada(&app).await;
    let (browser, other) = (app.browser(), app.browser());
    let answer = device.answer(&asked(&browser).await);
    is_refused(&show(&other, &answer).await, &other);
    asked(&other).await;
    is_refused(&show(&other, &answer).await, &other);
    assert_eq!(show(&browser, &answer).await.status, 200);
    assert_eq!(show(&browser, &answer).await.status, 401, "it was used up");
    for (wait, status) in [(TimeDelta::minutes(5) - TimeDelta::seconds(1), 200), (TimeDelta::minutes(5), 401)] {
        let browser = app.browser();
        let answer = device.answer(&asked(&browser).await);
        app.later(wait);
        assert_eq!(show(&browser, &answer).await.status, status);
    }
    let cookie = app.browser().post(CHALLENGE, &json!({})).await.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("__Host-passkey=") && cookie.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=300"), "{cookie}");
}

/// Topic 10: whoever is quick.
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_show_one_answer_at_once_one_comes_in() {
    let app = with_passkeys().await;
    let (ada, mut device) = ada(&app).await;
    let browser = app.browser();
    let answer = device.answer(&asked(&browser).await);
    let token = format!("__Host-passkey={}", browser.cookie("__Host-passkey").unwrap());
    let attempts: Vec<_> = (0..50)
        .map(|_| {
            let (browser, answer) = (app.browser().with("cookie", &token), answer.clone());
            tokio::spawn(async move { show(&browser, &answer).await.status.as_u16() })
        })
        .collect();
    let mut came_in = 0;
    for attempt in attempts {
        let status = attempt.await.unwrap();
        assert!(status == 200 || status == 401, "{status}");
        came_in += i32::from(status == 200);
    }
    assert_eq!((came_in, events(&app, "auth.session.began").await), (1, 3), "Ada's began again with the passkey that she made");
    // The same of one that is registered.
    let (_, made) = Device::make(&asked_to_make(&ada).await);
    let attempts: Vec<_> = (0..50)
        .map(|_| {
            let (ada, made) = (ada.clone(), made.clone());
            tokio::spawn(async move { register(&ada, "Phone", &made).await.status.as_u16() })
        })
        .collect();
    let mut registered = 0;
    for attempt in attempts {
        let status = attempt.await.unwrap();
        assert!(status == 201 || status == 409, "{status}");
        registered += i32::from(status == 201);
    }
    assert_eq!((registered, list(&ada).await.len()), (1, 2));
}

/// AUT-09: another page, another site, a device that did not recognize its person, another key, another account.
#[tokio::test]
async fn an_answer_that_differs_in_anything_opens_nothing() {
    let app = with_passkeys().await;
    let (_, device) = ada(&app).await;
    app.account(BOB).await;
    let bob = new_passkey(&app.signed_in(BOB).await, "Bob's").await;
    let is_taken = async |device: &Device, change: &dyn Fn(&mut Value)| {
        let browser = app.browser();
        let mut answer = device.clone().answer(&asked(&browser).await);
        change(&mut answer);
        let status = show(&browser, &answer).await.status.as_u16();
        assert_eq!(browser.cookie(COOKIE).is_some(), status == 200);
        status
    };
    let lies: [Case<'_, Device>; 9] = [
        ("another origin", &|it| "https://evil.example".clone_into(&mut it.origin)),
        ("another port", &|it| "http://localhost:3001".clone_into(&mut it.origin)),
        ("a part of the host", &|it| "http://evil.localhost:3000".clone_into(&mut it.origin)),
        ("another site", &|it| "evil.example".clone_into(&mut it.host)),
        ("nobody was recognized", &|it| it.flags = PRESENT),
        ("nobody was there", &|it| it.flags = VERIFIED),
        ("copied elsewhere by a device that copies nothing", &|it| it.flags |= BACKED_UP),
        ("another account", &|it| bob.handle.clone_into(&mut it.handle)),
        ("nobody's account", &|it| it.handle = vec![7; 16]),
    ];
    for (lie, tell) in lies {
        let mut device = device.clone();
        tell(&mut device);
        assert_eq!(is_taken(&device, &|_| {}).await, 401, "{lie}");
    }
    let mut stolen_id = bob.clone();
    (stolen_id.id, stolen_id.handle) = (device.id.clone(), device.handle.clone());
    assert_eq!(is_taken(&stolen_id, &|_| {}).await, 401, "another key");
    let changes: [Case<'_, Value>; 5] = [
        ("no account", &|it| it["response"]["userHandle"] = Value::Null),
        ("another signature", &|it| flip(&mut it["response"]["signature"])),
        ("other data", &|it| flip(&mut it["response"]["authenticatorData"])),
        ("another passkey", &|it| it["rawId"] = json!(text(&bob.id))),
        ("nobody's passkey", &|it| it["rawId"] = json!(text(&[9; 32]))),
    ];
    for (name, change) in changes {
        assert_eq!(is_taken(&device, change).await, 401, "{name}");
    }
    let refused = 9 + 1 + 5;
    assert_eq!(events(&app, "auth.sign_in.refused").await, refused);
    assert_eq!(is_taken(&device, &|_| {}).await, 200, "the same without a lie");
    let browser = app.browser();
    asked(&browser).await;
    let broken = browser.post(SIGN_IN, &json!({ "credential": { "id": "x" } })).await;
    assert_eq!(broken.status, 422, "{}", broken.text());
}

fn flip(field: &mut Value) {
    let mut it = bytes(field);
    let last = it.len() - 1;
    it[last] ^= 1;
    *field = json!(text(&it));
}

/// AUT-09: what is registered must have been asked for by the same person, here, and by a device that recognizes its person.
#[tokio::test]
async fn a_passkey_that_nobody_was_asked_for_is_not_registered() {
    let app = with_passkeys().await;
    let (browser, mut device) = ada(&app).await;
    app.account(BOB).await;
    let bob = app.signed_in(BOB).await;
    let lies: [Case<'_, Device>; 4] = [
        ("another origin", &|it| "https://evil.example".clone_into(&mut it.origin)),
        ("another site", &|it| "evil.example".clone_into(&mut it.host)),
        ("nobody was recognized", &|it| it.flags = PRESENT),
        ("nobody was there", &|it| it.flags = VERIFIED),
    ];
    for (lie, tell) in lies {
        let options = asked_to_make(&browser).await;
        let (mut device, _) = Device::make(&options);
        tell(&mut device);
        let answer = register(&browser, "Lie", &device.made(&options)).await;
        assert_eq!((answer.status.as_u16(), pointers(&answer)), (422, vec!["/credential".to_owned()]), "{lie}");
    }
    let (_, made) = Device::make(&asked_to_make(&browser).await);
    let token = browser.cookie("__Host-passkey").unwrap();
    let session = bob.cookie(COOKIE).unwrap();
    let planted = app.browser().with("cookie", &format!("{COOKIE}={session}; __Host-passkey={token}"));
    assert_eq!(register(&planted, "Ada's", &made).await.status, 409, "what one was asked, another does not answer");
    assert_eq!(register(&browser, "Phone", &made).await.status, 201);
    // One that signs in is no new one, and a new one signs nobody in.
    let answer = device.answer(&asked_to_make(&browser).await);
    assert_eq!(show(&browser, &answer).await.status, 401);
    let taken = device.made(&asked(&browser).await);
    assert_eq!(register(&browser, "Again", &taken).await.status, 409);
    // A device that was registered once is not registered with another account.
    let taken = device.made(&asked_to_make(&bob).await);
    let answer = register(&bob, "Bob's", &taken).await;
    assert_eq!((answer.status.as_u16(), list(&bob).await.len()), (409, 0), "{}", answer.text());
    assert_eq!(app.count("select count(*) from auth.passkey").await, 2);
}

/// RBA-05: nobody looks after the passkeys of somebody else.
#[tokio::test]
async fn nobody_changes_a_passkey_of_somebody_else() {
    let app = with_passkeys().await;
    let (browser, _) = ada(&app).await;
    app.account(BOB).await;
    let bob = app.signed_in(BOB).await;
    let id = list(&browser).await[0]["id"].as_str().unwrap().to_owned();
    let (path, name) = (format!("{PASSKEYS}/{id}"), json!({ "name": "Bob's" }));
    assert_eq!(bob.json(http::Method::PATCH, &path, &name).await.status, 404);
    assert_eq!(bob.delete(&path).await.status, 404);
    assert_eq!(bob.form(&format!("/account/passkeys/{id}/rename"), &[("name", "Bob's")]).await.status, 404);
    assert_eq!(bob.form(&format!("/account/passkeys/{id}/remove"), &[]).await.status, 404);
    assert_eq!(list(&browser).await[0]["name"], "Key ring");
    assert_eq!(browser.get("/api/v1/auth/me").await.json()["email"], ADA);
}

/// What a browser was asked and never answered is deleted at night.
#[tokio::test]
async fn what_nobody_answered_is_swept() {
    let app: App = with_passkeys().await;
    asked(&app.browser()).await;
    app.later(TimeDelta::minutes(4));
    asked(&app.browser()).await;
    app.later(TimeDelta::minutes(2));
    assert_eq!(app.test.sweep().await["auth.passkey_challenge"], 1);
    assert_eq!(app.count("select count(*) from auth.passkey_challenge").await, 1);
}
