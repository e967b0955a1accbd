use std::ops::Deref;

use axum::extract::FromRequestParts;
use http::{HeaderMap, request::Parts};
use ipnet::IpNet;
use saas_core::{Access, ClientAddress, Db, DbError, Declares, Problem, TenantId, WorkspaceId};
use uuid::Uuid;

use super::AgentKeyId;
use crate::{
    Auth,
    bearer::{Bearer, bearer},
    key::{KeyText, Kind, is_allowed},
};

/// A machine that showed a valid key: it may register agents in the tenant, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentKeyPrincipal {
    /// The tenant that made the key.
    pub tenant: TenantId,
    /// The key.
    pub key: AgentKeyId,
    /// The workspace that the key is for.
    pub workspace: WorkspaceId,
}

/// Lets a machine with a valid agent key through; everybody else gets 401. For the route where machines register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByAgentKey(pub AgentKeyPrincipal);

impl Deref for ByAgentKey {
    type Target = AgentKeyPrincipal;

    fn deref(&self) -> &AgentKeyPrincipal {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ByAgentKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let auth = parts.extensions.get::<Auth>().cloned().ok_or_else(|| Problem::missing_layer("saas-auth's"))?;
        let address = parts.extensions.get::<ClientAddress>().copied();
        auth.agent_key(&parts.headers, address).await.map(Self)
    }
}

impl Declares for ByAgentKey {
    fn access() -> Access {
        Access::agent()
    }
}

impl Auth {
    /// Finds whose agent key a request shows.
    ///
    /// # Errors
    ///
    /// 401 if it shows none, or one that is malformed, revoked or expired, of a tenant that is not active, or used from where it may not be.
    pub async fn agent_key(&self, headers: &HeaderMap, address: Option<ClientAddress>) -> Result<AgentKeyPrincipal, Problem> {
        let Bearer::Text(text) = bearer(headers, self.agent_key_prefix())? else { return Err(Problem::unauthenticated()) };
        if text.kind != Kind::AgentKey {
            return Err(Problem::unauthenticated());
        }
        let (principal, unseen) = find(self.db(), &text, address).await?.ok_or_else(Problem::unauthenticated)?;
        if unseen {
            self.note(async move |db| seen(&db, principal).await);
        }
        Ok(principal)
    }
}

async fn find(db: &Db, text: &KeyText, address: Option<ClientAddress>) -> Result<Option<(AgentKeyPrincipal, bool)>, DbError> {
    let (hash, now) = (text.hash(), db.clock().now());
    let row = db
        .lookup(|connection| {
            let hash = hash.clone();
            Box::pin(async move {
                sqlx::query!(
                    r#"select tenant_id as "tenant_id!", key_id as "key_id!", workspace_id as "workspace_id!",
                        networks as "networks!: Vec<IpNet>", used_long_ago as "used_long_ago!"
                    from auth.agent_key_lookup($1, $2)"#,
                    hash,
                    now,
                )
                .fetch_optional(connection)
                .await
            })
        })
        .await?;
    Ok(row.filter(|row| is_allowed(&row.networks, address)).map(|row| {
        let principal = AgentKeyPrincipal { tenant: row.tenant_id.into(), key: row.key_id.into(), workspace: row.workspace_id.into() };
        (principal, row.used_long_ago)
    }))
}

async fn seen(db: &Db, principal: AgentKeyPrincipal) -> Result<(), DbError> {
    let mut tx = db.tenant(principal.tenant).begin().await?;
    let now = tx.now();
    sqlx::query!(
        r#"update auth.agent_key set last_used_at = $3
        where tenant_id = $1 and id = $2 and (last_used_at is null or last_used_at < $3::timestamptz - interval '1 minute')"#,
        Uuid::from(principal.tenant),
        Uuid::from(principal.key),
        now,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}
