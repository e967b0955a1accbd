use std::net::IpAddr;

use saas_core::{Actor, DbError, Ledger, Origin, Secret, TenantId, TokenFamilyId, UserId, system_event_in};
use uuid::Uuid;

use super::{TokenError, Tokens, TokensReused, access::Holder, issue::pair, signing_key::signing_key_in};
use crate::{
    Auth,
    key::{KeyText, Kind},
    mail::{Letters, Reader},
};

/// Gives another pair of tokens in the place of a refresh token that was never used. Of any number that use one at once, one gets a pair; the
/// second to come ends the family, the new pair included.
pub(crate) async fn tokens_refresh(auth: &Auth, origin: Origin, text: &Secret, letters: &Letters) -> Result<Tokens, TokenError> {
    let shown = refresh_token(auth, text.expose()).ok_or(TokenError::Ended)?;
    let family = TokenFamilyId::from(shown.id);
    // What the product says comes first: if it cannot be had, the token is not used up.
    let Some(tenant) = tenant_of(auth, family).await? else { return Err(TokenError::Ended) };
    let features = auth.features_of(tenant).await?;
    let next = KeyText::marked(Kind::RefreshToken, shown.id, auth.keys());

    let mut tx = auth.db().system("give a program other tokens").caused_by(origin.clone()).begin().await?;
    let now = tx.now();
    let row = sqlx::query!(
        r#"update auth.token_family
        set token_hash = $4, last_seen_at = $3, address = $5, user_agent = $6
        from core.tenant, core.member, core.user person, auth.account
        where token_family.id = $1 and token_family.token_hash = $2 and token_family.ended_at is null and token_family.expires_at > $3
          and tenant.id = token_family.tenant_id and tenant.state = 'active'
          and member.tenant_id = token_family.tenant_id and member.user_id = token_family.user_id
          and member.left_at is null and member.joined_at = token_family.member_since
          and person.id = token_family.user_id and person.state = 'active'
          and account.user_id = token_family.user_id
        returning token_family.user_id as "user_id: UserId", member.role, account.email, token_family.expires_at"#,
        shown.id,
        shown.hash(),
        now,
        next.hash(),
        origin.address as Option<IpAddr>,
        origin.user_agent.as_deref(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else {
        tx.rollback().await;
        reused(auth, origin, &shown, letters).await?;
        return Err(TokenError::Ended);
    };
    let key = signing_key_in(&mut tx, auth.keys()).await?;
    tx.commit().await?;
    let holder = Holder { user: row.user_id, family, tenant, email: row.email, role: row.role, features };
    pair(auth, &key, holder, &next, now, row.expires_at)
}

/// A refresh token that we have made, whether or not it still works: nobody else ends anything by making one up.
pub(super) fn refresh_token(auth: &Auth, text: &str) -> Option<KeyText> {
    KeyText::parse(auth.agent_key_prefix(), text).filter(|it| it.kind == Kind::RefreshToken && it.is_marked(auth.keys()))
}

async fn tenant_of(auth: &Auth, family: TokenFamilyId) -> Result<Option<TenantId>, DbError> {
    let mut tx = auth.db().system("whose a refresh token is").begin().await?;
    let tenant = sqlx::query_scalar!(r#"select tenant_id as "tenant: TenantId" from auth.token_family where id = $1"#, Uuid::from(family))
        .fetch_optional(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(tenant)
}

/// Ends a family of which a token was shown that is used up; nothing if it has ended, or the token is the one that is to be used next.
async fn reused(auth: &Auth, origin: Origin, shown: &KeyText, letters: &Letters) -> Result<(), TokenError> {
    let mut tx = auth.db().system("end tokens of which one was copied").caused_by(origin).begin().await?;
    let now = tx.now();
    let ended = sqlx::query!(
        r#"update auth.token_family set ended_at = $3
        from auth.account
        where token_family.id = $1 and token_family.token_hash <> $2 and token_family.ended_at is null
          and account.user_id = token_family.user_id
        returning token_family.tenant_id as "tenant: TenantId", account.user_id as "user: UserId", account.email, account.name, token_family.name as program"#,
        shown.id,
        shown.hash(),
        now,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(ended) = ended else { return Ok(()) };
    let (user, family) = (ended.user, TokenFamilyId::from(shown.id));
    system_event_in(&mut tx, Ledger::Platform, Actor::Anonymous, user, &TokensReused { family, tenant: ended.tenant }).await?;
    letters.token_reused_in(&mut tx, Reader { user, email: &ended.email, name: &ended.name }, ended.program, family).await?;
    tx.commit().await?;
    tracing::warn!(user.id = %user, token.family = %family, "a refresh token was used twice");
    Ok(())
}
