//! MET-01, MET-05: what is used is seen by whom and when.

use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use saas_core::Clock;
use saas_tenancy::Role;
use serde_json::{Value, json};

use crate::{
    app::{Agent, App, Person, expect, expect_problem},
    ingest::found,
};

const USAGE: &str = "/api/v1/billing/usage";

/// An organization in which a person, a key and an agent used something, and another one in which somebody did.
struct Scene {
    app: App,
    owner: Person,
    agent: Agent,
    other: Person,
}

impl Scene {
    async fn new() -> Self {
        let clock = Clock::fixed("2027-01-01T00:10:00Z".parse().unwrap());
        let app = App::at(clock.clone()).await;
        let owner = app.member(app.tenant("acme").await, Role::Owner).await;
        let other = app.member(app.tenant("other").await, Role::Owner).await;
        let agent = app.agent(&owner).await;
        let made = owner.browser.post("/api/v1/api-keys", &json!({ "name": "=Reports", "scopes": ["monitoring.device.read"] })).await;
        let program = app.anon().bearer(made.json()["key"].as_str().unwrap());
        app.program.counts.flush().await.unwrap();
        let mut forget = app.superuser().await;
        sqlx::query("delete from data.usage_hour").execute(&mut forget).await.unwrap();

        let devices = agent.client.post("/api/agent/devices", &found(1..=3)).await;
        expect(&devices, StatusCode::OK);
        for minute in 0..2 {
            let at = clock.now() - TimeDelta::minutes(5 - minute);
            let readings =
                json!({ "readings": [{ "address": "10.0.0.1", "at": at, "up": true }, { "address": "10.0.0.2", "at": at, "up": true }] });
            // Sent again, because the answer was lost.
            for _ in 0..2 {
                expect(&agent.client.post("/api/agent/status", &readings).await, StatusCode::OK);
                expect(&agent.client.post("/api/agent/devices", &found(1..=3)).await, StatusCode::OK);
            }
        }
        for _ in 0..4 {
            expect(&program.get("/api/v1/devices").await, StatusCode::OK);
        }
        expect(&owner.browser.get("/api/v1/devices").await, StatusCode::OK);
        expect(&other.browser.get("/api/v1/devices").await, StatusCode::OK);
        // What is refused, what is a page and what belongs to no organization is not counted.
        expect(&app.anon().get("/api/v1/devices").await, StatusCode::UNAUTHORIZED);
        expect(&owner.browser.get("/devices").await, StatusCode::OK);
        expect(&owner.browser.get("/api/v1/me/email").await, StatusCode::OK);
        app.program.counts.flush().await.unwrap();
        Self { app, owner, agent, other }
    }

    async fn used(&self, by: &Person, query: &str) -> Value {
        let answer = by.browser.get(&format!("{USAGE}?{query}")).await;
        expect(&answer, StatusCode::OK);
        answer.json()
    }
}

fn quantities(answer: &Value) -> Vec<(String, i64)> {
    let items = answer["items"].as_array().unwrap().iter();
    items.map(|item| (item["start"].as_str().unwrap().to_owned(), item["quantity"].as_i64().unwrap())).collect()
}

fn top(answer: &Value) -> Vec<(&str, &str, i64)> {
    let top = answer["top"].as_array().unwrap().iter();
    top.map(|who| (who["kind"].as_str().unwrap(), who["name"].as_str().unwrap_or("?"), who["quantity"].as_i64().unwrap())).collect()
}

#[tokio::test]
async fn what_is_used_is_counted_for_whoever_uses_it() {
    let scene = Scene::new().await;
    let requests = scene.used(&scene.owner, "meter=api-requests").await;
    let me = format!("owner {}", scene.owner.id);
    assert_eq!(top(&requests), [("key", "=Reports", 4), ("user", &*me, 1)]);
    assert_eq!((&requests["total"], requests["items"].as_array().unwrap().len()), (&json!(5), 30));
    let readings = scene.used(&scene.owner, "meter=readings&per=hour").await;
    assert_eq!(top(&readings), [("agent", "Office", 4)], "those that came again told nothing new");
    assert_eq!(readings["items"].as_array().unwrap().len(), 48);
    let found = scene.used(&scene.owner, "meter=devices-found&per=month&from=2026-11-01&to=2027-01-01").await;
    let months = [("2026-11-01T00:00:00Z", 0), ("2026-12-01T00:00:00Z", 0), ("2027-01-01T00:00:00Z", 3)];
    assert_eq!(quantities(&found), months.map(|(start, quantity)| (start.to_owned(), quantity)));
    // Whoever looks is counted too, once it is written.
    scene.app.program.counts.flush().await.unwrap();
    let people = scene.used(&scene.owner, "by=user").await;
    assert_eq!((top(&people), &people["meter"]), (vec![("user", &*me, 4)], &json!("api-requests")));
}

/// TEN-03
#[tokio::test]
async fn another_organization_sees_its_own_alone() {
    let scene = Scene::new().await;
    for (meter, total) in [("api-requests", 1), ("readings", 0), ("devices-found", 0)] {
        let used = scene.used(&scene.other, &format!("meter={meter}")).await;
        assert_eq!(used["total"], total, "{meter}");
        let file = scene.other.browser.get(&format!("{USAGE}/export?format=csv&meter={meter}")).await.text();
        assert_eq!(file.lines().count(), 1 + usize::try_from(total).unwrap(), "{file}");
        assert!(!file.contains("Reports") && !file.contains("Office"), "{file}");
    }
}

/// MET-05: whoever was erased is called nothing any more, and what they used stays used.
#[tokio::test]
async fn a_file_has_what_each_used_in_each_period() {
    let scene = Scene::new().await;
    let file = scene.owner.browser.get(&format!("{USAGE}/export?format=csv&meter=api-requests&per=hour")).await;
    expect(&file, StatusCode::OK);
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    let text = file.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], lines.len()), ("start,meter,kind,id,name,quantity", 3));
    assert!(lines[1].starts_with("\"2027-01-01T00:00:00Z\",\"api-requests\",\"key\",\""), "{}", lines[1]);
    assert!(lines[1].ends_with("\"'=Reports\",4"), "what is called like a formula is none: {}", lines[1]);
    assert!(lines[2].ends_with(&format!("\"user\",\"{0}\",\"owner {0}\",1", scene.owner.id)), "{}", lines[2]);

    let readings = scene.owner.browser.get("/usage/export?meter=readings&per=month&from=2026-12-01&to=").await.json();
    let expected = json!([{
        "start": "2027-01-01T00:00:00Z", "meter": "readings", "kind": "agent", "id": scene.agent.id, "name": "Office", "quantity": 4,
    }]);
    assert_eq!(readings, expected);

    let mut owner = scene.app.owner().await;
    sqlx::query("update core.member set name = '', email = '' where user_id = $1").bind(scene.owner.id).execute(&mut owner).await.unwrap();
    let nameless = scene.used(&scene.owner, "by=user").await;
    assert_eq!(top(&nameless)[0].1, "?");
    let page = scene.owner.browser.page("/usage?by=user").await;
    assert!(page.text().contains("No longer here"));
}

/// All pages of a file together are what the database adds up, whatever ends where.
#[tokio::test]
async fn a_long_file_has_every_row_once() {
    let scene = Scene::new().await;
    let mut owner = scene.app.owner().await;
    sqlx::query(
        "insert into usage_hour (tenant_id, meter, hour, by_kind, by_id, quantity)
        select m.tenant_id, 'readings', timestamptz '2026-12-20 00:00Z' + h * interval '1 hour', kind, 'somebody ' || k, 1 + (h * k) % 7
        from core.member m, generate_series(0, 47) h, generate_series(1, 60) k, unnest(array['tool', 'agent']) kind where m.user_id = $1",
    )
    .bind(scene.owner.id)
    .execute(&mut owner)
    .await
    .unwrap();
    for (per, rows) in [("hour", 48 * 120), ("day", 2 * 120), ("month", 120)] {
        let file = scene.owner.browser.get(&format!("{USAGE}/export?meter=readings&per={per}&from=2026-12-20&to=2026-12-21")).await.json();
        let file = file.as_array().unwrap();
        assert_eq!(file.len(), rows, "{per}");
        let place = |row: &Value| ["start", "kind", "id"].map(|part| row[part].as_str().unwrap().to_owned());
        assert!(file.is_sorted_by(|one, next| place(one) < place(next)), "{per}");
        let total: i64 = file.iter().map(|row| row["quantity"].as_i64().unwrap()).sum();
        let used = scene.used(&scene.owner, &format!("meter=readings&per={per}&from=2026-12-20&to=2026-12-21")).await;
        let counted = scene.app.count("select sum(quantity)::bigint from usage_hour where by_id like 'somebody %'").await;
        assert_eq!((total, used["total"].as_i64().unwrap()), (counted, counted), "{per}");
        assert_eq!(used["top"].as_array().unwrap().len(), 100);
    }
}

#[tokio::test]
async fn what_cannot_be_shown_is_pointed_at() {
    let scene = Scene::new().await;
    for (query, field) in [
        ("meter=nothing", "/meter"),
        ("from=yesterday", "/from"),
        ("to=2026-13-01", "/to"),
        ("from=2027-01-02&to=2027-01-01", "/to"),
        ("per=hour&from=2026-11-01&to=2027-01-01", "/from"),
        ("per=month&from=0001-01-01", "/from"),
        ("per=month&from=1960-01-01", "/from"),
        ("per=year", "/per"),
        ("by=nobody", "/by"),
    ] {
        let problem =
            expect_problem(&scene.owner.browser.get(&format!("{USAGE}?{query}")).await, StatusCode::UNPROCESSABLE_ENTITY, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], field, "{query}: {problem}");
        let file = scene.owner.browser.get(&format!("/usage/export?{query}")).await;
        expect(&file, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let page = scene.owner.browser.page("/usage?meter=readings&from=2027-01-02&to=2027-01-01&per=day&by=all").await;
    expect(&page, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text().contains("This is before the beginning."));
    assert!(page.text().contains("value=\"2027-01-02\""), "what was entered stays");
}

/// The chart is of the numbers that stand beside it, and leads to the files.
#[tokio::test]
async fn the_page_draws_what_was_used() {
    let scene = Scene::new().await;
    let page = scene.owner.browser.page("/usage?meter=api-requests&per=day&by=key&from=2026-12-31&to=2027-01-01").await;
    expect(&page, StatusCode::OK);
    let text = page.text();
    for part in [
        "<svg viewBox=\"0 0 20 1000\"",
        "<rect x=\"11\" y=\"0\" width=\"8\" height=\"1000\"><title>2027-01-01: 4</title>",
        "=Reports",
        "export?format=csv&amp;meter=api-requests&amp;per=day&amp;by=key&amp;from=2026-12-31T00:00:00Z&amp;to=2027-01-02T00:00:00Z",
        "type=\"date\" value=\"2027-01-01\"",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    // Hours are drawn and written from one of them to another, which are in the middle of days.
    let hours = scene.owner.browser.page("/usage?meter=api-requests&per=hour").await.text();
    assert!(hours.contains("per=hour&amp;by=all&amp;from=2026-12-30T01:00:00Z&amp;to=2027-01-01T01:00:00Z"), "{hours}");
    assert!(scene.owner.browser.page("/billing").await.text().contains("href=\"/usage\""));
    // The clock stands at ten past midnight, and its zone is nobody's business: days are those of UTC.
    let today: DateTime<Utc> = scene.app.test.db.clock().now();
    let german = scene.owner.browser.clone().with("accept-language", "de").page("/usage?meter=readings").await.text();
    assert!(german.contains("Verbrauch") && german.contains(&today.date_naive().to_string()), "{german}");
}
