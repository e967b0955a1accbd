use crate::app::{App, COOKIE};

const ADA: &str = "ada@example.com";

/// Two identities in one request are one too many.
#[tokio::test]
async fn a_session_and_a_key_together_are_refused() {
    let app = App::new().await;
    app.account(ADA).await;
    let tenant = app.test.tenant("acme").await;
    let (key, credential, _) = app.agent(tenant).await;
    let browser = app.signed_in(ADA).await;
    for bearer in [key, credential] {
        assert_eq!(browser.clone().bearer(&bearer).get("/open").await.status, 400);
    }
    let garbage = app.browser().with("cookie", &format!("{COOKIE}=x"));
    let (_, credential, _) = app.agent(tenant).await;
    assert_eq!(garbage.bearer(&credential).get("/open").await.status, 400);
}

/// Two cookies of the session's name mean that somebody planted one.
#[tokio::test]
async fn of_two_session_cookies_neither_is_believed() {
    let app = App::new().await;
    app.account(ADA).await;
    let token = app.signed_in(ADA).await.cookie(COOKIE).unwrap();
    let both = app.browser().with("cookie", &format!("{COOKIE}={token}; {COOKIE}=x"));
    assert_eq!(both.get("/person").await.status, 401);
}

#[tokio::test]
async fn what_is_no_bearer_of_ours_is_refused_at_once() {
    let app = App::new().await;
    for value in ["Bearer", "Bearer ", "Bearer x", "Basic YTpi", "bearer mon_agent_x", "mon_agent_x"] {
        let answer = app.browser().with("authorization", value).get("/open").await;
        assert_eq!(answer.status, 401, "{value:?}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
    let mut request = http::Request::get("/open").body(axum::body::Body::empty()).unwrap();
    for value in ["Bearer a", "Bearer b"] {
        request.headers_mut().append("authorization", http::HeaderValue::from_static(value));
    }
    assert_eq!(app.browser().send(request).await.status, 400);
}

/// Without the database nobody is let in, and nobody is taken for a stranger either.
#[tokio::test]
async fn with_the_database_away_a_session_is_neither_believed_nor_taken_away() {
    let app = App::new().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    app.test.db.close().await;
    let answer = browser.get("/person").await;
    assert_eq!(answer.status, 503);
    assert!(answer.headers.contains_key("retry-after"));
    assert!(browser.cookie(COOKIE).is_some());
    assert_eq!(app.browser().get("/open").await.status, 200, "a stranger needs no database");
}
