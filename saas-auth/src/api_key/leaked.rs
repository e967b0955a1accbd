use saas_core::{Actor, DbError, Origin, event_in};
use uuid::Uuid;

use super::{ApiKeyLeaked, lookup};
use crate::{
    Auth,
    key::{KeyText, Kind},
};

impl Auth {
    /// Revokes an API key that somebody found where it should not be, and tells its organization; whether it was one that works.
    ///
    /// Whoever holds a key may end it: they could do worse with it.
    ///
    /// # Errors
    ///
    /// Fails if the database does not answer.
    pub async fn api_key_leaked(&self, text: &str, found_at: Option<&str>, origin: Origin) -> Result<bool, DbError> {
        let Some(text) = KeyText::parse(self.agent_key_prefix(), text).filter(|text| text.kind == Kind::ApiKey) else { return Ok(false) };
        let Some(found) = lookup::find(self.db(), &text).await? else { return Ok(false) };
        let mut tx = self.db().tenant(found.creator.id).caused_by(origin).begin().await?;
        let now = tx.now();
        let revoked = sqlx::query_scalar!(
            "update auth.api_key set revoked_at = $3 where tenant_id = $1 and id = $2 and revoked_at is null returning name",
            Uuid::from(found.creator.id),
            Uuid::from(found.key),
            now,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let is_revoked = revoked.is_some();
        if let Some(name) = revoked {
            let found_at = found_at.map(|place| place.chars().filter(|c| !c.is_control()).take(500).collect());
            event_in(&mut tx, Actor::Anonymous, found.key, &ApiKeyLeaked { name, found_at }).await?;
        }
        tx.commit().await?;
        Ok(is_revoked)
    }
}
