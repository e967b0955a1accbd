//! CMP-04: what people agree to, in which version, when and from where; asked anew when it changes, and taken back where that may be.

use http::Method;
use saas_auth::Document;
use saas_core::testing::TestClient;
use serde_json::{Value, json};

use crate::{
    app::{App, PASSWORD, html, pointers, sign_in},
    mailbox::{code, token},
};

const ADA: &str = "ada@example.com";

const DOCUMENTS: &[Document] = &[
    Document::required("terms", "2026-01", "auth-consent-terms").at("/terms"),
    Document::required("privacy", "7", "auth-consent-privacy").at("/privacy"),
    Document::optional("marketing", "1", "auth-consent-marketing"),
];

/// The same with other terms.
const LATER: &[Document] = &[Document::required("terms", "2026-02", "auth-consent-terms").at("/terms"), DOCUMENTS[1], DOCUMENTS[2]];

const REQUIRED: [&str; 2] = ["terms:2026-01", "privacy:7"];

async fn app() -> App {
    App::with(|builder| builder.documents(DOCUMENTS).sign_in_by_mail(true)).await
}

/// Somebody who signed up, agreeing to this, and confirmed the address.
async fn account(app: &App, consents: &[&str]) {
    let body = json!({ "name": "Ada", "email": ADA, "password": PASSWORD, "consents": consents });
    let signing_up = app.browser().with("user-agent", "Signing Up").from_address("203.0.113.9".parse().unwrap());
    assert_eq!(signing_up.post("/api/v1/auth/sign-up", &body).await.status, 202);
    let body = json!({ "token": token(&app.mailbox.nth(1).await), "password": PASSWORD });
    assert_eq!(app.browser().post("/api/v1/auth/verify", &body).await.status, 204);
}

async fn consents(browser: &TestClient) -> Vec<(String, bool, Value)> {
    let answer = browser.get("/api/v1/me/consents").await.json();
    let all = answer["consents"].as_array().unwrap().iter();
    all.map(|one| (one["document"].as_str().unwrap().to_owned(), one["holds"].as_bool().unwrap(), one["last"].clone())).collect()
}

#[tokio::test]
async fn nobody_signs_up_without_agreeing_to_what_is_required() {
    let app = app().await;
    let page = html(&app.browser().page("/sign-up").await);
    assert!(
        page.contains("href=\"/terms\"") && page.contains("value=\"privacy:7\" required") && page.contains("value=\"marketing:1\""),
        "{page}"
    );
    assert!(!page.contains(" checked"), "nothing is ticked for anybody: {page}");
    for consents in
        [json!([]), json!(["terms:2026-01"]), json!(["terms:2025-12", "privacy:7"]), json!([REQUIRED[0], REQUIRED[1], "cookies:1"])]
    {
        let body = json!({ "name": "Ada", "email": ADA, "password": PASSWORD, "consents": consents });
        let answer = app.browser().post("/api/v1/auth/sign-up", &body).await;
        assert_eq!((answer.status.as_u16(), pointers(&answer)), (422, vec!["/consents".to_owned()]), "{consents}");
    }
    let form = [("name", "Ada"), ("email", ADA), ("password", PASSWORD), ("consents", "marketing:1")];
    let refused = app.browser().form("/sign-up", &form).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("Without this there can be no account.") && refused.text().contains("value=\"marketing:1\" checked"));
    assert_eq!(app.count("select count(*) from auth.consent").await, 0);
    let form = [form[0], form[1], form[2], ("consents", REQUIRED[0]), ("consents", REQUIRED[1])];
    assert_eq!(app.browser().form("/sign-up", &form).await.status, 200);
    assert_eq!(app.count("select count(*) from auth.consent where given").await, 2);
}

#[tokio::test]
async fn it_is_known_who_agreed_to_what_when_and_from_where() {
    let app = app().await;
    account(&app, &REQUIRED).await;
    let mut tx = app.system().await;
    let kept: Vec<(String, String, bool, String, String)> =
        sqlx::query_as("select document, version, given, host(address), user_agent from auth.consent order by number")
            .fetch_all(&mut *tx)
            .await
            .unwrap();
    let row =
        |document: &str, version: &str| (document.to_owned(), version.to_owned(), true, "203.0.113.9".to_owned(), "Signing Up".to_owned());
    assert_eq!(kept, [row("terms", "2026-01"), row("privacy", "7")]);
    let browser = app.signed_in(ADA).await;
    let said = json!({ "given": true, "version": "2026-01", "at": "2026-03-01T09:00:00Z" });
    assert_eq!(consents(&browser).await[0], ("terms".to_owned(), true, said));
    assert_eq!(consents(&browser).await[2], ("marketing".to_owned(), false, json!(null)));
}

/// Rows are only added: the program itself can neither change nor delete what was said.
#[tokio::test]
async fn what_was_said_cannot_be_unsaid() {
    let app = app().await;
    account(&app, &REQUIRED).await;
    for statement in
        ["update auth.consent set given = false", "update auth.consent set at = now()", "delete from auth.consent", "truncate auth.consent"]
    {
        let refused = sqlx::query(statement).execute(&mut *app.system().await).await.unwrap_err();
        assert!(refused.to_string().contains("permission denied"), "{statement}: {refused}");
    }
}

#[tokio::test]
async fn news_by_mail_are_agreed_to_and_taken_back() {
    let app = app().await;
    account(&app, &REQUIRED).await;
    let browser = app.signed_in(ADA).await;
    let page = browser.page("/account/data").await.text();
    assert!(page.contains("action=\"/account/consents/marketing\"") && !page.contains("action=\"/account/consents/terms\""), "{page}");
    for given in ["true", "true", "false"] {
        let done = browser.form("/account/consents/marketing", &[("version", "1"), ("given", given)]).await;
        assert_eq!(done.location(), Some("/account/data?done=consent"));
        assert_eq!(consents(&browser).await[2].1, given == "true");
    }
    let put = async |document: &str, body: Value| {
        browser.json(Method::PUT, &format!("/api/v1/me/consents/{document}"), &body).await.status.as_u16()
    };
    assert_eq!(put("marketing", json!({ "version": "1", "given": true })).await, 204);
    assert_eq!(put("marketing", json!({ "version": "0", "given": true })).await, 409, "not what was seen");
    assert_eq!(put("terms", json!({ "version": "2026-01", "given": false })).await, 409, "no account without it");
    assert_eq!(put("cookies", json!({ "version": "1", "given": true })).await, 404);
    assert_eq!(app.count("select count(*) from auth.consent where document = 'marketing'").await, 3, "saying the same again adds nothing");
    assert_eq!(app.count("select count(*) from data.outbox where name = 'auth.consent.given'").await, 2);
    assert_eq!(app.count("select count(*) from data.outbox where name = 'auth.consent.withdrawn'").await, 1);
}

#[tokio::test]
async fn a_new_version_is_asked_for_at_the_next_sign_in() {
    let app = app().await;
    account(&app, &REQUIRED).await;
    let released = app.again_with(|builder| builder.documents(LATER));
    let browser = released.browser();
    let form = [("email", ADA), ("password", PASSWORD), ("next", "/devices?page=2")];
    let ask = "/account/consent?next=%2Fdevices%3Fpage%3D2";
    assert_eq!(browser.form("/sign-in", &form).await.location(), Some(ask));
    let page = browser.page(ask).await.text();
    assert!(page.contains("value=\"terms:2026-02\"") && !page.contains("privacy:7") && !page.contains("marketing:1"), "{page}");
    let stale = browser.form("/account/consent", &[("consents", "terms:2026-01"), ("next", "/devices?page=2")]).await;
    assert_eq!(stale.location(), Some(ask));
    assert!(browser.page(ask).await.status == 200, "what was agreed to is not what there is now");
    let agreed = browser.form("/account/consent", &[("consents", "terms:2026-02"), ("next", "/devices?page=2")]).await;
    assert_eq!(agreed.location(), Some(ask));
    assert_eq!(browser.page(ask).await.location(), Some("/devices?page=2"));
    assert_eq!(released.browser().form("/sign-in", &form).await.location(), Some("/devices?page=2"), "and it is asked once");
    assert_eq!(app.count("select count(*) from auth.consent where document = 'terms' and given").await, 2, "both are kept");
    let evil = browser.page("/account/consent?next=//evil.example").await;
    assert_eq!(evil.location(), Some("/person"));
}

/// What somebody agreed to who was not the owner of the address is not the owner's word.
#[tokio::test]
async fn whoever_takes_an_account_over_by_mail_is_asked_anew() {
    let app = app().await;
    let body = json!({ "name": "Ada", "email": ADA, "password": PASSWORD, "consents": ["terms:2026-01", "privacy:7", "marketing:1"] });
    assert_eq!(app.browser().post("/api/v1/auth/sign-up", &body).await.status, 202);
    app.mailbox.nth(1).await;
    let owner = app.browser();
    owner.form("/sign-in/mail", &[("email", ADA)]).await;
    let mail = app.mailbox.nth(2).await;
    let done = owner.form("/sign-in/code", &[("email", ADA), ("code", &code(&mail))]).await;
    assert_eq!(done.location(), Some("/account/consent?next=%2Fwelcome"));
    assert!(consents(&owner).await.iter().all(|(_, holds, _)| !holds));
}

/// The record outlives the account, without saying from where.
#[tokio::test]
async fn the_record_stays_when_the_account_is_gone() {
    let app = app().await;
    account(&app, &REQUIRED).await;
    let mut tx = app.system().await;
    let user = sqlx::query_scalar("select user_id from auth.account").fetch_one(&mut *tx).await.unwrap();
    saas_core::person_erase_in(&mut tx, &app.test.db.inventory(), user).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(app.count("select count(*) from auth.consent where address is null and user_agent is null").await, 2);
    assert_eq!(app.count("select count(*) from auth.account").await, 0);
    assert_eq!(sign_in(&app.browser(), ADA, PASSWORD, false).await.status, 401);
}
