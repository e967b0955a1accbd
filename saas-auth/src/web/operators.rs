use axum::extract::State;
use saas_core::{
    Html, Page, Problem, Routes,
    operator::{Operator, ReadOnly},
};
use serde_json::json;

use crate::{Auth, operator::operator_list};

pub(super) fn routes() -> Routes<Auth> {
    Routes::new().get("/operators", show)
}

async fn show(_: Operator<ReadOnly>, State(auth): State<Auth>, page: Page) -> Result<Html, Problem> {
    page.render("auth/operators.html", json!({ "operators": operator_list(auth.db()).await? }))
}
