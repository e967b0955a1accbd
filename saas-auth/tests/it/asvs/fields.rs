use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use super::written::table;
use crate::app::{App, PASSWORD, pointers};

const ADA: &str = "ada@example.com";
const PROFILE: &str = "/api/v1/me/profile";

fn names(of: &Value) -> BTreeSet<String> {
    of.as_object().unwrap().keys().cloned().collect()
}

/// 8.1.2: what is read is in the table, and what the table gives to the person is what the profile takes.
#[tokio::test]
async fn who_reads_and_writes_each_field_of_a_person_is_written_down() {
    let app = App::new().await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await;
    let (me, profile) = (ada.get("/api/v1/auth/me").await.json(), ada.get(PROFILE).await.json());
    let rows = table("Fields of a person");
    let fields: BTreeSet<_> = rows.iter().map(|row| row[0].clone()).collect();
    assert_eq!(fields, names(&me).union(&names(&profile)).cloned().collect::<BTreeSet<_>>());
    let own: BTreeSet<_> = rows.iter().filter(|row| row[2] == "the person").map(|row| row[0].clone()).collect();
    assert_eq!(own, names(&profile));
    assert_eq!(ada.json(Method::PUT, PROFILE, &profile).await.status, 200);
    for field in fields.difference(&own) {
        let mut body = profile.clone();
        body[field] = json!("x");
        let answer = ada.json(Method::PUT, PROFILE, &body).await;
        assert_eq!((answer.status.as_u16(), pointers(&answer)), (422, vec![format!("/{field}")]), "{field}");
    }
    assert_eq!(ada.get("/api/v1/auth/me").await.json(), me);
}

/// 8.2.3: whatever else is sent beside what is asked for is refused and changes nothing, whoever sends it.
#[tokio::test]
async fn nobody_writes_what_is_not_theirs_to_say() {
    let app = App::new().await;
    let account = json!({ "name": "Ada", "email": ADA, "password": PASSWORD });
    for field in ["id", "user_id", "verified", "verified_at", "role", "memberships", "state", "password_hash", "created_at"] {
        let mut body = account.clone();
        body[field] = json!("x");
        let answer = app.browser().post("/api/v1/auth/sign-up", &body).await;
        assert_eq!((answer.status.as_u16(), pointers(&answer)), (422, vec![format!("/{field}")]), "{field}");
    }
    assert_eq!(app.count("select count(*) from auth.account").await, 0);
    assert_eq!(app.browser().post("/api/v1/auth/sign-up", &account).await.status, 202);
    // A form that brings more than its page has is read for what it is asked for.
    let form = [("name", "Eve"), ("email", "eve@example.com"), ("password", PASSWORD), ("verified", "true"), ("role", "owner")];
    app.browser().form("/sign-up", &form).await;
    assert_eq!(app.count("select count(*) from auth.account where verified_at is not null").await, 0);
}
