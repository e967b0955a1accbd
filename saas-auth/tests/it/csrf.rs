use axum::body::Body;
use http::{Method, Request};

use crate::app::{App, COOKIE, PASSWORD};

const ADA: &str = "ada@example.com";

/// Topic 11: each header combination against each form that changes something.
#[tokio::test]
async fn a_write_from_another_site_is_refused() {
    let app = App::new().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    let cookie = format!("{COOKIE}={}", browser.cookie(COOKIE).unwrap());
    let routes = [
        (Method::POST, "/sign-in"),
        (Method::POST, "/sign-in/mail"),
        (Method::POST, "/sign-in/link"),
        (Method::POST, "/sign-in/code"),
        (Method::POST, "/sign-in/with/fake"),
        (Method::POST, "/sign-in/with/fake/return"),
        (Method::POST, "/account/providers/fake/link"),
        (Method::POST, "/account/identities/01890000-0000-7000-8000-000000000001/unlink"),
        (Method::POST, "/api/v1/auth/providers/fake"),
        (Method::POST, "/api/v1/me/providers/fake/link"),
        (Method::POST, "/sign-up"),
        (Method::POST, "/sign-out"),
        (Method::POST, "/verify"),
        (Method::POST, "/verify/resend"),
        (Method::POST, "/reset"),
        (Method::POST, "/reset/password"),
        (Method::POST, "/account/password"),
        (Method::POST, "/account/consent"),
        (Method::POST, "/account/consents/marketing"),
        (Method::POST, "/account/deletion"),
        (Method::POST, "/account/deletion/confirm"),
        (Method::POST, "/account/leaving/stay"),
        (Method::POST, "/account/leaving/sign-out"),
        (Method::PUT, "/api/v1/auth/password"),
        (Method::POST, "/sessions/end-others"),
        (Method::POST, "/sessions/01890000-0000-7000-8000-000000000001/end"),
        (Method::POST, "/api/v1/auth/sign-out"),
        (Method::DELETE, "/api/v1/auth/sessions/01890000-0000-7000-8000-000000000001"),
    ];
    let foreign: [&[(&str, &str)]; 6] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", "http://sub.localhost:3000")],
        &[("origin", "http://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://localhost:3000.evil.example")],
        &[],
    ];
    for (method, path) in routes {
        for headers in foreign {
            let mut request = Request::builder()
                .method(method.clone())
                .uri(path)
                .header("host", "localhost:3000")
                .header("content-type", "application/x-www-form-urlencoded")
                .header("cookie", &cookie);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let answer = app.browser().send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, 403, "{method} {path} {headers:?}: {}", answer.text());
        }
    }
    assert_eq!(browser.get("/person").await.status, 200, "the session is untouched");
}

/// Nobody is signed in to somebody else's account by another site.
#[tokio::test]
async fn signing_in_from_another_site_is_refused_without_any_cookie_too() {
    let app = App::new().await;
    app.account(ADA).await;
    let request = Request::post("/sign-in")
        .header("host", "localhost:3000")
        .header("sec-fetch-site", "cross-site")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(format!("email={ADA}&password={}", PASSWORD.replace(' ', "+"))))
        .unwrap();
    let answer = app.browser().send(request).await;
    assert_eq!(answer.status, 403);
    assert!(!answer.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn a_write_from_our_own_site_is_served() {
    let app = App::new().await;
    app.account(ADA).await;
    for (name, value) in [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none"), ("origin", "http://localhost:3000")] {
        let cookie = format!("{COOKIE}={}", app.signed_in(ADA).await.cookie(COOKIE).unwrap());
        let request = Request::post("/sign-out").header("host", "localhost:3000").header("cookie", cookie).header(name, value);
        let answer = app.browser().send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 303, "{name}: {value}");
    }
}
