use axum::extract::State;
use serde_json::json;

use super::EventCatalogue;
use crate::{Html, Json, Page, Problem, Routes};

impl EventCatalogue {
    /// Publishes it: `/api/v1/events/catalogue` for programs, `/events` for people. It says what there can be, nothing of anybody's, so it is
    /// open to all.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Routes<S> {
        Routes::new()
            .get("/api/v1/events/catalogue", list)
            .about("Lists everything that can be announced")
            .get("/events", show)
            .with_state(self.clone())
    }
}

async fn list(State(catalogue): State<EventCatalogue>) -> Json<EventCatalogue> {
    Json(catalogue)
}

async fn show(State(catalogue): State<EventCatalogue>, page: Page) -> Result<Html, Problem> {
    page.render("core/events.html", json!({ "events": catalogue.kinds() }))
}
