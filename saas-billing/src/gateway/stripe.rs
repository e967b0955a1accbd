//! Stripe as the gateway. The requests and answers are those of the `async-stripe` crates; the way there is our own (`stripe/transport.rs`), because
//! their client forgets when Stripe asks to come back, makes a connection for each request, and repeats writes under keys of its own if it is let.

mod account;
mod catalogue;
mod plan;
mod portal;
mod transport;

use std::{collections::HashMap, fmt, time::Duration};

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use saas_core::{Dependencies, Dependency, Secret, TenantId};
use stripe_billing::{
    invoice::ListInvoice,
    subscription::{CancelSubscription, ListSubscription, ListSubscriptionStatus, UpdateSubscription},
};
use stripe_checkout::{
    CheckoutSessionMode, CheckoutSessionStatus,
    checkout_session::{
        CreateCheckoutSession, CreateCheckoutSessionLineItems, CreateCheckoutSessionSubscriptionData, ExpireCheckoutSession,
        ListCheckoutSession,
    },
};
use stripe_client_core::{CustomizableStripeRequest, RequestStrategy, StripeRequest};
use stripe_core::customer::{CreateCustomer, DeleteCustomer, RetrieveCustomer, RetrieveCustomerReturned};
use stripe_product::price::ListPrice;
use url::Url;

use super::{
    Account, CatalogueChanges, Change, Checkout, Gateway, GatewayError, IdempotencyKey, Order, PlanChange, Portal, Preview,
    SubscriptionPage, price_key,
};
use crate::{Currency, CustomerId, Interval, Plans, SubscriptionId};
use transport::{Transport, Unreadable, is_missing};

/// How many of a list are asked for at once: as many as there may be.
const PAGE: i64 = 100;

/// The name, in what Stripe keeps for us, of the tenant that a customer is.
const TENANT: &str = "saas_tenant";
/// The same of the plan that a price or a subscription is for.
const PLAN: &str = "saas_plan";

/// Takes money through Stripe, or through what speaks as Stripe does. Cheap to clone.
///
/// ```
/// use saas_billing::StripeGateway;
/// use saas_core::Secret;
///
/// let key = Secret::new("rk_test_a_restricted_key_is_enough");
/// let gateway = StripeGateway::new(&key, &StripeGateway::api())?;
/// # Ok::<(), saas_billing::StripeConfigError>(())
/// ```
///
/// While Stripe is away, it is not asked ([`GatewayError::Interrupted`]), and the status page says so; in the background it is asked whether it is back. No
/// answer, half of one and a failure of Stripe's own (5xx) count for that; where writes fail, that reads are answered does not count against it. A card that is declined, what is refused, and what is to come later
/// (429, or two at once with one object) are answers of something that works.
///
/// A restricted key needs to write customers, products, prices, checkout sessions, portal sessions and subscriptions, and to read invoices. The
/// portal is set up once in Stripe's dashboard.
#[derive(Clone)]
pub struct StripeGateway(Transport);

/// What people notice of it is that they can buy nothing. Asking it may take twenty seconds, so it is left alone for longer than others.
const STRIPE: Dependency =
    Dependency::new("payments").shown_as("billing-status-payments").pauses(Duration::from_secs(2), Duration::from_secs(60));

/// With these settings Stripe cannot be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StripeConfigError {
    /// A key is `sk_…` or `rk_…`.
    #[error("this is no secret key of Stripe: one begins with sk_ or rk_")]
    Key,
    /// The key would travel readable.
    #[error("Stripe is asked over https; over plain http only what is on this machine")]
    Address,
    /// The client cannot be set up.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
}

impl StripeGateway {
    /// Where Stripe is.
    ///
    /// # Panics
    ///
    /// Never: the address is a constant.
    #[must_use]
    pub fn api() -> Url {
        Url::parse("https://api.stripe.com/").unwrap_or_else(|_| unreachable!("it is an address"))
    }

    /// Asks whoever is at `api` with this key.
    ///
    /// # Errors
    ///
    /// Fails if the key is none, or the address would show it to others.
    pub fn new(key: &Secret, api: &Url) -> Result<Self, StripeConfigError> {
        Transport::new(key, api, transport::PATIENCE).map(Self)
    }

    /// The same, with this long for each request.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn within(key: &Secret, api: &Url, patience: Duration) -> Result<Self, StripeConfigError> {
        Transport::new(key, api, patience).map(Self)
    }

    /// Tells these whether Stripe is away.
    #[must_use]
    pub fn shown_in(self, dependencies: &Dependencies) -> Self {
        Self(self.0.behind(dependencies.breaker(STRIPE)))
    }

    /// The price that is paid now for what is ordered.
    async fn price_of(&self, plan: &str, interval: Interval, currency: Currency) -> Result<String, GatewayError> {
        let key = price_key(plan, interval, currency);
        let found = ListPrice::new().active(true).lookup_keys(vec![key.clone()]).send(&self.0).await?;
        let price = found.data.first().ok_or_else(|| GatewayError::Refused(Box::new(NoPrice(key))))?;
        Ok(price.id.to_string())
    }

    /// Closes the pages that a customer left, so that nobody with two tabs pays twice.
    async fn close_older(&self, customer: &CustomerId, newest: &stripe_checkout::CheckoutSession) -> Result<(), GatewayError> {
        let open = ListCheckoutSession::new().customer(customer.as_str()).status(CheckoutSessionStatus::Open).limit(PAGE);
        let open: Vec<_> = open.paginate().stream(&self.0).try_collect().await?;
        let is_older = |it: &stripe_checkout::CheckoutSession| (it.created, it.id.as_str()) < (newest.created, newest.id.as_str());
        for left in open.into_iter().filter(is_older) {
            let asked = keyed(&ExpireCheckoutSession::new(left.id.as_str()), &IdempotencyKey::of("checkout-close", &left.id))?;
            match asked.send(&self.0.insisting()).await {
                // Whoever paid there meanwhile has paid.
                Ok(_) | Err(GatewayError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// A write under a key of ours.
fn keyed<R: StripeRequest>(asked: &R, key: &IdempotencyKey) -> Result<CustomizableStripeRequest<R::Output>, GatewayError> {
    let key = stripe_client_core::IdempotencyKey::new(key.as_str()).map_err(|error| GatewayError::Refused(Box::new(error)))?;
    Ok(asked.customize().request_strategy(RequestStrategy::Idempotent(key)))
}

/// What is deleted, or was before.
fn over<T>(deleted: Result<T, GatewayError>) -> Result<(), GatewayError> {
    match deleted {
        Err(error) if !is_missing(&error) => Err(error),
        _ => Ok(()),
    }
}

/// What is ordered has no price at Stripe.
#[derive(Debug, thiserror::Error)]
#[error("Stripe has no price {0}: `billing sync` makes it")]
struct NoPrice(String);

#[async_trait]
impl Gateway for StripeGateway {
    async fn read(&self, customer: &CustomerId) -> Result<Option<Account>, GatewayError> {
        let held = match RetrieveCustomer::new(customer.as_str()).send(&self.0).await {
            Ok(RetrieveCustomerReturned::Customer(held)) => held,
            Ok(RetrieveCustomerReturned::DeletedCustomer(_)) => return Ok(Some(Account { is_deleted: true, ..Account::default() })),
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let tenant = held.metadata.as_ref().and_then(|noted| noted.get(TENANT)?.parse().ok());
        let subscriptions = ListSubscription::new().customer(customer.as_str()).status(ListSubscriptionStatus::All).limit(PAGE);
        let invoices = ListInvoice::new().customer(customer.as_str()).limit(PAGE);
        let (subscriptions, invoices) = tokio::try_join!(
            subscriptions.paginate().stream(&self.0).try_collect::<Vec<_>>(),
            invoices.paginate().stream(&self.0).try_collect::<Vec<_>>(),
        )?;
        Ok(Some(account::of(tenant, &subscriptions, &invoices)))
    }

    async fn subscriptions(&self, after: Option<&SubscriptionId>) -> Result<SubscriptionPage, GatewayError> {
        // Those that are canceled are listed only where they are asked for.
        let mut asked = ListSubscription::new().limit(PAGE);
        if let Some(after) = after {
            asked = asked.starting_after(after.as_str());
        }
        let page = asked.send(&self.0).await?;
        let listed: Vec<_> = page.data.iter().map(account::listed).collect();
        let next = listed.last().filter(|_| page.has_more).map(|last| last.id.clone());
        Ok(SubscriptionPage { listed, next })
    }

    async fn customer_create(&self, tenant: TenantId, key: &IdempotencyKey) -> Result<CustomerId, GatewayError> {
        let asked = CreateCustomer::new().metadata(HashMap::from([(TENANT.to_owned(), tenant.to_string())]));
        let made = keyed(&asked, key)?.send(&self.0).await?;
        Ok(CustomerId::new(made.id.as_str()))
    }

    async fn checkout_create(&self, order: &Order, key: &IdempotencyKey) -> Result<Checkout, GatewayError> {
        let line = CreateCheckoutSessionLineItems {
            price: Some(self.price_of(&order.plan, order.interval, order.currency).await?),
            quantity: Some(order.quantity.into()),
            ..CreateCheckoutSessionLineItems::new()
        };
        let data = CreateCheckoutSessionSubscriptionData {
            metadata: Some(HashMap::from([(PLAN.to_owned(), order.plan.clone())])),
            trial_period_days: Some(order.trial_days).filter(|days| *days > 0),
            ..CreateCheckoutSessionSubscriptionData::new()
        };
        let asked = CreateCheckoutSession::new()
            .mode(CheckoutSessionMode::Subscription)
            .customer(order.customer.as_str())
            .line_items(vec![line])
            .subscription_data(data)
            .success_url(order.paid_url.as_str())
            .cancel_url(order.back_url.as_str());
        let made = keyed(&asked, key)?.send(&self.0).await?;
        self.close_older(&order.customer, &made).await?;
        let url =
            made.url.as_deref().and_then(|url| Url::parse(url).ok()).ok_or_else(|| Unreadable::refused("a page without an address"))?;
        Ok(Checkout { id: made.id.to_string(), url })
    }

    async fn portal_create(&self, portal: &Portal, key: &IdempotencyKey) -> Result<Url, GatewayError> {
        portal::create(self, portal, key).await
    }

    async fn subscription_change(&self, subscription: &SubscriptionId, change: Change, key: &IdempotencyKey) -> Result<(), GatewayError> {
        if change == Change::End {
            // Invoices that are open are not tried again (https://docs.stripe.com/api/subscriptions/cancel). A deletion has no key, and needs none.
            return over(CancelSubscription::new(subscription.as_str()).send(&self.0).await);
        }
        let asked = UpdateSubscription::new(subscription.as_str()).cancel_at_period_end(change == Change::Cancel);
        keyed(&asked, key)?.send(&self.0).await?;
        Ok(())
    }

    async fn plan_preview(&self, change: &PlanChange) -> Result<Preview, GatewayError> {
        plan::preview(self, change).await
    }

    async fn plan_change(&self, change: &PlanChange, key: &IdempotencyKey) -> Result<(), GatewayError> {
        plan::change(self, change, key).await
    }

    /// Stripe ends the customer's subscriptions with it, and keeps invoices and payments (<https://docs.stripe.com/api/customers/delete>); what it is to
    /// redact of those, its dashboard is asked for.
    async fn customer_delete(&self, customer: &CustomerId) -> Result<(), GatewayError> {
        over(DeleteCustomer::new(customer.as_str()).send(&self.0).await)
    }

    async fn catalogue_put(&self, plans: &Plans) -> Result<CatalogueChanges, GatewayError> {
        catalogue::put(self, plans).await
    }
}

impl fmt::Debug for StripeGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeGateway").field("api", &self.0.api().as_str()).finish_non_exhaustive()
    }
}
