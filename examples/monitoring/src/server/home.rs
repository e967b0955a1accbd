use saas_core::{Html, Page, Problem, Routes};
use serde_json::json;

pub(super) fn routes() -> Routes {
    Routes::new().get("/", home)
}

async fn home(page: Page) -> Result<Html, Problem> {
    page.render("monitoring/home.html", json!({}))
}
