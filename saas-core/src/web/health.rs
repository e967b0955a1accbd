//! Liveness and readiness.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use tokio::{sync::Mutex, time::timeout};

use super::Web;
use crate::{Json, Routes, db::Db, lifecycle::Lifecycle};

/// Longer than a busy database needs. With [`FRESH`] it stays below the two seconds within which a loss must show.
const PATIENCE: Duration = Duration::from_millis(1000);

/// How long what was found out holds for whoever asks next: anybody may ask, as often as they like.
const FRESH: Duration = Duration::from_millis(750);

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    database: &'static str,
    migrations: &'static str,
    draining: bool,
}

#[derive(Clone)]
struct Health {
    db: Db,
    lifecycle: Lifecycle,
    /// Locked while the database is asked, so that those who come meanwhile get the same answer.
    last: Arc<Mutex<Option<(Instant, Database)>>>,
}

#[derive(Clone, Copy)]
enum Database {
    Ready,
    Pending,
    Unreachable,
}

pub(super) fn routes(web: &Web) -> Routes {
    let health = Health { db: web.db.clone(), lifecycle: web.lifecycle.clone(), last: Arc::default() };
    Routes::new().get("/health/live", live).get("/health/ready", ready).with_state(health)
}

async fn live() -> &'static str {
    "ok"
}

/// 200 if this node should get requests; 503 without the database, with migrations pending, or while it drains.
async fn ready(State(health): State<Health>) -> (StatusCode, Json<Readiness>) {
    let (database, migrations) = match health.database().await {
        Database::Ready => ("ok", "ok"),
        Database::Pending => ("ok", "pending"),
        Database::Unreachable => ("unreachable", "unknown"),
    };
    let draining = health.lifecycle.is_draining();
    let is_ready = database == "ok" && migrations == "ok" && !draining;
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = Readiness { status: if is_ready { "ready" } else { "not ready" }, database, migrations, draining };
    (status, Json(body))
}

impl Health {
    async fn database(&self) -> Database {
        let mut last = self.last.lock().await;
        if let Some((_, database)) = last.filter(|(at, _)| at.elapsed() < FRESH) {
            return database;
        }
        let database = match timeout(PATIENCE, self.db.pending_migrations()).await {
            Ok(Ok(0)) => Database::Ready,
            Ok(Ok(_)) => Database::Pending,
            Ok(Err(_)) | Err(_) => Database::Unreachable,
        };
        *last = Some((Instant::now(), database));
        database
    }
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
