//! Items of the OWASP ASVS that are about all pages, cookies, passwords, ways in or sources at once. `ASVS.md` says which test shows which item.

mod answers;
mod fields;
mod log;
mod sessions;
mod sources;
mod ways;
mod written;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use saas_auth::PAGES;
use saas_core::{
    pages::{Locale, Pages},
    testing::Answer,
};
use serde_json::json;

use crate::{
    app::{App, PASSWORD, sign_in},
    mailbox::token,
    provider::with_fake,
    second_factor::Holder,
};

const ADA: &str = "ada@example.com";

fn cookies(answer: &Answer) -> Vec<String> {
    answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

/// 3.3.1 to 3.3.3: whatever a browser is given to keep, is for this host alone, over TLS, out of reach of scripts, and no other site sends it.
#[tokio::test]
async fn every_cookie_is_for_this_host_alone_and_out_of_reach_of_scripts() {
    let (elsewhere, _fake) = with_fake().await;
    let app = App::with(|builder| builder.passkeys(true).sign_in_by_mail(true)).await;
    let holder = Holder::new(&app, ADA).await;
    app.account("eve@example.com").await;
    let mut given = Vec::new();
    given.extend(cookies(&sign_in(&app.browser(), "eve@example.com", PASSWORD, true).await));
    given.extend(cookies(&sign_in(&app.browser(), ADA, PASSWORD, false).await));
    let before = app.mailbox.all().await.len();
    given.extend(cookies(&app.browser().post("/api/v1/auth/sign-in/mail", &json!({ "email": ADA })).await));
    app.mailbox.nth(before + 1).await;
    given.extend(cookies(&app.browser().post("/api/v1/auth/passkeys/challenge", &json!({})).await));
    given.extend(cookies(&elsewhere.browser().post("/api/v1/auth/providers/fake", &json!({})).await));
    holder.browser.post("/api/v1/me/deletion", &json!({ "password": PASSWORD })).await;
    let leave = token(&app.mailbox.nth(before + 2).await);
    assert_eq!(app.browser().post("/api/v1/me/deletion/confirm", &json!({ "token": leave })).await.status, 200);
    let leaving = app.browser();
    given.extend(cookies(&sign_in(&leaving, ADA, PASSWORD, false).await));
    given.extend(cookies(&leaving.post("/api/v1/auth/sign-in/second", &json!({ "code": holder.code(&app) })).await));

    let mut names = BTreeSet::new();
    for cookie in &given {
        let (name, _) = cookie.split_once('=').unwrap();
        // Which account knows the browser stands in the name.
        names.insert(if name.starts_with("__Host-known-") { "__Host-known-" } else { name });
        let attributes: Vec<_> = cookie.split("; ").skip(1).collect();
        for wanted in ["HttpOnly", "Secure", "Path=/"] {
            assert!(attributes.contains(&wanted), "{wanted}: {cookie}");
        }
        assert!(attributes.iter().any(|it| ["SameSite=Lax", "SameSite=Strict"].contains(it)), "{cookie}");
        assert!(!attributes.iter().any(|it| it.starts_with("Domain")), "{cookie}");
    }
    let all = ["asking", "entry", "known-", "leaving", "passkey", "provider", "session"].map(|name| format!("__Host-{name}"));
    assert_eq!(names.into_iter().map(str::to_owned).collect::<Vec<_>>(), all);
}

/// Each page as its sample shows it, and whether somebody is signed in on it.
fn shown() -> Vec<(String, String, bool)> {
    let pages = Pages::builder().add(PAGES).build().unwrap();
    let samples = pages.samples().unwrap().into_iter().filter(|it| it.template.starts_with("auth/") && !it.template.contains("/mail/"));
    let rendered = samples.map(|it| {
        let is_signed_in = it.context.get_attr("user").is_ok_and(|user| user.is_true());
        let html = pages.render(&it.template, Locale::default(), it.context).unwrap();
        (format!("{} {}", it.template, it.name), html, is_signed_in)
    });
    rendered.collect()
}

/// 6.2.6 and 6.2.7: nobody looks over a shoulder, and a password manager fills in what nobody has to remember.
#[test]
fn password_fields_hide_what_is_typed_and_take_what_managers_fill_in() {
    let mut seen = 0;
    for (page, html, _) in shown() {
        let inputs = html.split("<input").skip(1).map(|rest| rest.split('>').next().unwrap());
        for input in inputs.filter(|input| input.contains("name=\"") && input.contains("password\"")) {
            seen += 1;
            assert!(input.contains("type=\"password\""), "{page}: {input}");
            let fills = ["current-password", "new-password"].iter().any(|kind| input.contains(&format!("autocomplete=\"{kind}\"")));
            assert!(fills, "{page}: {input}");
        }
        assert!(!html.contains("onpaste"), "{page}");
    }
    assert!(seen >= 10, "{seen}");
}

/// 7.4.4: whoever is signed in sees how to sign out, wherever they are.
#[test]
fn every_page_of_whoever_is_signed_in_has_a_way_out() {
    let whole: Vec<_> = shown().into_iter().filter(|(_, html, is_signed_in)| *is_signed_in && html.contains("</html>")).collect();
    assert!(whole.len() >= 20, "{}", whole.len());
    for (page, html, _) in whole {
        assert!(html.replace("&#x2f;", "/").contains("action=\"/sign-out\""), "{page}");
    }
}

/// 6.2.8: nothing is cut off, and nothing is overlooked.
#[tokio::test]
async fn a_password_is_compared_to_the_letter() {
    let app = App::new().await;
    app.account(ADA).await;
    let capital = format!("Q{}", &PASSWORD[1..]);
    for near in [format!("{PASSWORD} "), format!(" {PASSWORD}"), capital, PASSWORD[..PASSWORD.len() - 1].to_owned()] {
        assert_eq!(sign_in(&app.browser(), ADA, &near, false).await.status, 401, "{near:?}");
    }
    assert_eq!(sign_in(&app.browser(), ADA, PASSWORD, false).await.status, 200);
}

/// 6.2.10: nobody has to choose another one because time has passed.
#[tokio::test]
async fn a_password_is_good_for_as_long_as_its_owner_wants() {
    let app = App::new().await;
    app.account(ADA).await;
    app.later(TimeDelta::days(2000));
    assert_eq!(sign_in(&app.browser(), ADA, PASSWORD, false).await.status, 200);
}
