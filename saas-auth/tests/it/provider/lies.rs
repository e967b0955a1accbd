use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    ADA, back, begin,
    fake::{CLIENT, SECRET, Sign, key, public},
    is_refused, person, sign_in_as, with_fake, with_fakes,
};

const UNBELIEVABLE: &str = "cannot be trusted";

/// ASVS 6.8.2, 9.1.1, 9.1.2, 9.2.1–9.2.3, 10.5.1, 10.5.4: each lie signs nobody in, makes no account, and is an event.
#[tokio::test]
async fn what_a_lying_provider_says_signs_nobody_in() {
    let (app, fake) = with_fake().await;
    let now = app.clock.now().timestamp();
    let claims: [(&str, Value); 17] = [
        ("another issuer", json!({ "iss": "https://evil.example" })),
        ("almost the issuer", json!({ "iss": format!("{}/", fake.issuer) })),
        ("no issuer", json!({ "iss": null })),
        ("another audience", json!({ "aud": "somebody-else" })),
        ("no audience", json!({ "aud": null })),
        ("one more audience", json!({ "aud": [CLIENT, "somebody-else"] })),
        ("made for another", json!({ "azp": "somebody-else" })),
        ("another nonce", json!({ "nonce": "one that was used before" })),
        ("no nonce", json!({ "nonce": null })),
        ("expired", json!({ "exp": now - 61 })),
        ("never expires", json!({ "exp": null })),
        ("not yet", json!({ "nbf": now + 120 })),
        ("from the future", json!({ "iat": now + 120, "exp": now + 600 })),
        ("of long ago", json!({ "iat": now - 3600 })),
        ("never signed", json!({ "iat": null })),
        ("nobody", json!({ "sub": "" })),
        ("somebody too long", json!({ "sub": "a".repeat(256) })),
    ];
    let mut lies = 0;
    for (what, lie) in claims {
        fake.set(|script| script.lie = lie);
        let answer = sign_in_as(&app.browser(), &fake, &person("ada-there", ADA)).await;
        assert_eq!(answer.status, 502, "{what}: {}", answer.text());
        is_refused(&answer, 502, UNBELIEVABLE);
        lies += 1;
    }
    fake.set(|script| script.lie = json!({}));
    let published = public("one", &key(1)).to_string().into_bytes();
    let point = key(1).verifying_key().to_sec1_point(false).as_bytes().to_vec();
    let signatures = [
        ("alg none", Sign::Nothing),
        ("the secret that both know", Sign::Shared(SECRET.into())),
        ("the public key as a secret", Sign::Shared(published)),
        ("the public point as a secret", Sign::Shared(point)),
        ("another key under the same name", Sign::With("one", key(2))),
        ("a key that is not published", Sign::With("two", key(2))),
        ("another algorithm", Sign::Head(json!({ "alg": "RS256", "kid": "one" }))),
        ("an algorithm that there is not", Sign::Head(json!({ "alg": "ES257", "kid": "one" }))),
        ("a key of its own", Sign::Head(json!({ "alg": "ES256", "kid": "two", "jwk": public("two", &key(1)) }))),
        ("a key elsewhere", Sign::Head(json!({ "alg": "ES256", "kid": "two", "jku": fake.at("/stolen-keys") }))),
        ("what must be understood", Sign::Head(json!({ "alg": "ES256", "kid": "one", "crit": ["b64"], "b64": false }))),
        ("another kind of token", Sign::Head(json!({ "alg": "ES256", "kid": "one", "typ": "at+jwt" }))),
        ("claims changed after signing", Sign::Tampered),
        ("no token", Sign::Missing),
        ("something else", Sign::Garbage),
    ];
    for (what, sign) in signatures {
        fake.set(|script| script.sign = sign);
        let answer = sign_in_as(&app.browser(), &fake, &person("ada-there", ADA)).await;
        assert_eq!(answer.status, 502, "{what}: {}", answer.text());
        is_refused(&answer, 502, UNBELIEVABLE);
        lies += 1;
    }
    assert_eq!(fake.asked("/stolen-keys"), 0, "ASVS 9.1.3: a token does not say where its key is");
    assert_eq!(app.count("select count(*) from auth.account").await + app.count("select count(*) from auth.session").await, 0);
    assert_eq!(app.count("select count(*) from data.outbox where name = 'auth.provider.refused'").await, lies);
    fake.set(|script| script.sign = Sign::With("one", key(1)));
    assert_eq!(sign_in_as(&app.browser(), &fake, &person("ada-there", ADA)).await.status, 303, "the truth is believed again");
}

/// A key that is new is asked for, and whoever makes keys up does not make us ask each time.
#[tokio::test]
async fn a_new_key_is_asked_for_once_a_minute() {
    let (app, fake) = with_fake().await;
    let ada = person("ada-there", ADA);
    assert_eq!(sign_in_as(&app.browser(), &fake, &ada).await.status, 303);
    assert_eq!((fake.asked("/keys"), fake.asked("/.well-known/openid-configuration")), (1, 1));
    app.later(TimeDelta::minutes(1));
    fake.set(|script| {
        script.published = [("two", key(2))].into();
        script.sign = Sign::With("two", key(2));
    });
    assert_eq!(sign_in_as(&app.browser(), &fake, &ada).await.status, 303, "the new key holds at once");
    assert_eq!(fake.asked("/keys"), 2);
    fake.set(|script| script.sign = Sign::With("one", key(1)));
    for _ in 0..5 {
        is_refused(&sign_in_as(&app.browser(), &fake, &ada).await, 502, UNBELIEVABLE);
    }
    assert_eq!(fake.asked("/keys"), 2, "the old one holds no more, and is not asked for");
    app.later(TimeDelta::hours(1));
    fake.set(|script| script.sign = Sign::With("two", key(2)));
    assert_eq!(sign_in_as(&app.browser(), &fake, &ada).await.status, 303);
    assert_eq!((fake.asked("/keys"), fake.asked("/.well-known/openid-configuration")), (3, 2), "after an hour all is asked for again");
}

/// ASVS 10.5.3: nobody is sent to a provider whose document is about another one.
#[tokio::test]
async fn a_document_about_another_provider_is_not_believed() {
    let (app, fake) = with_fake().await;
    fake.set(|script| script.claims_to_be = "https://evil.example".to_owned());
    let answer = app.browser().form("/sign-in/with/fake", &[]).await;
    is_refused(&answer, 502, UNBELIEVABLE);
    let program = app.browser().post("/api/v1/auth/providers/fake", &json!({})).await;
    assert_eq!((program.status.as_u16(), program.json()["type"].clone()), (503, json!("/problems/unavailable")));
}

/// ASVS 10.2.2: an answer that another provider gave, or that does not say whose it is where it always does.
#[tokio::test]
async fn an_answer_of_another_provider_is_not_taken_for_this_ones() {
    let (app, fake) = with_fakes(|fake| vec![fake.provider("fake")]).await;
    fake.set(|script| script.says_iss = true);
    for iss in [Some("https://evil.example".to_owned()), Some(format!("{}/", fake.issuer)), None] {
        let browser = app.browser();
        let url = begin(&browser, "fake").await;
        let mut with = fake.authorize(&url, &person("ada-there", ADA));
        with.retain(|(name, _)| *name != "iss");
        with.extend(iss.map(|iss| ("iss", iss)));
        is_refused(&back(&browser, "fake", &with).await, 502, UNBELIEVABLE);
    }
    assert_eq!(fake.asked("/token"), 0, "no code goes where it does not belong");
    assert_eq!(sign_in_as(&app.browser(), &fake, &person("ada-there", ADA)).await.status, 303);
}

/// A code that was used already, or was made for somebody else's way (RFC 7636).
#[tokio::test]
async fn a_code_of_another_way_is_worth_nothing() {
    let (app, fake) = with_fake().await;
    let (hers, eves) = (app.browser(), app.browser());
    let (stolen, own) = (fake.authorize(&begin(&hers, "fake").await, &person("ada-there", ADA)), begin(&eves, "fake").await);
    let mut with = fake.authorize(&own, &person("eve-there", "eve@example.com"));
    with[1].1 = stolen[1].1.clone();
    is_refused(&back(&eves, "fake", &with).await, 502, "did not let you through");
    assert_eq!(app.count("select count(*) from auth.session").await, 0);
}
