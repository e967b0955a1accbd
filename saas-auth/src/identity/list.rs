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

/// What is linked with somebody's account.
pub(crate) async fn identity_list(auth: &Auth, me: &SignedIn) -> Result<Vec<Identity>, DbError> {
    let mut tx = auth.db().system("a person's accounts elsewhere").begin().await?;
    let rows = sqlx::query!(
        r#"select id as "id: IdentityId", provider, email, created_at from auth.identity where user_id = $1 order by created_at, id"#,
        Uuid::from(me.user),
    )
    .fetch_all(&mut *tx)
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
    Ok(linked.collect())
}
