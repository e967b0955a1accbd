//! Products and prices at Stripe, as the catalogue has them.

use std::collections::HashMap;

use futures_util::TryStreamExt as _;
use stripe_product::{
    Price,
    price::{CreatePrice, CreatePriceRecurring, CreatePriceRecurringInterval, ListPrice, UpdatePrice},
    product::{CreateProduct, RetrieveProduct},
};

use super::{CatalogueChanges, PAGE, PLAN, StripeGateway, is_missing, keyed, price_key};
use crate::{GatewayError, IdempotencyKey, Interval, Money, Plan, Plans};

/// A price never changes at Stripe: another amount is another price, which takes over the name by which it is found, and the old one is sold no
/// longer. Whoever pays it goes on paying it.
pub(super) async fn put(gateway: &StripeGateway, plans: &Plans) -> Result<CatalogueChanges, GatewayError> {
    let mut changes = CatalogueChanges::default();
    for plan in plans.iter().filter(|plan| !plan.prices().is_empty()) {
        let product = product_put(gateway, plan, &mut changes).await?;
        let held = ListPrice::new().product(product.as_str()).active(true).limit(PAGE);
        let mut held: Vec<Price> = held.paginate().stream(&gateway.0).try_collect().await?;
        let sold = if plan.is_retired() { &[][..] } else { plan.prices() };
        for (interval, amount) in sold {
            let key = price_key(plan.name(), *interval, amount.currency());
            match held.iter().position(|price| is(price, &key, *interval, *amount)) {
                Some(place) => drop(held.swap_remove(place)),
                None => {
                    let before = held.iter().find(|price| price.lookup_key.as_deref() == Some(&key)).map(|price| price.id.as_str());
                    price_make(gateway, plan, &product, (*interval, *amount), before).await?;
                    changes.made.push(format!("{key} {amount}"));
                }
            }
        }
        // What is left is sold no longer. What somebody made there by hand is theirs.
        for price in held.iter().filter(|price| price.metadata.contains_key(PLAN)) {
            let asked = UpdatePrice::new(price.id.as_str()).active(false);
            keyed(&asked, &IdempotencyKey::of("price-retire", &price.id))?.send(&gateway.0.insisting()).await?;
            changes.retired.push(price.id.to_string());
        }
    }
    Ok(changes)
}

/// The product of a plan. What it is called there can be changed there, and is left so.
async fn product_put(gateway: &StripeGateway, plan: &Plan, changes: &mut CatalogueChanges) -> Result<String, GatewayError> {
    let id = format!("saas-{}", plan.name());
    match RetrieveProduct::new(id.as_str()).send(&gateway.0).await {
        Ok(_) => return Ok(id),
        Err(error) if is_missing(&error) => {}
        Err(error) => return Err(error),
    }
    let mut name = plan.name().to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let asked = CreateProduct::new(name).id(id.as_str()).metadata(noted(plan));
    keyed(&asked, &IdempotencyKey::of("product", plan.name()))?.send(&gateway.0.insisting()).await?;
    changes.made.push(id.clone());
    Ok(id)
}

async fn price_make(
    gateway: &StripeGateway,
    plan: &Plan,
    product: &str,
    (interval, amount): (Interval, Money),
    before: Option<&str>,
) -> Result<(), GatewayError> {
    let key = price_key(plan.name(), interval, amount.currency());
    let Ok(currency) = amount.currency().code().parse::<stripe_types::Currency>();
    let each = match interval {
        Interval::Month => CreatePriceRecurringInterval::Month,
        Interval::Year => CreatePriceRecurringInterval::Year,
    };
    let asked = CreatePrice::new(currency)
        .product(product)
        .unit_amount(amount.minor())
        .recurring(CreatePriceRecurring::new(each))
        .lookup_key(key.as_str())
        .transfer_lookup_key(true)
        .metadata(noted(plan));
    // An amount may come back that was there before: what it follows on makes it another write.
    let subject = format!("{key}:{}:{}", amount.minor(), before.unwrap_or("first"));
    keyed(&asked, &IdempotencyKey::of("price", subject))?.send(&gateway.0.insisting()).await?;
    Ok(())
}

fn noted(plan: &Plan) -> HashMap<String, String> {
    HashMap::from([(PLAN.to_owned(), plan.name().to_owned())])
}

fn is(price: &Price, key: &str, interval: Interval, amount: Money) -> bool {
    let each = price.recurring.as_ref().map(|recurring| (recurring.interval.as_str(), recurring.interval_count));
    price.lookup_key.as_deref() == Some(key)
        && price.unit_amount == Some(amount.minor())
        && price.currency.to_string() == amount.currency().code()
        && each == Some((interval.as_str(), 1))
}
