use saas_core::{DbError, Flags, Membership, Permission as _, TokenFamilyId, TokenPrincipal};
use uuid::Uuid;

use super::{AccessToken, access::Claims};
use crate::{ApiKeyWrite, Auth};

/// What no token does, because what it made would outlive it.
const WITHHELD: &[&str] = &[ApiKeyWrite::NAME];

impl Auth {
    /// Whose request it is that shows this token; nobody's if it does not count, or no more.
    pub(crate) async fn token(&self, token: &AccessToken) -> Result<Option<TokenPrincipal>, DbError> {
        let Some(claims) = self.claims(token).await? else { return Ok(None) };
        let (user, family, tenant, key, now) = (claims.sub, claims.family(), claims.tenant_id, token.key, self.db().clock().now());
        let row = self
            .db()
            .lookup(|connection| {
                Box::pin(async move {
                    sqlx::query!(
                        r#"select slug as "slug!", name as "name!", role as "role!", second_factor_missing as "second_factor_missing!",
                            seen_long_ago as "seen_long_ago!", tenant_revision, flags
                        from auth.token_lookup($1, $2, $3, $4, $5)"#,
                        Uuid::from(tenant),
                        Uuid::from(family),
                        Uuid::from(user),
                        key,
                        now,
                    )
                    .fetch_optional(connection)
                    .await
                })
            })
            .await?;
        let Some(row) = row else { return Ok(None) };
        if row.seen_long_ago {
            self.note(async move |db| seen(&db, family).await);
        }
        let place = Membership {
            id: tenant,
            slug: row.slug,
            name: row.name,
            role: row.role,
            second_factor_required: row.second_factor_missing,
            revision: row.tenant_revision,
            flags: Flags::stored(row.flags),
        };
        Ok(Some(TokenPrincipal::new(user, family, place, WITHHELD)))
    }

    /// What a token says, if one of our keys has signed it and it is for this moment.
    pub(super) async fn claims(&self, token: &AccessToken) -> Result<Option<Claims>, DbError> {
        let Some(key) = self.keyring().find(self.db(), token.key).await? else { return Ok(None) };
        let now = self.db().clock().now();
        Ok(token.verify(&key).filter(|claims| claims.hold(self.issuer(), now)))
    }
}

/// Notes that a token was used, if nobody did within the last minute.
async fn seen(db: &saas_core::Db, family: TokenFamilyId) -> Result<(), DbError> {
    let mut tx = db.system("token last seen").begin().await?;
    let now = tx.now();
    sqlx::query!(
        "update auth.token_family set last_seen_at = $2 where id = $1 and last_seen_at < $2::timestamptz - interval '1 minute'",
        Uuid::from(family),
        now,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}
