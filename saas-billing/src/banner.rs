//! What stands above each page of a tenant that has not paid.

use saas_core::{
    DbError, Standing, TenantDb,
    pages::{Banner, BannerLink},
};
use sqlx::query_scalar;
use uuid::Uuid;

use crate::{Access, BillingWrite};

/// How many of those who may pay are named.
const NAMED: i64 = 3;

/// What stands above each page of a tenant that has not paid: what happens when, and for whoever may pay where to; others are told whom to ask.
pub(crate) async fn banner(access: Access, standing: &Standing, db: &TenantDb) -> Result<Option<Banner>, DbError> {
    let (text, asking, kind, until) = match access {
        // Whoever is suspended gets no page but the one where one pays, which says so itself.
        Access::Active | Access::Suspended => return Ok(None),
        Access::Grace { until } => ("billing-banner-grace", "billing-banner-grace-ask", "warn", Some(until)),
        Access::SoftLocked => ("billing-banner-locked", "billing-banner-locked-ask", "bad", None),
    };
    if standing.may::<BillingWrite>() {
        let link = BannerLink { href: "/billing", text: "billing-banner-pay" };
        return Ok(Some(Banner { text, kind, until, who: None, link: Some(link) }));
    }
    let who = owners(db).await?;
    let text = if who.is_empty() { text } else { asking };
    Ok(Some(Banner { text, kind, until, who: Some(who.join(", ")), link: None }))
}

/// The names of those who own the tenant of the request.
async fn owners(db: &TenantDb) -> Result<Vec<String>, DbError> {
    let mut tx = db.begin().await?;
    let names = query_scalar!(
        "select name from core.member where tenant_id = $1 and role = 'owner' and left_at is null order by name, user_id limit $2",
        tx.tenant().map(Uuid::from),
        NAMED,
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(names)
}
