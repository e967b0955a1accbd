use async_trait::async_trait;
use saas_billing::Billing;
use saas_core::{DbError, Problem, TenantTx};
use saas_tenancy::Seats;

use super::SEATS;

/// How many people belong to the organization.
pub(super) async fn taken_in(tx: &mut TenantTx) -> Result<u64, DbError> {
    let members = sqlx::query_scalar!(
        r#"select count(*) as "members!" from core.member where tenant_id = $1 and left_at is null"#,
        tx.tenant().map(uuid::Uuid::from),
    );
    Ok(members.fetch_one(&mut **tx).await?.unsigned_abs())
}

/// Seats as the plan has them. What billing has written down follows the members, of whom some leave without telling it.
#[derive(Debug)]
pub(super) struct PlanSeats(pub(super) Billing);

#[async_trait]
impl Seats for PlanSeats {
    async fn take_in(&self, tx: &mut TenantTx, taken: u32) -> Result<(), Problem> {
        let known = u32::try_from(self.0.usage_in(tx, SEATS).await?.used).unwrap_or(u32::MAX);
        if known > taken {
            self.0.release_in(tx, SEATS, known - taken).await?;
        }
        self.0.reserve_in(tx, SEATS, taken - known.min(taken) + 1).await?;
        Ok(())
    }
}
