use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use saas_core::DbError;
use serde_json::json;

use super::scene::{ADA, Scene, pair, part};
use crate::{
    app::{PASSWORD, pointers, set_cookie},
    passkeys::{enter, new_passkey},
};

/// AUT-04: for the organization that was chosen, by its short name or its id.
#[tokio::test]
async fn a_program_acts_for_its_person_in_the_chosen_organization() {
    let scene = Scene::new().await;
    for organization in ["acme".to_owned(), scene.tenant.to_string()] {
        let request = json!({ "organization": organization, "name": "Nightly report" });
        let answer = scene.browser.post("/api/v1/auth/token", &request).await;
        let tokens = pair(&answer);
        assert_eq!((answer.json()["token_type"].clone(), tokens.expires_in), ("Bearer".into(), 3600));
        assert!(answer.headers["cache-control"].to_str().unwrap().contains("no-store"));
        let holder = scene.holder(&tokens.access).await;
        let family = part(&tokens.access, 1)["client_id"].clone();
        let expected = json!({ "user": scene.user, "family": family, "organization": scene.tenant, "role": "member",
            "second_factor_missing": false });
        assert_eq!((holder.status.as_u16(), holder.json()), (200, expected));
        assert!(tokens.refresh.starts_with("mon_refresh_"), "a scanner finds it");
    }
    assert_eq!(scene.events("auth.tokens.issued").await, 2);
    let kept: String = sqlx::query_scalar("select string_agg(to_jsonb(t)::text, '') from auth.token_family t")
        .fetch_one(&mut *scene.app.system().await)
        .await
        .unwrap();
    assert!(!kept.contains(&scene.tokens().await.refresh), "only a hash is kept");
}

/// ASVS 9.2.2 to 9.2.4, RFC 9068.
#[tokio::test]
async fn a_token_says_who_made_it_for_whom_and_for_how_long() {
    let scene = Scene::with(|builder| builder.token_features(async |_| Ok(vec!["devices".to_owned()]))).await;
    let tokens = scene.tokens().await;
    let header = part(&tokens.access, 0);
    assert_eq!((&header["alg"], &header["typ"]), (&"EdDSA".into(), &"at+jwt".into()));
    assert_eq!(header.as_object().unwrap().len(), 3, "{header}");
    let claims = part(&tokens.access, 1);
    let now = scene.app.clock.now().timestamp();
    let expected = json!({
        "iss": "http://localhost:3000", "aud": "http://localhost:3000/api", "sub": scene.user, "client_id": claims["client_id"],
        "tenant_id": scene.tenant, "email": ADA, "role": "member", "features": ["devices"], "iat": now, "exp": now + 3600, "jti": claims["jti"],
    });
    assert_eq!(claims, expected);
    let next = part(&pair(&scene.refresh(&tokens.refresh).await).access, 1);
    assert_eq!(next["client_id"], claims["client_id"]);
    assert_ne!(next["jti"], claims["jti"], "no two have the same id");
}

/// ASVS 7.5.1, topic 5: it is not signed in, and nothing of the account is its to change.
#[tokio::test]
async fn a_token_reaches_nothing_of_the_account() {
    let scene = Scene::new().await;
    let program = scene.app.browser().bearer(&scene.tokens().await.access);
    for path in ["/person", "/api/v1/auth/me", "/api/v1/auth/sessions", "/api/v1/auth/programs", "/api/v1/me/profile", "/sessions"] {
        assert_eq!(program.get(path).await.status, 403, "{path}");
    }
    let change = json!({ "current_password": PASSWORD, "new_password": "another river under glass" });
    assert_eq!(program.json(http::Method::PUT, "/api/v1/auth/password", &change).await.status, 403);
    let more = program.post("/api/v1/auth/token", &json!({ "organization": "acme" })).await;
    assert_eq!(more.status, 401, "a token makes no tokens");
    let both = scene.browser.clone().bearer(&scene.tokens().await.access).get("/open").await;
    assert_eq!(both.status, 400, "two identities are one too many");
}

/// AUT-04: through the same door as everybody, and no session is left behind.
#[tokio::test]
async fn a_program_without_a_browser_signs_its_person_in() {
    let scene = Scene::new().await;
    let living = "select count(*) from auth.session where ended_at is null";
    let before = scene.app.count(living).await;
    let ask = async |organization: &str, password: &str| {
        let credentials = json!({ "email": ADA, "password": password });
        let request = json!({ "organization": organization, "credentials": credentials });
        scene.app.browser().post("/api/v1/auth/token", &request).await
    };
    let answer = ask("acme", PASSWORD).await;
    assert_eq!(set_cookie(&answer), None);
    assert_eq!(scene.holder(&pair(&answer).access).await.status, 200);
    assert_eq!(ask("elsewhere", PASSWORD).await.status, 404);
    assert_eq!(scene.app.count(living).await, before);
    assert_eq!(scene.events("auth.session.began").await, 1 + 2, "it is seen that somebody signed in");
    for _ in 0..5 {
        assert_eq!(ask("acme", "not the one that it is").await.status, 401);
    }
    let throttled = ask("acme", PASSWORD).await;
    assert_eq!(throttled.status, 429);
    assert!(throttled.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn nobody_gets_tokens_for_an_organization_that_is_not_theirs() {
    let scene = Scene::new().await;
    scene.app.test.tenant("other").await;
    for organization in ["other", "never-was", "ACME", "' or true --", "\0"] {
        let answer = scene.browser.post("/api/v1/auth/token", &json!({ "organization": organization })).await;
        assert_eq!(answer.status, 404, "{organization}");
    }
    let stranger = scene.app.browser().post("/api/v1/auth/token", &json!({ "organization": "acme" })).await;
    assert_eq!(stranger.status, 401);
    for (field, request) in [
        ("/organization", json!({ "organization": "" })),
        ("/name", json!({ "organization": "acme", "name": " " })),
        ("/name", json!({ "organization": "acme", "name": "x".repeat(101) })),
        ("/name", json!({ "organization": "acme", "name": "a\0b" })),
    ] {
        let answer = scene.browser.post("/api/v1/auth/token", &request).await;
        assert_eq!((answer.status.as_u16(), pointers(&answer)), (422, vec![field.to_owned()]), "{request}");
    }
    assert_eq!(scene.app.count("select count(*) from auth.token_family").await, 0);
}

/// Whoever knows what a plan holds may be away: then a program keeps what it has and asks again.
#[tokio::test]
async fn a_refresh_that_fails_does_not_use_the_token_up() {
    let is_away = Arc::new(AtomicBool::new(false));
    let away = Arc::clone(&is_away);
    let scene = Scene::with(move |builder| {
        builder.token_features(move |_| {
            let is_away = away.load(Ordering::SeqCst);
            async move { if is_away { Err(DbError::from(sqlx::Error::PoolTimedOut)) } else { Ok(Vec::new()) } }
        })
    })
    .await;
    let tokens = scene.tokens().await;
    is_away.store(true, Ordering::SeqCst);
    assert_eq!(scene.refresh(&tokens.refresh).await.status, 503);
    is_away.store(false, Ordering::SeqCst);
    assert_eq!(scene.refresh(&tokens.refresh).await.status, 200);
    assert_eq!(scene.events("auth.tokens.reused").await, 0);
}

/// AUT-08, AUT-09: a token shows the second factor that its person had shown, from the moment on at which an organization asks for one; a passkey is
/// both.
#[tokio::test]
async fn a_token_shows_a_second_factor_only_if_its_person_had_shown_one() {
    let scene = Scene::with(|builder| builder.passkeys(true)).await;
    let before = scene.tokens().await;
    let mut device = new_passkey(&scene.browser, "Key ring").await;
    scene.execute("update core.tenant set second_factor_required = true").await;
    let told = scene.holder(&before.access).await;
    assert_eq!((told.status.as_u16(), &told.json()["second_factor_missing"]), (200, &json!(true)), "whoever lets it in is told");
    let next = pair(&scene.refresh(&before.refresh).await);
    assert_eq!(scene.holder(&next.access).await.json()["second_factor_missing"], true, "nor does the next one");
    let ask = json!({ "organization": "acme" });
    let refused = scene.app.signed_in(ADA).await.post("/api/v1/auth/token", &ask).await;
    assert_eq!((refused.status.as_u16(), refused.json()["type"].clone()), (403, json!("/problems/second-factor-required")));
    let here = pair(&scene.browser.post("/api/v1/auth/token", &ask).await);
    assert_eq!(scene.holder(&here.access).await.json()["second_factor_missing"], false, "where it was made it was shown");
    let browser = scene.app.browser();
    assert_eq!(enter(&browser, &mut device).await.status, 200);
    let tokens = pair(&browser.post("/api/v1/auth/token", &ask).await);
    assert_eq!(scene.holder(&tokens.access).await.json()["second_factor_missing"], false);
    scene.execute("update core.tenant set second_factor_required = false").await;
    assert_eq!(scene.holder(&next.access).await.json()["second_factor_missing"], false, "nothing is missing where nothing is asked for");
}
