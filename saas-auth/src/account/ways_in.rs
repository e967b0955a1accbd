use saas_core::{DbError, SystemTx, UserId};
use uuid::Uuid;

/// With how much somebody can sign in: the password, accounts elsewhere, passkeys. Whoever takes one away leaves another. The account's row is locked.
pub(crate) async fn ways_in_count_in(tx: &mut SystemTx, user: UserId) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select
            (select count(*) from auth.account where user_id = $1 and password_hash is not null)
            + (select count(*) from auth.identity where user_id = $1)
            + (select count(*) from auth.passkey where user_id = $1 and copied_at is null and $2)
            as "count!""#,
        Uuid::from(user),
        cfg!(feature = "passkeys"),
    )
    .fetch_one(&mut **tx)
    .await?)
}
