//! The card and the invoices at the gateway, on a page of its own: we never see a card.

use axum::extract::State;
use saas_core::{Can, Form, Html, Json, Origin, Page, Problem, ProblemType, Routes, TenantDb, Validate, event_in};
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;
use utoipa::ToSchema;

use super::{Till, buy::next_key};
use crate::{BillingWrite, Portal, PortalOpened, PortalPage, mirror::customer_at_gateway};

pub(super) fn routes() -> Routes<Till> {
    Routes::new()
        .post("/billing/portal", submit)
        .post(["/api/v1/billing/portal-session", "/api/billing/portal-session", "/api/billing/portal"], open)
        .about("Says where to send a browser whose person wants to see and change what they pay with.")
}

/// What somebody wants to see.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct PortalWish {
    /// All of it, or the card alone.
    page: PortalPage,
}

impl Validate for PortalWish {}

/// Where the browser is to be sent.
#[derive(Debug, Serialize, ToSchema)]
struct PortalShown {
    /// The page, for a short time.
    url: String,
}

impl Till {
    /// Of whoever paid for something once: there is nothing to see of anybody else.
    async fn portal(&self, can: &Can<BillingWrite>, db: &TenantDb, origin: Origin, page: PortalPage) -> Result<Url, Problem> {
        let (mirror, system, tenant) = (self.mirror()?, self.system(origin), can.standing().tenant);
        let customer = customer_at_gateway(&system, tenant).await?;
        let customer =
            customer.ok_or_else(|| Problem::new(&ProblemType::CONFLICT).detail("The organization has never paid for anything."))?;
        let back = self.public_url.join(&format!("/billing/return?organization={tenant}&from=portal")).map_err(Problem::internal)?;
        let portal = Portal { customer, page, back_url: back };
        let url = mirror.gateway().portal_create(&portal, &next_key(&system, "portal", &portal.customer).await?).await?;
        let mut tx = db.begin().await?;
        event_in(&mut tx, can.actor(), &portal.customer, &PortalOpened { page }).await?;
        tx.commit().await?;
        Ok(url)
    }
}

async fn submit(
    can: Can<BillingWrite>,
    db: TenantDb,
    State(till): State<Till>,
    origin: Origin,
    page: Page,
    Form(wanted): Form<PortalWish>,
) -> Result<Html, Problem> {
    let url = till.portal(&can, &db, origin, wanted.page).await?;
    page.render("billing/leave.html", json!({ "url": url.as_str() }))
}

async fn open(
    can: Can<BillingWrite>,
    db: TenantDb,
    State(till): State<Till>,
    origin: Origin,
    Json(wanted): Json<PortalWish>,
) -> Result<Json<PortalShown>, Problem> {
    Ok(Json(PortalShown { url: till.portal(&can, &db, origin, wanted.page).await?.into() }))
}
