//! Exact limits: what is taken is counted under the lock of its row, and people are warned before a limit is reached.

mod near;

pub use near::LimitNear;

use chrono::{DateTime, SecondsFormat, Utc};
use saas_core::{Actor, DbError, Problem, ProblemType, TenantTx, event_in};
use serde::Serialize;
use sqlx::{query, query_scalar, types::Json};
use std::sync::Arc;
use uuid::Uuid;

use crate::{Access, Billing, Entitlement, Holding, Limit, Meter, Period, Plan};

/// How much of a meter is used, of how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// What is counted.
    pub meter: Meter,
    /// How many there are, or were in this period.
    pub used: u64,
    /// How many there may be; none for no limit.
    pub limit: Limit,
    /// When it is counted anew, if it is.
    pub resets_at: Option<DateTime<Utc>>,
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
    pub plan: Arc<str>,
    /// When it is counted anew, if it is.
    pub resets_at: Option<DateTime<Utc>>,
}

/// Nothing was reserved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// The plan allows no more.
    #[error(transparent)]
    Reached(#[from] LimitReached),
    /// What is due is not paid, so nothing can be added.
    #[error("the subscription is not paid")]
    Locked(Access),
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
        let LimitReached { meter, limit, used, plan, resets_at } = reached;
        let way_out = if resets_at.is_some() { "wait until it is counted anew" } else { "remove some" };
        let problem = Self::new(&ProblemType::LIMIT_REACHED)
            .detail(format!(
                "the limit of the {plan} plan is reached: {used} of {limit} {}; {way_out} or choose a larger plan",
                meter.name()
            ))
            .with("meter", meter.name())
            .with("limit", limit)
            .with("used", used)
            .with("plan", &*plan)
            .with("upgrade", crate::pricing::PATH);
        match resets_at {
            Some(at) => problem.with("resets_at", at.to_rfc3339_opts(SecondsFormat::Secs, true)),
            None => problem,
        }
    }
}

impl From<LimitError> for Problem {
    fn from(error: LimitError) -> Self {
        match error {
            LimitError::Reached(reached) => reached.into(),
            LimitError::Locked(access) => access.into(),
            LimitError::Database(error) => error.into(),
        }
    }
}

/// Whether a part of what is wanted is better than nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Portion {
    Whole,
    Part,
}

/// What was taken, and why no more.
struct Taken<'a> {
    granted: u32,
    used: u64,
    entitlement: Entitlement<'a>,
}

impl Billing {
    /// The plan that the tenant is on. A plan that the catalogue no longer has counts as the default one.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn plan_in(&self, tx: &mut TenantTx) -> Result<&Plan, DbError> {
        Ok(self.entitlement_in(tx).await?.plan())
    }

    /// Takes `quantity` of a meter, or nothing if the plan does not allow so many.
    ///
    /// Exact however many transactions try at once: the quota row is locked until this one ends. Lock domain rows first, then quotas in
    /// the order of their meters' names.
    ///
    /// # Errors
    ///
    /// Fails if the plan allows no more, what is due is not paid, or the database fails.
    pub async fn reserve_in(&self, tx: &mut TenantTx, meter: Meter, quantity: u32) -> Result<(), LimitError> {
        let taken = self.take_in(tx, meter, quantity, Portion::Whole).await?;
        if taken.granted == quantity {
            return Ok(());
        }
        Err(self.refusal(meter, taken.used, &taken.entitlement, tx.now()))
    }

    /// Takes as much of `quantity` as the plan allows and says how much that is; for a batch of which the beginning is better than nothing.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn reserve_up_to_in(&self, tx: &mut TenantTx, meter: Meter, quantity: u32) -> Result<u32, DbError> {
        Ok(self.take_in(tx, meter, quantity, Portion::Part).await?.granted)
    }

    async fn take_in(&self, tx: &mut TenantTx, meter: Meter, quantity: u32, portion: Portion) -> Result<Taken<'_>, DbError> {
        let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
        let since = self.plans().period_of(meter).map(|period| period.start(now));
        // The tenant's first of its kind makes the row; from then on it is there to be locked.
        let row = query!(
            r#"with locked as (
                insert into quota as q (tenant_id, meter, used, since) values ($1, $2, 0, coalesce($3::timestamptz, '-infinity'))
                on conflict (tenant_id, meter) do update set
                    used = case when q.since < excluded.since then 0 else q.used end,
                    since = greatest(q.since, excluded.since)
                returning used
            )
            select used as "used!", billing.holding($1) as "held: Json<Holding>" from locked"#,
            tenant,
            meter.name(),
            since as Option<DateTime<Utc>>,
        )
        .fetch_one(&mut **tx)
        .await?;
        let entitlement = self.plans().entitlement(&row.held.map(|held| held.0).unwrap_or_default(), now);
        let granted = match entitlement.limit(meter) {
            _ if !entitlement.access().may_write() => 0,
            Limit::Unlimited => i64::from(quantity),
            Limit::AtMost(limit) => match (i64::from(limit) - row.used).clamp(0, quantity.into()) {
                left if portion == Portion::Whole && left < quantity.into() => 0,
                left => left,
            },
        };
        let near = entitlement.limit(meter).at_most().and_then(|limit| near::Mark::reached(row.used + granted, limit));
        // What is held has no period, and is warned of once a month.
        let period = since.unwrap_or_else(|| Period::Month.start(now));
        let is_news = query_scalar!(
            r#"update quota set used = quota.used + $3, warned = greatest(before.warned, $4), warned_since = greatest(quota.warned_since, $5)
            from (
                select case when warned_since < $5 then 0 else warned end as warned from quota where tenant_id = $1 and meter = $2
            ) before
            where tenant_id = $1 and meter = $2
            returning $4 > before.warned as "is_news!""#,
            tenant,
            meter.name(),
            granted,
            near.as_ref().map_or(0, |near| near.at),
            period,
        )
        .fetch_one(&mut **tx)
        .await?;
        if let Some(near) = near.filter(|_| is_news) {
            event_in(tx, Actor::System, meter.name(), &near.event(meter, row.used + granted)).await?;
        }
        // Between 0 and a u32, as it was clamped.
        Ok(Taken { granted: u32::try_from(granted).unwrap_or(0), used: row.used.unsigned_abs(), entitlement })
    }

    /// Gives back what was taken, because what it was taken for is gone. What was counted in an earlier period stays counted there.
    ///
    /// # Errors
    ///
    /// Fails if more is given back than was taken, or the database fails.
    pub async fn release_in(&self, tx: &mut TenantTx, meter: Meter, quantity: u32) -> Result<(), DbError> {
        let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
        query!(
            "update quota set used = used - $3 where tenant_id = $1 and meter = $2 and ($4::timestamptz is null or since >= $4)",
            tenant,
            meter.name(),
            i64::from(quantity),
            self.plans().period_of(meter).map(|period| period.start(now)),
        )
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
        Ok(self.used_in(tx, meter).await?.0)
    }

    async fn used_in(&self, tx: &mut TenantTx, meter: Meter) -> Result<(Usage, Entitlement<'_>), DbError> {
        let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
        let period = self.plans().period_of(meter);
        let row = query!(
            r#"select billing.holding($1) as "held: Json<Holding>",
                (select used from quota where tenant_id = $1 and meter = $2 and ($3::timestamptz is null or since >= $3)) as used"#,
            tenant,
            meter.name(),
            period.map(|period| period.start(now)),
        )
        .fetch_one(&mut **tx)
        .await?;
        let entitlement = self.plans().entitlement(&row.held.map(|held| held.0).unwrap_or_default(), now);
        let used = row.used.unwrap_or_default().unsigned_abs();
        let usage = Usage { meter, used, limit: entitlement.limit(meter), resets_at: period.map(|period| period.end(now)) };
        Ok((usage, entitlement))
    }

    /// The refusal that fits the plan and the use of it, for a batch that was granted only in part.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn reached_in(&self, tx: &mut TenantTx, meter: Meter) -> Result<LimitError, DbError> {
        let now = tx.now();
        let (usage, entitlement) = self.used_in(tx, meter).await?;
        Ok(self.refusal(meter, usage.used, &entitlement, now))
    }

    fn refusal(&self, meter: Meter, used: u64, entitlement: &Entitlement<'_>, now: DateTime<Utc>) -> LimitError {
        if !entitlement.access().may_write() {
            return LimitError::Locked(entitlement.access());
        }
        let resets_at = self.plans().period_of(meter).map(|period| period.end(now));
        // What has no limit was refused for none.
        let limit = entitlement.limit(meter).at_most().unwrap_or(u32::MAX);
        LimitReached { meter, limit, used, plan: entitlement.plan().shared_name(), resets_at }.into()
    }
}
