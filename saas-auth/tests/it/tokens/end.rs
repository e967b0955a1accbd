use chrono::TimeDelta;
use http::Method;
use saas_core::TokenFamilyId;
use serde_json::json;

use super::scene::{ADA, Pair, Scene, pair, part};
use crate::{
    app::{PASSWORD, sign_in},
    mailbox::token,
};

const BETTER: &str = "another river under glass";

/// Demands that tokens have ended, both of them.
async fn ended(scene: &Scene, tokens: &Pair, why: &str) {
    assert_eq!(scene.holder(&tokens.access).await.status, 401, "{why}");
    assert_eq!(scene.refresh(&tokens.refresh).await.status, 422, "{why}");
    assert_eq!(scene.events("auth.tokens.reused").await, 0, "{why}");
}

/// ASVS 7.4.2, 7.4.3: as sessions end.
#[tokio::test]
async fn tokens_end_when_the_password_changes() {
    let scene = Scene::new().await;
    let tokens = scene.tokens().await;
    let change = json!({ "current_password": PASSWORD, "new_password": BETTER });
    assert!(scene.browser.json(Method::PUT, "/api/v1/auth/password", &change).await.status.is_success());
    ended(&scene, &tokens, "it was changed").await;

    let tokens = scene.tokens().await;
    let mails = scene.app.mailbox.all().await.len();
    scene.app.browser().post("/api/v1/auth/reset", &json!({ "email": ADA })).await;
    let link = token(&scene.app.mailbox.nth(mails + 1).await);
    let reset = json!({ "token": link, "new_password": PASSWORD });
    assert!(scene.app.browser().post("/api/v1/auth/reset/password", &reset).await.status.is_success());
    ended(&scene, &tokens, "it was reset").await;
    assert_eq!(scene.events("auth.tokens.ended").await, 2);
}

#[tokio::test]
async fn tokens_end_with_all_other_sessions_and_not_by_signing_out() {
    let scene = Scene::new().await;
    let tokens = scene.tokens().await;
    scene.browser.form("/sign-out", &[]).await;
    assert_eq!(scene.holder(&tokens.access).await.status, 200, "they do not depend on the browser");
    sign_in(&scene.browser, ADA, PASSWORD, false).await;
    assert_eq!(scene.browser.form("/sessions/end-others", &[]).await.status, 303);
    ended(&scene, &tokens, "all others were ended").await;
}

/// AUT-04, ASVS 7.4.1, 8.3.2: from the next request on.
#[tokio::test]
async fn tokens_end_with_the_membership_the_person_and_the_organization() {
    let scene = Scene::new().await;
    for (ends, returns) in [
        ("update core.user set state = 'suspended'", "update core.user set state = 'active'"),
        ("update core.tenant set state = 'suspended'", "update core.tenant set state = 'active'"),
    ] {
        let tokens = scene.tokens().await;
        scene.execute(ends).await;
        ended(&scene, &tokens, ends).await;
        scene.execute(returns).await;
        assert_eq!(scene.holder(&tokens.access).await.status, 200, "what was stopped for a while goes on");
        assert_eq!(scene.refresh(&tokens.refresh).await.status, 200);
    }
    let tokens = scene.tokens().await;
    scene.app.test.left(scene.tenant, scene.user).await;
    ended(&scene, &tokens, "left").await;
    scene.execute("update core.member set left_at = null, joined_at = joined_at + interval '1 second'").await;
    ended(&scene, &tokens, "whoever comes back is somebody new").await;
    assert_eq!(scene.holder(&scene.tokens().await.access).await.status, 200);
}

/// AUT-03, AUT-04: beside the sessions, on the page and for programs.
#[tokio::test]
async fn a_person_sees_what_may_act_for_them_and_ends_it() {
    let scene = Scene::new().await;
    let name = "Nightly <b>report</b>";
    let named = scene.browser.clone().with("user-agent", "curl/8.14");
    let first = pair(&named.post("/api/v1/auth/token", &json!({ "organization": "acme", "name": name })).await);
    let second = scene.tokens().await;
    let list = scene.browser.get("/api/v1/auth/programs?sort=created_at").await.json()["items"].clone();
    assert_eq!(list.as_array().unwrap().len(), 2);
    let it = list.as_array().unwrap().iter().find(|it| it["name"] == name).unwrap();
    assert_eq!((&it["organization"], &it["organization_name"]), (&json!(scene.tenant), &"acme".into()));
    assert_eq!((&it["user_agent"], &it["address"]), (&"curl/8.14".into(), &"192.0.2.1".into()));
    assert_eq!(it["id"], part(&first.access, 1)["client_id"]);
    let page = scene.browser.page("/sessions").await.text();
    assert!(page.contains("Nightly &lt;b&gt;report&lt;&#x2f;b&gt;") && page.contains("Unnamed program"), "{page}");

    let id = it["id"].as_str().unwrap();
    let answer = scene.browser.form(&format!("/sessions/programs/{id}/end"), &[]).await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, Some("/sessions")));
    ended(&scene, &first, "from the page").await;
    let id = part(&second.access, 1)["client_id"].as_str().unwrap().to_owned();
    assert_eq!(scene.browser.delete(&format!("/api/v1/auth/programs/{id}")).await.status, 204);
    ended(&scene, &second, "from a program").await;
    assert_eq!(scene.browser.delete(&format!("/api/v1/auth/programs/{id}")).await.status, 404);
    assert!(scene.browser.get("/api/v1/auth/programs").await.json()["items"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn nobody_sees_or_ends_another_persons_programs() {
    let scene = Scene::new().await;
    let tokens = scene.tokens().await;
    let eve = scene.app.account("eve@example.com").await;
    scene.app.test.member(scene.tenant, eve, "owner").await;
    let eve = scene.app.signed_in("eve@example.com").await;
    assert!(eve.get("/api/v1/auth/programs").await.json()["items"].as_array().unwrap().is_empty());
    let id = part(&tokens.access, 1)["client_id"].as_str().unwrap().to_owned();
    let theirs = eve.delete(&format!("/api/v1/auth/programs/{id}")).await;
    let nobodys = eve.delete(&format!("/api/v1/auth/programs/{}", TokenFamilyId::new())).await;
    assert_eq!((theirs.status.as_u16(), &theirs.body), (404, &nobodys.body));
    assert_eq!(eve.form(&format!("/sessions/programs/{id}/end"), &[]).await.status, 404);
    assert_eq!(scene.holder(&tokens.access).await.status, 200);
}

/// RFC 7009: by either token, also one that is used up; and what is none is no error.
#[tokio::test]
async fn whoever_holds_a_token_ends_what_it_is_of() {
    let scene = Scene::new().await;
    let revoke = async |token: &str| {
        let answer =
            scene.app.browser().post("/api/v1/auth/token/revoke", &json!({ "token": token, "token_type_hint": "access_token" })).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    let (first, second, third) = (scene.tokens().await, scene.tokens().await, scene.tokens().await);
    revoke(&first.refresh).await;
    ended(&scene, &first, "by the refresh token").await;
    revoke(&second.access).await;
    ended(&scene, &second, "by the access token").await;
    let next = pair(&scene.refresh(&third.refresh).await);
    revoke(&third.refresh).await;
    ended(&scene, &next, "by one that is used up").await;
    let events = scene.events("auth.tokens.ended").await;
    assert_eq!(events, 3);
    for text in ["", "none", &first.refresh, &first.access, "a.b.c"] {
        revoke(text).await;
    }
    assert_eq!(scene.events("auth.tokens.ended").await, events);
}

/// Whoever changes their password while a program asks for tokens ends them too, or the program gets none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_asks_while_the_password_changes_keeps_nothing() {
    let scene = Scene::new().await;
    for round in 0..5 {
        let (old, new) = if round % 2 == 0 { (PASSWORD, BETTER) } else { (BETTER, PASSWORD) };
        let asking: Vec<_> = (0..5)
            .map(|_| {
                let browser = scene.app.browser();
                let body = json!({ "organization": "acme", "credentials": { "email": ADA, "password": old } });
                tokio::spawn(async move { browser.post("/api/v1/auth/token", &body).await })
            })
            .collect();
        let change = json!({ "current_password": old, "new_password": new });
        assert!(scene.browser.json(Method::PUT, "/api/v1/auth/password", &change).await.status.is_success());
        for answer in asking {
            let answer = answer.await.unwrap();
            if answer.status == 200 {
                assert_eq!(scene.holder(&pair(&answer).access).await.status, 401, "round {round}");
            } else {
                assert_eq!(answer.status, 401, "{}", answer.text());
            }
        }
        assert_eq!(scene.app.count("select count(*) from auth.token_family where ended_at is null").await, 0);
        scene.execute("delete from auth.attempt").await;
    }
}

/// What was over for 30 days is deleted, as sessions are; what may still be used is not.
#[tokio::test]
async fn tokens_that_have_been_over_for_a_month_are_deleted() {
    let scene = Scene::new().await;
    let (first, second) = (scene.tokens().await, scene.tokens().await);
    scene.app.browser().post("/api/v1/auth/token/revoke", &json!({ "token": first.refresh })).await;
    let left = async || {
        scene.app.test.sweep().await;
        scene.app.count("select count(*) from auth.token_family").await
    };
    scene.app.later(TimeDelta::days(30) - TimeDelta::minutes(1));
    assert_eq!(left().await, 2);
    assert_eq!(scene.refresh(&second.refresh).await.status, 200);
    scene.app.later(TimeDelta::minutes(2));
    assert_eq!(left().await, 1, "the one that was revoked");
    scene.app.later(TimeDelta::days(30));
    assert_eq!(left().await, 0, "the one that expired");
}
