use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;

use super::{
    library,
    worker::{Work, put},
};

/// No schedule is looked for further back: what is done each month is among it.
const FURTHEST: TimeDelta = TimeDelta::days(31);

/// A clock that is moved, as in development, leaps over times of schedules, which go by the machine's: each job of those is done once, as soon as the clock
/// stands where it was moved to.
pub(super) async fn watch(work: Arc<Work>, pool: PgPool) {
    let clock = work.db.clock();
    let Some(mut seen) = clock.ahead() else { return };
    loop {
        tokio::time::sleep(work.config.poll).await;
        let Some(ahead) = clock.ahead().filter(|ahead| *ahead > seen) else { continue };
        let now = clock.now();
        match done_at_once(&work, &pool, now - (ahead - seen).min(FURTHEST), now).await {
            Ok(()) => seen = ahead,
            Err(error) => tracing::warn!(error = %error, "what the clock was moved over is not done yet; it is tried again"),
        }
    }
}

async fn done_at_once(work: &Work, pool: &PgPool, from: DateTime<Utc>, until: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    for name in library::due_between(&work.schedules, from, until) {
        put(work, &mut transaction, name).await?;
    }
    transaction.commit().await
}
