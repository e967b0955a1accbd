//! What whoever runs the product gives a tenant besides what it pays for, each with its reason and its event.

use chrono::{DateTime, Utc};
use saas_core::{Actor, Change, DbError, Event, EventSeverity, Permission as _, SystemTx, TenantId, system_event_in};
use serde::Serialize;
use sqlx::{query, query_scalar};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Billing, BillingRead, Feature, Limit, Meter, UnknownPlan};

/// Why a tenant gets something, and for how long.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Who gives it.
    pub actor: Actor,
    /// Why, in 1 to 500 characters; the tenant may read it.
    pub reason: String,
    /// Until when; for good if none.
    pub until: Option<DateTime<Utc>>,
}

/// A tenant was given a plan.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanGranted {
    /// The plan that it was given before, if it was one, and the one that it has now.
    pub plan: Change<Option<String>>,
    /// Why.
    pub reason: String,
    /// Until when; for good if none.
    #[schema(value_type = Change<Option<String>>)]
    pub until: Change<Option<DateTime<Utc>>>,
}

impl Event for PlanGranted {
    const NAME: &'static str = "billing.plan.granted";
    const VERSION: i32 = 2;
    const TOPIC: &'static str = "billing";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(BillingRead::NAME);
}

/// The plan that a tenant was given was taken back.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanGrantEnded {
    /// The plan.
    pub plan: String,
}

impl Event for PlanGrantEnded {
    const NAME: &'static str = "billing.plan.grant_ended";
    const TOPIC: &'static str = "billing";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(BillingRead::NAME);
}

/// What decides how much of a limit, or whether a feature, a tenant has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Allowance {
    /// Its plan.
    Plan,
    /// This many of a meter and no more; of a feature 1 or 0.
    AtMost(u32),
    /// There is no limit.
    Unlimited,
}

impl Allowance {
    /// As the database has it: nothing for no limit.
    fn stored(value: Option<i64>) -> Self {
        // The table's constraint lets nothing in that does not fit.
        value.map_or(Self::Unlimited, |most| Self::AtMost(u32::try_from(most).unwrap_or(u32::MAX)))
    }
}

/// A limit or feature is another one for a tenant than its plan says.
#[derive(Debug, Serialize, ToSchema)]
pub struct OverrideSet {
    /// The meter or feature.
    pub name: String,
    /// What it was and is now.
    pub value: Change<Allowance>,
    /// Why.
    pub reason: String,
    /// Until when; for good if none.
    #[schema(value_type = Change<Option<String>>)]
    pub until: Change<Option<DateTime<Utc>>>,
}

impl Event for OverrideSet {
    const NAME: &'static str = "billing.override.set";
    const VERSION: i32 = 2;
    const TOPIC: &'static str = "billing";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(BillingRead::NAME);
}

/// A limit or feature is again what the plan says.
#[derive(Debug, Serialize, ToSchema)]
pub struct OverrideEnded {
    /// The meter or feature.
    pub name: String,
    /// What it was and is now.
    pub value: Change<Allowance>,
}

impl Event for OverrideEnded {
    const NAME: &'static str = "billing.override.ended";
    const VERSION: i32 = 2;
    const TOPIC: &'static str = "billing";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(BillingRead::NAME);
}

/// A tenant cannot be given this.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// The catalogue has no such plan.
    #[error(transparent)]
    Plan(#[from] UnknownPlan),
    /// The catalogue has neither a meter nor a feature of this name.
    #[error("no plan names {0:?}")]
    Name(&'static str),
    /// A reason is missing or too long.
    #[error("a reason has 1 to 500 characters")]
    Reason,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl Terms {
    fn check(&self) -> Result<(), GrantError> {
        if (1..=500).contains(&self.reason.chars().count()) { Ok(()) } else { Err(GrantError::Reason) }
    }
}

impl Billing {
    /// Gives a tenant a plan, at once and whatever it pays. What it uses already stays, also above the new limit; only more is refused.
    ///
    /// A tenant cannot do this to itself: the application login may only read plans.
    ///
    /// # Errors
    ///
    /// Fails if there is no such plan, no reason, or the database fails.
    pub async fn plan_grant_in(&self, tx: &mut SystemTx, tenant: TenantId, plan: &str, terms: &Terms) -> Result<(), GrantError> {
        let plan = self.plans().get(plan).ok_or(UnknownPlan)?;
        terms.check()?;
        given_to_in(tx, tenant).await?;
        let now = tx.now();
        let old = query!(
            r#"with old as (
                select plan, until from billing.tenant_plan where tenant_id = $1
            ), put as (
                insert into billing.tenant_plan (tenant_id, plan, since, until, reason) values ($1, $2, $3, $4, $5)
                on conflict (tenant_id) do update
                set plan = excluded.plan, since = excluded.since, until = excluded.until, reason = excluded.reason
            )
            select plan, until from old"#,
            Uuid::from(tenant),
            plan.name(),
            now,
            terms.until,
            terms.reason,
        )
        .fetch_optional(&mut **tx)
        .await
        .map_err(DbError::from)?;
        let (was, ended) = old.map(|old| (old.plan, old.until)).unzip();
        let granted = PlanGranted {
            plan: Change::new(was, Some(plan.name().to_owned())),
            reason: terms.reason.clone(),
            until: Change::new(ended.flatten(), terms.until),
        };
        system_event_in(tx, tenant.into(), terms.actor, tenant, &granted).await?;
        Ok(())
    }

    /// Takes back the plan that a tenant was given; it is again on the one that it pays for, or on the default one. Nothing if it was given none.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn plan_grant_end_in(&self, tx: &mut SystemTx, tenant: TenantId, actor: Actor) -> Result<(), DbError> {
        let ended = query!("delete from billing.tenant_plan where tenant_id = $1 returning plan", Uuid::from(tenant))
            .fetch_optional(&mut **tx)
            .await?;
        if let Some(ended) = ended {
            system_event_in(tx, tenant.into(), actor, tenant, &PlanGrantEnded { plan: ended.plan }).await?;
        }
        Ok(())
    }

    /// Gives a tenant another limit than its plan.
    ///
    /// # Errors
    ///
    /// Fails if no plan names the meter, there is no reason, or the database fails.
    pub async fn limit_override_in(
        &self,
        tx: &mut SystemTx,
        tenant: TenantId,
        meter: Meter,
        limit: Limit,
        terms: &Terms,
    ) -> Result<(), GrantError> {
        if !self.plans().meters().iter().any(|known| known.name() == meter.name()) {
            return Err(GrantError::Name(meter.name()));
        }
        override_set_in(tx, tenant, meter.name(), limit.at_most(), terms).await
    }

    /// Gives a tenant a feature that its plan has not, or takes one away.
    ///
    /// # Errors
    ///
    /// Fails if no plan names the feature, there is no reason, or the database fails.
    pub async fn feature_override_in(
        &self,
        tx: &mut SystemTx,
        tenant: TenantId,
        feature: Feature,
        allowed: Allowed,
        terms: &Terms,
    ) -> Result<(), GrantError> {
        if !self.plans().features().any(|known| known == feature.name()) {
            return Err(GrantError::Name(feature.name()));
        }
        let value = match allowed {
            Allowed::Yes => 1,
            Allowed::No => 0,
        };
        override_set_in(tx, tenant, feature.name(), Some(value), terms).await
    }

    /// Makes a limit or a feature again what the plan says. Nothing if it is.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn override_end_in(&self, tx: &mut SystemTx, tenant: TenantId, name: &str, actor: Actor) -> Result<(), DbError> {
        let ended =
            query_scalar!("delete from billing.override where tenant_id = $1 and name = $2 returning value", Uuid::from(tenant), name)
                .fetch_optional(&mut **tx)
                .await?;
        if let Some(value) = ended {
            let ended = OverrideEnded { name: name.to_owned(), value: Change::new(Allowance::stored(value), Allowance::Plan) };
            system_event_in(tx, tenant.into(), actor, tenant, &ended).await?;
        }
        Ok(())
    }
}

/// Whether a tenant has a feature, whatever its plan says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// It has.
    Yes,
    /// It has not.
    No,
}

async fn override_set_in(
    tx: &mut SystemTx,
    tenant: TenantId,
    name: &'static str,
    value: Option<u32>,
    terms: &Terms,
) -> Result<(), GrantError> {
    terms.check()?;
    given_to_in(tx, tenant).await?;
    let now = tx.now();
    let old = query!(
        r#"with old as (
            select value, until from billing.override where tenant_id = $1 and name = $2
        ), put as (
            insert into billing.override (tenant_id, name, value, reason, until, since) values ($1, $2, $3, $4, $5, $6)
            on conflict (tenant_id, name) do update
            set value = excluded.value, reason = excluded.reason, until = excluded.until, since = excluded.since
        )
        select value, until from old"#,
        Uuid::from(tenant),
        name,
        value.map(i64::from),
        terms.reason,
        terms.until,
        now,
    )
    .fetch_optional(&mut **tx)
    .await
    .map_err(DbError::from)?;
    let (was, ended) = old.map_or((Allowance::Plan, None), |old| (Allowance::stored(old.value), old.until));
    let set = OverrideSet {
        name: name.to_owned(),
        value: Change::new(was, Allowance::stored(value.map(i64::from))),
        reason: terms.reason.clone(),
        until: Change::new(ended, terms.until),
    };
    system_event_in(tx, tenant.into(), terms.actor, tenant, &set).await?;
    Ok(())
}

/// Of two that give a tenant something at once, the second waits and sees what the first gave.
async fn given_to_in(tx: &mut SystemTx, tenant: TenantId) -> Result<(), DbError> {
    query_scalar!("select id from core.tenant where id = $1 for no key update", Uuid::from(tenant)).fetch_optional(&mut **tx).await?;
    Ok(())
}
