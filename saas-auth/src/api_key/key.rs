use chrono::{DateTime, Utc};
use ipnet::IpNet;
use saas_core::{Actor, DbError, FieldError, KeyId, Problem, ProblemType, Secret, Standing, TenantTx, Validate, event_in};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ApiKeyCreated, scope};
use crate::{
    AllowedFrom, Auth, KeyFlaw,
    key::{KeyText, Kind, Proposed},
};

/// What a new API key should be.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// What people call it: 1 to 100 characters.
    pub name: String,
    /// What it may do: names of permissions, at least one, none that its maker does not hold. Each operation says which it takes.
    pub scopes: Vec<String>,
    /// When it ends; never if it is left out.
    pub expires_at: Option<DateTime<Utc>>,
    /// Networks or addresses that it may be used from, at most 32; everywhere if empty.
    #[serde(default)]
    pub allowed_from: AllowedFrom,
}

impl Validate for NewApiKey {}

/// An API key could not be made, changed or revoked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiKeyError {
    /// What it is asked for does not do.
    #[error(transparent)]
    Flaw(#[from] KeyFlaw),
    /// It would have no scope, or one that is not offered or that its maker does not hold.
    #[error("a key has scopes that its maker holds")]
    Scopes,
    /// It is no person who asks, or one who does not hold what the key may do.
    #[error("only a person who may do what the key may do can do this")]
    NotPermitted,
    /// The tenant has no such key.
    #[error("there is no such key")]
    NotFound,
    /// It was revoked, has expired, or its maker has left.
    #[error("the key has ended")]
    Ended,
    /// The database did not take it.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for ApiKeyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<ApiKeyError> for Problem {
    fn from(error: ApiKeyError) -> Self {
        match error {
            ApiKeyError::Flaw(flaw) => flaw.into(),
            ApiKeyError::Scopes => {
                Self::invalid([FieldError::new("/scopes", "must be permissions that keys may have and you hold, at least one")])
            }
            ApiKeyError::NotPermitted => Self::forbidden().detail("this key may do more than you"),
            ApiKeyError::NotFound => Self::not_found(),
            ApiKeyError::Ended => Self::new(&ProblemType::CONFLICT).detail("this key was revoked or has ended"),
            ApiKeyError::Db(error) => error.into(),
        }
    }
}

impl Auth {
    /// Makes a key. The text is shown once: only its hash is kept.
    ///
    /// # Errors
    ///
    /// Fails if the name, the networks, the expiry or a scope cannot be taken, or the caller is no person who belongs to the tenant now.
    pub async fn api_key_create_in(&self, tx: &mut TenantTx, caller: &Standing, new: &NewApiKey) -> Result<(KeyId, Secret), ApiKeyError> {
        let Actor::User(user) = caller.actor else { return Err(ApiKeyError::NotPermitted) };
        let now = tx.now();
        let proposed = Proposed::check(&new.name, &new.allowed_from.networks(), new.expires_at, now)?;
        let scopes = scope::chosen(self.scopes(), &new.scopes, caller).ok_or(ApiKeyError::Scopes)?;
        let id = KeyId::new();
        let text = KeyText::generate(Kind::ApiKey, id.into());
        let names: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        // What the caller may do was settled from the head of the request; that they still belong here is settled now.
        let made = sqlx::query!(
            r#"insert into auth.api_key
                (tenant_id, id, name, scopes, secret_hash, prefix, created_by, member_since, created_at, expires_at, networks)
            select tenant_id, $3, $4, $5, $6, $7, user_id, joined_at, $8, $9, $10::inet[]
            from core.member
            where tenant_id = $1 and user_id = $2 and left_at is null"#,
            tx.tenant().map(Uuid::from),
            Uuid::from(user),
            Uuid::from(id),
            proposed.name,
            &names,
            text.hash(),
            text.beginning(self.agent_key_prefix()),
            now,
            proposed.expires_at,
            &proposed.networks as &[IpNet],
        )
        .execute(&mut **tx)
        .await?;
        if made.rows_affected() == 0 {
            return Err(ApiKeyError::NotPermitted);
        }
        let (allowed_from, expires_at) = (&proposed.networks.into(), proposed.expires_at);
        event_in(tx, caller.actor, id, &ApiKeyCreated { name: &proposed.name, scopes: &scopes, allowed_from, expires_at }).await?;
        Ok((id, text.write(self.agent_key_prefix())))
    }
}
