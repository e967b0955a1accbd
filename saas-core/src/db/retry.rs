use std::time::Duration;

use super::{DbError, TenantDb, TenantTx};
use crate::Problem;

/// How often a unit of work is begun anew.
const RETRIES: u32 = 2;

/// The pause before that, at most, for each time that it failed: those who met once should not meet again.
const PAUSE: Duration = Duration::from_millis(20);

/// An error of a unit of work, which knows whether all of it may succeed the next time.
pub trait Retryable: From<DbError> {
    /// Whether a deadlock or a serialization failure was the cause.
    fn is_retryable(&self) -> bool;
}

impl Retryable for DbError {
    fn is_retryable(&self) -> bool {
        DbError::is_retryable(self)
    }
}

impl Retryable for Problem {
    fn is_retryable(&self) -> bool {
        self.cause().and_then(|cause| cause.0.downcast_ref::<DbError>()).is_some_and(DbError::is_retryable)
    }
}

impl TenantDb {
    /// Does a unit of work, which gets a transaction and commits it. When the server ends it because of a deadlock or a serialization
    /// failure, it is begun anew, at most twice, so it must do nothing outside of its transaction.
    ///
    /// ```no_run
    /// # use saas_core::{DbError, TenantDb};
    /// # async fn example(db: TenantDb, state: &str) -> Result<(), DbError> {
    /// let rows = db
    ///     .retry(|mut tx| async move {
    ///         let result = sqlx::query("update data.device set state = $1").bind(state).execute(&mut *tx).await?;
    ///         tx.commit().await?;
    ///         Ok::<_, DbError>(result.rows_affected())
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails if no connection can be had, or with what the unit says in the end.
    pub async fn retry<T, E, F, R>(&self, unit: F) -> Result<T, E>
    where
        E: Retryable,
        F: Fn(TenantTx) -> R,
        R: Future<Output = Result<T, E>>,
    {
        let mut left = RETRIES;
        loop {
            match unit(self.begin().await?).await {
                Err(error) if left > 0 && error.is_retryable() => {
                    tracing::info!(left, "a unit of work met another and is begun anew");
                    left -= 1;
                    tokio::time::sleep(PAUSE.mul_f64(rand::random::<f64>() * f64::from(RETRIES - left))).await;
                }
                result => return result,
            }
        }
    }
}
