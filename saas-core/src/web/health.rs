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
use crate::{Breaker, Dependency, Json, Routes, db::Db, lifecycle::Lifecycle};

/// Longer than a busy database needs. With [`FRESH`] it stays below the two seconds within which a loss must show.
const PATIENCE: Duration = Duration::from_millis(1000);

/// How long what was found out holds for whoever asks next: anybody may ask, as often as they like.
const FRESH: Duration = Duration::from_millis(500);

/// The database. Its breaker keeps nobody from it but whoever asks here, which is what says that it is away.
pub(crate) const DATABASE: Dependency = Dependency::new("database").shown_as("core-status-database").opens_after(1).pauses(FRESH, FRESH);

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    database: &'static str,
    migrations: &'static str,
    draining: bool,
}

/// Asks the database how it is. Cheap to clone; clones share the answer.
#[derive(Clone)]
pub(super) struct Health {
    db: Db,
    lifecycle: Lifecycle,
    breaker: Breaker,
    /// Locked while the database is asked, so that those who come meanwhile get the same answer.
    last: Arc<Mutex<Option<(Instant, Database)>>>,
}

#[derive(Clone, Copy)]
pub(super) enum Database {
    Ready,
    Pending,
    Unreachable,
}

pub(super) fn routes(health: &Health) -> Routes {
    Routes::new().get("/health/live", live).get("/health/ready", ready).with_state(health.clone())
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
    pub(super) fn of(web: &Web) -> Self {
        let breaker = web.dependencies.breaker(DATABASE);
        Self { db: web.db.clone(), lifecycle: web.lifecycle.clone(), breaker, last: Arc::default() }
    }

    pub(super) async fn database(&self) -> Database {
        let mut last = self.last.lock().await;
        if let Some((_, database)) = last.filter(|(at, _)| at.elapsed() < FRESH) {
            return database;
        }
        let Ok(pass) = self.breaker.enter() else { return Database::Unreachable };
        let Ok(Ok(pending)) = timeout(PATIENCE, self.db.pending_migrations()).await else {
            pass.failed();
            return Database::Unreachable;
        };
        pass.succeeded();
        let database = if pending == 0 { Database::Ready } else { Database::Pending };
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
