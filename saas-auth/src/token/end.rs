use chrono::{DateTime, Utc};
use saas_core::{Actor, Db, DbError, Ledger, Origin, Secret, SystemTx, TokenFamilyId, UserId, system_event_in};
use uuid::Uuid;

use super::{AccessToken, TokensEnded, refresh::refresh_token};
use crate::Auth;

/// Ends what a program of this person may do; whether there was one.
pub(crate) async fn token_family_end(db: &Db, origin: Origin, user: UserId, family: TokenFamilyId) -> Result<bool, DbError> {
    let mut tx = db.system("end a person's tokens").caused_by(origin).begin().await?;
    let is_ended = end_in(&mut tx, family, Some(user)).await?;
    tx.commit().await?;
    Ok(is_ended)
}

/// Ends the family of a token, of either kind, as RFC 7009 says: whoever holds one may end it, and one that does not work is no error.
pub(crate) async fn token_revoke(auth: &Auth, origin: Origin, text: &Secret) -> Result<(), DbError> {
    let family = match refresh_token(auth, text.expose()) {
        Some(refresh) => Some(refresh.id.into()),
        None => match AccessToken::parse(text.expose()) {
            Some(access) => auth.claims(&access).await?.map(|claims| claims.family()),
            None => None,
        },
    };
    let Some(family) = family else { return Ok(()) };
    let mut tx = auth.db().system("revoke a token").caused_by(origin).begin().await?;
    end_in(&mut tx, family, None).await?;
    tx.commit().await
}

async fn end_in(tx: &mut SystemTx, family: TokenFamilyId, of: Option<UserId>) -> Result<bool, DbError> {
    let now = tx.now();
    let user = sqlx::query_scalar!(
        r#"update auth.token_family set ended_at = $3
        where id = $1 and ($2::uuid is null or user_id = $2) and ended_at is null and expires_at > $3
        returning user_id as "user: UserId""#,
        Uuid::from(family),
        of.map(Uuid::from) as Option<Uuid>,
        now,
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(user) = user else { return Ok(false) };
    system_event_in(tx, Ledger::Platform, Actor::User(user), user, &TokensEnded { families: vec![family] }).await?;
    Ok(true)
}

/// Ends all that programs may do for a person.
pub(crate) async fn tokens_end_all_in(tx: &mut SystemTx, user: UserId) -> Result<(), DbError> {
    let now = tx.now();
    let ended = families_end_in(tx, user).await?;
    let families: Vec<_> = ended.into_iter().filter(|family| family.expires_at > now).map(|family| family.id).collect();
    if !families.is_empty() {
        system_event_in(tx, Ledger::Platform, Actor::User(user), user, &TokensEnded { families }).await?;
    }
    Ok(())
}

/// What a program might do that was not ended until now, though it may be over by itself.
#[derive(Debug)]
pub(crate) struct EndedFamily {
    pub(crate) id: TokenFamilyId,
    pub(crate) expires_at: DateTime<Utc>,
}

/// Ends what programs may do for a person, and says which families of tokens that was. Those too that are over by this clock: by that of another server
/// they may go on.
pub(crate) async fn families_end_in(tx: &mut SystemTx, user: UserId) -> Result<Vec<EndedFamily>, DbError> {
    let now = tx.now();
    let families = sqlx::query_as!(
        EndedFamily,
        r#"update auth.token_family set ended_at = $2 where user_id = $1 and ended_at is null
        returning id as "id: TokenFamilyId", expires_at"#,
        Uuid::from(user),
        now,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(families)
}
