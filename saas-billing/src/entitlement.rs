//! What a tenant may do: a pure function of what is stored, the catalogue and the clock. Nothing else decides it, and nothing keeps the answer; what is
//! stored is kept for as long as the tenant's revision is the same.

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{Db, DbError, Standing, TenantId, TenantTx};
use serde::{Deserialize, Serialize};
use sqlx::{query, query_scalar, types::Json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Billing, Feature, Limit, Meter, Plan, Plans, Subscription, SubscriptionState};

/// What is stored of a tenant that decides what it may do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Holding {
    /// A plan that it was given.
    pub grant: Option<Grant>,
    /// Its subscriptions, the newest first; those of which nothing comes may be missing.
    pub subscriptions: Vec<Subscription>,
    /// What is another for it than its plan says.
    pub overrides: Vec<Override>,
}

/// A plan that a tenant was given, whatever it pays.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Grant {
    /// The plan's name.
    pub plan: String,
    /// Until when; for good if none.
    pub until: Option<DateTime<Utc>>,
}

/// A limit or feature that is another one for a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Override {
    /// The meter or feature.
    pub name: String,
    /// For a meter the most that there may be, none for no limit; for a feature 0 or 1.
    pub value: Option<u32>,
    /// Until when; for good if none.
    pub until: Option<DateTime<Utc>>,
}

/// How far a tenant may use what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Access {
    /// In full.
    Active,
    /// In full, and a payment is due.
    Grace {
        /// Until when.
        until: DateTime<Utc>,
    },
    /// All can be read and taken along, nothing changed; paying lifts it at once.
    SoftLocked,
    /// Nothing but paying.
    Suspended,
}

impl Access {
    /// Whether what there is can be seen and taken along.
    #[must_use]
    pub const fn may_read(self) -> bool {
        !matches!(self, Self::Suspended)
    }

    /// Whether something can be changed.
    #[must_use]
    pub const fn may_write(self) -> bool {
        matches!(self, Self::Active | Self::Grace { .. })
    }

    /// How bad it is.
    const fn rank(self) -> u8 {
        match self {
            Self::Active => 0,
            Self::Grace { .. } => 1,
            Self::SoftLocked => 2,
            Self::Suspended => 3,
        }
    }
}

/// What a tenant may do at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlement<'a> {
    plan: &'a Plan,
    access: Access,
    overrides: Vec<Override>,
}

impl<'a> Entitlement<'a> {
    /// The plan that it is on.
    #[must_use]
    pub const fn plan(&self) -> &'a Plan {
        self.plan
    }

    /// How far it may use it.
    #[must_use]
    pub const fn access(&self) -> Access {
        self.access
    }

    /// Whether it has a feature.
    #[must_use]
    pub fn allowed(&self, feature: Feature) -> bool {
        match self.overridden(feature.name()) {
            Some(value) => value != Some(0),
            None => self.plan.allows(feature),
        }
    }

    /// How much of a meter it may use.
    #[must_use]
    pub fn limit(&self, meter: Meter) -> Limit {
        self.limit_named(meter.name())
    }

    pub(crate) fn limit_named(&self, meter: &str) -> Limit {
        match self.overridden(meter) {
            Some(value) => value.map_or(Limit::Unlimited, Limit::AtMost),
            None => self.plan.limit_named(meter),
        }
    }

    fn overridden(&self, name: &str) -> Option<Option<u32>> {
        self.overrides.iter().find(|it| it.name == name).map(|it| it.value)
    }
}

impl Plans {
    /// What a tenant may do that holds this, at that moment.
    ///
    /// A plan that it was given holds before any that it pays for. Of several subscriptions the one counts that leaves it most freedom, and
    /// the newest of those; without one that holds, it is on the default plan. A plan that the catalogue no longer has counts as the default.
    #[must_use]
    pub fn entitlement(&self, holding: &Holding, now: DateTime<Utc>) -> Entitlement<'_> {
        let lasts = |until: Option<DateTime<Utc>>| until.is_none_or(|until| now < until);
        let granted = holding.grant.as_ref().filter(|grant| lasts(grant.until)).map(|grant| (grant.plan.as_str(), Access::Active));
        let paid = holding.subscriptions.iter().filter_map(|paid| Some((paid.plan.as_str(), self.access_by(paid, now)?)));
        // Of equals, the first stays.
        let paid = paid.min_by_key(|(_, access)| access.rank());
        let held = granted.or(paid).and_then(|(name, access)| Some((self.get(name)?, access)));
        let (plan, access) = held.unwrap_or((self.default_plan(), Access::Active));
        let overrides = holding.overrides.iter().filter(|it| lasts(it.until)).cloned().collect();
        Entitlement { plan, access, overrides }
    }

    /// How far a subscription lets its plan be used; none if it lets nobody use it, or no longer.
    #[must_use]
    pub fn access_by(&self, subscription: &Subscription, now: DateTime<Utc>) -> Option<Access> {
        let grace = TimeDelta::days(self.grace().into());
        let is_over = |at: Option<DateTime<Utc>>| at.is_some_and(|at| at <= now);
        if is_over(subscription.ended_at) || is_over(subscription.cancel_at) {
            return None;
        }
        match subscription.state {
            SubscriptionState::Incomplete | SubscriptionState::IncompleteExpired | SubscriptionState::Canceled => None,
            // What follows on a trial may not have been told yet, or never.
            SubscriptionState::Trialing => match subscription.trial_end.unwrap_or(subscription.period_end) {
                end if now < end => Some(Access::Active),
                end if now < end + grace => Some(Access::Grace { until: end + grace }),
                _ => None,
            },
            // A renewal may not have been told yet. That is no fault of whoever pays, but it is not believed for ever.
            SubscriptionState::Active if now < subscription.period_end + grace => Some(Access::Active),
            SubscriptionState::Active | SubscriptionState::Paused => Some(Access::SoftLocked),
            SubscriptionState::PastDue => {
                let until = subscription.past_due_since.unwrap_or(subscription.period_start) + grace;
                let is_locked = subscription.failed_attempts >= self.dunning_rules().lock_after || until <= now;
                Some(if is_locked { Access::SoftLocked } else { Access::Grace { until } })
            }
            SubscriptionState::Unpaid => Some(Access::Suspended),
        }
    }
}

impl Billing {
    /// What the tenant of this transaction may do now, in one statement.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn entitlement_in(&self, tx: &mut TenantTx) -> Result<Entitlement<'_>, DbError> {
        let held = self.holding_in(tx).await?;
        Ok(self.plans().entitlement(&held, tx.now()))
    }

    /// The same without a transaction, in one round trip, for whoever has checked that the caller belongs there.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn entitlement(&self, db: &Db, tenant: TenantId) -> Result<Entitlement<'_>, DbError> {
        Ok(self.plans().entitlement(&self.holding(db, tenant).await?, db.clock().now()))
    }

    /// The same for the caller of a request: in no round trip as long as what is [kept](saas_core::Revised) is of the revision that the request
    /// found its tenant in.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn entitlement_of(&self, db: &Db, standing: &Standing) -> Result<Entitlement<'_>, DbError> {
        let held = self.kept.get(standing.tenant, standing.revision, async || revised(db, standing.tenant).await).await?;
        Ok(self.plans().entitlement(&held, db.clock().now()))
    }

    /// What is stored of the tenant of this transaction.
    pub(crate) async fn holding_in(&self, tx: &mut TenantTx) -> Result<Holding, DbError> {
        let tenant = tx.tenant().map(Uuid::from);
        let held = query_scalar!(r#"select billing.holding($1) as "held: Json<Holding>""#, tenant).fetch_one(&mut **tx).await?;
        Ok(held.map(|held| held.0).unwrap_or_default())
    }

    /// The same without a transaction.
    pub(crate) async fn holding(&self, db: &Db, tenant: TenantId) -> Result<Holding, DbError> {
        Ok(revised(db, tenant).await?.1)
    }
}

/// What is stored of a tenant, and of which of its revisions that is.
async fn revised(db: &Db, tenant: TenantId) -> Result<(i64, Holding), DbError> {
    let row = db
        .lookup(move |connection| {
            Box::pin(async move {
                query!(
                    r#"select revision as "revision!", held as "held!: Json<Holding>" from billing.holding_revised($1)"#,
                    Uuid::from(tenant),
                )
                .fetch_optional(connection)
                .await
            })
        })
        .await?;
    Ok(row.map(|row| (row.revision, row.held.0)).unwrap_or_default())
}
