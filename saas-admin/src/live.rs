use std::str::FromStr;

use saas_core::{Db, Dependencies, Lifecycle, Live, MasterKey};

use crate::{Error, Product, config::Config};

/// What carries live updates from one node to the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// The database, to which each node listens.
    #[default]
    Postgres,
    /// The Redis that the nodes share; one of them listens to the database.
    Redis,
}

impl FromStr for Carrier {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "postgres" => Ok(Self::Postgres),
            "redis" => Ok(Self::Redis),
            _ => Err("live updates go through postgres or redis"),
        }
    }
}

pub(crate) fn start(
    product: &Product,
    config: &Config,
    db: &Db,
    keys: &MasterKey,
    dependencies: &Dependencies,
    lifecycle: &Lifecycle,
) -> Result<Live, Error> {
    match (config.live, &config.redis_url) {
        (Carrier::Redis, Some(address)) => through_redis(address, product.name, keys, db, dependencies, lifecycle),
        _ => Ok(Live::start(db, lifecycle)),
    }
}

#[cfg(feature = "redis")]
fn through_redis(
    address: &saas_core::Secret,
    product: &str,
    keys: &MasterKey,
    db: &Db,
    dependencies: &Dependencies,
    lifecycle: &Lifecycle,
) -> Result<Live, Error> {
    let carrier = saas_core::RedisCarrier::new(address, product, keys).map_err(|error| Error::Redis(Box::new(error)))?;
    Ok(Live::start_through(carrier.shown_in(dependencies), db, lifecycle))
}

#[cfg(not(feature = "redis"))]
fn through_redis(_: &saas_core::Secret, _: &str, _: &MasterKey, _: &Db, _: &Dependencies, _: &Lifecycle) -> Result<Live, Error> {
    Err(Error::Redis("SAAS_LIVE is redis, and this program is built without the feature redis".into()))
}
