use http::request::Parts;
use saas_core::{Actor, DbError, Origin, Problem, ProblemType, event_in};
use url::form_urlencoded;
use uuid::Uuid;

use super::{ApiKeyExposed, lookup};
use crate::{
    Auth,
    key::{KeyText, Kind},
};

/// How many keys of one address are looked at; nobody puts more into one by mistake.
const LOOKED_AT: usize = 4;

impl Auth {
    /// Refuses a request that has a key in its address, whatever the parameter is called, and tells the key's organization. Addresses are
    /// written into logs, histories and `Referer` headers on their way.
    ///
    /// The answer is the same for a key that works and for one that does not.
    pub(crate) async fn refuse_in_address(&self, parts: &Parts) -> Result<(), Problem> {
        let keys = self.keys_in_address(&parts.uri);
        if keys.is_empty() {
            return Ok(());
        }
        for key in keys.iter().filter(|key| key.kind == Kind::ApiKey).take(LOOKED_AT) {
            self.api_key_exposed(key, Origin::of(parts)).await?;
        }
        Err(Problem::new(&ProblemType::KEY_IN_ADDRESS).detail(
            "send the key in the Authorization header, as `Authorization: Bearer …`, and replace this one: others may have read it",
        ))
    }

    fn keys_in_address(&self, uri: &http::Uri) -> Vec<KeyText> {
        let address = uri.path_and_query().map_or("", |address| address.as_str());
        let prefix = self.agent_key_prefix();
        if !address.contains(prefix) && !address.contains('%') {
            return Vec::new();
        }
        // What separates the parts of an address is in no key, so each key is in one part.
        let parts = form_urlencoded::parse(address.as_bytes());
        parts.flat_map(|(name, value)| [name, value]).flat_map(|part| KeyText::find(prefix, &part).collect::<Vec<_>>()).collect()
    }

    /// Says that a key was seen in an address, once an hour: a program that does it, does it each time.
    async fn api_key_exposed(&self, text: &KeyText, origin: Origin) -> Result<(), DbError> {
        let Some(found) = lookup::find(self.db(), text).await? else { return Ok(()) };
        let mut tx = self.db().tenant(found.creator.id).caused_by(origin).begin().await?;
        let now = tx.now();
        let exposed = sqlx::query_scalar!(
            r#"update auth.api_key set exposed_at = $3
            where tenant_id = $1 and id = $2 and coalesce(exposed_at < $3::timestamptz - interval '1 hour', true)
            returning name"#,
            Uuid::from(found.creator.id),
            Uuid::from(found.key),
            now,
        )
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(name) = exposed {
            event_in(&mut tx, Actor::Key(found.key), found.key, &ApiKeyExposed { name }).await?;
        }
        tx.commit().await
    }
}
