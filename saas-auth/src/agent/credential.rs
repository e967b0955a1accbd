use ipnet::IpNet;
use saas_core::{
    Actor, AgentId, AgentPrincipal, AuditRead, ClientAddress, Db, DbError, Event, Permission as _, Problem, Secret, TenantTx, event_in,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::AgentKeyId;
use crate::{
    Auth,
    key::{KeyText, Kind, is_allowed},
};

/// A credential that has just been made.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct IssuedCredential {
    /// Whose it is: the agent that this installation is known as, or else the one that was proposed.
    pub agent: AgentId,
    /// Whether the key had already given this installation a credential, which the new one replaces.
    pub known: bool,
    /// The credential, shown once: only its hash is kept.
    pub secret: Secret,
}

impl IssuedCredential {
    /// The credential's text.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.secret.expose()
    }
}

/// A credential could not be made or revoked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentCredentialError {
    /// The key was revoked or has expired in the meantime.
    #[error("the key makes no credentials any more")]
    KeyGone,
    /// The database did not take it.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for AgentCredentialError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<AgentCredentialError> for Problem {
    fn from(error: AgentCredentialError) -> Self {
        match error {
            AgentCredentialError::KeyGone => Self::unauthenticated(),
            AgentCredentialError::Db(error) => error.into(),
        }
    }
}

/// A machine got a credential.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgentCredentialIssued {
    key: AgentKeyId,
    instance: Uuid,
}

impl Event for AgentCredentialIssued {
    const NAME: &'static str = "auth.agent_credential.issued";
    const TOPIC: &'static str = "agents";
    const PERMISSION: Option<&'static str> = Some(AuditRead::NAME);
}

/// A machine lost its credential.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgentCredentialRevoked {}

impl Event for AgentCredentialRevoked {
    const NAME: &'static str = "auth.agent_credential.revoked";
    const TOPIC: &'static str = "agents";
    const PERMISSION: Option<&'static str> = Some(AuditRead::NAME);
}

impl Auth {
    /// Gives a machine its own credential for a key. `instance` is made once by each installation: registering again, because an answer was
    /// lost, gives the same agent another credential and makes no second agent. An agent has one credential; a new one takes the place
    /// of the old, which is refused from the next request on.
    ///
    /// # Errors
    ///
    /// Fails if the key was revoked or has expired since it was checked.
    pub async fn agent_credential_issue_in(
        &self,
        tx: &mut TenantTx,
        key: AgentKeyId,
        agent: AgentId,
        instance: Uuid,
    ) -> Result<IssuedCredential, AgentCredentialError> {
        let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
        // Locked, so that neither a revocation nor the same machine's other attempt can come between.
        sqlx::query!(
            r#"select id from auth.agent_key
            where tenant_id = $1 and id = $2 and revoked_at is null and (expires_at is null or expires_at > $3)
            for no key update"#,
            tenant,
            Uuid::from(key),
            now,
        )
        .fetch_optional(&mut **tx)
        .await?
        .ok_or(AgentCredentialError::KeyGone)?;
        let known = sqlx::query_scalar!(
            r#"select agent_id as "agent_id: AgentId" from auth.agent_credential
            where tenant_id = $1 and key_id = $2 and instance = $3 and revoked_at is null"#,
            tenant,
            Uuid::from(key),
            instance,
        )
        .fetch_optional(&mut **tx)
        .await?;
        let agent = known.unwrap_or(agent);
        let text = KeyText::generate(Kind::Credential, Uuid::now_v7());
        sqlx::query!(
            "update auth.agent_credential set revoked_at = $3 where tenant_id = $1 and agent_id = $2 and revoked_at is null",
            tenant,
            Uuid::from(agent),
            now,
        )
        .execute(&mut **tx)
        .await?;
        sqlx::query!(
            r#"insert into auth.agent_credential (tenant_id, id, agent_id, key_id, instance, secret_hash, created_at)
            values ($1, $2, $3, $4, $5, $6, $7)"#,
            tenant,
            text.id,
            Uuid::from(agent),
            Uuid::from(key),
            instance,
            text.hash(),
            now,
        )
        .execute(&mut **tx)
        .await?;
        event_in(tx, Actor::Agent(agent), agent, &AgentCredentialIssued { key, instance }).await?;
        Ok(IssuedCredential { agent, known: known.is_some(), secret: text.write(self.agent_key_prefix()) })
    }

    /// Revokes an agent's credential; it is refused from the next request on. Doing so again changes nothing.
    ///
    /// # Errors
    ///
    /// Fails if the database does not answer.
    pub async fn agent_credential_revoke_in(&self, tx: &mut TenantTx, actor: Actor, agent: AgentId) -> Result<(), AgentCredentialError> {
        let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
        let revoked = sqlx::query!(
            "update auth.agent_credential set revoked_at = $3 where tenant_id = $1 and agent_id = $2 and revoked_at is null",
            tenant,
            Uuid::from(agent),
            now,
        )
        .execute(&mut **tx)
        .await?
        .rows_affected();
        if revoked > 0 {
            event_in(tx, actor, agent, &AgentCredentialRevoked {}).await?;
        }
        Ok(())
    }
}

/// A credential that was found, and its id if its use is to be noted.
pub(crate) struct Found {
    pub(crate) principal: AgentPrincipal,
    pub(crate) unseen: Option<Uuid>,
    /// Its id if this is the first use of a secret that replaced another.
    pub(crate) taking_over: Option<Uuid>,
}

/// Finds whose a credential is; nobody's if it is revoked, or used from where it may not be.
pub(crate) async fn credential_by_text(db: &Db, text: &KeyText, address: Option<ClientAddress>) -> Result<Option<Found>, DbError> {
    let (hash, now) = (text.hash(), db.clock().now());
    let row = db
        .lookup(|connection| {
            let hash = hash.clone();
            Box::pin(async move {
                sqlx::query!(
                    r#"select tenant_id as "tenant_id!", agent_id as "agent_id!", networks as "networks!: Vec<IpNet>",
                        used_long_ago as "used_long_ago!", is_taking_over as "is_taking_over!"
                    from auth.agent_credential_lookup($1, $2)"#,
                    hash,
                    now,
                )
                .fetch_optional(connection)
                .await
            })
        })
        .await?;
    Ok(row.filter(|row| is_allowed(&row.networks, address)).map(|row| Found {
        principal: AgentPrincipal::new(row.agent_id.into(), row.tenant_id.into()),
        unseen: row.used_long_ago.then_some(text.id),
        taking_over: row.is_taking_over.then_some(text.id),
    }))
}

/// Notes that a credential was used, if nobody did within the last minute.
pub(crate) async fn credential_seen(db: &Db, principal: AgentPrincipal, id: Uuid) -> Result<(), DbError> {
    let mut tx = db.tenant(principal.tenant).begin().await?;
    let now = tx.now();
    sqlx::query!(
        r#"update auth.agent_credential set last_used_at = $3
        where tenant_id = $1 and id = $2 and (last_used_at is null or last_used_at < $3::timestamptz - interval '1 minute')"#,
        Uuid::from(principal.tenant),
        id,
        now,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}
