//! Switches of a tenant: what is on for it and off for another. An application declares each once, as a value, and asks by that value; what is
//! stored comes with the place of whoever asks, so asking costs nothing.
//!
//! ```
//! use saas_core::{Flag, Flags};
//!
//! /// Charts of latency, which each organization may try.
//! const CHARTS: Flag = Flag::new("charts", "monitoring-flag-charts");
//!
//! async fn show(flags: Flags) -> &'static str {
//!     if flags.is_on(CHARTS) { "charts" } else { "numbers" }
//! }
//! ```

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::query_scalar;
use utoipa::ToSchema;

use crate::{Access, DbError, Declares, Problem, TenantTx};

/// A switch that an application has for each tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    name: &'static str,
    text: &'static str,
    default: bool,
    owner: FlagOwner,
}

/// Who switches a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FlagOwner {
    /// Each tenant for itself.
    Organization,
    /// Whoever runs the product, for each tenant.
    Platform,
}

impl Flag {
    /// A flag that is off until an organization turns it on. Its name is in lower case with hyphens and stays, and `text` is the key of the sentence
    /// that says what it does.
    #[must_use]
    pub const fn new(name: &'static str, text: &'static str) -> Self {
        Self { name, text, default: false, owner: FlagOwner::Organization }
    }

    /// The same, on where nobody has turned it off.
    #[must_use]
    pub const fn on_by_default(mut self) -> Self {
        self.default = true;
        self
    }

    /// The same, switched by whoever runs the product and nobody else.
    #[must_use]
    pub const fn of_platform(mut self) -> Self {
        self.owner = FlagOwner::Platform;
        self
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The key of the sentence that says what it does.
    #[must_use]
    pub const fn text(self) -> &'static str {
        self.text
    }

    /// What it is where nobody has switched it.
    #[must_use]
    pub const fn default(self) -> bool {
        self.default
    }

    /// Who switches it.
    #[must_use]
    pub const fn owner(self) -> FlagOwner {
        self.owner
    }
}

/// How the flags of a tenant are set. As an extractor it is that of the request's tenant, which came with the caller's place there; where a machine
/// asks, and in a job, it is [read](Self::read_in).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags(Option<Arc<Stored>>);

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
struct Stored {
    organization: BTreeMap<String, bool>,
    platform: BTreeMap<String, bool>,
}

impl Flags {
    /// What a lookup found: `[its own, the platform's]`, two objects of names and booleans, or nothing where none is set. What is no boolean counts
    /// as not set.
    #[must_use]
    pub fn stored(found: Option<Value>) -> Self {
        let Some(Value::Array(both)) = found else { return Self::default() };
        let mut both = both.into_iter().map(switches);
        let (organization, platform) = (both.next().unwrap_or_default(), both.next().unwrap_or_default());
        if organization.is_empty() && platform.is_empty() {
            return Self::default();
        }
        Self(Some(Arc::new(Stored { organization, platform })))
    }

    /// Whether a flag is on.
    #[must_use]
    pub fn is_on(&self, flag: Flag) -> bool {
        self.set(flag).unwrap_or(flag.default)
    }

    /// What somebody who may has set a flag to; none if nobody has. A name that its owner did not set does not count.
    #[must_use]
    pub fn set(&self, flag: Flag) -> Option<bool> {
        let stored = self.0.as_ref()?;
        let of = match flag.owner {
            FlagOwner::Organization => &stored.organization,
            FlagOwner::Platform => &stored.platform,
        };
        of.get(flag.name).copied()
    }

    /// The flags of a transaction's tenant.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn read_in(tx: &mut TenantTx) -> Result<Self, DbError> {
        let found = query_scalar!(
            r#"select jsonb_build_array(flags, platform_flags) as "flags!" from core.tenant where id = $1"#,
            tx.tenant().map(uuid::Uuid::from),
        )
        .fetch_optional(&mut **tx)
        .await?;
        Ok(Self::stored(found))
    }
}

fn switches(stored: Value) -> BTreeMap<String, bool> {
    let Value::Object(stored) = stored else { return BTreeMap::new() };
    stored.into_iter().filter_map(|(name, value)| Some((name, value.as_bool()?))).collect()
}

impl<S: Send + Sync> FromRequestParts<S> for Flags {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::missing_layer("one that finds the tenant of a person or a program"))
    }
}

impl Declares for Flags {
    fn access() -> Access {
        Access::member()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OWN: Flag = Flag::new("own", "flag-own");
    const ON: Flag = Flag::new("on", "flag-on").on_by_default();
    const OURS: Flag = Flag::new("ours", "flag-ours").of_platform();

    #[test]
    fn a_flag_is_what_its_owner_set_or_else_its_default() {
        for nothing in [None, Some(json!([{}, {}])), Some(json!("no flags")), Some(json!([{ "own": "yes" }, 7]))] {
            let flags = Flags::stored(nothing);
            assert_eq!([OWN, ON, OURS].map(|flag| flags.is_on(flag)), [false, true, false], "{flags:?}");
        }
        let flags = Flags::stored(Some(json!([{ "own": true, "on": false, "ours": true, "gone": true }, { "own": false }])));
        assert_eq!([OWN, ON, OURS].map(|flag| flags.is_on(flag)), [true, false, false], "neither sets the other's: {flags:?}");
        let flags = Flags::stored(Some(json!([{}, { "ours": true }])));
        assert_eq!((flags.is_on(OURS), flags.set(OWN)), (true, None));
    }
}
