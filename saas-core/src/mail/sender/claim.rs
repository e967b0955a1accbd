use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    super::{
        Mail, MailError, MailId,
        outbox::{LETTERS, place},
    },
    FIRST_PAUSE, MailOutcome, MailSender,
};
use crate::DbError;

/// A letter was taken out of the outbox to be tried.
pub(super) struct Taken {
    pub(super) mail: Result<Mail, MailError>,
    pub(super) attempts: i32,
    pub(super) queued_at: DateTime<Utc>,
}

pub(super) enum Claim {
    Take(Box<Taken>),
    Decided(MailOutcome),
}

impl MailSender {
    /// Takes a letter to be tried, unless it is over, its address gets nothing, or has had enough of them for now.
    pub(super) async fn claim(&self, id: MailId) -> Result<Claim, DbError> {
        let mut tx = self.inner.db.system("send a letter").begin().await?;
        let now = tx.now();
        // Two letters to one address are counted one after the other.
        let row = sqlx::query!(
            r#"select to_hash, sealed, attempts, queued_at, pg_advisory_xact_lock(hashtextextended(encode(to_hash, 'hex'), 0)) as "locked?: ()"
            from core.mail where id = $1 and state in ('queued', 'sending') for update"#,
            Uuid::from(id),
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(Claim::Decided(MailOutcome::Over)) };
        let mail = self.open(id, &row.sealed.unwrap_or_default());
        if let Ok(mail) = &mail
            && self.suppressions().find_in(&mut tx, &mail.to).await?.is_some()
        {
            tx.commit().await?;
            tracing::info!(mail.id = %id, "a letter was not sent: its address is suppressed");
            return self.end(id, MailOutcome::Suppressed, "").await.map(Claim::Decided);
        }
        let hour = TimeDelta::hours(1);
        let limit = i64::from(self.inner.config.per_address_and_hour.max(1));
        let full_since = sqlx::query_scalar!(
            r#"select tried_at as "tried_at!" from core.mail
            where to_hash = $1 and id <> $2 and tried_at > $3 and state in ('sending', 'sent')
            order by tried_at desc
            offset $4 limit 1"#,
            row.to_hash,
            Uuid::from(id),
            now - hour,
            limit - 1,
        )
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(since) = full_since {
            let pause = (since + hour - now).to_std().unwrap_or_default().max(FIRST_PAUSE);
            return Ok(Claim::Decided(MailOutcome::Waits(pause)));
        }
        sqlx::query!("update core.mail set state = 'sending', attempts = attempts + 1, tried_at = $2 where id = $1", Uuid::from(id), now)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Claim::Take(Box::new(Taken { mail, attempts: row.attempts + 1, queued_at: row.queued_at })))
    }

    fn open(&self, id: MailId, sealed: &[u8]) -> Result<Mail, MailError> {
        let plain: Zeroizing<Vec<u8>> =
            self.inner.keys.open(LETTERS, &place(id), sealed).map_err(|error| MailError::Message(error.into()))?;
        serde_json::from_slice(&plain).map_err(|error| MailError::Message(error.into()))
    }
}
