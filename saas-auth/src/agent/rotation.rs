use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use ipnet::IpNet;
use saas_core::{Actor, AgentPrincipal, AuditRead, Change, Db, DbError, Event, Permission as _, Secret, TenantTx, event_in};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{AgentCredentialError, AgentKeyError, AgentKeyId};
use crate::{
    Auth,
    bearer::{Bearer, bearer},
    key::{KeyText, Kind, Overlap, Proposed, RotatedKey},
};

/// How long the old secret of a machine works after its new one was used for the first time: as long as an answer may be on its way.
const CREDENTIAL_OVERLAP: TimeDelta = TimeDelta::hours(1);

/// A key got another secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgentKeyRotated {
    previous_until: DateTime<Utc>,
}

impl Event for AgentKeyRotated {
    const NAME: &'static str = "auth.agent_key.rotated";
    const TOPIC: &'static str = "agents";
    const PERMISSION: Option<&'static str> = Some(AuditRead::NAME);
}

/// A key may be used from other networks than before.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgentKeyNetworksChanged {
    /// From where; everywhere if empty.
    #[schema(value_type = Change<Vec<String>>)]
    networks: Change<Vec<IpNet>>,
}

impl Event for AgentKeyNetworksChanged {
    const NAME: &'static str = "auth.agent_key.networks_changed";
    const VERSION: i32 = 2;
    const TOPIC: &'static str = "agents";
    const PERMISSION: Option<&'static str> = Some(AuditRead::NAME);
}

/// A machine got another secret for its credential.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgentCredentialRotated {}

impl Event for AgentCredentialRotated {
    const NAME: &'static str = "auth.agent_credential.rotated";
    const TOPIC: &'static str = "agents";
    const PERMISSION: Option<&'static str> = Some(AuditRead::NAME);
}

impl Auth {
    /// Gives a key another secret; the old one works until the overlap is over. The key stays the same: what registered with it goes on, and
    /// registering with the new secret gives the same agent. Of two rotations within one overlap, the first secret ends with the second.
    ///
    /// # Errors
    ///
    /// Fails if the tenant has no such key, or it was revoked or has expired.
    pub async fn agent_key_rotate_in(
        &self,
        tx: &mut TenantTx,
        actor: Actor,
        key: AgentKeyId,
        overlap: Overlap,
    ) -> Result<RotatedKey, AgentKeyError> {
        let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
        let text = KeyText::generate(Kind::AgentKey, key.into());
        let previous_until = now + overlap.time();
        let rotated = sqlx::query!(
            r#"update auth.agent_key set previous_hash = secret_hash, previous_until = $4, secret_hash = $3
            where tenant_id = $1 and id = $2 and revoked_at is null and (expires_at is null or expires_at > $5)"#,
            tenant,
            Uuid::from(key),
            text.hash(),
            previous_until,
            now,
        )
        .execute(&mut **tx)
        .await?
        .rows_affected();
        if rotated == 0 {
            return Err(missing_or_ended_in(tx, key).await?);
        }
        event_in(tx, actor, key, &AgentKeyRotated { previous_until }).await?;
        Ok(RotatedKey { secret: text.write(self.agent_key_prefix()), previous_until })
    }

    /// Says from where a key, and all credentials that were made from it, may be used; everywhere if empty. Holds from the next request on. What
    /// they may already changes nothing.
    ///
    /// # Errors
    ///
    /// Fails if there are more than 32 networks, the tenant has no such key, or it was revoked or has expired.
    pub async fn agent_key_networks_set_in(
        &self,
        tx: &mut TenantTx,
        actor: Actor,
        key: AgentKeyId,
        networks: &[IpNet],
    ) -> Result<(), AgentKeyError> {
        let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
        let networks = Proposed::networks(networks)?;
        let old = sqlx::query_scalar!(
            r#"update auth.agent_key key set networks = $3::inet[]
            from (select networks from auth.agent_key where tenant_id = $1 and id = $2 for no key update) old
            where key.tenant_id = $1 and key.id = $2 and key.revoked_at is null and (key.expires_at is null or key.expires_at > $4)
            returning old.networks as "networks!: Vec<IpNet>""#,
            tenant,
            Uuid::from(key),
            &networks as &[IpNet],
            now,
        )
        .fetch_optional(&mut **tx)
        .await?;
        let Some(old) = old else { return Err(missing_or_ended_in(tx, key).await?) };
        if old != networks {
            event_in(tx, actor, key, &AgentKeyNetworksChanged { networks: Change::new(old, networks) }).await?;
        }
        Ok(())
    }

    /// Gives the machine that makes a request another secret for its credential. The one that it came with works until an hour after the new
    /// one was used for the first time, so an answer that is lost locks nobody out; and asking again is harmless.
    ///
    /// # Errors
    ///
    /// Fails if the request does not show a credential of this agent, or it was revoked since it was checked.
    pub async fn agent_credential_rotate_in(
        &self,
        tx: &mut TenantTx,
        headers: &HeaderMap,
        me: AgentPrincipal,
    ) -> Result<Secret, AgentCredentialError> {
        let Ok(Bearer::Text(shown)) = bearer(headers, self.agent_key_prefix()) else { return Err(AgentCredentialError::KeyGone) };
        let text = KeyText::generate(Kind::Credential, shown.id);
        let now = tx.now();
        let rotated = sqlx::query!(
            r#"update auth.agent_credential set previous_hash = $4, previous_until = null, secret_hash = $5
            where tenant_id = $1 and id = $2 and agent_id = $3 and revoked_at is null
              and (secret_hash = $4 or (previous_hash = $4 and coalesce(previous_until > $6, true)))"#,
            Uuid::from(me.tenant),
            shown.id,
            Uuid::from(me.agent),
            shown.hash(),
            text.hash(),
            now,
        )
        .execute(&mut **tx)
        .await?
        .rows_affected();
        if rotated == 0 {
            return Err(AgentCredentialError::KeyGone);
        }
        event_in(tx, Actor::Agent(me.agent), me.agent, &AgentCredentialRotated {}).await?;
        Ok(text.write(self.agent_key_prefix()))
    }
}

/// Why no row was changed.
async fn missing_or_ended_in(tx: &mut TenantTx, key: AgentKeyId) -> Result<AgentKeyError, DbError> {
    let tenant = tx.tenant().map(Uuid::from);
    let found = sqlx::query_scalar!("select id from auth.agent_key where tenant_id = $1 and id = $2", tenant, Uuid::from(key))
        .fetch_optional(&mut **tx)
        .await?;
    Ok(if found.is_some() { AgentKeyError::Ended } else { AgentKeyError::NotFound })
}

/// Notes that a machine has its new secret: from now on the old one has an end.
pub(crate) async fn credential_taken_over(db: &Db, principal: AgentPrincipal, id: Uuid) -> Result<(), DbError> {
    let mut tx = db.tenant(principal.tenant).begin().await?;
    let until = tx.now() + CREDENTIAL_OVERLAP;
    sqlx::query!(
        r#"update auth.agent_credential set previous_until = $3
        where tenant_id = $1 and id = $2 and previous_hash is not null and previous_until is null"#,
        Uuid::from(principal.tenant),
        id,
        until,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}
