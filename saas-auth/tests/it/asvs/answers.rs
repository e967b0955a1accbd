use axum::body::Body;
use http::{Method, Request};
use saas_core::testing::Answer;
use serde_json::json;

use crate::{
    app::{App, COOKIE, PASSWORD, sign_in},
    second_factor::Holder,
};

const ADA: &str = "ada@example.com";

/// What the cookies of an answer hold.
fn held(answer: &Answer) -> Vec<String> {
    let cookies = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let values = cookies.filter_map(|cookie| cookie.split_once('=')?.1.split(';').next());
    values.filter(|value| !value.is_empty()).map(str::to_owned).collect()
}

/// 3.3.4: a script that reads pages and answers learns nothing of what it cannot read itself.
#[tokio::test]
async fn no_answer_says_what_a_cookie_holds() {
    let app = App::with(|builder| builder.sign_in_by_mail(true)).await;
    let holder = Holder::new(&app, ADA).await;
    app.account("eve@example.com").await;
    let (ada, eve) = (app.browser(), app.browser());
    let mut answers = vec![
        eve.form("/sign-in", &[("email", "eve@example.com"), ("password", PASSWORD), ("remember", "true")]).await,
        sign_in(&eve, "eve@example.com", PASSWORD, false).await,
        eve.post("/api/v1/auth/prove", &json!({ "password": PASSWORD })).await,
        app.browser().post("/api/v1/auth/sign-in/mail", &json!({ "email": ADA })).await,
        app.browser().form("/sign-in/mail", &[("email", ADA)]).await,
        sign_in(&ada, ADA, PASSWORD, false).await,
        ada.post("/api/v1/auth/sign-in/second", &json!({ "code": holder.code(&app) })).await,
    ];
    let change = json!({ "current_password": PASSWORD, "new_password": "another one of mine 7" });
    answers.push(ada.json(Method::PUT, "/api/v1/auth/password", &change).await);
    let mut values: Vec<String> = answers.iter().flat_map(held).collect();
    values.extend(ada.cookie(COOKIE));
    assert!(values.len() >= 9, "{values:?}");
    for path in ["/api/v1/auth/me", "/api/v1/auth/sessions", "/sessions", "/account", "/account/security"] {
        answers.push(ada.page(path).await);
        answers.push(eve.page(path).await);
    }
    for answer in &answers {
        let elsewhere = answer.headers.iter().filter(|(name, _)| name.as_str() != "set-cookie").map(|(_, value)| value.to_str().unwrap());
        let said = elsewhere.collect::<Vec<_>>().join("\n") + &answer.text();
        assert!(!values.iter().any(|value| said.contains(value)), "{said}");
    }
}

/// 3.5.2: so a browser asks before it sends any for another site.
#[tokio::test]
async fn json_that_a_form_could_send_is_refused() {
    let app = App::new().await;
    app.account(ADA).await;
    let body = json!({ "email": ADA, "password": PASSWORD }).to_string();
    let send = async |kind: Option<&str>| {
        let request = Request::post("/api/v1/auth/sign-in").header("host", "localhost:3000").header("sec-fetch-site", "same-origin");
        let request = kind.into_iter().fold(request, |request, kind| request.header("content-type", kind));
        app.browser().send(request.body(Body::from(body.clone())).unwrap()).await
    };
    for kind in [
        None,
        Some("text/plain"),
        Some("text/plain; charset=application/json"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some("application/jsonx"),
        Some(""),
    ] {
        let answer = send(kind).await;
        assert_eq!((answer.status.as_u16(), held(&answer).len()), (415, 0), "{kind:?}: {}", answer.text());
    }
    assert_eq!(send(Some("application/json; charset=utf-8")).await.status, 200);
}
