use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Request;
use p256::{
    ecdsa::{Signature, VerifyingKey, signature::Verifier as _},
    pkcs8::{EncodePrivateKey as _, LineEnding},
};
use saas_auth::{AppleKey, Provider};
use saas_core::Secret;
use serde_json::{Value, json};

use super::{
    ADA, back, begin,
    fake::{CLIENT, Fake, SECRET, key},
    is_asked, is_refused, person, with_fakes,
};
use crate::app::App;

async fn comes(app: &App, fake: &Fake, provider: &str, claims: &Value) -> saas_core::testing::Answer {
    let browser = app.browser();
    let with = fake.authorize(&begin(&browser, provider).await, claims);
    back(&browser, provider, &with).await
}

/// AUT-06: GitHub speaks OAuth 2.0; who it is and which address is theirs its API says, of which the first one counts alone.
#[tokio::test]
async fn github_says_by_its_api_who_somebody_is_and_only_their_first_address_counts() {
    let (app, fake) =
        with_fakes(|fake| vec![Provider::github_enterprise(&fake.at("/"), CLIENT, Secret::new(SECRET)).label("GitHub")]).await;
    let answers = |id: u64, addresses: Value| {
        fake.set(|script| {
            script.api.insert("/api/v3/user", json!({ "id": id, "login": "ada", "name": null }));
            script.api.insert("/api/v3/user/emails", addresses);
        });
    };
    let address = |email: &str, primary: bool, verified: bool| json!({ "email": email, "primary": primary, "verified": verified, "visibility": null });
    answers(7, json!([address("other@example.com", false, true), address(ADA, true, true)]));
    assert_eq!(comes(&app, &fake, "github", &json!({})).await.status, 303);
    let mut tx = app.system().await;
    let (email, name): (String, String) = sqlx::query_as("select email, name from auth.account").fetch_one(&mut *tx).await.unwrap();
    assert_eq!((email.as_str(), name.as_str()), (ADA, "ada"));
    let (issuer, subject): (String, String) =
        sqlx::query_as("select issuer, subject from auth.identity").fetch_one(&mut *tx).await.unwrap();
    assert_eq!((issuer, subject.as_str()), (fake.issuer.clone(), "7"));
    drop(tx);
    let shown = fake.set(|script| script.shown.clone());
    assert_eq!((shown["client_id"].as_str(), shown["client_secret"].as_str()), (CLIENT, SECRET));

    answers(7, json!([address("moved@example.com", true, true)]));
    assert_eq!(comes(&app, &fake, "github", &json!({})).await.status, 303, "the number is the person");
    answers(8, json!([address("eve@example.com", true, false), address("grace@example.com", false, true)]));
    is_asked(&comes(&app, &fake, "github", &json!({})).await);
    answers(9, json!([address(ADA, true, true)]));
    is_refused(&comes(&app, &fake, "github", &json!({})).await, 409, "already have an account");
    answers(10, json!([]));
    is_refused(&comes(&app, &fake, "github", &json!({})).await, 403, "No address came along");
    assert_eq!(app.count("select count(*) from auth.account").await, 1);
}

/// AUT-06: Apple answers with a form from its own site, and wants a secret that is signed each time.
#[tokio::test]
async fn apple_answers_with_a_form_from_its_site_and_gets_a_secret_signed_for_it() {
    let pem = key(9).to_pkcs8_pem(LineEnding::LF).unwrap();
    let (app, fake) = with_fakes(|fake| {
        let apple = Provider::apple(CLIENT, AppleKey::new("TEAM", "KEY", Secret::new(pem.as_str())));
        vec![apple.endpoints(fake.at("/authorize"), fake.at("/token"), fake.at("/keys"))]
    })
    .await;
    fake.set(|script| script.claims_to_be = "https://appleid.apple.com".to_owned());
    let browser = app.browser();
    let url = begin(&browser, "apple").await;
    assert!(url.contains("response_mode=form_post") && url.contains("%2Fsign-in%2Fwith%2Fapple%2Fposted"), "{url}");
    // As Apple writes it: a text where others write a truth value.
    let claims = json!({ "sub": "ada-there", "email": "ada@privaterelay.appleid.com", "email_verified": "true" });
    let with = fake.authorize(&url, &claims);
    let form: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&with).append_pair("user", "{}").finish();
    let posted = Request::post("/sign-in/with/apple/posted")
        .header("host", "localhost:3000")
        .header("accept", "text/html")
        .header("sec-fetch-site", "cross-site")
        .header("origin", "https://appleid.apple.com")
        .header("content-type", "application/x-www-form-urlencoded");
    let shown = browser.send(posted.body(form.into()).unwrap()).await;
    assert!(shown.status == 200 && shown.text().contains("data-submit"), "{}", shown.text());
    assert!(!shown.headers.contains_key("set-cookie"));
    let answer = back(&browser, "apple", &with).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(browser.get("/api/v1/auth/me").await.json()["verified"], true);

    let secret = fake.set(|script| script.shown["client_secret"].clone());
    let [head, claims, signature] = secret.split('.').collect::<Vec<_>>().try_into().unwrap();
    let read = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let signature = Signature::from_slice(&read(signature)).unwrap();
    VerifyingKey::from(&key(9)).verify(format!("{head}.{claims}").as_bytes(), &signature).unwrap();
    let (head, claims): (Value, Value) = (serde_json::from_slice(&read(head)).unwrap(), serde_json::from_slice(&read(claims)).unwrap());
    assert_eq!(head, json!({ "alg": "ES256", "kid": "KEY", "typ": "JWT" }));
    let now = app.clock.now().timestamp();
    let expected = json!({ "iss": "TEAM", "sub": CLIENT, "aud": "https://appleid.apple.com", "iat": now, "exp": now + 300 });
    assert_eq!(claims, expected);
}

/// What another site posts where it may is nobody's doing: the cookies of whoever was made to send it are not looked at.
#[tokio::test]
async fn a_form_from_another_site_acts_for_nobody() {
    let (app, fake) = with_fakes(|fake| vec![fake.provider("fake")]).await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await;
    let cookie = format!("{}={}", crate::app::COOKIE, ada.cookie(crate::app::COOKIE).unwrap());
    let with = fake.authorize(&begin(&ada, "fake").await, &person("eve-there", "eve@example.com"));
    let form: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&with).finish();
    let posted = Request::post("/sign-in/with/fake/posted")
        .header("host", "localhost:3000")
        .header("accept", "text/html")
        .header("sec-fetch-site", "cross-site")
        .header("cookie", cookie)
        .header("content-type", "application/x-www-form-urlencoded");
    let shown = app.browser().send(posted.body(form.into()).unwrap()).await;
    assert_eq!(shown.status, 200);
    assert!(!shown.text().contains(ADA) && !shown.headers.contains_key("set-cookie"), "{}", shown.text());
    assert_eq!(app.count("select count(*) from auth.provider_flow where used_at is not null").await, 0);
}

/// Topic 8: anybody has an organization at Microsoft. Each is an issuer of its own, and an address counts if its domain is the organization's.
#[tokio::test]
async fn microsofts_organizations_are_issuers_of_their_own_and_their_addresses_count_if_they_own_the_domain() {
    let (app, fake) = with_fakes(|fake| {
        let microsoft = Provider::microsoft("common", CLIENT, Secret::new(SECRET));
        vec![microsoft.endpoints(fake.at("/authorize"), fake.at("/token"), fake.at("/keys"))]
    })
    .await;
    let (one, other) = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222");
    let of = |issuer: &str, tenant: &str, more: Value| {
        let mut claims =
            json!({ "sub": "ada-there", "email": ADA, "tid": tenant, "iss": format!("https://login.microsoftonline.com/{issuer}/v2.0") });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    };
    for (what, claims) in [
        ("one for another", of(one, other, json!({ "xms_edov": true }))),
        ("not there", json!({ "sub": "ada-there", "email": ADA, "tid": one, "iss": "https://evil.example/v2.0" })),
        ("no id", of("common", "common", json!({}))),
    ] {
        let answer = comes(&app, &fake, "microsoft", &claims).await;
        assert_eq!(answer.status, 502, "{what}: {}", answer.text());
    }
    for unowned in [json!({ "email_verified": true }), json!({ "xms_edov": false }), json!({ "xms_edov": "0" })] {
        is_asked(&comes(&app, &fake, "microsoft", &of(one, one, unowned)).await);
    }
    assert_eq!(comes(&app, &fake, "microsoft", &of(one, one, json!({ "xms_edov": "1" }))).await.status, 303);
    // The same name in another organization is another person.
    is_refused(&comes(&app, &fake, "microsoft", &of(other, other, json!({ "xms_edov": true }))).await, 409, "already have an account");
}

/// Google hands out its own addresses and those of the companies that it hosts, and no others.
#[tokio::test]
async fn google_opens_accounts_with_addresses_of_its_own_or_of_those_whom_it_hosts() {
    let (app, fake) = with_fakes(|fake| {
        let google = Provider::google(CLIENT, Secret::new(SECRET));
        vec![google.endpoints(fake.at("/authorize"), fake.at("/token"), fake.at("/keys"))]
    })
    .await;
    fake.set(|script| script.claims_to_be = "https://accounts.google.com".to_owned());
    for email in [ADA, "ada@gmail.com"] {
        app.account(email).await;
    }
    is_refused(&comes(&app, &fake, "google", &person("one", ADA)).await, 409, "already have an account");
    let mut hosted = person("one", ADA);
    hosted["hd"] = "another.example".into();
    is_refused(&comes(&app, &fake, "google", &hosted).await, 409, "already have an account");
    hosted["hd"] = "example.com".into();
    assert_eq!(comes(&app, &fake, "google", &hosted).await.status, 303);
    assert_eq!(comes(&app, &fake, "google", &person("two", "ada@gmail.com")).await.status, 303);
    hosted["email_verified"] = false.into();
    hosted["sub"] = "three".into();
    is_asked(&comes(&app, &fake, "google", &hosted).await);
}
