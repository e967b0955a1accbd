use saas_core::{DbError, Problem, ProblemType, TenantTx};
use serde::Serialize;
use sqlx::{query, query_scalar};

use crate::{Billing, Limit, Meter, Plan};

/// How much of a meter is used, of how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// What is counted.
    pub meter: Meter,
    /// How many there are.
    pub used: u64,
    /// How many there may be; none for no limit.
    pub limit: Limit,
}

/// The plan allows no more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the plan {plan} allows {limit} {}, and {used} are used", meter.name())]
pub struct LimitReached {
    /// What is limited.
    pub meter: Meter,
    /// How many the plan allows.
    pub limit: u32,
    /// How many are used.
    pub used: u64,
    /// The plan.
    pub plan: &'static str,
}

/// Nothing was reserved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// The plan allows no more.
    #[error(transparent)]
    Reached(#[from] LimitReached),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for LimitError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// 402, with what is needed to say it in one's own words.
impl From<LimitReached> for Problem {
    fn from(reached: LimitReached) -> Self {
        let LimitReached { meter, limit, used, plan } = reached;
        Self::new(&ProblemType::LIMIT_REACHED)
            .detail(format!(
                "the limit of the {plan} plan is reached: {used} of {limit} {}; remove some or choose a larger plan",
                meter.name()
            ))
            .with("meter", meter.name())
            .with("limit", limit)
            .with("used", used)
            .with("plan", plan)
    }
}

impl From<LimitError> for Problem {
    fn from(error: LimitError) -> Self {
        match error {
            LimitError::Reached(reached) => reached.into(),
            LimitError::Database(error) => error.into(),
        }
    }
}

impl Billing {
    /// The plan that the tenant is on. A plan that the catalogue no longer has counts as the default one.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn plan_in(&self, tx: &mut TenantTx) -> Result<&Plan, DbError> {
        let tenant = tx.tenant().map(uuid::Uuid::from);
        let name = query_scalar!("select plan from billing.tenant_plan where tenant_id = $1", tenant).fetch_optional(&mut **tx).await?;
        Ok(self.plan_or_default(name.as_deref()))
    }

    fn plan_or_default(&self, name: Option<&str>) -> &Plan {
        name.and_then(|name| self.plans.get(name)).unwrap_or_else(|| self.plans.default_plan())
    }

    /// Takes `quantity` of a meter, or nothing if the plan does not allow so many.
    ///
    /// Exact however many transactions try at once: the quota row is locked until this one ends. Lock domain rows first, then quotas in
    /// the order of their meters' names.
    ///
    /// # Errors
    ///
    /// Fails if the plan allows no more, or the database fails.
    pub async fn reserve_in(&self, tx: &mut TenantTx, meter: Meter, quantity: u32) -> Result<(), LimitError> {
        match self.reserve_up_to_in(tx, meter, quantity).await? {
            granted if granted == quantity => Ok(()),
            granted => {
                self.release_in(tx, meter, granted).await?;
                Err(self.reached_in(tx, meter).await?.into())
            }
        }
    }

    /// Takes as much of `quantity` as the plan allows and says how much that is; for a batch of which the beginning is better than nothing.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn reserve_up_to_in(&self, tx: &mut TenantTx, meter: Meter, quantity: u32) -> Result<u32, DbError> {
        let tenant = tx.tenant().map(uuid::Uuid::from);
        // The tenant's first of its kind makes the row; from then on it is there to be locked.
        let row = query!(
            r#"with locked as (
                insert into quota as q (tenant_id, meter, used) values ($1, $2, 0)
                on conflict (tenant_id, meter) do update set used = q.used
                returning used
            )
            select used as "used!", (select plan from billing.tenant_plan where tenant_id = $1) as plan from locked"#,
            tenant,
            meter.name(),
        )
        .fetch_one(&mut **tx)
        .await?;
        let (used, limit) = (row.used, self.plan_or_default(row.plan.as_deref()).limit_of(meter).at_most());
        let granted = limit.map_or(i64::from(quantity), |limit| (limit - used).clamp(0, i64::from(quantity)));
        query!("update quota set used = used + $3 where tenant_id = $1 and meter = $2", tenant, meter.name(), granted,)
            .execute(&mut **tx)
            .await?;
        // Between 0 and a u32, as it was clamped.
        Ok(u32::try_from(granted).unwrap_or(0))
    }

    /// Gives back what was taken, because what it was taken for is gone.
    ///
    /// # Errors
    ///
    /// Fails if more is given back than was taken, or the database fails.
    pub async fn release_in(&self, tx: &mut TenantTx, meter: Meter, quantity: u32) -> Result<(), DbError> {
        let tenant = tx.tenant().map(uuid::Uuid::from);
        query!("update quota set used = used - $3 where tenant_id = $1 and meter = $2", tenant, meter.name(), i64::from(quantity),)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    /// How much of a meter is used, of how much.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn usage_in(&self, tx: &mut TenantTx, meter: Meter) -> Result<Usage, DbError> {
        let limit = self.plan_in(tx).await?.limit_of(meter);
        let tenant = tx.tenant().map(uuid::Uuid::from);
        let used = query_scalar!("select used from quota where tenant_id = $1 and meter = $2", tenant, meter.name())
            .fetch_optional(&mut **tx)
            .await?
            .unwrap_or_default();
        Ok(Usage { meter, used: used.unsigned_abs(), limit })
    }

    /// The refusal that fits the plan and the use of it, for a batch that was granted only in part.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn reached_in(&self, tx: &mut TenantTx, meter: Meter) -> Result<LimitReached, DbError> {
        let plan = self.plan_in(tx).await?.name();
        let usage = self.usage_in(tx, meter).await?;
        let limit = match usage.limit {
            Limit::AtMost(limit) => limit,
            Limit::Unlimited => u32::MAX,
        };
        Ok(LimitReached { meter, limit, used: usage.used, plan })
    }
}
