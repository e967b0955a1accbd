use saas_core::{Actor, DbError, JobOptions, Lane, TenantTx, UserId, event_in, job_in};
use uuid::Uuid;

use super::{
    DAY, MOST, OrganizationExport, OrganizationExportAsked, OrganizationExportError, OrganizationExportId, OrganizationExportRead,
    pack::PackOrganization,
};
use crate::member::tenant_lock_in;

/// Has the organization's data packed, three times a day at most; what failed does not count. Whoever asks while it is being packed is given what comes of
/// that: packing takes a worker for minutes.
pub(super) async fn export_ask_in(tx: &mut TenantTx, owner: UserId) -> Result<OrganizationExportId, OrganizationExportError> {
    // Whoever asks at the same moment is counted.
    tenant_lock_in(tx).await?;
    let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
    let asked = sqlx::query!(
        r#"select count(*) as "times!", min(asked_at) as first,
            (array_agg(id order by asked_at desc) filter (where ready_at is null))[1] as "waiting: OrganizationExportId"
        from tenancy.export where tenant_id = $1 and asked_at > $2 and failed_at is null"#,
        tenant,
        now - DAY,
    )
    .fetch_one(&mut **tx)
    .await?;
    if let Some(waiting) = asked.waiting {
        return Ok(waiting);
    }
    if let Some(first) = asked.first.filter(|_| asked.times >= MOST) {
        let until = first + DAY;
        return Err(OrganizationExportError::Often { until, wait: (until - now).to_std().unwrap_or_default() });
    }
    let id = OrganizationExportId::new();
    sqlx::query!(
        "insert into tenancy.export (tenant_id, id, asked_by, asked_at) values ($1, $2, $3, $4)",
        tenant,
        Uuid::from(id),
        Uuid::from(owner),
        now,
    )
    .execute(&mut **tx)
    .await?;
    job_in(tx, &PackOrganization { export: id.into() }, JobOptions::new().lane(Lane::Bulk)).await?;
    event_in(tx, Actor::User(owner), id, &OrganizationExportAsked {}).await?;
    Ok(id)
}

/// The archives that are there, on their way or failed, the latest first.
pub(super) async fn exports_in(tx: &mut TenantTx) -> Result<Vec<OrganizationExport>, DbError> {
    let now = tx.now();
    let exports = sqlx::query_as!(
        OrganizationExport,
        r#"select id as "id: OrganizationExportId", asked_at, ready_at, expires_at, failed_at, bytes
        from tenancy.export
        where tenant_id = $1 and (expires_at is null or expires_at > $2)
        order by asked_at desc, id desc"#,
        tx.tenant().map(Uuid::from),
        now,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(exports)
}

/// Whether an archive is there to be taken. That it was is recorded.
pub(super) async fn export_read_in(tx: &mut TenantTx, owner: UserId, id: OrganizationExportId) -> Result<(), OrganizationExportError> {
    let now = tx.now();
    let is_there = sqlx::query_scalar!(
        r#"select exists (select from tenancy.export where tenant_id = $1 and id = $2 and expires_at > $3) as "is_there!""#,
        tx.tenant().map(Uuid::from),
        Uuid::from(id),
        now,
    )
    .fetch_one(&mut **tx)
    .await?;
    if !is_there {
        return Err(OrganizationExportError::Missing);
    }
    event_in(tx, Actor::User(owner), id, &OrganizationExportRead {}).await?;
    Ok(())
}
