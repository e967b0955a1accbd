use async_trait::async_trait;
use saas_billing::{Billing, Feature};
use saas_core::{Db, DbError, PlanFeatures, Standing};

/// What the plans of the catalogue have.
#[derive(Debug)]
pub(super) struct SoldFeatures {
    pub(super) billing: Billing,
    pub(super) db: Db,
}

#[async_trait]
impl PlanFeatures for SoldFeatures {
    async fn has(&self, standing: &Standing, feature: &'static str) -> Result<bool, DbError> {
        Ok(self.billing.entitlement_of(&self.db, standing).await?.allowed(Feature::new(feature)))
    }

    fn upgrade(&self) -> &'static str {
        "/billing"
    }
}
