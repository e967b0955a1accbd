use std::sync::Arc;

use async_trait::async_trait;
use leaky::roles;
use saas_core::{
    Membership, Principal, SessionId, SignedIn, TenantId,
    testing::{TestApp, TestClient, TestDb, isolation::Cast},
};
use saas_tenancy::Role;

/// Those who use the product, known without signing in.
pub(crate) struct People<'a> {
    pub(crate) test: &'a TestDb,
    pub(crate) app: TestApp,
}

#[async_trait]
impl Cast for People<'_> {
    fn roles(&self) -> Vec<(&'static str, Vec<&'static str>)> {
        Role::ALL.iter().map(|role| (role.as_str(), roles().of(*role).to_vec())).collect()
    }

    fn stranger(&self) -> TestClient {
        self.app.acting(Principal::Anonymous)
    }

    async fn member(&self, tenant: TenantId, role: &'static str) -> TestClient {
        let user = self.test.user().await;
        self.test.member(tenant, user, role).await;
        let mut me = SignedIn::new(user, SessionId::new());
        me.memberships = vec![Membership::new(tenant, role)];
        self.app.acting(Principal::User(Arc::new(me))).with("x-organization", &tenant.to_string())
    }
}
