use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures_core::future::BoxFuture;

use super::Allowance;
use crate::{DbError, TenantDb, TenantId};

type Lookup = dyn Fn(TenantDb) -> BoxFuture<'static, Result<Allowance, DbError>> + Send + Sync;

/// What each tenant is allowed, as its plan says. Cheap to clone.
///
/// The plan is looked up once a minute and tenant, so that a request does not pay for it; a new plan holds within that time.
#[derive(Clone)]
pub struct TenantAllowance {
    inner: Arc<Inner>,
}

struct Inner {
    lookup: Box<Lookup>,
    known: Mutex<HashMap<TenantId, (Instant, Allowance)>>,
}

/// How long a plan is believed to be what it was.
const FRESH: Duration = Duration::from_secs(60);

/// Far more tenants than work at once on one node.
const MOST_KNOWN: usize = 100_000;

impl TenantAllowance {
    /// Asks `lookup` for the allowance of a tenant, with its data at hand.
    #[must_use]
    pub fn new<F, R>(lookup: F) -> Self
    where
        F: Fn(TenantDb) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Allowance, DbError>> + Send + 'static,
    {
        Self { inner: Arc::new(Inner { lookup: Box::new(move |db| Box::pin(lookup(db))), known: Mutex::default() }) }
    }

    /// The same for all.
    #[must_use]
    pub fn all(allowance: impl Into<Allowance>) -> Self {
        let allowance = allowance.into();
        Self::new(move |_| std::future::ready(Ok(allowance)))
    }

    pub(super) async fn of(&self, tenant: TenantId, db: &TenantDb) -> Result<Allowance, DbError> {
        if let Some(allowance) = self.known(tenant) {
            return Ok(allowance);
        }
        let allowance = (self.inner.lookup)(db.clone()).await?;
        let mut known = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_KNOWN {
            known.retain(|_, (at, _)| at.elapsed() < FRESH);
        }
        if known.len() < MOST_KNOWN {
            known.insert(tenant, (Instant::now(), allowance));
        }
        Ok(allowance)
    }

    fn known(&self, tenant: TenantId) -> Option<Allowance> {
        let known = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&tenant).filter(|(at, _)| at.elapsed() < FRESH).map(|(_, allowance)| *allowance)
    }
}

impl fmt::Debug for TenantAllowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TenantAllowance")
    }
}
