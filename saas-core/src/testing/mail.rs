use crate::{
    Db, DbError,
    mail::{MailId, MailSender},
};

/// Sends all that waits in the outbox, once each, as the jobs of a running program do; how many letters that were.
///
/// # Errors
///
/// Fails if the database does.
pub async fn deliver(db: &Db, sender: &MailSender) -> Result<usize, DbError> {
    let mut tx = db.system("deliver the mail of a test").begin().await?;
    let waiting: Vec<MailId> =
        sqlx::query_scalar("select id from core.mail where state = 'queued' order by queued_at, id").fetch_all(&mut *tx).await?;
    tx.commit().await?;
    for id in &waiting {
        sender.attempt(*id).await?;
    }
    Ok(waiting.len())
}
