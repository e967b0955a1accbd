//! Plans as data, and limits that are exact under concurrency.
//!
//! ```no_run
//! use saas_billing::{Billing, LimitError, Meter, Plan, Plans};
//! use saas_core::{Db, TenantTx};
//!
//! const DEVICES: Meter = Meter::new("devices");
//!
//! fn plans() -> Plans {
//!     Plans::new(Plan::new("free").limit(DEVICES, 50)).with(Plan::new("team").unlimited(DEVICES))
//! }
//!
//! async fn add_device(billing: &Billing, tx: &mut TenantTx) -> Result<(), LimitError> {
//!     billing.reserve_in(tx, DEVICES, 1).await
//!     // … and insert the device in the same transaction: both happen or neither does.
//! }
//! ```

mod plan;
mod quota;

use std::sync::Arc;

use saas_core::{
    DbError, Migrations, SystemTx, TenantId,
    inventory::{
        Class::{Content, Internal},
        Erasure, Table,
    },
};
use sqlx::migrate::Migrator;

pub use plan::{Limit, Meter, Plan, Plans, UnknownPlan};
pub use quota::{LimitError, LimitReached, Usage};

static CONTROL: Migrator = sqlx::migrate!("migrations/control");
static DATA: Migrator = sqlx::migrate!("migrations/data");

/// The tables of this crate.
pub const MIGRATIONS: Migrations =
    Migrations { name: "billing", control: Some(&CONTROL), data: Some(&DATA), lookups: &[], inventory: INVENTORY };

const INVENTORY: &[Table] = &[
    Table {
        name: "billing.tenant_plan",
        erasure: Erasure::Purge,
        exported: true,
        columns: &[("tenant_id", Internal), ("plan", Content), ("since", Internal)],
    },
    Table {
        name: "data.quota",
        erasure: Erasure::Purge,
        exported: true,
        columns: &[("tenant_id", Internal), ("meter", Internal), ("used", Internal)],
    },
];

/// Plans and the use of them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Billing {
    plans: Arc<Plans>,
}

impl Billing {
    /// Bills by these plans.
    #[must_use]
    pub fn new(plans: Plans) -> Self {
        Self { plans: Arc::new(plans) }
    }

    /// The catalogue.
    #[must_use]
    pub fn plans(&self) -> &Plans {
        &self.plans
    }

    /// Puts a tenant on a plan, at once. What it uses already stays, also above the new limit; only more is refused.
    ///
    /// A tenant cannot do this to itself: the application login may only read plans.
    ///
    /// # Errors
    ///
    /// Fails if there is no such plan, or the database fails.
    pub async fn plan_set_in(&self, tx: &mut SystemTx, tenant: TenantId, plan: &str) -> Result<(), PlanError> {
        let plan = self.plans.get(plan).ok_or(UnknownPlan)?;
        let now = tx.now();
        sqlx::query!(
            r#"insert into billing.tenant_plan (tenant_id, plan, since) values ($1, $2, $3)
            on conflict (tenant_id) do update set plan = excluded.plan, since = excluded.since"#,
            uuid::Uuid::from(tenant),
            plan.name(),
            now,
        )
        .execute(&mut **tx)
        .await
        .map_err(DbError::from)?;
        Ok(())
    }
}

/// A tenant cannot be put on a plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The catalogue has no such plan.
    #[error(transparent)]
    Unknown(#[from] UnknownPlan),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}
