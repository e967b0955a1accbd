use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use crate::CustomerId;

/// What of the gateway's own pages somebody wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PortalPage {
    /// All that is paid for, with what, and the invoices.
    #[default]
    Home,
    /// The card, and back.
    Card,
}

/// Somebody who wants to see and change at the gateway what they pay with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portal {
    /// Who pays.
    pub customer: CustomerId,
    /// What they want.
    pub page: PortalPage,
    /// Where they come back to.
    pub back_url: Url,
}
