//! What works and what is interrupted, for people and for programs. Open to all, so it says no more than that.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{Html, Page, Web, health::Health};
use crate::{Breaker, Dependencies, Json, Problem, Routes};

#[derive(Clone)]
struct Board {
    health: Health,
    dependencies: Dependencies,
}

/// How the program is, as the node sees it that answers.
#[derive(Debug, Serialize, ToSchema)]
struct StatusReport {
    /// Interrupted if any of its services is.
    state: ServiceState,
    /// When that was found.
    at: DateTime<Utc>,
    services: Vec<ServiceStatus>,
}

/// How one thing is that the program depends on.
#[derive(Debug, Serialize, ToSchema)]
struct ServiceStatus {
    name: &'static str,
    state: ServiceState,
    /// Since when it is interrupted.
    since: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ServiceState {
    Working,
    Interrupted,
}

pub(super) fn routes(health: Health, web: &Web) -> Routes {
    Routes::new()
        .get("/status", show)
        .get("/api/v1/status", report)
        .about("Says what works and what is interrupted")
        .with_state(Board { health, dependencies: web.dependencies.clone() })
}

impl Board {
    /// Those that are shown, each with the key of what people call it.
    async fn look(&self) -> (DateTime<Utc>, Vec<(&'static str, ServiceStatus)>) {
        // What it finds, its breaker says.
        self.health.database().await;
        let shown = |it: Breaker| Some((it.dependency().text()?, ServiceStatus::of(&it)));
        let services = self.dependencies.breakers().into_iter().filter_map(shown);
        (self.dependencies.clock().now(), services.collect())
    }
}

impl ServiceStatus {
    /// Until somebody has found that it is back, it is away.
    fn of(breaker: &Breaker) -> Self {
        let since = breaker.away_since();
        let state = if since.is_some() { ServiceState::Interrupted } else { ServiceState::Working };
        Self { name: breaker.dependency().name(), state, since }
    }
}

async fn report(State(board): State<Board>) -> Json<StatusReport> {
    let (at, services) = board.look().await;
    let services: Vec<_> = services.into_iter().map(|(_, service)| service).collect();
    let is_well = services.iter().all(|service| service.state == ServiceState::Working);
    Json(StatusReport { state: if is_well { ServiceState::Working } else { ServiceState::Interrupted }, at, services })
}

async fn show(State(board): State<Board>, page: Page) -> Result<Html, Problem> {
    let (at, services) = board.look().await;
    let shown = services.iter().map(|(text, service)| {
        let meaning = service.since.map(|_| page.text(&format!("{text}-interrupted")));
        json!({ "name": service.name, "label": page.text(text), "since": service.since, "meaning": meaning })
    });
    page.render("core/status.html", json!({ "at": at, "services": shown.collect::<Vec<_>>() }))
}
