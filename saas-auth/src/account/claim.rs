use saas_core::{DbError, SystemTx, UserId, mail::MailInError};
use uuid::Uuid;

use super::{consent::consents_void_in, verified::account_verified_in};
use crate::{mail::Letters, session::session_end_all_in};

/// Gives an account whose address nobody had confirmed to somebody who reads its mail and has shown nothing else. Whoever signed up may have been
/// another: the password that was chosen then ends, with the sessions, the links that were mailed and the other ways in, and what was agreed to is
/// asked anew. Whether it was so; the account's row is locked.
pub(super) async fn account_claim_in(tx: &mut SystemTx, user: UserId, letters: &Letters) -> Result<bool, MailInError> {
    let now = tx.now();
    let claimed = sqlx::query!(
        "update auth.account set verified_at = $2, password_hash = null where user_id = $1 and verified_at is null",
        Uuid::from(user),
        now,
    )
    .execute(&mut **tx)
    .await?;
    if claimed.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!("update auth.email_token set used_at = $2 where user_id = $1 and used_at is null", Uuid::from(user), now)
        .execute(&mut **tx)
        .await?;
    consents_void_in(tx, user).await?;
    strangers_ways_end_in(tx, user).await?;
    session_end_all_in(tx, user, None).await?;
    account_verified_in(tx, user, true, letters).await?;
    Ok(true)
}

/// Takes from an account whatever lets a stranger in who signed up with somebody else's address, or would keep its owner out: a second factor,
/// accounts elsewhere and passkeys.
pub(super) async fn strangers_ways_end_in(tx: &mut SystemTx, user: UserId) -> Result<(), DbError> {
    let user = Uuid::from(user);
    sqlx::query!("delete from auth.authenticator where user_id = $1", user).execute(&mut **tx).await?;
    sqlx::query!("delete from auth.backup_code where user_id = $1", user).execute(&mut **tx).await?;
    sqlx::query!("delete from auth.pending_entry where user_id = $1", user).execute(&mut **tx).await?;
    sqlx::query!("delete from auth.identity where user_id = $1", user).execute(&mut **tx).await?;
    sqlx::query!("delete from auth.passkey where user_id = $1", user).execute(&mut **tx).await?;
    Ok(())
}
