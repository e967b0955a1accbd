use std::sync::Arc;

use quick_cache::sync::Cache;

use crate::TenantId;

/// What decides what people may do in a tenant, kept in memory and never older than the request that asks.
///
/// Each change of a table that decides makes a new revision of its tenant in the same transaction: `core.tenant_revised()` is the trigger for such
/// tables. The statement that finds out who is calling reads the revision as well, so a request knows without another one whether what is kept
/// counts still ([`Standing::revision`](crate::Standing)).
///
/// ```
/// use saas_core::{Db, DbError, Revised, Standing};
/// use std::sync::Arc;
///
/// struct Flags {
///     kept: Revised<Vec<String>>,
/// }
///
/// impl Flags {
///     async fn of(&self, standing: &Standing, db: &Db) -> Result<Arc<Vec<String>>, DbError> {
///         // Both are read in one statement, so that they are of the same moment.
///         self.kept.get(standing.tenant, standing.revision, async || flags_and_revision(standing, db).await).await
///     }
/// }
/// # async fn flags_and_revision(_: &Standing, _: &Db) -> Result<(i64, Vec<String>), DbError> { unimplemented!() }
/// ```
#[derive(Debug)]
pub struct Revised<T> {
    kept: Cache<TenantId, (i64, Arc<T>)>,
}

impl<T> Revised<T> {
    /// Keeps what was asked for last of as many tenants.
    #[must_use]
    pub fn new(tenants: usize) -> Self {
        Self { kept: Cache::new(tenants) }
    }

    /// What is kept of the tenant if it is of that revision or a later one, and what `read` answers otherwise: with the revision that it is of, read
    /// in the same statement. Without a revision it is read each time.
    ///
    /// # Errors
    ///
    /// Fails if `read` does; nothing is kept then.
    pub async fn get<E>(
        &self,
        tenant: TenantId,
        revision: Option<i64>,
        read: impl AsyncFnOnce() -> Result<(i64, T), E>,
    ) -> Result<Arc<T>, E> {
        let is_current = |(kept, _): &(i64, Arc<T>)| revision.is_some_and(|revision| *kept >= revision);
        if let Some((_, kept)) = self.kept.get(&tenant).filter(is_current) {
            return Ok(kept);
        }
        let (of, value) = read().await?;
        let value = Arc::new(value);
        self.kept.insert(tenant, (of, Arc::clone(&value)));
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    async fn get(revised: &Revised<&'static str>, tenant: TenantId, revision: Option<i64>, stored: (i64, &'static str)) -> &'static str {
        *revised.get(tenant, revision, async || Ok::<_, Infallible>(stored)).await.unwrap()
    }

    /// BIL-07.
    #[tokio::test]
    async fn what_is_kept_counts_until_the_tenant_has_a_later_revision() {
        let (revised, tenant, other) = (Revised::new(10), TenantId::new(), TenantId::new());
        assert_eq!(get(&revised, tenant, Some(1), (1, "old")).await, "old");
        assert_eq!(get(&revised, tenant, Some(1), (2, "new")).await, "old");
        assert_eq!(get(&revised, tenant, Some(2), (2, "new")).await, "new");
        // A request that began before sees what is newer, and nothing is read for it.
        assert_eq!(get(&revised, tenant, Some(1), (1, "old")).await, "new");
        assert_eq!(get(&revised, other, Some(1), (1, "another's")).await, "another's");
    }

    #[tokio::test]
    async fn without_a_revision_nothing_that_is_kept_counts() {
        let (revised, tenant) = (Revised::new(10), TenantId::new());
        assert_eq!(get(&revised, tenant, None, (0, "old")).await, "old");
        assert_eq!(get(&revised, tenant, None, (0, "new")).await, "new");
    }

    #[tokio::test]
    async fn of_many_tenants_only_so_many_are_kept() {
        let revised = Revised::new(1_000);
        for _ in 0..100_000 {
            assert_eq!(get(&revised, TenantId::new(), Some(1), (1, "kept")).await, "kept");
        }
        assert!(revised.kept.len() <= 1_000, "{}", revised.kept.len());
    }
}
