use aws_lc_rs::signature::Ed25519KeyPair;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use saas_auth::AuthBuilder;
use saas_core::{
    Purpose, SystemDb, TenantId, UserId,
    testing::{Answer, TestApp, TestClient},
};
use serde_json::{Value, json};
use sqlx::Row as _;
use uuid::Uuid;

use crate::app::App;

pub(super) const ADA: &str = "ada@example.com";

/// A person who is a member of an organization, and signed in.
pub(super) struct Scene {
    pub(super) app: App,
    pub(super) tenant: TenantId,
    pub(super) user: UserId,
    pub(super) browser: TestClient,
}

/// What a program holds.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) access: String,
    pub(super) refresh: String,
    pub(super) expires_in: i64,
}

impl Scene {
    pub(super) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    pub(super) async fn with(set_up: impl FnOnce(AuthBuilder) -> AuthBuilder) -> Self {
        let app = App::with(set_up).await;
        let user = app.account(ADA).await;
        let tenant = app.test.tenant("acme").await;
        app.test.member(tenant, user, "member").await;
        let browser = app.signed_in(ADA).await;
        Self { app, tenant, user, browser }
    }

    /// Tokens of the person who is signed in.
    pub(super) async fn tokens(&self) -> Pair {
        pair(&self.browser.post("/api/v1/auth/token", &json!({ "organization": "acme" })).await)
    }

    pub(super) async fn refresh(&self, token: &str) -> Answer {
        refresh(&self.app, token).await
    }

    /// Who a program with this token is taken for.
    pub(super) async fn holder(&self, token: &str) -> Answer {
        holder(&self.app, token).await
    }

    pub(super) fn system(&self) -> SystemDb {
        self.app.test.db.system("what a test does at night")
    }

    pub(super) async fn execute(&self, statement: &'static str) {
        let mut tx = self.app.system().await;
        sqlx::query(statement).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(super) async fn events(&self, name: &str) -> i64 {
        let mut tx = self.app.system().await;
        sqlx::query_scalar("select count(*) from data.outbox where name = $1").bind(name).fetch_one(&mut *tx).await.unwrap()
    }

    /// The key that signs, as whoever has the master key and the database could take it.
    pub(super) async fn stolen_key(&self) -> (Uuid, Ed25519KeyPair) {
        let (id, seed) = self.stolen_seed().await;
        (id, Ed25519KeyPair::from_seed_unchecked(&seed).unwrap())
    }

    /// Its private half.
    pub(super) async fn stolen_seed(&self) -> (Uuid, Vec<u8>) {
        let mut tx = self.app.system().await;
        let query = "select id, sealed_private_key from auth.signing_key where expires_at is null";
        let row = sqlx::query(query).fetch_one(&mut *tx).await.unwrap();
        let (id, sealed): (Uuid, Vec<u8>) = (row.get(0), row.get(1));
        (id, self.app.keys.open(Purpose::new("keys that sign tokens"), id.as_bytes(), &sealed).unwrap().to_vec())
    }
}

pub(super) async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.browser().post("/api/v1/auth/token/refresh", &json!({ "refresh_token": token })).await
}

pub(super) async fn holder(app: &TestApp, token: &str) -> Answer {
    app.browser().bearer(token).get("/holder").await
}

#[track_caller]
pub(super) fn pair(answer: &Answer) -> Pair {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let pair = answer.json();
    let text = |field: &str| pair[field].as_str().unwrap().to_owned();
    Pair { access: text("access_token"), refresh: text("refresh_token"), expires_in: pair["expires_in"].as_i64().unwrap() }
}

/// One part of a token, read.
pub(super) fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// A token with this header and these claims, signed.
pub(super) fn signed(header: &str, claims: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = sign(text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}
