//! Liveness and readiness.

use std::time::Duration;

use axum::{extract::State, response::IntoResponse};
use http::StatusCode;
use serde::Serialize;

use super::Web;
use crate::{Routes, db::Db};

/// Longer than a busy database needs, shorter than the two seconds within which its loss must show.
const PATIENCE: Duration = Duration::from_millis(1000);

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    database: &'static str,
    migrations: &'static str,
    draining: bool,
}

pub(super) fn routes() -> Routes<Web> {
    Routes::new().get("/health/live", live).get("/health/ready", ready)
}

async fn live() -> &'static str {
    "ok"
}

/// 200 if this node should get requests; 503 without the database, with migrations pending, or while it drains.
async fn ready(State(web): State<Web>) -> impl IntoResponse {
    let (database, migrations) = match tokio::time::timeout(PATIENCE, web.db.pending_migrations()).await {
        Ok(Ok(0)) => ("ok", "ok"),
        Ok(Ok(_)) => ("ok", "pending"),
        Ok(Err(_)) | Err(_) => ("unreachable", "unknown"),
    };
    let draining = web.lifecycle.is_draining();
    let is_ready = database == "ok" && migrations == "ok" && !draining;
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = Readiness { status: if is_ready { "ready" } else { "not ready" }, database, migrations, draining };
    (status, crate::Json(body))
}

impl Db {
    /// Whether the database answers.
    ///
    /// # Errors
    ///
    /// Fails if it does not.
    pub async fn ping(&self) -> Result<(), crate::DbError> {
        self.lookup(|connection| Box::pin(async move { sqlx::query("select 1").execute(connection).await.map(drop) })).await
    }
}
