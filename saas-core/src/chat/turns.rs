use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::TenantId;

/// How many messages to chats this node sends side by side, and how many to browsers: together fewer than its jobs, so that receivers that are slow
/// leave some of them to others.
const CHATS: usize = 2;
pub(crate) const BROWSERS: usize = 1;
/// How long a message waits for its turn before it lets another job have its place.
const TURN: Duration = Duration::from_secs(2);

/// Who sends at this moment: of each tenant one, so that whoever has slow receivers leaves the way free for others.
#[derive(Debug)]
pub(crate) struct Turns {
    all: Semaphore,
    tenants: Mutex<HashSet<TenantId>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self::of(CHATS)
    }
}

impl Turns {
    /// So many at a time.
    pub(crate) fn of(side_by_side: usize) -> Self {
        Self { all: Semaphore::new(side_by_side), tenants: Mutex::default() }
    }

    /// A turn, or none if it does not come soon.
    pub(crate) async fn take(&self, tenant: TenantId) -> Option<Turn<'_>> {
        let is_first = self.tenants.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant);
        if !is_first {
            return None;
        }
        let of_tenant = OfTenant { turns: self, tenant };
        let of_all = timeout(TURN, self.all.acquire()).await.ok()?.ok()?;
        Some(Turn { _of_tenant: of_tenant, _of_all: of_all })
    }
}

/// Ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    _of_tenant: OfTenant<'a>,
    _of_all: SemaphorePermit<'a>,
}

#[derive(Debug)]
struct OfTenant<'a> {
    turns: &'a Turns,
    tenant: TenantId,
}

impl Drop for OfTenant<'_> {
    fn drop(&mut self) {
        self.turns.tenants.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.tenant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::JobsConfig;

    #[test]
    fn slow_receivers_of_all_kinds_leave_a_job_to_others() {
        assert!(CHATS + BROWSERS < JobsConfig::default().concurrency);
    }

    #[tokio::test(start_paused = true)]
    async fn a_tenant_has_one_turn_at_a_time_and_leaves_another_to_others() {
        let turns = Turns::default();
        let (ada, bob, cleo) = (TenantId::new(), TenantId::new(), TenantId::new());
        let first = turns.take(ada).await.unwrap();
        assert!(turns.take(ada).await.is_none());
        let second = turns.take(bob).await.unwrap();
        assert!(turns.take(cleo).await.is_none(), "two are all");
        drop(second);
        assert!(turns.take(cleo).await.is_some(), "who waited in vain may ask again");
        drop(first);
        assert!(turns.take(ada).await.is_some());
    }
}
