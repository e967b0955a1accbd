//! The first steps of somebody who tries the product: from the name of their organization to the devices of their network (MON-05).

use saas_billing::{Billing, BillingWrite, Holding};
use saas_core::{DbError, TenantTx};
use saas_tenancy::{MemberInvite, Onboarding, Step};
use sqlx::types::Json;

use super::{AgentWrite, DeviceRead};

const STEPS: &[Step] = &[
    Step::new("organization", "monitoring-start-organization", "/organization/settings"),
    Step::new("plan", "monitoring-start-plan", "/billing").needs::<BillingWrite>().skippable(),
    Step::new("agent", "monitoring-start-agent", "/agents/new").needs_own::<AgentWrite>(),
    Step::new("connection", "monitoring-start-connection", "/agents").needs_own::<AgentWrite>().waits(),
    Step::new("devices", "monitoring-start-devices", "/devices").needs_own::<AgentWrite>().waits(),
    Step::new("team", "monitoring-start-team", "/members/invite").needs::<MemberInvite>().begins_team().skippable(),
    Step::new("explore", "monitoring-start-explore", "/devices").needs::<DeviceRead>().closes(),
];

pub(super) fn onboarding(billing: Billing) -> Onboarding {
    Onboarding::new(STEPS, move |tx| Box::pin(done_in(billing.clone(), tx))).following("agents devices members billing")
}

/// What is done, by what there is, in one statement: the page where people begin asks for it.
async fn done_in(billing: Billing, tx: &mut TenantTx) -> Result<Vec<&'static str>, DbError> {
    let there = sqlx::query!(
        r#"select exists (select from agent where tenant_id = $1) as "agent!",
            exists (select from agent where tenant_id = $1 and last_seen_at is not null) as "connection!",
            exists (select from device where tenant_id = $1) as "devices!",
            billing.holding($1) as "held: Json<Holding>""#,
        tx.tenant().map(uuid::Uuid::from),
    )
    .fetch_one(&mut **tx)
    .await?;
    let held = there.held.map(|held| held.0).unwrap_or_default();
    let plan = billing.plans().entitlement(&held, tx.now()).plan() != billing.plans().default_plan();
    let all = [
        // Whoever asks is in one.
        ("organization", true),
        ("plan", plan),
        ("agent", there.agent),
        ("connection", there.connection),
        ("devices", there.devices),
    ];
    Ok(all.into_iter().filter(|(_, done)| *done).map(|(step, _)| step).collect())
}
