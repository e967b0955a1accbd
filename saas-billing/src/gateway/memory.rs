mod proration;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use saas_core::TenantId;
use url::Url;

use super::{
    Account, CatalogueChanges, Change, Checkout, Gateway, GatewayError, IdempotencyKey, ListedSubscription, Order, PlanChange, Portal,
    Preview, SubscriptionPage, price_key,
};
use crate::{CustomerId, Invoice, Plans, Subscription, SubscriptionId, SubscriptionState};

/// How many subscriptions a page of the list has: few, so that there are pages.
const PAGE: usize = 10;

/// A gateway in memory, for tests: whoever has it says what was paid. Clones share what they know.
#[derive(Debug, Clone, Default)]
pub struct MemoryGateway(Arc<Mutex<Books>>);

#[derive(Debug, Default)]
struct Books {
    accounts: BTreeMap<CustomerId, Account>,
    orders: BTreeMap<String, Order>,
    portals: BTreeMap<Url, Portal>,
    /// What is sold: the price's key and amount.
    sold: BTreeSet<(String, i64)>,
    answers: BTreeMap<IdempotencyKey, (String, Answer)>,
    failures: VecDeque<Failure>,
    /// The next plan that somebody changes to cannot be charged.
    declines: bool,
    reads: BTreeMap<CustomerId, u32>,
    slowness: Duration,
}

#[derive(Debug, Clone)]
enum Answer {
    Customer(CustomerId),
    Checkout(Checkout),
    Portal(Url),
    Changed,
    Broken,
}

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    Away(Option<Duration>),
    /// As Stripe keeps what it said under a key, also that it failed.
    Broken,
    Refused,
}

/// What a gateway in memory says when it was told to fail.
#[derive(Debug, thiserror::Error)]
#[error("it was told to")]
struct Told;

/// What it says when there is nothing of what is asked for.
#[derive(Debug, thiserror::Error)]
#[error("there is no {0}")]
struct Nothing(String);

impl MemoryGateway {
    /// One with no customers, that sells nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One with no customers, that sells these plans.
    #[must_use]
    pub fn selling(plans: &Plans) -> Self {
        let it = Self::default();
        it.books().sold = sold(plans);
        it
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A customer that somebody else made, or has another state now.
    pub fn account_set(&self, customer: &CustomerId, account: Account) {
        self.books().accounts.insert(customer.clone(), account);
    }

    /// A subscription is so from now on.
    pub fn subscription_set(&self, customer: &CustomerId, subscription: Subscription) {
        let mut books = self.books();
        let held = &mut books.accounts.entry(customer.clone()).or_default().subscriptions;
        held.retain(|other| other.id != subscription.id);
        held.push(subscription);
    }

    /// An invoice is so from now on.
    pub fn invoice_set(&self, customer: &CustomerId, invoice: Invoice) {
        let mut books = self.books();
        let held = &mut books.accounts.entry(customer.clone()).or_default().invoices;
        held.retain(|other| other.id != invoice.id);
        held.push(invoice);
    }

    /// The next request is not answered, and says when to come back.
    pub fn away_once(&self, retry_after: Option<Duration>) {
        self.books().failures.push_back(Failure::Away(retry_after));
    }

    /// The next request fails; a write under this key always will.
    pub fn break_once(&self) {
        self.books().failures.push_back(Failure::Broken);
    }

    /// The next request is refused.
    pub fn refuse_once(&self) {
        self.books().failures.push_back(Failure::Refused);
    }

    /// What the next change of a plan costs cannot be charged.
    pub fn decline_once(&self) {
        self.books().declines = true;
    }

    /// Each read takes so long from now on.
    pub fn slow(&self, by: Duration) {
        self.books().slowness = by;
    }

    /// How often a customer was read.
    #[must_use]
    pub fn reads(&self, customer: &CustomerId) -> u32 {
        self.books().reads.get(customer).copied().unwrap_or_default()
    }

    /// How many customers there are.
    #[must_use]
    pub fn customers(&self) -> usize {
        self.books().accounts.len()
    }

    /// What was ordered on a page.
    #[must_use]
    pub fn order(&self, checkout: &Checkout) -> Option<Order> {
        self.books().orders.get(&checkout.id).cloned()
    }

    /// What somebody wanted to see on a page.
    #[must_use]
    pub fn portal(&self, url: &Url) -> Option<Portal> {
        self.books().portals.get(url).cloned()
    }

    fn written<T>(
        &self,
        key: &IdempotencyKey,
        asked: String,
        of: impl FnOnce(&Answer) -> Option<T>,
        write: impl FnOnce(&mut Books) -> Result<Answer, Nothing>,
    ) -> Result<T, GatewayError> {
        let mut books = self.books();
        if books.failures.front() == Some(&Failure::Broken) {
            books.answers.insert(key.clone(), (asked.clone(), Answer::Broken));
        }
        books.fails()?;
        let answer = match books.answers.get(key) {
            Some((_, Answer::Broken)) => return Err(GatewayError::KeySpent(Box::new(Told))),
            Some((before, answer)) if *before == asked => answer.clone(),
            Some(_) => return Err(GatewayError::KeyReused),
            None => {
                let answer = write(&mut books).map_err(|nothing| GatewayError::Refused(Box::new(nothing)))?;
                books.answers.insert(key.clone(), (asked, answer.clone()));
                answer
            }
        };
        // The same request has the same kind of answer.
        of(&answer).ok_or(GatewayError::KeyReused)
    }
}

impl Books {
    fn fails(&mut self) -> Result<(), GatewayError> {
        match self.failures.pop_front() {
            None => Ok(()),
            Some(Failure::Broken) => Err(GatewayError::Away { retry_after: None, source: Box::new(Told) }),
            Some(Failure::Away(retry_after)) => Err(GatewayError::Away { retry_after, source: Box::new(Told) }),
            Some(Failure::Refused) => Err(GatewayError::Refused(Box::new(Told))),
        }
    }
}

#[async_trait]
impl Gateway for MemoryGateway {
    async fn read(&self, customer: &CustomerId) -> Result<Option<Account>, GatewayError> {
        let slowness = {
            let mut books = self.books();
            *books.reads.entry(customer.clone()).or_default() += 1;
            books.fails()?;
            books.slowness
        };
        let account = self.books().accounts.get(customer).cloned();
        // What is read is as it was when it was asked for, however long the answer takes.
        tokio::time::sleep(slowness).await;
        Ok(account)
    }

    async fn subscriptions(&self, after: Option<&SubscriptionId>) -> Result<SubscriptionPage, GatewayError> {
        let mut books = self.books();
        books.fails()?;
        let held = books.accounts.iter().flat_map(|(customer, account)| account.subscriptions.iter().map(move |held| (customer, held)));
        let held = held.filter(|(_, held)| held.state != SubscriptionState::Canceled && after.is_none_or(|after| held.id > *after));
        let mut listed: Vec<_> = held
            .map(|(customer, held)| ListedSubscription {
                customer: customer.clone(),
                id: held.id.clone(),
                subscription: Some(held.clone()),
            })
            .collect();
        listed.sort_by(|one, other| one.id.cmp(&other.id));
        let has_more = listed.len() > PAGE;
        listed.truncate(PAGE);
        let next = listed.last().filter(|_| has_more).map(|last| last.id.clone());
        Ok(SubscriptionPage { listed, next })
    }

    async fn customer_create(&self, tenant: TenantId, key: &IdempotencyKey) -> Result<CustomerId, GatewayError> {
        let make = |books: &mut Books| {
            let id = CustomerId::new(format!("cus_{}", books.accounts.len() + 1));
            books.accounts.insert(id.clone(), Account { tenant: Some(tenant), ..Account::default() });
            Ok(Answer::Customer(id))
        };
        let of = |answer: &Answer| if let Answer::Customer(id) = answer { Some(id.clone()) } else { None };
        self.written(key, format!("customer {tenant}"), of, make)
    }

    async fn checkout_create(&self, order: &Order, key: &IdempotencyKey) -> Result<Checkout, GatewayError> {
        let url = |id: &str| {
            let mut url = order.back_url.clone();
            url.set_path(&format!("/checkout/{id}"));
            url
        };
        let make = |books: &mut Books| {
            if books.accounts.get(&order.customer).is_none_or(|account| account.is_deleted) {
                return Err(Nothing(order.customer.to_string()));
            }
            let price = price_key(&order.plan, order.interval, order.currency);
            if !books.sold.iter().any(|(key, _)| *key == price) {
                return Err(Nothing(price));
            }
            let id = format!("cs_{}", books.orders.len() + 1);
            books.orders.insert(id.clone(), order.clone());
            Ok(Answer::Checkout(Checkout { url: url(&id), id }))
        };
        let of = |answer: &Answer| if let Answer::Checkout(checkout) = answer { Some(checkout.clone()) } else { None };
        self.written(key, format!("{order:?}"), of, make)
    }

    async fn portal_create(&self, portal: &Portal, key: &IdempotencyKey) -> Result<Url, GatewayError> {
        let make = |books: &mut Books| {
            if books.accounts.get(&portal.customer).is_none_or(|account| account.is_deleted) {
                return Err(Nothing(portal.customer.to_string()));
            }
            let mut url = portal.back_url.clone();
            url.set_query(None);
            url.set_path(&format!("/portal/{}", books.portals.len() + 1));
            books.portals.insert(url.clone(), portal.clone());
            Ok(Answer::Portal(url))
        };
        let of = |answer: &Answer| if let Answer::Portal(url) = answer { Some(url.clone()) } else { None };
        self.written(key, format!("{portal:?}"), of, make)
    }

    async fn subscription_change(&self, subscription: &SubscriptionId, change: Change, key: &IdempotencyKey) -> Result<(), GatewayError> {
        let make = |books: &mut Books| {
            let held = books.accounts.values_mut().flat_map(|account| &mut account.subscriptions);
            let held = held.into_iter().find(|held| held.id == *subscription && (change == Change::End || !held.state.is_over()));
            let held = held.ok_or_else(|| Nothing(subscription.to_string()))?;
            match change {
                Change::Cancel => held.cancel_at = Some(held.period_end),
                Change::Resume => held.cancel_at = None,
                Change::End => held.state = SubscriptionState::Canceled,
            }
            Ok(Answer::Changed)
        };
        self.written(key, format!("{subscription} {change:?}"), |_| Some(()), make)
    }

    async fn plan_preview(&self, change: &PlanChange) -> Result<Preview, GatewayError> {
        let mut books = self.books();
        books.fails()?;
        books.preview(change).map_err(|nothing| GatewayError::Refused(Box::new(nothing)))
    }

    async fn plan_change(&self, change: &PlanChange, key: &IdempotencyKey) -> Result<(), GatewayError> {
        let make = |books: &mut Books| books.plan_change(change).map(|()| Answer::Changed);
        self.written(key, format!("{change:?}"), |_| Some(()), make)
    }

    async fn customer_delete(&self, customer: &CustomerId) -> Result<(), GatewayError> {
        let mut books = self.books();
        books.fails()?;
        if let Some(account) = books.accounts.get_mut(customer) {
            *account = Account { is_deleted: true, ..Account::default() };
        }
        Ok(())
    }

    async fn catalogue_put(&self, plans: &Plans) -> Result<CatalogueChanges, GatewayError> {
        let mut books = self.books();
        books.fails()?;
        let new = sold(plans);
        let before = std::mem::replace(&mut books.sold, new.clone());
        let named = |prices: BTreeSet<&(String, i64)>| prices.into_iter().map(|(key, amount)| format!("{key} {amount}")).collect();
        Ok(CatalogueChanges { made: named(new.difference(&before).collect()), retired: named(before.difference(&new).collect()) })
    }
}

fn sold(plans: &Plans) -> BTreeSet<(String, i64)> {
    let prices = plans.sold().flat_map(|plan| plan.prices().iter().map(|(interval, price)| (plan.name(), *interval, *price)));
    prices.map(|(plan, interval, price)| (price_key(plan, interval, price.currency()), price.minor())).collect()
}
