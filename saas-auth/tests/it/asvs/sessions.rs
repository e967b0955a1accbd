use std::collections::HashSet;

use chrono::TimeDelta;
use saas_core::Token;
use serde_json::json;

use crate::{
    app::{App, PASSWORD, sign_in},
    provider::{person, sign_in_as, with_fake},
};

const ADA: &str = "ada@example.com";

/// 7.2.3, 11.2.3 and 11.5.1: each bit is as often set as not, and none comes twice.
#[test]
fn a_token_is_256_bits_that_nobody_foresees() {
    const MANY: usize = 20_000;
    let (mut set, mut seen) = ([0_usize; 256], HashSet::new());
    for _ in 0..MANY {
        let token = Token::generate();
        let text = token.text().expose().to_owned();
        assert_eq!(text.len(), 43);
        for (place, letter) in text.bytes().enumerate() {
            let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let six = alphabet.iter().position(|it| *it == letter).unwrap();
            for bit in (0..6).filter(|bit| place * 6 + bit < 256) {
                set[place * 6 + bit] += six >> (5 - bit) & 1;
            }
        }
        assert!(seen.insert(text));
    }
    // Half, by seven standard deviations: once in a billion runs for all 256.
    let off = 7.0 * (MANY as f64).sqrt() / 2.0;
    for (bit, times) in set.into_iter().enumerate() {
        assert!((times as f64 - MANY as f64 / 2.0).abs() < off, "bit {bit} was set {times} times");
    }
}

/// 7.1.2: it ends no other one, and its owner sees all of them.
#[tokio::test]
async fn as_many_sessions_as_somebody_begins_are_there_and_listed() {
    let app = App::new().await;
    app.account(ADA).await;
    let mut browsers = Vec::new();
    for _ in 0..12 {
        browsers.push(app.signed_in(ADA).await);
    }
    for browser in &browsers {
        assert_eq!(browser.get("/person").await.status, 200);
    }
    let listed = browsers[0].get("/api/v1/auth/sessions?limit=100").await.json()["items"].as_array().unwrap().len();
    assert_eq!(listed, 12);
    browsers[0].form("/sessions/end-others", &[]).await;
    for (nth, browser) in browsers.iter().enumerate() {
        assert_eq!(browser.get("/person").await.status, if nth == 0 { 200 } else { 401 }, "{nth}");
    }
}

/// 7.1.3 and 7.6.1: it asks nobody elsewhere while it lives, ends to the second like any other, and signing in again asks anew.
#[tokio::test]
async fn a_session_that_a_provider_opened_is_one_of_ours() {
    let (app, fake) = with_fake().await;
    let (ada, claims) = (app.browser(), person("ada-there", ADA));
    assert_eq!(sign_in_as(&ada, &fake, &claims).await.status, 303);
    let asked = fake.asked("/token");
    app.later(TimeDelta::hours(24) - TimeDelta::seconds(1));
    app.used().await;
    assert_eq!((ada.get("/person").await.status.as_u16(), fake.asked("/token")), (200, asked));
    let sessions = ada.get("/api/v1/auth/sessions").await.json();
    assert_eq!(sessions["items"][0]["remembered"], false);
    app.later(TimeDelta::seconds(1));
    assert_eq!(ada.get("/person").await.status, 401);
    assert_eq!(sign_in_as(&ada, &fake, &claims).await.status, 303);
    assert_eq!(fake.asked("/token"), asked + 1);
    ada.form("/sign-out", &[]).await;
    assert_eq!(ada.get("/person").await.status, 401);
    app.account("eve@example.com").await;
    assert_eq!(sign_in(&ada, "eve@example.com", PASSWORD, false).await.status, 200, "whoever comes next is somebody of their own");
    assert_eq!(ada.get("/api/v1/auth/me").await.json()["email"], json!("eve@example.com"));
}
