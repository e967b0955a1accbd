//! AUT-15: whoever wants to be deleted is, 30 days after they confirmed it by mail, and may come back until then.

use chrono::TimeDelta;
use http::Method;
use saas_core::{TenantId, UserId, testing::TestClient};
use serde_json::json;

use crate::{
    app::{App, COOKIE, PASSWORD, html, plain, pointers, sign_in},
    mailbox::{code, link, token},
};

const ADA: &str = "ada@example.com";
const LEAVING: &str = "__Host-leaving";

/// The token of the mail that comes when somebody asks for it.
async fn asked(app: &App, browser: &TestClient) -> String {
    let before = app.mailbox.all().await.len();
    let answer = browser.post("/api/v1/me/deletion", &json!({ "password": PASSWORD })).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (202, json!({ "email": ADA })));
    token(&app.mailbox.nth(before + 1).await)
}

async fn confirm(app: &App, token: &str) -> saas_core::testing::Answer {
    app.browser().post("/api/v1/me/deletion/confirm", &json!({ "token": token })).await
}

/// Somebody who has confirmed it, until the 31st of March.
async fn leaves(app: &App) -> UserId {
    let user = app.account(ADA).await;
    let token = asked(app, &app.signed_in(ADA).await).await;
    let answer = confirm(app, &token).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({ "until": "2026-03-31T09:00:00Z" })));
    user
}

async fn erase(app: &App) -> u64 {
    app.auth.erase(&app.test.db.system("erase who has left")).await.unwrap()
}

async fn state(app: &App, user: UserId) -> String {
    sqlx::query_scalar("select state from core.user where id = $1").bind(user).fetch_one(&mut *app.system().await).await.unwrap()
}

#[tokio::test]
async fn somebody_leaves_on_pages_alone_and_comes_back() {
    let app = App::new().await;
    let user = app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    assert!(html(&browser.page("/account/data").await).contains("href=\"/account/deletion\""));
    assert!(browser.page("/account/deletion").await.text().contains("name=\"password\""));
    let wrong = browser.form("/account/deletion", &[("password", "not the password at all")]).await;
    assert!(wrong.status == 422 && wrong.text().contains("This is not your password."), "{}", wrong.text());
    let sent = browser.form("/account/deletion", &[("password", PASSWORD)]).await;
    assert!(sent.status == 200 && sent.text().contains("Check your mail"), "{}", sent.text());
    let mail = app.mailbox.nth(2).await;
    assert_eq!(mail.subject, "Delete your account at Monitoring?");

    let shown = app.browser().page(&link(&mail)).await;
    assert_eq!(plain(&app.browser().page(&link(&mail)).await), plain(&shown), "opening it changes nothing");
    assert_eq!((state(&app, user).await.as_str(), browser.get("/person").await.status.as_u16()), ("active", 200));
    let begun = app.browser().form("/account/deletion/confirm", &[("token", &token(&mail))]).await;
    assert!(begun.status == 200 && begun.text().contains("2026-03-31T09:00:00Z"), "{}", begun.text());
    assert_eq!(browser.get("/person").await.status, 401, "signed out everywhere");
    assert_eq!(app.mailbox.nth(3).await.subject, "Your account at Monitoring will be deleted");
    assert_eq!(app.browser().page(&link(&mail)).await.status, 410);

    let again = browser.form("/sign-in", &[("email", ADA), ("password", PASSWORD), ("next", "/person")]).await;
    assert_eq!((again.status.as_u16(), again.location()), (303, Some("/account/leaving")));
    assert_eq!((browser.cookie(COOKIE), browser.get("/person").await.status.as_u16()), (None, 401), "and nowhere else");
    let page = browser.page("/account/leaving").await;
    assert!(page.text().contains(ADA) && page.text().contains("2026-03-31T09:00:00Z"), "{}", page.text());
    let stayed = browser.form("/account/leaving/stay", &[]).await;
    assert_eq!((stayed.status.as_u16(), stayed.location()), (303, Some("/person")));
    assert_eq!((browser.get("/person").await.status.as_u16(), browser.cookie(LEAVING)), (200, None));
    assert_eq!(app.mailbox.nth(4).await.subject, "Your account at Monitoring is kept");
    app.later(TimeDelta::days(40));
    assert_eq!((erase(&app).await, state(&app, user).await.as_str()), (0, "active"));
}

/// What signing in gives while somebody leaves is worth nothing but the way back, and only once.
#[tokio::test]
async fn signing_in_while_leaving_opens_the_way_back_alone() {
    let app = App::with(|builder| builder.sign_in_by_mail(true)).await;
    leaves(&app).await;
    let browser = app.browser();
    let me = sign_in(&browser, ADA, PASSWORD, false).await;
    assert_eq!((me.status.as_u16(), &me.json()["leaves_at"]), (200, &json!("2026-03-31T09:00:00Z")));
    let value = browser.cookie(LEAVING).unwrap();
    assert_eq!(browser.cookie(COOKIE), None);
    let as_session = app.browser().with("cookie", &format!("{COOKIE}={value}"));
    assert_eq!(as_session.get("/person").await.status, 401, "under another name it is nothing");
    assert_eq!(browser.get("/api/v1/me/deletion").await.status, 401);

    assert_eq!(browser.form("/account/leaving/sign-out", &[]).await.location(), Some("/sign-in"));
    let replay = app.browser().with("cookie", &format!("{LEAVING}={value}"));
    assert_eq!(replay.page("/account/leaving").await.location(), Some("/sign-in"));
    assert_eq!(replay.post("/api/v1/me/deletion/stop", &json!({})).await.status, 401);

    // By mail as well.
    let before = app.mailbox.all().await.len();
    browser.form("/sign-in/mail", &[("email", ADA)]).await;
    let mail = app.mailbox.nth(before + 1).await;
    let came = browser.form("/sign-in/code", &[("email", ADA), ("code", &code(&mail))]).await;
    assert_eq!(came.location(), Some("/account/leaving"));
    let stayed = browser.post("/api/v1/me/deletion/stop", &json!({})).await;
    assert_eq!((stayed.status.as_u16(), &stayed.json()["leaves_at"]), (200, &json!(null)));
    assert_eq!(browser.get("/api/v1/auth/sessions").await.json()["items"][0]["methods"], json!(["email"]));
    assert_eq!(browser.post("/api/v1/me/deletion/stop", &json!({})).await.status, 401);
}

#[tokio::test]
async fn somebody_is_erased_after_thirty_days_and_not_before() {
    let app = App::new().await;
    let user = leaves(&app).await;
    let mails = app.mailbox.all().await.len();
    app.later(TimeDelta::days(27) - TimeDelta::seconds(1));
    assert_eq!((erase(&app).await, app.mailbox.all().await.len()), (0, mails));
    app.later(TimeDelta::seconds(1));
    assert_eq!((erase(&app).await, erase(&app).await), (0, 0));
    let all = app.mailbox.all().await;
    assert_eq!((all.len(), all[mails].subject.as_str()), (mails + 1, "Your account at Monitoring will be deleted in three days"));
    app.later(TimeDelta::days(3) - TimeDelta::seconds(1));
    assert_eq!(erase(&app).await, 0);
    app.later(TimeDelta::seconds(1));
    assert_eq!((erase(&app).await, erase(&app).await), (1, 0), "and once");
    assert_eq!(app.mailbox.nth(mails + 2).await.subject, "Your account at Monitoring is deleted");
    assert_eq!(state(&app, user).await, "deleted");
    assert_eq!(app.count("select count(*) from auth.account").await, 0);
    assert_eq!(app.count("select count(*) from data.audit_entry where action = 'auth.account.erased'").await, 1);

    assert_eq!(sign_in(&app.browser(), ADA, PASSWORD, false).await.status, 401);
    let again = app.account(ADA).await;
    assert_ne!(again, user, "whoever signs up with the address is somebody new");
}

/// CMP-02, topic 16: nothing of a person is left in any table, and what they made keeps its author by id.
#[tokio::test]
async fn of_somebody_who_was_erased_an_id_remains() {
    const CANARY: &str = "canarybird";
    let app = App::new().await;
    let user = app.account(ADA).await;
    let (tenant, other) = (app.test.tenant("acme").await, app.test.user().await);
    app.test.member(tenant, user, "owner").await;
    app.test.member(tenant, other, "owner").await;
    let browser = app.browser().with("user-agent", CANARY).from_address("203.0.113.77".parse().unwrap());
    sign_in(&browser, ADA, PASSWORD, false).await;
    let profile = json!({ "name": CANARY, "locale": "de", "time_zone": "Pacific/Auckland", "theme": "dark" });
    assert_eq!(browser.json(Method::PUT, "/api/v1/me/profile", &profile).await.status, 200);
    let email = json!({ "email": format!("{CANARY}@example.org") });
    assert_eq!(browser.json(Method::PUT, "/api/v1/me/email", &email).await.status, 202);
    note_something(&app, tenant, user, CANARY).await;
    let marks = [CANARY, "ada@", "203.0.113.77", "Auckland"];
    let before = found(&app, &marks).await;
    for table in ["auth.account", "auth.session", "auth.email_change", "core.member", "core.user", "data.audit_entry", "data.notification"]
    {
        assert!(before.iter().any(|(name, _)| name == table), "{table} knows them: {before:?}");
    }

    let token = asked(&app, &browser).await;
    assert_eq!(confirm(&app, &token).await.status, 200);
    app.later(TimeDelta::days(30));
    assert_eq!(erase(&app).await, 1);
    app.mailbox.all().await;
    assert_eq!(found(&app, &marks).await, Vec::new());
    let mut tx = app.system().await;
    let member: (String, String, bool) = sqlx::query_as("select name, email, left_at is not null from core.member where user_id = $1")
        .bind(user)
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    assert_eq!(member, (String::new(), String::new(), true));
    let deeds: i64 =
        sqlx::query_scalar("select count(*) from data.audit_entry where actor_id = $1").bind(user).fetch_one(&mut *tx).await.unwrap();
    assert!(deeds > 3, "the log still says that it was one and the same: {deeds}");
}

async fn note_something(app: &App, tenant: TenantId, user: UserId, text: &str) {
    let mut tx = app.system().await;
    sqlx::query(
        "insert into data.notification (tenant_id, user_id, event_id, kind, subject, data, at, listed, digest)
        values ($1, $2, $3, 'a.b', 'c', jsonb_build_object('name', $4::text), $5, true, false)",
    )
    .bind(tenant)
    .bind(user)
    .bind(uuid::Uuid::now_v7())
    .bind(text)
    .bind(app.clock.now())
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

/// In which tables something stands, and how often.
async fn found(app: &App, marks: &[&str]) -> Vec<(String, i64)> {
    let mut tx = app.system().await;
    let mut found = Vec::new();
    // What the system's login cannot read is a library's, and keys that the owner alone reads.
    let is_read = |name: &&str| !name.starts_with("graphile_worker") && *name != "core.seal_key";
    for table in app.test.db.inventory().iter().map(|table| table.name).filter(is_read) {
        let sql = format!("select count(*) from {table} t where to_jsonb(t)::text ilike any ($1)");
        let patterns: Vec<_> = marks.iter().map(|mark| format!("%{mark}%")).collect();
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(patterns).fetch_one(&mut *tx).await.unwrap();
        if count > 0 {
            found.push((table.to_owned(), count));
        }
    }
    found
}

/// Whatever is killed when, it is done once: here in the middle, and by two at once.
#[tokio::test(flavor = "multi_thread")]
async fn erasing_is_done_once_whatever_breaks_off() {
    let app = App::new().await;
    let user = leaves(&app).await;
    app.later(TimeDelta::days(30));
    let mut tx = app.system().await;
    saas_core::person_erase_in(&mut tx, &app.test.db.inventory(), user).await.unwrap();
    assert_eq!(sqlx::query_scalar::<_, i64>("select count(*) from auth.account").fetch_one(&mut *tx).await.unwrap(), 0);
    tx.rollback().await;
    assert_eq!((state(&app, user).await.as_str(), app.count("select count(*) from auth.account").await), ("leaving", 1));
    let (one, other) = tokio::join!(erase(&app), erase(&app));
    assert_eq!(one + other, 1);
    let mut tx = app.system().await;
    assert_eq!(saas_core::person_erase_in(&mut tx, &app.test.db.inventory(), user).await.unwrap(), again_touched(&mut tx, user).await);
    tx.commit().await.unwrap();
    assert_eq!(app.count("select count(*) from data.audit_entry where action = 'auth.account.erased'").await, 1);
}

/// What is kept is emptied anew, which changes nothing.
async fn again_touched(tx: &mut saas_core::SystemTx, user: UserId) -> u64 {
    let query = "select (select count(*) from core.user where id = $1) + (select count(*) from data.audit_entry where actor_id = $1)";
    sqlx::query_scalar::<_, i64>(query).bind(user).fetch_one(&mut **tx).await.unwrap().unsigned_abs()
}

/// Topic 16: nobody leaves an organization behind that has no owner.
#[tokio::test]
async fn the_last_owner_hands_over_first() {
    let app = App::new().await;
    let user = app.account(ADA).await;
    let (tenant, other) = (app.test.tenant("acme").await, app.test.user().await);
    app.test.member(tenant, user, "owner").await;
    app.test.member(tenant, other, "owner").await;
    let browser = app.signed_in(ADA).await;
    let token = asked(&app, &browser).await;
    app.test.left(tenant, other).await;
    let refused = confirm(&app, &token).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["organizations"]),
        (409, &json!(["acme"])),
        "also if the other one left meanwhile"
    );
    assert_eq!(state(&app, user).await, "active");
    let page = browser.page("/account/deletion").await;
    assert!(page.text().contains("acme") && !page.text().contains("name=\"password\""), "{}", page.text());
    assert_eq!(browser.form("/account/deletion", &[("password", PASSWORD)]).await.status, 409);
    assert_eq!(browser.get("/api/v1/me/deletion").await.json(), json!({ "has_password": true, "last_owner_of": ["acme"] }));
}

/// Two owners who leave at once do not leave it alone.
#[tokio::test]
async fn an_owner_cannot_go_when_the_other_one_is_leaving() {
    let app = App::new().await;
    let user = app.account(ADA).await;
    let (tenant, other) = (app.test.tenant("acme").await, app.test.user().await);
    app.test.member(tenant, user, "owner").await;
    app.test.member(tenant, other, "owner").await;
    let token = asked(&app, &app.signed_in(ADA).await).await;
    assert_eq!(confirm(&app, &token).await.status, 200);
    let mut tx = app.system().await;
    let left =
        sqlx::query("update core.member set left_at = $2 where user_id = $1").bind(other).bind(app.clock.now()).execute(&mut *tx).await;
    assert_eq!(saas_core::DbError::from(left.unwrap_err()).constraint(), Some("member_last_owner"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_confirm_at_once_one_does() {
    let app = App::new().await;
    app.account(ADA).await;
    let token = asked(&app, &app.signed_in(ADA).await).await;
    let attempts: Vec<_> = (0..50)
        .map(|_| {
            let (browser, body) = (app.browser(), json!({ "token": token }));
            tokio::spawn(async move { browser.post("/api/v1/me/deletion/confirm", &body).await.status.as_u16() })
        })
        .collect();
    let mut won = 0;
    for attempt in attempts {
        match attempt.await.unwrap() {
            200 => won += 1,
            status => assert_eq!(status, 422),
        }
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn the_link_works_for_a_day_and_not_with_another_password() {
    let app = App::new().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    let first = asked(&app, &browser).await;
    app.later(TimeDelta::hours(24));
    assert_eq!(pointers(&confirm(&app, &first).await), ["/token"], "it is too old");
    let browser = app.signed_in(ADA).await;
    let second = asked(&app, &browser).await;
    let change = json!({ "current_password": PASSWORD, "new_password": "another one of mine 7" });
    assert_eq!(browser.json(Method::PUT, "/api/v1/auth/password", &change).await.status, 204);
    assert_eq!(confirm(&app, &second).await.status, 422, "the owner has come back");
    for bad in ["", "x", &"A".repeat(43)] {
        assert_eq!(confirm(&app, bad).await.status, 422, "{bad:?}");
    }
}

/// Guesses count with those elsewhere, and mails are few.
#[tokio::test]
async fn wrong_passwords_and_mails_are_bounded() {
    let app = App::new().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    for _ in 0..3 {
        asked(&app, &browser).await;
    }
    assert_eq!(browser.post("/api/v1/me/deletion", &json!({ "password": PASSWORD })).await.status, 429);
    for _ in 0..5 {
        assert_eq!(browser.post("/api/v1/me/deletion", &json!({ "password": "not the password at all" })).await.status, 422);
    }
    let refused = browser.post("/api/v1/me/deletion", &json!({ "password": PASSWORD })).await;
    assert_eq!((refused.status.as_u16(), &refused.headers["retry-after"]), (429, &"900".parse().unwrap()));
    assert_eq!(app.count("select count(*) from data.outbox where name = 'auth.deletion.refused'").await, 5);
}

/// Without a password the mail is the proof.
#[tokio::test]
async fn an_account_without_a_password_is_deleted_by_mail_alone() {
    let app = App::new().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    let mut tx = app.system().await;
    sqlx::query("update auth.account set password_hash = null").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!browser.page("/account/deletion").await.text().contains("name=\"password\""));
    let before = app.mailbox.all().await.len();
    assert_eq!(browser.form("/account/deletion", &[]).await.status, 200);
    assert_eq!(confirm(&app, &token(&app.mailbox.nth(before + 1).await)).await.status, 200);
}
