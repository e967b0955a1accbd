//! What the status page says, and to whom (OPS-04). That it follows what goes away is tested where that is: mail, files, rate limits.
// The helpers are as much a test as the tests: clippy takes them for one only with this.
#![cfg(test)]

use std::time::{Duration, Instant};

use http::StatusCode;
use saas_core::{
    Dependency, Routes, finish,
    pages::Pages,
    testing::{Answer, TestApp, TestClient, TestDb},
};

/// The status of an application, as anybody sees it.
pub(crate) struct Board {
    pub(crate) client: TestClient,
}

/// Far longer than any pause of a breaker that was open for a few seconds.
const PATIENCE: Duration = Duration::from_secs(60);

impl Board {
    /// The state of one service. Whether the page says the same is seen too.
    pub(crate) async fn state(&self, name: &str) -> String {
        let answer = self.client.get("/api/v1/status").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let report = answer.json();
        let services = report["services"].as_array().unwrap();
        let service = services.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("{name} is not in {report}"));
        let is_interrupted = |state: &serde_json::Value| state == "interrupted";
        assert_eq!(is_interrupted(&report["state"]), services.iter().any(|it| is_interrupted(&it["state"])), "{report}");
        assert_eq!(is_interrupted(&service["state"]), service["since"].is_string(), "{report}");
        service["state"].as_str().unwrap().to_owned()
    }

    /// Waits until it is so; `meanwhile` is what goes on.
    pub(crate) async fn becomes(&self, name: &str, state: &str, mut meanwhile: impl AsyncFnMut()) {
        let began = Instant::now();
        while self.state(name).await != state {
            assert!(began.elapsed() < PATIENCE, "{name} does not become {state}");
            meanwhile().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What the page says of one service, in these words and in no others: none of `secrets` is anywhere.
    pub(crate) async fn says(&self, name: &str, words: &[&str], secrets: &[&str]) {
        for (language, words) in [("en", words), ("de", &[])] {
            let page = self.client.clone().with("accept-language", language).page("/status").await;
            let text = page.text();
            assert_eq!(page.status, StatusCode::OK, "{text}");
            let (_, row) = text.split_once(&format!("<li id=\"{name}\">")).unwrap_or_else(|| panic!("{name} is not in {text}"));
            let row = row.split("</li>").next().unwrap();
            assert!(words.iter().all(|it| row.contains(it)), "{words:?}: {row}");
            let report = self.client.get("/api/v1/status").await.text();
            for secret in secrets {
                assert!(!text.contains(secret) && !report.contains(secret), "{secret}: {text} {report}");
            }
        }
    }
}

fn app(web: saas_core::Web) -> Board {
    Board { client: TestApp::new(finish(Routes::new(), web)).browser() }
}

/// Without the database there is a status all the same, and it is what readiness says.
#[tokio::test]
async fn a_database_that_is_away_is_said_to_be_without_it() {
    let test = TestDb::new(&[]).await.unwrap();
    let web = TestApp::web(&test, &Pages::builder().build().unwrap());
    let (board, metrics) = (app(web.clone()), web.metrics.clone());
    assert_eq!(board.state("database").await, "working");
    board.says("database", &["Application and data", "Working"], &[]).await;
    test.db.close().await;
    board.becomes("database", "interrupted", async || {}).await;
    board.says("database", &["Interrupted", "Most pages cannot be shown", "Since <time"], &["127.0.0.1", "closed", "pool"]).await;
    assert_eq!(board.client.get("/health/ready").await.json()["database"], "unreachable");
    let text = metrics.text();
    assert!(text.contains(r#"dependency_openings_total{dependency="database"} 1"#), "{text}");
}

/// What nobody has a word for is for those who run the program, and a service has a name, a state and a time.
#[tokio::test]
async fn the_status_says_what_is_shown_and_no_more() {
    let test = TestDb::new(&[]).await.unwrap();
    let web = TestApp::web(&test, &Pages::builder().build().unwrap());
    let hidden = web.dependencies.breaker(Dependency::new("hidden-collector").opens_after(1));
    let board = app(web.clone());
    hidden.enter().unwrap().failed();
    let report = board.client.get("/api/v1/status").await;
    let at = report.json()["at"].clone();
    let working = serde_json::json!({ "name": "database", "state": "working", "since": null });
    assert_eq!(report.json(), serde_json::json!({ "state": "working", "at": at, "services": [working] }));
    board.says("database", &["Working"], &["collector"]).await;
    assert!(web.metrics.text().contains(r#"dependency_state{dependency="hidden-collector",state="open"} 1"#));

    let page = |answer: Answer| answer.text();
    assert!(page(board.client.page("/status").await).contains("Everything works."));
    let german = board.client.clone().with("accept-language", "de");
    assert!(page(german.page("/status").await).contains("Alles funktioniert."));
    assert!(page(german.page("/problems").await).contains("href=\"/status\""), "each page leads there");
}
