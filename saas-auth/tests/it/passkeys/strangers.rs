//! Topic 8: what a stranger set up who signed up with somebody else's address ends when its owner comes, by whichever way.

use saas_core::{UserId, testing::TestClient};
use serde_json::json;

use super::{ADA, Device, enter, new_passkey, with_passkeys};
use crate::{
    app::{App, PASSWORD, sign_in},
    mailbox::token,
    second_factor::Holder,
};

const NEW: &str = "another one of mine 7";

/// Mallory, who has signed up with Ada's address and never confirmed it, with all that one can set up.
struct Squatter {
    device: Device,
    browser: TestClient,
    user: UserId,
}

impl Squatter {
    async fn settle(app: &App) -> Self {
        app.sign_up(ADA).await;
        let user: UserId = sqlx::query_scalar("select user_id from auth.account").fetch_one(&mut *app.system().await).await.unwrap();
        let holder = Holder::of(app, user, ADA).await;
        let device = new_passkey(&holder.browser, "Mallory's").await;
        let mut tx = app.system().await;
        let link = "insert into auth.identity (id, user_id, provider, issuer, subject, created_at)
            values (gen_random_uuid(), $1, 'fake', 'https://id.example', 'mallory', now())";
        sqlx::query(link).bind(uuid::Uuid::from(user)).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        Self { device, browser: holder.browser, user }
    }

    /// Demands that nothing is left of it, and that the owner comes in with their password alone.
    async fn ends(mut self, app: &App) {
        for table in ["passkey", "identity", "authenticator", "backup_code", "pending_entry"] {
            let left = sqlx::AssertSqlSafe(format!("select count(*) from auth.{table} where user_id = $1"));
            let left: i64 = sqlx::query_scalar(left).bind(uuid::Uuid::from(self.user)).fetch_one(&mut *app.system().await).await.unwrap();
            assert_eq!(left, 0, "{table}");
        }
        assert_eq!(self.browser.get("/person").await.status, 401);
        assert_eq!(enter(&app.browser(), &mut self.device).await.status, 401);
        assert_eq!(sign_in(&app.browser(), ADA, PASSWORD, false).await.status, 401);
    }
}

#[tokio::test]
async fn the_owner_who_chooses_another_password_by_mail_finds_nothing_of_a_strangers() {
    let app = with_passkeys().await;
    let squatter = Squatter::settle(&app).await;
    let before = app.mailbox.all().await.len();
    app.browser().post("/api/v1/auth/reset", &json!({ "email": ADA })).await;
    let token = token(&app.mailbox.nth(before + 1).await);
    let chosen = app.browser().post("/api/v1/auth/reset/password", &json!({ "token": token, "new_password": NEW })).await;
    assert_eq!(chosen.status, 204, "{}", chosen.text());
    squatter.ends(&app).await;
    assert_eq!(sign_in(&app.browser(), ADA, NEW, false).await.status, 200, "no second factor is asked for");
}

#[tokio::test]
async fn the_owner_who_confirms_the_address_finds_nothing_of_a_strangers() {
    let app = with_passkeys().await;
    let squatter = Squatter::settle(&app).await;
    let token = token(&app.mailbox.nth(1).await);
    let confirmed = app.browser().post("/api/v1/auth/verify", &json!({ "token": token, "new_password": NEW })).await;
    assert_eq!(confirmed.status, 204, "{}", confirmed.text());
    squatter.ends(&app).await;
    assert_eq!(sign_in(&app.browser(), ADA, NEW, false).await.status, 200, "no second factor is asked for");
}

/// The same by the pages, where whoever confirms the address is signed in at once.
#[tokio::test]
async fn whoever_confirms_the_address_by_the_page_is_in_and_alone() {
    let app = with_passkeys().await;
    let squatter = Squatter::settle(&app).await;
    let (owner, token) = (app.browser(), token(&app.mailbox.nth(1).await));
    let confirmed = owner.form("/verify", &[("token", &token), ("new_password", NEW)]).await;
    assert_eq!(confirmed.status, 303, "{}", confirmed.text());
    assert_eq!(owner.get("/person").await.status, 200, "no second factor is asked for");
    squatter.ends(&app).await;
}

#[tokio::test]
async fn the_owner_who_signs_in_by_mail_finds_nothing_of_a_strangers() {
    let app = App::with(|builder| builder.passkeys(true).sign_in_by_mail(true)).await;
    let squatter = Squatter::settle(&app).await;
    let (owner, before) = (app.browser(), app.mailbox.all().await.len());
    owner.post("/api/v1/auth/sign-in/mail", &json!({ "email": ADA })).await;
    let token = token(&app.mailbox.nth(before + 1).await);
    let entered = owner.post("/api/v1/auth/sign-in/link", &json!({ "token": token })).await;
    assert_eq!(entered.status, 200, "{}", entered.text());
    squatter.ends(&app).await;
    assert_eq!(owner.get("/person").await.status, 200);
}

/// Whoever had confirmed their address before keeps what they set up: a password that they forgot is no reason to take it.
#[tokio::test]
async fn whoever_had_confirmed_the_address_keeps_their_passkeys() {
    let app = with_passkeys().await;
    let (_, mut device) = super::ada(&app).await;
    let before = app.mailbox.all().await.len();
    app.browser().post("/api/v1/auth/reset", &json!({ "email": ADA })).await;
    let token = token(&app.mailbox.nth(before + 1).await);
    let chosen = app.browser().post("/api/v1/auth/reset/password", &json!({ "token": token, "new_password": NEW })).await;
    assert_eq!(chosen.status, 204, "{}", chosen.text());
    assert_eq!(enter(&app.browser(), &mut device).await.status, 200);
}
