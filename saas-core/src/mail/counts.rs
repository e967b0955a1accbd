use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::{Db, DbError};

/// How many letters are in which state. For metrics and an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MailCounts {
    /// Waiting, or on their way.
    pub open: i64,
    /// When the oldest of these was written.
    pub oldest: Option<DateTime<Utc>>,
    /// Failed within a day.
    pub failed: i64,
    /// Not sent for their address, within a day.
    pub suppressed: i64,
    /// How many addresses nothing is sent to.
    pub suppressed_addresses: i64,
}

impl MailCounts {
    /// How many letters wait and since when, and what did not work lately.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn read(db: &Db) -> Result<Self, DbError> {
        let mut tx = db.system("count letters").begin().await?;
        let lately = tx.now() - TimeDelta::days(1);
        Ok(sqlx::query_as!(
            Self,
            r#"select
                (select count(*) from core.mail where state in ('queued', 'sending')) as "open!",
                (select min(queued_at) from core.mail where state in ('queued', 'sending')) as oldest,
                count(*) filter (where state = 'failed') as "failed!",
                count(*) filter (where state = 'suppressed') as "suppressed!",
                (select count(*) from core.mail_suppression) as "suppressed_addresses!"
            from core.mail where ended_at > $1"#,
            lately,
        )
        .fetch_one(&mut *tx)
        .await?)
    }
}
