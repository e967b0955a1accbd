use chrono::{DateTime, Utc};
use ipnet::IpNet;
use saas_core::{
    Actor, AuditRead, DbError, Event, FieldError, Permission as _, Problem, ProblemType, Secret, TenantTx, UserId, WorkspaceId, event_in,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Auth,
    key::{KeyFlaw, KeyText, Kind, Proposed},
};

saas_core::ids! {
    /// A key that machines register with.
    pub AgentKeyId;
}

/// A key, as a tenant's people see it: never the key itself.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct AgentKey {
    /// Its id.
    pub id: AgentKeyId,
    /// The workspace that it is for, and with it all that registers.
    pub workspace: WorkspaceId,
    /// What people call it.
    pub name: String,
    /// Its beginning, by which it is recognized.
    pub prefix: String,
    /// Who made it; none if a program did.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops registering agents.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When an agent last registered with it, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Where it and the credentials made from it may be used; everywhere if empty.
    pub networks: Vec<IpNet>,
    /// Until when the secret that was replaced last works.
    pub previous_until: Option<DateTime<Utc>>,
}

/// What a new key should be.
#[derive(Debug, Clone, Default)]
pub struct NewAgentKey {
    /// What people call it: 1 to 100 characters.
    pub name: String,
    /// When it stops registering agents; those that it registered live on.
    pub expires_at: Option<DateTime<Utc>>,
    /// Where it and the credentials made from it may be used; everywhere if empty. At most 32.
    pub networks: Vec<IpNet>,
    /// The workspace that it is for; none for the tenant's first.
    pub workspace: Option<WorkspaceId>,
}

/// A key could not be made, changed or revoked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentKeyError {
    /// What a key is asked for does not do.
    #[error(transparent)]
    Flaw(#[from] KeyFlaw),
    /// The tenant has no such workspace.
    #[error("there is no such workspace")]
    Workspace,
    /// The tenant has no such key.
    #[error("there is no such key")]
    NotFound,
    /// It was revoked or has expired, and so cannot be changed.
    #[error("the key was revoked or has expired")]
    Ended,
    /// The database did not take it.
    #[error(transparent)]
    Db(DbError),
}

impl From<DbError> for AgentKeyError {
    fn from(error: DbError) -> Self {
        match error.constraint() {
            Some("agent_key_workspace_fkey") => Self::Workspace,
            _ => Self::Db(error),
        }
    }
}

impl From<sqlx::Error> for AgentKeyError {
    fn from(error: sqlx::Error) -> Self {
        DbError::from(error).into()
    }
}

impl From<AgentKeyError> for Problem {
    fn from(error: AgentKeyError) -> Self {
        match error {
            AgentKeyError::Flaw(flaw) => flaw.into(),
            AgentKeyError::Workspace => Self::invalid([FieldError::new("/workspace", "is no workspace of this organization")]),
            AgentKeyError::NotFound => Self::not_found(),
            AgentKeyError::Ended => Self::new(&ProblemType::CONFLICT).detail("this key was revoked or has expired"),
            AgentKeyError::Db(error) => error.into(),
        }
    }
}

/// A key was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgentKeyCreated<'a> {
    name: &'a str,
    workspace: WorkspaceId,
    #[schema(value_type = Vec<String>)]
    networks: &'a [IpNet],
    expires_at: Option<DateTime<Utc>>,
}

impl Event for AgentKeyCreated<'_> {
    const NAME: &'static str = "auth.agent_key.created";
    const TOPIC: &'static str = "agents";
    const PERMISSION: Option<&'static str> = Some(AuditRead::NAME);
}

/// A key was revoked, and with it so many credentials.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgentKeyRevoked {
    credentials: u64,
}

impl Event for AgentKeyRevoked {
    const NAME: &'static str = "auth.agent_key.revoked";
    const TOPIC: &'static str = "agents";
    const PERMISSION: Option<&'static str> = Some(AuditRead::NAME);
}

impl Auth {
    /// Makes a key. The text is shown once: only its hash is kept.
    ///
    /// # Errors
    ///
    /// Fails if the name, the networks, the expiry or the workspace cannot be taken; in a transaction without a tenant, always.
    pub async fn agent_key_create_in(
        &self,
        tx: &mut TenantTx,
        actor: Actor,
        new: NewAgentKey,
    ) -> Result<(AgentKey, Secret), AgentKeyError> {
        let now = tx.now();
        let Proposed { name, networks, expires_at } = Proposed::check(&new.name, &new.networks, new.expires_at, now)?;
        let tenant = tx.tenant().ok_or(AgentKeyError::Workspace)?;
        let id = AgentKeyId::new();
        let text = KeyText::generate(Kind::AgentKey, id.into());
        let key = AgentKey {
            id,
            workspace: new.workspace.unwrap_or_else(|| tenant.into()),
            name,
            prefix: text.beginning(self.agent_key_prefix()),
            created_by: match actor {
                Actor::User(user) => Some(user),
                _ => None,
            },
            created_at: now,
            expires_at,
            revoked_at: None,
            last_used_at: None,
            networks,
            previous_until: None,
        };
        sqlx::query!(
            r#"insert into auth.agent_key
                (tenant_id, id, name, secret_hash, prefix, created_by, created_at, expires_at, networks, workspace_id)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9::inet[], $10)"#,
            Uuid::from(tenant),
            Uuid::from(key.id),
            key.name,
            text.hash(),
            key.prefix,
            key.created_by.map(Uuid::from),
            now,
            key.expires_at,
            &key.networks as &[IpNet],
            Uuid::from(key.workspace),
        )
        .execute(&mut **tx)
        .await?;
        let event = AgentKeyCreated { name: &key.name, workspace: key.workspace, networks: &key.networks, expires_at: key.expires_at };
        event_in(tx, actor, key.id, &event).await?;
        Ok((key, text.write(self.agent_key_prefix())))
    }

    /// The tenant's keys, revoked ones too, the newest first.
    ///
    /// # Errors
    ///
    /// Fails if the database does not answer.
    pub async fn agent_keys_in(&self, tx: &mut TenantTx) -> Result<Vec<AgentKey>, DbError> {
        let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
        let keys = sqlx::query_as!(
            AgentKey,
            r#"select id as "id: AgentKeyId", name, prefix, created_by as "created_by: UserId", created_at, expires_at, revoked_at,
                last_used_at, networks as "networks: Vec<IpNet>", workspace_id as "workspace: WorkspaceId",
                case when previous_until > $2 then previous_until end as previous_until
            from auth.agent_key
            where tenant_id = $1
            order by id desc"#,
            tenant,
            now,
        )
        .fetch_all(&mut **tx)
        .await?;
        Ok(keys)
    }

    /// Revokes a key and all credentials that were made from it; they are refused from the next request on. Doing so again changes nothing.
    ///
    /// # Errors
    ///
    /// Fails if the tenant has no such key.
    pub async fn agent_key_revoke_in(&self, tx: &mut TenantTx, actor: Actor, key: AgentKeyId) -> Result<(), AgentKeyError> {
        let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
        let before = sqlx::query!(
            r#"update auth.agent_key set revoked_at = coalesce(agent_key.revoked_at, $3)
            from (select revoked_at from auth.agent_key where tenant_id = $1 and id = $2 for no key update) old
            where agent_key.tenant_id = $1 and agent_key.id = $2
            returning old.revoked_at is not null as "revoked!""#,
            tenant,
            Uuid::from(key),
            now,
        )
        .fetch_optional(&mut **tx)
        .await?
        .ok_or(AgentKeyError::NotFound)?;
        if before.revoked {
            return Ok(());
        }
        let credentials = sqlx::query!(
            "update auth.agent_credential set revoked_at = $3 where tenant_id = $1 and key_id = $2 and revoked_at is null",
            tenant,
            Uuid::from(key),
            now,
        )
        .execute(&mut **tx)
        .await?
        .rows_affected();
        event_in(tx, actor, key, &AgentKeyRevoked { credentials }).await?;
        Ok(())
    }
}
