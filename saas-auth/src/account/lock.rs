use saas_core::{DbError, SystemTx, UserId};
use uuid::Uuid;

/// The account's row, before its other rows: as everywhere, so that two who change them wait for each other, and not for ever.
pub(crate) async fn account_lock_in(tx: &mut SystemTx, user: UserId) -> Result<(), DbError> {
    sqlx::query!("select user_id from auth.account where user_id = $1 for no key update", Uuid::from(user))
        .fetch_optional(&mut **tx)
        .await?;
    Ok(())
}
