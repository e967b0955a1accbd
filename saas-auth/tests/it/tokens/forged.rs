//! Whatever else somebody shows as an access token (topic 14, ASVS 9.1 and 9.2).

use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use saas_core::{TenantId, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::scene::{Scene, holder, pair, part, signed};

/// ASVS 9.1.1: not one letter of it may be another.
#[tokio::test]
async fn a_token_that_differs_in_one_place_is_refused() {
    let scene = Scene::new().await;
    let token = scene.tokens().await.access;
    for place in 0..token.len() {
        let mut text = token.clone().into_bytes();
        text[place] = if text[place] == b'x' { b'y' } else { b'x' };
        let changed = String::from_utf8(text).unwrap();
        assert_eq!(scene.holder(&changed).await.status, 401, "{changed}");
    }
    for changed in
        [&token[1..], &token[..token.len() - 1], &format!("{token}A"), &format!("{token}="), &format!("{token}."), &format!(".{token}")]
    {
        assert_eq!(scene.holder(changed).await.status, 401, "{changed}");
    }
    assert_eq!(scene.holder(&token).await.status, 200);
}

/// ASVS 9.1.2, 9.1.3, 9.2.2: the header chooses nothing, also where the right key has signed it.
#[tokio::test]
async fn only_one_header_is_taken_and_it_leads_nowhere() {
    let scene = Scene::new().await;
    let token = scene.tokens().await.access;
    let claims = part(&token, 1).to_string();
    let (key, pair) = scene.stolen_key().await;
    let by_us = |text: &[u8]| pair.sign(text).as_ref().to_vec();
    let good = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{key}"}}"#);
    assert_eq!(scene.holder(&signed(&good, &claims, by_us)).await.status, 200, "the others differ from this one in one thing");

    let thief = Ed25519KeyPair::generate().unwrap();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(thief.public_key()) });
    for more in [
        r#""jku":"http://127.0.0.1:9/keys""#.to_owned(),
        r#""x5u":"http://127.0.0.1:9/chain""#.to_owned(),
        r#""x5c":["MIIB"]"#.to_owned(),
        r#""crit":["exp"]"#.to_owned(),
        r#""b64":false"#.to_owned(),
        r#""zip":"DEF""#.to_owned(),
        r#""enc":"A256GCM""#.to_owned(),
        r#""cty":"JWT""#.to_owned(),
        r#""alg":"EdDSA""#.to_owned(),
        format!(r#""kid":"{key}""#),
        format!(r#""jwk":{jwk}"#),
    ] {
        let header = format!("{},{more}}}", &good[..good.len() - 1]);
        assert_eq!(scene.holder(&signed(&header, &claims, by_us)).await.status, 401, "{header}");
        assert_eq!(scene.holder(&signed(&header, &claims, |text| thief.sign(text).as_ref().to_vec())).await.status, 401, "{header}");
    }
    for algorithm in ["none", "None", "", "HS256", "RS256", "ES256", "Ed25519", "eddsa"] {
        let header = good.replace("EdDSA", algorithm);
        assert_eq!(scene.holder(&signed(&header, &claims, |_| Vec::new())).await.status, 401, "{header}");
        assert_eq!(scene.holder(&signed(&header, &claims, by_us)).await.status, 401, "{header}");
        // The public key is known to everybody: as a secret it signs nothing.
        let known = hmac::Key::new(hmac::HMAC_SHA256, pair.public_key().as_ref());
        let by_anybody = |text: &[u8]| hmac::sign(&known, text).as_ref().to_vec();
        assert_eq!(scene.holder(&signed(&header, &claims, by_anybody)).await.status, 401, "{header}");
    }
    for kind in ["JWT", "jwt", "id+jwt", "logout+jwt", "", "AT+JWT"] {
        assert_eq!(scene.holder(&signed(&good.replace("at+jwt", kind), &claims, by_us)).await.status, 401, "{kind}");
    }
    for id in ["", "../../etc/passwd", "' or true --", "\\u0000", &Uuid::now_v7().to_string(), &"0".repeat(10_000)] {
        assert_eq!(scene.holder(&signed(&good.replace(&key.to_string(), id), &claims, by_us)).await.status, 401, "{id:.50}");
    }
    for header in [
        r#"{"alg":"EdDSA","typ":"at+jwt"}"#.to_owned(),
        format!(r#"{{"alg":"EdDSA","kid":"{key}"}}"#),
        "{}".to_owned(),
        "[]".to_owned(),
        String::new(),
    ] {
        assert_eq!(scene.holder(&signed(&header, &claims, by_us)).await.status, 401, "{header}");
    }
    assert_eq!(scene.holder(&signed(&good, &claims, |text| thief.sign(text).as_ref().to_vec())).await.status, 401, "another key");
    assert_eq!(scene.holder(&signed(&good, &claims, |_| Vec::new())).await.status, 401, "no signature");
}

/// ASVS 9.2.1, 9.2.3, 9.2.4: what we have signed for something else, or for somebody else.
#[tokio::test]
async fn a_token_counts_for_us_for_its_hour_and_for_its_own_family() {
    let scene = Scene::new().await;
    let token = scene.tokens().await.access;
    let claims = part(&token, 1);
    let (key, pair) = scene.stolen_key().await;
    let header = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{key}"}}"#);
    let make = |claims: &str| signed(&header, claims, |text| pair.sign(text).as_ref().to_vec());
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        make(&claims.to_string())
    };
    let now = scene.app.clock.now().timestamp();
    assert_eq!(scene.holder(&with("exp", json!(now + 1))).await.status, 200, "the others differ from this one in one thing");
    for (name, value) in [
        ("iss", json!("http://localhost")),
        ("iss", json!("http://localhost:3000/")),
        ("iss", json!(["http://localhost:3000"])),
        ("aud", json!("http://localhost:3000")),
        ("aud", json!(["http://localhost:3000/api"])),
        ("exp", json!(now)),
        ("exp", json!(now - 3600)),
        ("exp", json!(format!("{}", now + 3600))),
        ("exp", json!(1e300)),
        ("iat", json!(now + 61)),
        ("iat", json!(i64::MAX)),
        ("sub", json!(UserId::new())),
        ("sub", json!("")),
        ("client_id", json!(Uuid::now_v7())),
        ("tenant_id", json!(TenantId::new())),
        ("tenant_id", json!("acme")),
    ] {
        assert_eq!(scene.holder(&with(name, value.clone())).await.status, 401, "{name} {value}");
    }
    for name in ["iss", "aud", "sub", "client_id", "tenant_id", "exp", "iat"] {
        let mut less = claims.clone();
        less.as_object_mut().unwrap().remove(name);
        assert_eq!(scene.holder(&make(&less.to_string())).await.status, 401, "without {name}");
        assert_eq!(scene.holder(&with(name, Value::Null)).await.status, 401, "{name} is null");
        let text = claims.to_string();
        let twice = format!(r#"{},"{name}":{}}}"#, &text[..text.len() - 1], claims[name]);
        assert_eq!(scene.holder(&make(&twice)).await.status, 401, "{name} twice");
    }
    for text in ["", "null", "[]", "{", "\u{feff}{}"] {
        assert_eq!(scene.holder(&make(text)).await.status, 401, "{text}");
    }
}

/// ASVS 8.4.1, T-wall: a token for one organization opens no other, whoever else its person is there.
#[tokio::test]
async fn a_token_for_one_organization_says_nothing_of_another() {
    let scene = Scene::new().await;
    let other = scene.app.test.tenant("other").await;
    scene.app.test.member(other, scene.user, "owner").await;
    let browser = scene.app.signed_in(super::scene::ADA).await;
    let there = pair(&browser.post("/api/v1/auth/token", &json!({ "organization": "other" })).await);
    let here = scene.tokens().await;
    assert_eq!(scene.holder(&there.access).await.json()["organization"], json!(other));
    assert_eq!(scene.holder(&here.access).await.json()["role"], "member");
    // Each names the other's organization, signed by the right key.
    let (key, pair) = scene.stolen_key().await;
    let header = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{key}"}}"#);
    for (token, tenant) in [(&here.access, other), (&there.access, scene.tenant)] {
        let mut claims = part(token, 1);
        claims["tenant_id"] = json!(tenant);
        let crossed = signed(&header, &claims.to_string(), |text| pair.sign(text).as_ref().to_vec());
        assert_eq!(scene.holder(&crossed).await.status, 401);
    }
}

/// ASVS 9.2.2: nothing that was made for something else is an access token, and it is none of them.
#[tokio::test]
async fn what_is_made_for_one_thing_is_good_for_no_other() {
    let scene = Scene::new().await;
    let tokens = scene.tokens().await;
    assert_eq!(scene.holder(&tokens.refresh).await.status, 401, "a refresh token opens nothing");
    assert_eq!(scene.refresh(&tokens.access).await.status, 422, "an access token gets no other");
    let session = scene.browser.cookie(crate::app::COOKIE).unwrap();
    assert_eq!(scene.holder(&session).await.status, 401);
    let as_cookie = scene.app.browser().with("cookie", &format!("{}={}", crate::app::COOKIE, tokens.access));
    assert_eq!(as_cookie.get("/person").await.status, 401);
    let in_address = scene.app.browser().get(&format!("/holder?access_token={}", tokens.access)).await;
    assert_eq!(in_address.status, 401, "it is taken from a header alone");
    let exposed = scene.app.browser().get(&format!("/open?token={}", tokens.refresh)).await;
    assert_eq!(exposed.json()["type"], "/problems/key-in-address");
    // Another product of the same keys: it has another address.
    let elsewhere = scene.app.again_at("https://elsewhere.example");
    assert_eq!(holder(&elsewhere, &tokens.access).await.status, 401);
}

/// The hour is over to the second.
#[tokio::test]
async fn an_access_token_works_for_an_hour() {
    let scene = Scene::new().await;
    let token = scene.tokens().await.access;
    scene.app.later(TimeDelta::seconds(3599));
    assert_eq!(scene.holder(&token).await.status, 200);
    scene.app.later(TimeDelta::seconds(1));
    let answer = scene.holder(&token).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
}

/// JWE bombs and the like: what is too long is not looked at.
#[tokio::test]
async fn a_token_of_a_megabyte_is_refused_like_any_other() {
    let scene = Scene::new().await;
    let token = scene.tokens().await.access;
    let (head, tail) = token.split_once('.').unwrap();
    let (_, signature) = tail.split_once('.').unwrap();
    for long in [format!("{}.{tail}", head.repeat(20_000)), format!("{head}.{}.{signature}", "A".repeat(1 << 20)), ".".repeat(1 << 20)] {
        assert_eq!(scene.holder(&long).await.status, 401);
    }
}
