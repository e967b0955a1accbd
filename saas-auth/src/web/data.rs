use axum::extract::State;
use saas_core::{CurrentUser, Html, Page, Problem, Query, Routes};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::consent::shown;
use crate::{Auth, account::consent_list};

#[derive(Default, Deserialize, ToSchema)]
struct Done {
    /// What was done just now.
    done: Option<String>,
}

pub(super) fn routes() -> Routes<Auth> {
    Routes::new().get("/account/data", show)
}

/// What is known of a person, and what they can do about it.
async fn show(State(auth): State<Auth>, CurrentUser(me): CurrentUser, Query(query): Query<Done>, page: Page) -> Result<Html, Problem> {
    let consents = consent_list(&auth, &me).await?;
    let documents: Vec<Value> = auth
        .documents()
        .iter()
        .zip(&consents)
        .map(|(document, consent)| {
            let mut shown = shown(document, &page);
            shown["holds"] = consent.holds.into();
            shown["last"] = json!(consent.last);
            shown
        })
        .collect();
    let done = query.done.filter(|done| done == "consent").map(|done| page.text(&format!("auth-data-done-{done}")));
    page.render("auth/data.html", json!({ "documents": documents, "done": done }))
}
