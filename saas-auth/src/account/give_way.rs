use saas_core::{DbError, SystemTx, UserId};
use uuid::Uuid;

/// Whoever signed up with an address, never showed that it is theirs and belongs nowhere gives way to somebody who has shown it: their account goes,
/// with its password, sessions and links. Whether there was one. `but` is not asked to.
pub(crate) async fn unverified_gives_way_in(tx: &mut SystemTx, email_key: &str, but: Option<UserId>) -> Result<bool, DbError> {
    let gone = sqlx::query!(
        r#"with gone as (
            delete from auth.account
            where email_key = $1 and user_id is distinct from $2 and verified_at is null
                and not exists (select from core.member where member.user_id = account.user_id)
            returning user_id
        )
        update core.user set state = 'deleted' where id in (select user_id from gone)"#,
        email_key,
        but.map(Uuid::from) as Option<Uuid>,
    )
    .execute(&mut **tx)
    .await?;
    Ok(gone.rows_affected() > 0)
}
