use ipnet::IpNet;
use saas_core::{ClientAddress, Db, DbError, Flags, KeyId, KeyPrincipal, Membership};
use uuid::Uuid;

use super::scope;
use crate::{
    Auth,
    key::{KeyText, is_allowed},
};

/// A key that works.
pub(super) struct Found {
    pub(super) key: KeyId,
    pub(super) creator: Membership,
    scopes: Vec<String>,
    networks: Vec<IpNet>,
    used_long_ago: bool,
}

/// Finds the key that a text is, if it works and wherever it is used from.
pub(super) async fn find(db: &Db, text: &KeyText) -> Result<Option<Found>, DbError> {
    let (hash, now) = (text.hash(), db.clock().now());
    let row = db
        .lookup(|connection| {
            let hash = hash.clone();
            Box::pin(async move {
                sqlx::query!(
                    r#"select tenant_id as "tenant_id!", key_id as "key_id!", slug as "slug!", name as "name!", role as "role!",
                        scopes as "scopes!", networks as "networks!: Vec<IpNet>", used_long_ago as "used_long_ago!",
                        tenant_revision, flags
                    from auth.api_key_lookup($1, $2)"#,
                    hash,
                    now,
                )
                .fetch_optional(connection)
                .await
            })
        })
        .await?;
    Ok(row.map(|row| Found {
        key: row.key_id.into(),
        // A program shows no second factor: whoever made its key has.
        creator: Membership {
            id: row.tenant_id.into(),
            slug: row.slug,
            name: row.name,
            role: row.role,
            second_factor_required: false,
            revision: row.tenant_revision,
            flags: Flags::stored(row.flags),
        },
        scopes: row.scopes,
        networks: row.networks,
        used_long_ago: row.used_long_ago,
    }))
}

impl Auth {
    /// Whose request it is that shows this key; nobody's if the key does not work, or not from there. What the product no longer offers as a
    /// scope, no key has.
    pub(crate) async fn api_key(&self, text: &KeyText, address: Option<ClientAddress>) -> Result<Option<KeyPrincipal>, DbError> {
        let found = find(self.db(), text).await?.filter(|found| is_allowed(&found.networks, address));
        Ok(found.map(|found| {
            let principal = KeyPrincipal::new(found.key, found.creator, scope::known(self.scopes(), &found.scopes));
            if found.used_long_ago {
                let (tenant, key) = (principal.tenant(), principal.key);
                self.note(async move |db| seen(&db, tenant, key).await);
            }
            principal
        }))
    }
}

/// Notes that a key was used, if nobody did within the last minute.
async fn seen(db: &Db, tenant: saas_core::TenantId, key: KeyId) -> Result<(), DbError> {
    let mut tx = db.tenant(tenant).begin().await?;
    let now = tx.now();
    sqlx::query!(
        r#"update auth.api_key set last_used_at = $3
        where tenant_id = $1 and id = $2 and (last_used_at is null or last_used_at < $3::timestamptz - interval '1 minute')"#,
        Uuid::from(tenant),
        Uuid::from(key),
        now,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}
