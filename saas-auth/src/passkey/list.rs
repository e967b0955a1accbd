use chrono::{DateTime, Utc};
use saas_core::{DbError, SignedIn};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Auth;

saas_core::ids! {
    /// A passkey that opens an account.
    pub PasskeyId;
}

/// A passkey, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Passkey {
    /// Its id, to rename or remove it by.
    pub id: PasskeyId,
    /// What its owner calls it.
    pub name: String,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// When somebody last signed in with it.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Whether there is a copy of it, as its counter showed. Then it opens nothing any more.
    pub copied: bool,
}

pub(crate) async fn passkey_list(auth: &Auth, me: &SignedIn) -> Result<Vec<Passkey>, DbError> {
    let mut tx = auth.db().system("a person's passkeys").begin().await?;
    let passkeys = sqlx::query_as!(
        Passkey,
        r#"select id as "id: PasskeyId", name, created_at, last_used_at, copied_at is not null as "copied!"
        from auth.passkey
        where user_id = $1
        order by created_at, id"#,
        Uuid::from(me.user),
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(passkeys)
}
