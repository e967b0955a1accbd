use std::{path::Path, time::Duration};

use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use tokio::time::sleep;

use crate::{
    app::{PASSWORD, registration},
    process::PATIENCE,
};

/// A person and a machine who know the server by its address only.
pub(crate) struct Outside {
    pub(crate) http: Client,
    pub(crate) url: String,
    cookie: String,
    pub(crate) credential: String,
}

impl Outside {
    /// Signs up at a server that runs in a folder, makes an organization and registers an agent. `owner` is the address that the database's
    /// owner has, who puts the organization on a plan with room.
    pub(crate) async fn at(url: &str, folder: &Path, owner: &str) -> Self {
        let http = Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
        let mut it = Self { http, url: url.to_owned(), cookie: String::new(), credential: String::new() };
        let account = json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD });
        it.expect("/api/v1/auth/sign-up", &account, StatusCode::ACCEPTED).await;
        let token = mailed_token(&folder.join(".saas/mail")).await;
        it.expect("/api/v1/auth/verify", &json!({ "token": token, "password": PASSWORD }), StatusCode::NO_CONTENT).await;
        let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
        let signed_in = it.expect("/api/v1/auth/sign-in", &credentials, StatusCode::OK).await;
        let cookie = signed_in.headers()["set-cookie"].to_str().unwrap();
        it.cookie = cookie.split(';').next().unwrap().to_owned();
        it.expect("/api/v1/organizations", &json!({ "name": "Acme" }), StatusCode::CREATED).await;
        let mut owner = PgConnection::connect(owner).await.unwrap();
        let plan = "insert into billing.tenant_plan (tenant_id, plan, since) select id, 'team', now() from core.tenant";
        sqlx::query(plan).execute(&mut owner).await.unwrap();
        let added = it.expect("/api/v1/agents", &json!({ "name": "Office" }), StatusCode::CREATED).await;
        let key = added.json::<Value>().await.unwrap()["key"].as_str().unwrap().to_owned();
        let register = it.http.post(format!("{url}/api/agent/register")).bearer_auth(key).json(&registration(uuid::Uuid::now_v7()));
        let registered: Value = register.send().await.unwrap().json().await.unwrap();
        it.credential = registered["credential"].as_str().unwrap().to_owned();
        it
    }

    pub(crate) async fn expect(&self, path: &str, body: &Value, status: StatusCode) -> Response {
        let answer = self.http.post(format!("{}{path}", self.url)).json(body);
        let answer = self.as_person(answer).send().await.unwrap();
        if answer.status() == status {
            return answer;
        }
        panic!("{path}: {} {}", answer.status(), answer.text().await.unwrap())
    }

    pub(crate) fn as_person(&self, request: RequestBuilder) -> RequestBuilder {
        let request = request.header("sec-fetch-site", "same-origin");
        if self.cookie.is_empty() { request } else { request.header("cookie", &self.cookie) }
    }

    /// The cookie of the session, with its name.
    pub(crate) fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Sends one device; whether the server acknowledged it.
    pub(crate) async fn post_device(&self, address: &str) -> Result<Response, reqwest::Error> {
        let body = json!({ "devices": [{ "address": address, "found_by": ["tcp"] }] });
        self.http.post(format!("{}/api/agent/devices", self.url)).bearer_auth(&self.credential).json(&body).send().await
    }

    pub(crate) async fn status_of(&self, path: &str) -> Option<u16> {
        let answer = self.as_person(self.http.get(format!("{}{path}", self.url))).send().await;
        answer.ok().map(|answer| answer.status().as_u16())
    }
}

/// The token in the first mail, which is written after the answer was given or before.
async fn mailed_token(folder: &Path) -> String {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let mails = std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        let mail = mails.filter(|path| path.extension().is_some_and(|it| it == "json")).find_map(|path| std::fs::read(path).ok());
        if let Some(mail) = mail {
            let mail: Value = serde_json::from_slice(&mail).unwrap();
            let (_, token) = mail["text"].as_str().unwrap().split_once("token=").unwrap();
            return token.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).next().unwrap().to_owned();
        }
        assert!(tokio::time::Instant::now() < deadline, "no mail came");
        sleep(Duration::from_millis(20)).await;
    }
}
