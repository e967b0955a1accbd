//! CMP-01: a person is given all that is kept of them, by a job, with a link that expires.

use std::{collections::BTreeMap, io::Read as _, time::Duration};

use chrono::TimeDelta;
use http::Method;
use saas_core::{Jobs, JobsConfig, Lifecycle, inventory::Class, testing::TestClient};
use serde_json::{Value, json};

use crate::{
    app::{App, PASSWORD, plain, sign_in},
    mailbox::{link, token},
};

const ADA: &str = "ada@example.com";

async fn work(app: &App) -> Lifecycle {
    let (jobs, lifecycle) = (Jobs::new(&app.test.db), Lifecycle::new());
    app.auth.export_for(&jobs);
    let config = JobsConfig { concurrency: 1, poll: Duration::from_millis(50), ..JobsConfig::default() };
    jobs.start(config, &lifecycle).await.unwrap();
    lifecycle
}

/// The mail that comes when somebody asks for their data.
async fn asked(app: &App, browser: &TestClient) -> saas_core::mail::Mail {
    let before = app.mailbox.all().await.len();
    let answer = browser.post("/api/v1/me/exports", &json!({ "password": PASSWORD })).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    app.mailbox.nth(before + 1).await
}

/// The files of an archive.
fn unpacked(archive: &[u8]) -> BTreeMap<String, String> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..zip.len() {
        let mut file = zip.by_index(index).unwrap();
        let (name, mut text) = (file.name().unwrap().into_owned(), String::new());
        file.read_to_string(&mut text).unwrap();
        files.insert(name, text);
    }
    files
}

/// What the inventory says is exported of a person is in the archive, with what was written there, and nothing else is.
#[tokio::test(flavor = "multi_thread")]
async fn every_personal_column_of_a_person_is_in_their_archive() {
    let app = App::new().await;
    let user = app.account(ADA).await;
    let other = app.account("eve@example.com").await;
    app.signed_in("eve@example.com").await;
    let tenant = app.test.tenant("acme").await;
    for one in [user, other] {
        app.test.member(tenant, one, "owner").await;
    }
    let browser = app.browser().with("user-agent", "Canarybird/1.0").from_address("203.0.113.77".parse().unwrap());
    sign_in(&browser, ADA, PASSWORD, false).await;
    let profile = json!({ "name": "Canary Bird", "locale": "de", "time_zone": "Pacific/Auckland", "theme": "dark" });
    assert_eq!(browser.json(Method::PUT, "/api/v1/me/profile", &profile).await.status, 200);
    let email = json!({ "email": "canary@example.org" });
    assert_eq!(browser.json(Method::PUT, "/api/v1/me/email", &email).await.status, 202);
    fill(&app, user, tenant).await;

    let _working = work(&app).await;
    let mail = asked(&app, &browser).await;
    assert_eq!(mail.subject, "Ihre Daten bei Monitoring", "in the language that they chose");
    let answer = browser.form("/account/export/file", &[("token", &token(&mail))]).await;
    assert_eq!((answer.status.as_u16(), &answer.headers["content-type"]), (200, &"application/zip".parse().unwrap()));
    assert_eq!(answer.headers["content-disposition"], "attachment; filename=\"data.zip\"");
    let files = unpacked(&answer.body);

    let tables: Vec<_> = app.test.db.inventory().into_iter().filter(|table| table.exported && table.person().is_some()).collect();
    assert!(tables.len() >= 9, "{tables:?}");
    assert_eq!(files.len(), 2 * tables.len(), "{:?}", files.keys());
    for table in &tables {
        let rows: Vec<Value> = serde_json::from_str(&files[&format!("{}.json", table.name)]).unwrap();
        assert!(!rows.is_empty(), "{} has rows of theirs", table.name);
        let csv = &files[&format!("{}.csv", table.name)];
        let header: Vec<_> = csv.lines().next().unwrap().split(',').collect();
        for column in table.of(Class::Personal) {
            assert!(header.contains(&column), "{}.{column} in {header:?}", table.name);
            // The salt is written by whoever seals the log, who does not work here.
            assert!(column == "salt" || rows.iter().any(|row| !row[column].is_null()), "{}.{column} is filled", table.name);
        }
        for column in table.of(Class::Secret).chain(table.of(Class::Other)) {
            assert!(!header.contains(&column) && rows.iter().all(|row| row.get(column).is_none()), "{}.{column} is not theirs", table.name);
        }
        let person = table.person().unwrap();
        assert!(rows.iter().all(|row| row[person] == json!(user)), "{}: nobody else's", table.name);
    }
    let all = files.values().cloned().collect::<String>();
    for text in ["Canary Bird", ADA, "canary@example.org", "203.0.113.77", "Canarybird/1.0", "Auckland", "a notice"] {
        assert!(all.contains(text), "{text}");
    }
    assert!(!all.contains("eve@") && !all.contains("$argon2id$"), "{all}");
}

/// A row in each table that nothing else in this test writes.
async fn fill(app: &App, user: saas_core::UserId, tenant: saas_core::TenantId) {
    let mut tx = app.system().await;
    for statement in [
        "insert into data.notification (tenant_id, user_id, event_id, kind, subject, data, at, listed, digest)
        values ($1, $2, gen_random_uuid(), 'a.b', 'c', '{\"text\": \"a notice\"}', $3, true, false)",
        "insert into data.notification_preference (tenant_id, user_id, kind, channel, frequency) select $1, $2, 'a.b', 'mail', 'off' where $3 is not null",
        "insert into auth.consent (user_id, document, version, given, at, address, user_agent)
        select $2, 'terms', '1', true, $3, '203.0.113.77', 'Canarybird/1.0' where $1 is not null",
        "insert into core.share (tenant_id, kind, resource_id, user_id, level, shared_by, shared_at)
        values ($1, 'a.b', gen_random_uuid(), $2, 'view', $2, $3)",
        "insert into core.push_browser (id, user_id, session_id, endpoint_hash, sealed, server_key, user_agent, created_at)
        select gen_random_uuid(), $2, gen_random_uuid(), sha256('x'), 'x', convert_to(repeat('k', 65), 'UTF8'), 'Canarybird/1.0', $3
        where $1 is not null",
        "insert into auth.operator (user_id, role, granted_at, granted_by, reason)
        select $2, 'support', $3, 'root', 'ticket 7' where $1 is not null",
        "insert into auth.avatar (user_id, id, small, large, created_at) select $2, gen_random_uuid(), 'x', 'y', $3 where $1 is not null",
        "insert into auth.passkey (id, user_id, credential_id, credential, name, created_at, last_used_at)
        select gen_random_uuid(), $2, uuid_send(gen_random_uuid()), '{}', 'Key ring', $3, $3 where $1 is not null",
        "insert into auth.identity (id, user_id, provider, issuer, subject, email, created_at)
        select gen_random_uuid(), $2, 'dev', 'https://id.example', 'ada', 'ada@id.example', $3 where $1 is not null",
        "insert into auth.token_family
            (tenant_id, id, user_id, member_since, token_hash, created_at, expires_at, last_seen_at, address, user_agent, second_factor)
        select tenant_id, gen_random_uuid(), user_id, joined_at, sha256('x'), $3, $3 + interval '1 day', $3, '203.0.113.77', 'Canarybird/1.0', false
        from core.member where tenant_id = $1 and user_id = $2",
    ] {
        sqlx::query(statement).bind(tenant).bind(user).bind(app.clock.now()).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_asks_on_a_page_and_downloads_by_the_link_or_while_signed_in() {
    let app = App::new().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    let page = browser.page("/account/data").await;
    assert!(page.text().contains("action=\"/account/export\"") && page.text().contains("name=\"password\""), "{}", page.text());
    let wrong = browser.form("/account/export", &[("password", "not the password at all")]).await;
    assert!(wrong.status == 422 && wrong.text().contains("This is not your password."), "{}", wrong.text());
    assert_eq!(browser.form("/account/export", &[("password", PASSWORD)]).await.location(), Some("/account/data?done=export"));
    let waiting = browser.page("/account/data?done=export").await.text();
    assert!(waiting.contains("Being packed") && waiting.contains("http-equiv=\"refresh\""), "it looks again by itself: {waiting}");
    let waiting = browser.get("/api/v1/me/exports").await.json()["exports"][0].clone();
    assert_eq!(waiting["ready_at"], json!(null));
    let path = format!("/exports/{}/file", waiting["id"].as_str().unwrap());
    assert_eq!(browser.post(&format!("/api/v1/me{path}"), &json!({})).await.status, 404, "not yet");

    let _working = work(&app).await;
    let mail = app.mailbox.nth(2).await;
    let shown = app.browser().page(&link(&mail)).await;
    assert_eq!(plain(&app.browser().page(&link(&mail)).await), plain(&shown), "opening it gives nothing away");
    assert!(shown.text().contains("action=\"/account/export/file\""), "{}", shown.text());
    let page = browser.page("/account/data").await.text();
    assert!(page.contains(&format!("/account{path}")) && !page.contains("http-equiv=\"refresh\""), "{page}");
    let by_link = app.browser().form("/account/export/file", &[("token", &token(&mail))]).await;
    let by_session = browser.form(&format!("/account{path}"), &[]).await;
    assert!(by_link.status == 200 && by_link.body == by_session.body);

    let eve = {
        app.account("eve@example.com").await;
        app.signed_in("eve@example.com").await
    };
    assert_eq!(eve.post(&format!("/api/v1/me{path}"), &json!({})).await.status, 404, "somebody else's is none");
    assert_eq!(app.browser().post(&format!("/api/v1/me{path}"), &json!({})).await.status, 401);
    assert_eq!(app.count("select count(*) from data.outbox where name = 'auth.export.read'").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_there_for_a_day_and_then_gone() {
    let app = App::new().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    let _working = work(&app).await;
    let mail = asked(&app, &browser).await;
    let take = async || app.browser().form("/account/export/file", &[("token", &token(&mail))]).await.status.as_u16();
    app.later(TimeDelta::hours(24) - TimeDelta::seconds(1));
    assert_eq!(take().await, 200);
    app.later(TimeDelta::seconds(1));
    assert_eq!((take().await, app.browser().page(&link(&mail)).await.status.as_u16()), (410, 410));
    assert_eq!(app.count("select count(*) from auth.export").await, 1);
    app.later(TimeDelta::seconds(1));
    app.test.sweep().await;
    assert_eq!(app.count("select count(*) from auth.export").await, 0);
    for bad in ["", "x", &"A".repeat(43)] {
        assert_eq!(app.browser().form("/account/export/file", &[("token", bad)]).await.status, 410, "{bad:?}");
    }
}

#[tokio::test]
async fn an_export_is_asked_for_three_times_a_day_and_with_the_password() {
    let app = App::new().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    assert_eq!(browser.post("/api/v1/me/exports", &json!({})).await.status, 422);
    for _ in 0..3 {
        assert_eq!(browser.post("/api/v1/me/exports", &json!({ "password": PASSWORD })).await.status, 202);
    }
    let refused = browser.post("/api/v1/me/exports", &json!({ "password": PASSWORD })).await;
    assert_eq!((refused.status.as_u16(), &refused.headers["retry-after"]), (429, &"86400".parse().unwrap()));
    let page = browser.form("/account/export", &[("password", PASSWORD)]).await;
    assert!(page.status == 429 && page.text().contains("Wait 24 hours"), "{}", page.text());
}

/// Whoever leaves may take their data along.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_is_leaving_takes_their_data_along() {
    let app = App::new().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    browser.post("/api/v1/me/deletion", &json!({ "password": PASSWORD })).await;
    let body = json!({ "token": token(&app.mailbox.nth(2).await) });
    assert_eq!(app.browser().post("/api/v1/me/deletion/confirm", &body).await.status, 200);
    assert_eq!(app.browser().form("/account/leaving/export", &[]).await.location(), Some("/sign-in"));
    sign_in(&browser, ADA, PASSWORD, false).await;
    let _working = work(&app).await;
    let asked = browser.form("/account/leaving/export", &[]).await;
    assert!(asked.status == 200 && asked.text().contains("We pack your data"), "{}", asked.text());
    let mail = app.mailbox.nth(4).await;
    assert_eq!(app.browser().form("/account/export/file", &[("token", &token(&mail))]).await.status, 200);
}
