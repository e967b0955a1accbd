use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::AuditChain;
use crate::{DbError, Ledger, UserId};

/// How many entries one transaction prunes.
const BATCH: i64 = 2_000;

impl AuditChain {
    /// Deletes the sealed entries of a ledger that happened before `before`, from the beginning up to the first that did not; returns how
    /// many. The signed beginning of the chain moves with them, so what is left verifies. How long a tenant's entries are kept is its plan's
    /// to say.
    ///
    /// # Errors
    ///
    /// Fails if the database does. What was pruned by then is pruned.
    pub async fn prune(&self, ledger: Ledger, before: DateTime<Utc>) -> Result<u64, DbError> {
        let mut pruned = 0;
        loop {
            let count = self.prune_batch(ledger, before).await?;
            pruned += count;
            if count < BATCH.unsigned_abs() {
                return Ok(pruned);
            }
        }
    }

    async fn prune_batch(&self, ledger: Ledger, before: DateTime<Utc>) -> Result<u64, DbError> {
        let mut tx = self.db.system("prune audit entries").begin().await?;
        let Some(mut head) = self.head_lock_in(&mut tx, ledger).await? else { return Ok(0) };
        let last = sqlx::query!(
            r#"select number as "number!", mac as "mac!"
            from audit_entry
            where tenant_id = $1 and number > $2 and number <= $3 and number < coalesce(
                (select min(number) from audit_entry where tenant_id = $1 and number > $2 and at >= $4), 9223372036854775807)
            order by number desc
            limit 1"#,
            ledger.id(),
            head.pruned,
            head.sealed.min(head.pruned + BATCH),
            before,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(last) = last else { return Ok(0) };
        (head.pruned, head.pruned_mac) = (last.number, last.mac);
        // The trigger lets go of what the head says is pruned.
        self.head_set_in(&mut tx, head).await?;
        let deleted = sqlx::query!("delete from audit_entry where tenant_id = $1 and number <= $2", ledger.id(), last.number)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        tx.commit().await?;
        Ok(deleted)
    }

    /// Empties the address and the user agent in all entries of a person, in every ledger; returns in how many. The chains still verify: who
    /// it was is kept by id alone.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn forget(&self, user: UserId) -> Result<u64, DbError> {
        let mut tx = self.db.system("forget a person's addresses").begin().await?;
        let emptied = sqlx::query!(
            r#"update audit_entry set address = null, user_agent = null, salt = null
            where actor_kind = 'user' and actor_id = $1 and (address is not null or user_agent is not null)"#,
            Uuid::from(user),
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(emptied)
    }
}
