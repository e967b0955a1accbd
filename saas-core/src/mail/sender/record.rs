use uuid::Uuid;

use super::{super::MailId, MailOutcome, MailSender};
use crate::DbError;

impl MailSender {
    /// Writes down how it ended, and forgets what the letter said.
    pub(super) async fn end(&self, id: MailId, outcome: MailOutcome, answer: &str) -> Result<MailOutcome, DbError> {
        let state = match outcome {
            MailOutcome::Sent => "sent",
            MailOutcome::Suppressed => "suppressed",
            _ => "failed",
        };
        let mut tx = self.inner.db.system("note how a letter ended").begin().await?;
        let now = tx.now();
        sqlx::query!(
            "update core.mail set state = $2, sealed = null, answer = nullif(left($3, 500), ''), ended_at = $4
            where id = $1 and state in ('queued', 'sending')",
            Uuid::from(id),
            state,
            text(answer),
            now,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(outcome)
    }

    /// Writes down why it waits.
    pub(super) async fn wait(&self, id: MailId, answer: &str) -> Result<(), DbError> {
        let mut tx = self.inner.db.system("note that a letter waits").begin().await?;
        sqlx::query!(
            "update core.mail set state = 'queued', answer = nullif(left($2, 500), '') where id = $1 and state = 'sending'",
            Uuid::from(id),
            text(answer),
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }
}

/// What PostgreSQL can store of a foreign text.
fn text(answer: &str) -> String {
    answer.chars().filter(|c| !c.is_control()).collect()
}
