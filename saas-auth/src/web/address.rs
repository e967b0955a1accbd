use saas_core::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    Email,
    refused::{self, Refused},
};

/// The address to which a link is wanted.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Address {
    /// The address of the account.
    email: String,
}

impl Address {
    pub(super) fn check(&self) -> Result<Email, Refused> {
        refused::email(&self.email).map_err(|refusal| Refused::of("email", refusal))
    }

    /// As it was entered.
    pub(super) fn text(&self) -> &str {
        &self.email
    }
}

impl Validate for Address {}
