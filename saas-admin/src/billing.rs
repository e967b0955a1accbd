//! What is sold, at the payment gateway.

use std::process::ExitCode;

use saas_billing::CatalogueChanges;
use saas_core::init_logs;
use serde_json::json;

use crate::{
    Error, Product,
    arguments::{Arguments, BillingCommand},
    config::Config,
    output::say,
};

/// Needs the gateway's key, and no database.
pub(crate) async fn billing(product: &Product, arguments: &Arguments, command: &BillingCommand) -> Result<ExitCode, Error> {
    let BillingCommand::Sync(options) = command;
    let config = Config::load_for_migration(arguments)?;
    init_logs(config.log_format, "warn");
    let changes = sync(product, &config).await?;
    let text = if options.json { json!(changes).to_string() } else { in_words(&changes) };
    say(&text).map(|()| ExitCode::SUCCESS).map_err(Error::io("standard output"))
}

#[cfg(feature = "stripe")]
async fn sync(product: &Product, config: &Config) -> Result<CatalogueChanges, Error> {
    use saas_billing::Gateway as _;

    let plans = product.plans.ok_or(Error::Absent("plans"))?()?;
    let stripe = config.stripe.as_ref().ok_or(Error::Absent("key of Stripe (STRIPE_SECRET_KEY)"))?;
    Ok(stripe.gateway()?.catalogue_put(&plans).await?)
}

/// This program was built without Stripe.
#[cfg(not(feature = "stripe"))]
async fn sync(_: &Product, _: &Config) -> Result<CatalogueChanges, Error> {
    Err(Error::Absent("payment gateway: it was built without Stripe"))
}

fn in_words(changes: &CatalogueChanges) -> String {
    let made = changes.made.iter().map(|it| format!("sold now      {it}"));
    let retired = changes.retired.iter().map(|it| format!("sold no more  {it}"));
    let lines: Vec<_> = made.chain(retired).collect();
    if lines.is_empty() { "all is as the plans say".to_owned() } else { lines.join("\n") }
}
