use chrono::{DateTime, Utc};
use saas_core::{DbError, SignedIn};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Auth;

saas_core::ids! {
    /// An account elsewhere that is linked with one here.
    pub IdentityId;
}

/// An account elsewhere that opens one here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Identity {
    /// Its id here, to unlink it by.
    pub id: IdentityId,
    /// The provider's name in the settings.
    pub provider: String,
    /// What people call the provider.
    pub label: String,
    /// The address that it had there when it was linked.
    pub email: Option<String>,
    /// When it was linked.
    pub created_at: DateTime<Utc>,
}

/// What is linked with somebody's account, and how else they can come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identities {
    pub(crate) linked: Vec<Identity>,
    pub(crate) has_password: bool,
}

pub(crate) async fn identity_list(auth: &Auth, me: &SignedIn) -> Result<Identities, DbError> {
    let mut tx = auth.db().system("a person's accounts elsewhere").begin().await?;
    let rows = sqlx::query!(
        r#"select id as "id: IdentityId", provider, email, created_at from auth.identity where user_id = $1 order by created_at, id"#,
        Uuid::from(me.user),
    )
    .fetch_all(&mut *tx)
    .await?;
    let has_password = sqlx::query_scalar!(
        r#"select password_hash is not null as "has_password!" from auth.account where user_id = $1"#,
        Uuid::from(me.user),
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    // One that is not in the settings any more is called by its name there.
    let label = |name: &str| auth.provider(name).map_or_else(|| name.to_owned(), |provider| provider.label().to_owned());
    let linked = rows.into_iter().map(|row| Identity {
        id: row.id,
        label: label(&row.provider),
        provider: row.provider,
        email: row.email,
        created_at: row.created_at,
    });
    Ok(Identities { linked: linked.collect(), has_password })
}
