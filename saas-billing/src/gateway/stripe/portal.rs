//! Stripe's customer portal (<https://docs.stripe.com/customer-management>). What people may do there besides is said once in Stripe's dashboard.

use stripe_billing::billing_portal_session::{
    CreateBillingPortalSession, CreateBillingPortalSessionFlowData, CreateBillingPortalSessionFlowDataAfterCompletion,
    CreateBillingPortalSessionFlowDataAfterCompletionRedirect, CreateBillingPortalSessionFlowDataAfterCompletionType,
    CreateBillingPortalSessionFlowDataType,
};
use url::Url;

use super::{StripeGateway, Unreadable, keyed};
use crate::{GatewayError, IdempotencyKey, Portal, PortalPage};

pub(super) async fn create(gateway: &StripeGateway, portal: &Portal, key: &IdempotencyKey) -> Result<Url, GatewayError> {
    let back = portal.back_url.as_str();
    let mut asked = CreateBillingPortalSession::new().customer(portal.customer.as_str()).return_url(back);
    if portal.page == PortalPage::Card {
        let mut after =
            CreateBillingPortalSessionFlowDataAfterCompletion::new(CreateBillingPortalSessionFlowDataAfterCompletionType::Redirect);
        after.redirect = Some(CreateBillingPortalSessionFlowDataAfterCompletionRedirect::new(back));
        let mut flow = CreateBillingPortalSessionFlowData::new(CreateBillingPortalSessionFlowDataType::PaymentMethodUpdate);
        flow.after_completion = Some(after);
        asked = asked.flow_data(flow);
    }
    let made = keyed(&asked, key)?.send(&gateway.0).await?;
    Url::parse(&made.url).map_err(|_| Unreadable::refused("a portal without an address"))
}
