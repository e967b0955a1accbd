//! A gateway whose answers wait until a test lets them go, one after the other.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use saas_billing::{
    Account, CatalogueChanges, Change, Checkout, CustomerId, Gateway, GatewayError, IdempotencyKey, MemoryGateway, Order, PlanChange,
    Plans, Portal, Preview, SubscriptionId, SubscriptionPage,
};
use saas_core::TenantId;
use tokio::sync::{Semaphore, oneshot};
use url::Url;

/// What is read is as it was when it was asked for, and arrives when it may.
#[derive(Debug, Clone)]
pub(crate) struct Gated(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    gateway: MemoryGateway,
    closed: Mutex<VecDeque<oneshot::Receiver<()>>>,
    changing: Mutex<VecDeque<oneshot::Receiver<()>>>,
    keys: Mutex<VecDeque<oneshot::Sender<()>>>,
    asked: Semaphore,
}

impl Gated {
    pub(crate) fn new(gateway: &MemoryGateway) -> Self {
        let (closed, changing, keys) = Default::default();
        Self(Arc::new(Inner { gateway: gateway.clone(), closed, changing, keys, asked: Semaphore::new(0) }))
    }

    /// One more answer waits.
    pub(crate) fn hold(&self) {
        let (key, closed) = oneshot::channel();
        self.0.closed.lock().unwrap().push_back(closed);
        self.0.keys.lock().unwrap().push_back(key);
    }

    /// One more change of a subscription waits before it happens.
    pub(crate) fn hold_change(&self) {
        let (key, closed) = oneshot::channel();
        self.0.changing.lock().unwrap().push_back(closed);
        self.0.keys.lock().unwrap().push_back(key);
    }

    /// What waits longest goes on.
    pub(crate) fn release(&self) {
        self.0.keys.lock().unwrap().pop_front().unwrap().send(()).unwrap();
    }

    /// Until so many have asked.
    pub(crate) async fn until_asked(&self, times: u32) {
        let asked = tokio::time::timeout(std::time::Duration::from_secs(60), self.0.asked.acquire_many(times)).await;
        drop(asked.expect("they ask").unwrap());
    }
}

#[async_trait]
impl Gateway for Gated {
    async fn read(&self, customer: &CustomerId) -> Result<Option<Account>, GatewayError> {
        let account = self.0.gateway.read(customer).await?;
        let closed = self.0.closed.lock().unwrap().pop_front();
        self.0.asked.add_permits(1);
        if let Some(closed) = closed {
            closed.await.unwrap();
        }
        Ok(account)
    }

    async fn subscriptions(&self, after: Option<&SubscriptionId>) -> Result<SubscriptionPage, GatewayError> {
        self.0.gateway.subscriptions(after).await
    }

    async fn customer_create(&self, tenant: TenantId, key: &IdempotencyKey) -> Result<CustomerId, GatewayError> {
        self.0.gateway.customer_create(tenant, key).await
    }

    async fn checkout_create(&self, order: &Order, key: &IdempotencyKey) -> Result<Checkout, GatewayError> {
        self.0.gateway.checkout_create(order, key).await
    }

    async fn portal_create(&self, portal: &Portal, key: &IdempotencyKey) -> Result<Url, GatewayError> {
        self.0.gateway.portal_create(portal, key).await
    }

    async fn subscription_change(&self, subscription: &SubscriptionId, change: Change, key: &IdempotencyKey) -> Result<(), GatewayError> {
        let closed = self.0.changing.lock().unwrap().pop_front();
        self.0.asked.add_permits(1);
        if let Some(closed) = closed {
            closed.await.unwrap();
        }
        self.0.gateway.subscription_change(subscription, change, key).await
    }

    async fn plan_preview(&self, change: &PlanChange) -> Result<Preview, GatewayError> {
        self.0.gateway.plan_preview(change).await
    }

    async fn plan_change(&self, change: &PlanChange, key: &IdempotencyKey) -> Result<(), GatewayError> {
        self.0.gateway.plan_change(change, key).await
    }

    async fn customer_delete(&self, customer: &CustomerId) -> Result<(), GatewayError> {
        self.0.gateway.customer_delete(customer).await
    }

    async fn catalogue_put(&self, plans: &Plans) -> Result<CatalogueChanges, GatewayError> {
        self.0.gateway.catalogue_put(plans).await
    }
}
