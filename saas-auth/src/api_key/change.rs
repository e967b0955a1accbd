use ipnet::IpNet;
use saas_core::{Actor, Change, DbError, KeyId, Standing, TenantTx, event_in};
use uuid::Uuid;

use super::{ApiKeyAllowedFromChanged, ApiKeyError, ApiKeyRevoked, ApiKeyRotated};
use crate::{
    AllowedFrom, Auth, Overlap, RotatedKey,
    key::{KeyText, Kind, Proposed},
};

impl Auth {
    /// Gives a key another secret; the old one works until the overlap is over. Of two rotations within one overlap, the first secret ends with
    /// the second.
    ///
    /// # Security
    ///
    /// Whoever rotates a key holds it afterwards, so it takes a person who may do all that the key's scopes say.
    ///
    /// # Errors
    ///
    /// Fails if the caller may not, the tenant has no such key, or it has ended.
    pub async fn api_key_rotate_in(
        &self,
        tx: &mut TenantTx,
        caller: &Standing,
        key: KeyId,
        overlap: Overlap,
    ) -> Result<RotatedKey, ApiKeyError> {
        let Actor::User(_) = caller.actor else { return Err(ApiKeyError::NotPermitted) };
        let held: Vec<String> = caller.permissions.iter().map(ToString::to_string).collect();
        let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
        let text = KeyText::generate(Kind::ApiKey, key.into());
        let previous_until = now + overlap.time();
        let rotated = sqlx::query!(
            r#"update auth.api_key key
            set previous_hash = key.secret_hash, previous_until = $4, secret_hash = $3, exposed_at = null
            from core.member
            where key.tenant_id = $1 and key.id = $2 and key.revoked_at is null and (key.expires_at is null or key.expires_at > $5)
              and key.scopes <@ $6::text[]
              and member.tenant_id = key.tenant_id and member.user_id = key.created_by
              and member.left_at is null and member.joined_at = key.member_since"#,
            tenant,
            Uuid::from(key),
            text.hash(),
            previous_until,
            now,
            &held,
        )
        .execute(&mut **tx)
        .await?
        .rows_affected();
        if rotated == 0 {
            return Err(why_not_in(tx, key, &held).await?);
        }
        event_in(tx, caller.actor, key, &ApiKeyRotated { previous_until }).await?;
        Ok(RotatedKey { secret: text.write(self.agent_key_prefix()), previous_until })
    }

    /// Says from where a key may be used; everywhere if empty. Holds from the next request on. What it may already changes nothing.
    ///
    /// # Errors
    ///
    /// Fails if there are more than 32 networks, the tenant has no such key, or it was revoked or has expired.
    pub async fn api_key_allowed_from_set_in(
        &self,
        tx: &mut TenantTx,
        actor: Actor,
        key: KeyId,
        allowed_from: &AllowedFrom,
    ) -> Result<(), ApiKeyError> {
        let networks = Proposed::networks(&allowed_from.networks())?;
        let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
        let old = sqlx::query_scalar!(
            r#"update auth.api_key key set networks = $3::inet[]
            from (select networks from auth.api_key where tenant_id = $1 and id = $2 for no key update) old
            where key.tenant_id = $1 and key.id = $2 and key.revoked_at is null and (key.expires_at is null or key.expires_at > $4)
            returning old.networks as "networks!: Vec<IpNet>""#,
            tenant,
            Uuid::from(key),
            &networks as &[IpNet],
            now,
        )
        .fetch_optional(&mut **tx)
        .await?;
        let Some(old) = old else { return Err(why_not_in(tx, key, &[]).await?) };
        if old != networks {
            let event = ApiKeyAllowedFromChanged { allowed_from: Change::new(old.into(), networks.into()) };
            event_in(tx, actor, key, &event).await?;
        }
        Ok(())
    }

    /// Revokes a key; it is refused from the next request on. Doing so again changes nothing.
    ///
    /// # Errors
    ///
    /// Fails if the tenant has no such key.
    pub async fn api_key_revoke_in(&self, tx: &mut TenantTx, actor: Actor, key: KeyId) -> Result<(), ApiKeyError> {
        let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
        let before = sqlx::query!(
            r#"update auth.api_key set revoked_at = coalesce(api_key.revoked_at, $3)
            from (select revoked_at from auth.api_key where tenant_id = $1 and id = $2 for no key update) old
            where api_key.tenant_id = $1 and api_key.id = $2
            returning old.revoked_at is not null as "revoked!""#,
            tenant,
            Uuid::from(key),
            now,
        )
        .fetch_optional(&mut **tx)
        .await?
        .ok_or(ApiKeyError::NotFound)?;
        if !before.revoked {
            event_in(tx, actor, key, &ApiKeyRevoked {}).await?;
        }
        Ok(())
    }
}

/// Why no row was changed by somebody who holds these permissions.
async fn why_not_in(tx: &mut TenantTx, key: KeyId, held: &[String]) -> Result<ApiKeyError, DbError> {
    let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
    let found = sqlx::query!(
        r#"select revoked_at is null and coalesce(expires_at > $3, true) and not scopes <@ $4::text[] as "is_more!"
        from auth.api_key where tenant_id = $1 and id = $2"#,
        tenant,
        Uuid::from(key),
        now,
        held,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(match found {
        None => ApiKeyError::NotFound,
        Some(found) if found.is_more => ApiKeyError::NotPermitted,
        Some(_) => ApiKeyError::Ended,
    })
}
