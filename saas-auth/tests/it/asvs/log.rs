use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use axum::body::Body;
use chrono::TimeDelta;
use http::Request;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::app::{App, COOKIE, sign_in};

const ADA: &str = "ada@example.com";
const EVE: &str = "eve@example.com";

/// All that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Demands a line with all of this.
    #[track_caller]
    fn has(&self, parts: &[&str]) {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        assert!(text.lines().any(|line| parts.iter().all(|part| line.contains(part))), "{parts:?}: {text}");
    }
}

/// 16.3.2 and 16.3.3: what was asked, by whom as far as that is known, and that it was refused.
#[tokio::test]
async fn what_was_refused_is_logged() {
    let app = App::new().await;
    app.account(ADA).await;
    let eve = app.account(EVE).await;
    let (adas, eves) = (app.signed_in(ADA).await, app.signed_in(EVE).await);
    let session = adas.get("/api/v1/auth/sessions").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let eve = format!("user.id={eve}");

    app.browser().get("/api/v1/auth/sessions").await;
    log.has(&["http.method=GET", "http.route=\"/api/v1/auth/sessions\"", "http.status=401"]);
    eves.delete(&format!("/api/v1/auth/sessions/{session}")).await;
    log.has(&["http.method=DELETE", "http.route=\"/api/v1/auth/sessions/{id}\"", &eve, "http.status=404"]);
    app.later(TimeDelta::minutes(10));
    eves.post("/api/v1/me/second-factor/app", &json!({})).await;
    log.has(&["http.route=\"/api/v1/me/second-factor/app\"", &eve, "http.status=403"]);

    let request = Request::post("/sign-out").header("host", "localhost:3000").header("origin", "https://evil.example");
    let request = request.header("cookie", format!("{COOKIE}={}", eves.cookie(COOKIE).unwrap()));
    app.browser().send(request.body(Body::empty()).unwrap()).await;
    log.has(&["http.route=\"/sign-out\"", "http.status=403"]);
    app.browser().with("authorization", "Bearer mon_key_forged").get("/open").await;
    log.has(&["http.route=\"/open\"", "http.status=401"]);
    for _ in 0..6 {
        sign_in(&app.browser(), ADA, "not the password at all", false).await;
    }
    log.has(&["http.route=\"/api/v1/auth/sign-in\"", "http.status=429"]);
}
