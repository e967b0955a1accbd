//! What a link opens: once, for whom it was meant, as long as it is the last one.

use chrono::TimeDelta;
use http::StatusCode;
use saas_core::{Clock, SessionId, SignedIn, Token};
use saas_tenancy::Role;
use serde_json::json;

use super::{accept, email, events, invite, members, waiting};
use crate::app::App;

/// I1: of any number that accept at once, one does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_acceptances_at_once_make_one_member() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let bob = app.person().await;
    let token = invite(&app, &owner, &email(bob), Role::Member).await;
    let client = app.client(bob).await;
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (client, token) = (client.clone(), token.clone());
        all.spawn(async move { accept(&client, &token).await.status });
    }
    let statuses = all.join_all().await;
    let count = |wanted: StatusCode| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((count(StatusCode::OK), count(StatusCode::UNPROCESSABLE_ENTITY)), (1, 49), "{statuses:?}");
    assert_eq!(members(&app, acme).await, 2);
    assert_eq!(events(&app, "tenancy.member.joined").await.len(), 1);
}

/// Used, replaced, taken back, expired and made up are one answer, to programs and in a browser.
#[tokio::test]
async fn a_link_that_is_over_opens_nothing_and_does_not_say_why() {
    let clock = Clock::fixed("2026-03-01T09:00:00Z".parse().unwrap());
    let app = App::at(clock.clone()).await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let mut dead = vec![Token::generate().text().expose().to_owned(), "none".to_owned(), String::new()];
    let [used, replaced, revoked, expired] = [app.person().await, app.person().await, app.person().await, app.person().await];
    dead.push(invite(&app, &owner, &email(expired), Role::Member).await);
    clock.advance(TimeDelta::days(7));
    dead.push(invite(&app, &owner, &email(used), Role::Member).await);
    assert_eq!(accept(&app.client(used).await, dead.last().unwrap()).await.status, StatusCode::OK);
    dead.push(invite(&app, &owner, &email(replaced), Role::Member).await);
    let fresh = invite(&app, &owner, &email(replaced), Role::Viewer).await;
    dead.push(invite(&app, &owner, &email(revoked), Role::Member).await);
    let list = waiting(&owner).await;
    let id = list.iter().find(|it| it["email"] == email(revoked)).unwrap()["id"].as_str().unwrap();
    assert_eq!(owner.delete(&format!("/api/v1/invitations/{id}")).await.status, StatusCode::NO_CONTENT);

    let people = [app.person().await, used, replaced, revoked, expired];
    let (mut answers, mut pages) = (Vec::new(), Vec::new());
    for token in &dead {
        for user in people {
            let client = app.client(user).await;
            let refused = accept(&client, token).await;
            answers.push((refused.status, refused.text()));
            let page = client.page(&format!("/invitation?token={token}")).await;
            assert!(page.text().contains("cannot be used any more"), "{}", page.text());
            let form = client.form("/invitation", &[("token", token)]).await;
            pages.push((page.status, form.status));
        }
    }
    answers.dedup();
    pages.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(pages, [(StatusCode::GONE, StatusCode::GONE)]);
    assert_eq!(accept(&app.client(replaced).await, &fresh).await.json()["role"], "viewer");
    assert_eq!(members(&app, acme).await, 3);
}

/// I2, I3: whoever has the link and not the mailbox gets nothing by it.
#[tokio::test]
async fn only_the_invited_and_confirmed_address_accepts() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let (bob, eve) = (app.person().await, app.person().await);
    let token = invite(&app, &owner, &email(bob), Role::Admin).await;
    let link = format!("/invitation?token={token}");

    let other = app.client(eve).await;
    assert_eq!(accept(&other, &token).await.status, StatusCode::FORBIDDEN);
    let page = other.page(&link).await.text();
    assert!(page.contains(&email(bob)) && page.contains(&email(eve)) && page.contains("action=\"/sign-out\""), "{page}");
    assert!(!page.contains("action=\"/invitation\""));
    assert_eq!(other.form("/invitation", &[("token", &token)]).await.status, StatusCode::FORBIDDEN);

    // Somebody signed up with the address and has not shown that it is theirs.
    let mut claims = SignedIn::new(eve, SessionId::new());
    claims.email = email(bob);
    let claims = app.acting(claims);
    assert_eq!(accept(&claims, &token).await.status, StatusCode::FORBIDDEN);
    assert_eq!(claims.form("/invitation", &[("token", &token)]).await.status, StatusCode::FORBIDDEN);
    let page = claims.page(&link).await.text();
    assert!(page.contains("Confirm your address first") && !page.contains("action=\"/invitation\""), "{page}");

    assert_eq!(app.stranger().post("/api/v1/invitations/accept", &json!({ "token": token })).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(members(&app, acme).await, 1);
    // It was written in another case than the account has it.
    let mut mine = app.signed_in(bob).await;
    mine.email = email(bob).to_uppercase();
    assert_eq!(accept(&app.acting(mine), &token).await.status, StatusCode::OK);
}

/// Whoever was added meanwhile stays what they are.
#[tokio::test]
async fn a_member_gains_nothing_by_an_older_invitation() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let bob = app.person().await;
    let token = invite(&app, &owner, &email(bob), Role::Admin).await;
    app.test.member(acme, bob, "viewer").await;
    let client = app.client(bob).await;
    assert_eq!(accept(&client, &token).await.status, StatusCode::CONFLICT);
    assert!(client.page(&format!("/invitation?token={token}")).await.text().contains("belong to acme already"));
    assert_eq!(client.form("/invitation", &[("token", &token)]).await.status, StatusCode::CONFLICT);
    assert_eq!(app.signed_in(bob).await.memberships[0].role, "viewer");
}
