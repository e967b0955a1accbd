use std::time::Duration;

use saas_core::{
    Dependencies, Metrics, Secret, Settings,
    limit::{Allowance, MemoryStore, Rate, RateLimits, TenantAllowance},
};

use crate::Error;

/// How many requests are allowed, as it is configured: what stands in settings (`limits.address`, `SAAS_LIMIT_ADDRESS`, …), or a default that
/// people do not notice.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RequestLimits {
    /// From one network, whatever it asks. An office of hundreds may share an address.
    pub address: Allowance,
    /// From one network, where passwords, codes and links are entered.
    pub sign_in: Allowance,
    /// For one account, where a mail is asked for.
    pub mail: Allowance,
    /// From one person, over all their sessions; and from one API key.
    pub account: Allowance,
    /// From one machine.
    pub agent: Allowance,
    tenant: Option<Allowance>,
}

impl RequestLimits {
    pub(crate) fn read(from: &mut Settings) -> Self {
        let default = Self::default();
        Self {
            address: from.or("limits.address", "SAAS_LIMIT_ADDRESS", default.address),
            sign_in: from.or("limits.sign_in", "SAAS_LIMIT_SIGN_IN", default.sign_in),
            mail: from.or("limits.mail", "SAAS_LIMIT_MAIL", default.mail),
            account: from.or("limits.account", "SAAS_LIMIT_ACCOUNT", default.account),
            agent: from.or("limits.agent", "SAAS_LIMIT_AGENT", default.agent),
            tenant: from.optional("limits.tenant", "SAAS_LIMIT_TENANT"),
        }
    }

    /// What a tenant's plan allows, unless a setting (`limits.tenant`, `SAAS_LIMIT_TENANT`) says the same for all.
    #[must_use]
    pub fn tenant(&self, by_plan: TenantAllowance) -> TenantAllowance {
        self.tenant.map_or(by_plan, TenantAllowance::all)
    }
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            address: Rate::per_minute(12_000).into(),
            sign_in: Rate::per_minute(120).into(),
            mail: Rate::new(20, Duration::from_secs(3600)).into(),
            account: Rate::per_minute(1200).into(),
            agent: Rate::per_minute(6_000).into(),
            tenant: None,
        }
    }
}

/// Counts in the configured Redis, or else in this process alone.
pub(crate) fn store(redis: Option<&Secret>, product: &str, metrics: &Metrics, dependencies: &Dependencies) -> Result<RateLimits, Error> {
    match redis {
        Some(address) => in_redis(address, product, metrics, dependencies),
        None => Ok(RateLimits::new(MemoryStore::new(), metrics)),
    }
}

#[cfg(feature = "redis")]
fn in_redis(address: &Secret, product: &str, metrics: &Metrics, dependencies: &Dependencies) -> Result<RateLimits, Error> {
    let store = saas_core::limit::RedisStore::new(address, product).map_err(|error| Error::Redis(Box::new(error)))?;
    Ok(RateLimits::new(store.shown_in(dependencies), metrics))
}

#[cfg(not(feature = "redis"))]
fn in_redis(_: &Secret, _: &str, _: &Metrics, _: &Dependencies) -> Result<RateLimits, Error> {
    Err(Error::Redis("REDIS_URL is set, and this program is built without the feature redis".into()))
}
