use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use aws_lc_rs::signature::{ED25519, ParsedPublicKey};
use saas_core::{Db, DbError};
use uuid::Uuid;

/// The public halves of the signing keys that this program has met. A key never changes, so none is ever asked for again; whether it still
/// counts, the statement says that looks the token up.
#[derive(Default)]
pub(crate) struct Keyring(RwLock<HashMap<Uuid, ParsedPublicKey>>);

/// A published key.
pub(crate) struct PublishedKey {
    pub(crate) id: Uuid,
    pub(crate) public: Vec<u8>,
}

/// What may be checked with now, the newest first.
pub(crate) async fn published(db: &Db) -> Result<Vec<PublishedKey>, DbError> {
    let now = db.clock().now();
    db.lookup(|connection| {
        Box::pin(async move {
            sqlx::query_as!(PublishedKey, r#"select id as "id!", public_key as "public!" from auth.signing_key_lookup($1)"#, now)
                .fetch_all(connection)
                .await
        })
    })
    .await
}

impl Keyring {
    /// The key of this id. The database is asked for one that is not known yet, which costs a stranger's request no more than a session would.
    pub(super) async fn find(&self, db: &Db, id: Uuid) -> Result<Option<ParsedPublicKey>, DbError> {
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(Some(known.clone()));
        }
        let published = published(db).await?;
        let keys: HashMap<_, _> =
            published.into_iter().filter_map(|key| Some((key.id, ParsedPublicKey::new(&ED25519, key.public).ok()?))).collect();
        let found = keys.get(&id).cloned();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(found)
    }
}
