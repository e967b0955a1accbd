use chrono::TimeDelta;
use saas_core::{DbError, Job, Jobs, SystemDb, SystemRun};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgQueryResult;

use crate::Auth;

/// How long a session, a sign-in that waited, a mailed link, a change of address or a program's tokens can still be looked up after it is over, for
/// whoever asks what happened.
const REMEMBERED: TimeDelta = TimeDelta::days(30);

/// How many rows one transaction deletes.
const BATCH: i64 = 5_000;

#[derive(Debug, Serialize, Deserialize)]
struct SweepAuth {}

impl Job for SweepAuth {
    const NAME: &'static str = "auth.sweep";
}

impl Auth {
    /// Sweeps each night (UTC).
    pub fn sweep_daily(jobs: &Jobs) {
        jobs.on(|run: SystemRun, _: SweepAuth| async move {
            Self::sweep(run.db()).await?;
            Ok(())
        });
        jobs.cron("20 3 * * *", &SweepAuth {});
    }

    /// Deletes sessions, sign-ins that waited for a second factor, mailed links, changes of address and programs' tokens that have been over for 30
    /// days: ended, used or expired; and exports, ways to providers and what browsers were asked that have expired. Says how many.
    ///
    /// # Errors
    ///
    /// Fails if the database does; what was deleted until then stays so.
    pub async fn sweep(db: &SystemDb) -> Result<u64, DbError> {
        let mut swept = 0;
        loop {
            let mut tx = db.begin().await?;
            let before = tx.now() - REMEMBERED;
            let sessions = sqlx::query!(
                "delete from auth.session where id in (select id from auth.session where least(ended_at, expires_at) < $1 limit $2)",
                before,
                BATCH,
            )
            .execute(&mut *tx)
            .await?;
            let links = sqlx::query!(
                "delete from auth.email_token
                where token_hash in (select token_hash from auth.email_token where least(used_at, expires_at) < $1 limit $2)",
                before,
                BATCH,
            )
            .execute(&mut *tx)
            .await?;
            let changes = sqlx::query!(
                "delete from auth.email_change
                where id in (select id from auth.email_change where least(ended_at, expires_at) < $1 limit $2)",
                before,
                BATCH,
            )
            .execute(&mut *tx)
            .await?;
            let tokens = sqlx::query!(
                "delete from auth.token_family
                where id in (select id from auth.token_family where least(ended_at, expires_at) < $1 limit $2)",
                before,
                BATCH,
            )
            .execute(&mut *tx)
            .await?;
            let pending = sqlx::query!(
                "delete from auth.pending_entry
                where token_hash in (select token_hash from auth.pending_entry where expires_at < $1 limit $2)",
                before,
                BATCH,
            )
            .execute(&mut *tx)
            .await?;
            // What somebody was given lies here no longer than they were told.
            let exports = sqlx::query!(
                "delete from auth.export where id in (select id from auth.export where expires_at < $1 limit $2)",
                before + REMEMBERED,
                BATCH,
            )
            .execute(&mut *tx)
            .await?;
            // Nobody asks for a way on which nobody comes back any more, nor for what a browser was asked.
            let now = tx.now();
            let flows = sqlx::query!(
                "delete from auth.provider_flow where state_hash in (select state_hash from auth.provider_flow where expires_at < $1 limit $2)",
                now,
                BATCH,
            )
            .execute(&mut *tx)
            .await?;
            let challenges = sqlx::query!(
                "delete from auth.passkey_challenge
                where token_hash in (select token_hash from auth.passkey_challenge where expires_at < $1 limit $2)",
                now,
                BATCH,
            )
            .execute(&mut *tx)
            .await?;
            let hand_offs = sqlx::query!(
                "delete from auth.hand_off where code_hash in (select code_hash from auth.hand_off where expires_at < $1 limit $2)",
                now,
                BATCH,
            )
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            let all = [sessions, links, changes, tokens, pending, exports, flows, challenges, hand_offs];
            let deleted: u64 = all.iter().map(PgQueryResult::rows_affected).sum();
            if deleted == 0 {
                return Ok(swept);
            }
            swept += deleted;
        }
    }
}
