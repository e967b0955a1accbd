use std::{fmt, sync::Arc};

use futures_core::future::BoxFuture;
use saas_core::{DbError, TenantDb};

type Ask = dyn Fn(TenantDb) -> BoxFuture<'static, Result<Vec<String>, DbError>> + Send + Sync;

/// Whoever knows what a tenant may use.
#[derive(Clone)]
pub(crate) struct Features(Arc<Ask>);

impl Features {
    pub(crate) fn new<F, R>(ask: F) -> Self
    where
        F: Fn(TenantDb) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Vec<String>, DbError>> + Send + 'static,
    {
        Self(Arc::new(move |db| Box::pin(ask(db))))
    }

    pub(super) async fn of(&self, db: TenantDb) -> Result<Vec<String>, DbError> {
        (self.0)(db).await
    }
}

impl Default for Features {
    fn default() -> Self {
        Self::new(async |_| Ok(Vec::new()))
    }
}

impl fmt::Debug for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Features")
    }
}
