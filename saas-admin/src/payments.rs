//! Where the product takes money.
//!
//! | setting | what |
//! |---|---|
//! | `STRIPE_SECRET_KEY` (`stripe.secret_key`) | Stripe's key; a restricted one is enough |
//! | `STRIPE_WEBHOOK_SECRETS` (`stripe.webhook_secrets`) | what Stripe signs events with; two, separated by a comma, while one takes the other's place |
//! | `STRIPE_API_URL` (`stripe.api_url`) | where Stripe is, if it is something that speaks as Stripe does |
//!
//! Stripe is told to send `customer.*`, `checkout.session.*` and `invoice.*` to `/api/v1/billing/webhook`. Without a key, development starts a
//! stand-in (feature `dev-stripe`), and in production nothing can be bought.

#[cfg(feature = "dev-stripe")]
use saas_billing::DevStripe;
use saas_billing::{Mode, Payments};
use saas_core::{Db, Dependencies, Secret, Settings};
use url::Url;

use crate::{Error, Product, config::Config};

/// What is configured of Stripe.
#[derive(Debug)]
pub(crate) struct StripeSettings {
    key: Secret,
    secrets: Vec<Secret>,
    api: Option<Url>,
}

impl StripeSettings {
    /// None without a key. A key without a secret is refused: anybody could say that they have paid.
    pub(crate) fn read(settings: &mut Settings) -> Option<Self> {
        let key: Option<Secret> = settings.optional("stripe.secret_key", "STRIPE_SECRET_KEY");
        let secrets: Vec<Secret> = settings.list("stripe.webhook_secrets", "STRIPE_WEBHOOK_SECRETS");
        let api = settings.optional("stripe.api_url", "STRIPE_API_URL");
        let Some(key) = key else {
            if !secrets.is_empty() {
                settings.refuse("STRIPE_WEBHOOK_SECRETS is set, and STRIPE_SECRET_KEY is not: what Stripe tells could not be looked up");
            }
            return None;
        };
        if secrets.is_empty() {
            settings.refuse("STRIPE_WEBHOOK_SECRETS is not set: without a secret anybody could say that they have paid");
        }
        if cfg!(not(feature = "stripe")) {
            settings.refuse("STRIPE_SECRET_KEY is set, and this program was built without Stripe (feature stripe)");
        }
        Some(Self { key, secrets, api })
    }

    /// By what its key says of itself.
    fn mode(&self) -> Mode {
        if self.key.expose().split('_').nth(1) == Some("live") { Mode::Live } else { Mode::Test }
    }

    #[cfg(feature = "stripe")]
    pub(crate) fn gateway(&self) -> Result<saas_billing::StripeGateway, Error> {
        let api = self.api.clone().unwrap_or_else(saas_billing::StripeGateway::api);
        saas_billing::StripeGateway::new(&self.key, &api).map_err(|error| Error::Payments(error.into()))
    }

    #[cfg(feature = "stripe")]
    fn payments(&self, db: &Db, dependencies: &Dependencies) -> Result<Payments, Error> {
        Ok(Payments::new(db, self.gateway()?.shown_in(dependencies), self.secrets.iter().cloned(), self.mode())?)
    }

    /// The settings were refused before anybody came here.
    #[cfg(not(feature = "stripe"))]
    fn payments(&self, _: &Db, _: &Dependencies) -> Result<Payments, Error> {
        let Self { api: _, secrets: _, .. } = self;
        tracing::error!(mode = ?self.mode(), "this program was built without Stripe");
        Err(saas_billing::NoSecret.into())
    }
}

/// How money is taken, and what must be kept for as long as it is.
pub(crate) struct Started {
    pub(crate) payments: Option<Payments>,
    pub(crate) stand_in: StandIn,
}

/// What stands in for Stripe, if something does.
#[cfg(feature = "dev-stripe")]
pub(crate) type StandIn = Option<DevStripe>;
#[cfg(not(feature = "dev-stripe"))]
pub(crate) type StandIn = ();

/// Where the clock of development is moved.
#[cfg(feature = "dev-stripe")]
pub(crate) fn clock_page(stand_in: &StandIn) -> Option<Url> {
    stand_in.as_ref().map(DevStripe::clock_page)
}

/// This program was built without it.
#[cfg(not(feature = "dev-stripe"))]
pub(crate) fn clock_page((): &StandIn) -> Option<Url> {
    None
}

/// Stripe as it is configured; in development, without that, the stand-in.
pub(crate) async fn start(
    product: &Product,
    config: &Config,
    db: &Db,
    dependencies: &Dependencies,
    public_url: &Url,
) -> Result<Started, Error> {
    match &config.stripe {
        Some(stripe) => Ok(Started { payments: Some(stripe.payments(db, dependencies)?), stand_in: StandIn::default() }),
        None => stand_in(product, config, db, dependencies, public_url).await,
    }
}

/// It knows its customers from one run to the next, as the database does, and sells what the product sells before anybody asks.
#[cfg(feature = "dev-stripe")]
async fn stand_in(product: &Product, config: &Config, db: &Db, dependencies: &Dependencies, public_url: &Url) -> Result<Started, Error> {
    use saas_billing::{Gateway as _, StripeGateway};

    let Some(plans) = product.plans.filter(|_| config.is_development() && crate::development::is_here(public_url)) else {
        return Ok(Started { payments: None, stand_in: None });
    };
    let books = std::path::PathBuf::from(crate::development::FOLDER).join("stripe.json");
    let stripe = DevStripe::open(db.clock().clone(), &books).await.map_err(Error::io("the stand-in for Stripe"))?;
    let gateway = StripeGateway::new(&Secret::new(DevStripe::KEY), stripe.url()).map_err(|error| Error::Payments(error.into()))?;
    let plans = plans()?;
    gateway.catalogue_put(&plans).await?;
    stripe.retry_after(&plans.dunning_rules().retry_days);
    let secret = stripe.hook(&format!("{}api/v1/billing/webhook", public_url.as_str()));
    let payments = Payments::new(db, gateway.shown_in(dependencies), [secret], Mode::Test)?;
    Ok(Started { payments: Some(payments), stand_in: Some(stripe) })
}

/// This program was built without it.
#[cfg(not(feature = "dev-stripe"))]
async fn stand_in(_: &Product, _: &Config, _: &Db, _: &Dependencies, _: &Url) -> Result<Started, Error> {
    Ok(Started { payments: None, stand_in: () })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from(environment: &[(&str, &str)]) -> Result<Option<StripeSettings>, String> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut settings = Settings::new(None, environment).unwrap();
        let read = StripeSettings::read(&mut settings);
        settings.finish().map(|()| read).map_err(|error| error.to_string())
    }

    /// S11: a key without a secret is no configuration, and nor is a secret without a key.
    #[test]
    fn a_key_and_a_secret_come_together() {
        assert!(read_from(&[]).unwrap().is_none());
        let key = ("STRIPE_SECRET_KEY", "rk_live_1");
        for wrong in [&[key][..], &[key, ("STRIPE_WEBHOOK_SECRETS", "")], &[("STRIPE_WEBHOOK_SECRETS", "whsec_1")]] {
            let error = read_from(wrong).unwrap_err();
            assert!(error.contains("STRIPE_WEBHOOK_SECRETS"), "{error}");
        }
    }

    #[cfg(feature = "stripe")]
    #[test]
    fn a_key_says_whether_real_money_moves() {
        for (key, mode) in [("sk_live_1", Mode::Live), ("rk_live_1", Mode::Live), ("sk_test_live", Mode::Test)] {
            let read = read_from(&[("STRIPE_SECRET_KEY", key), ("STRIPE_WEBHOOK_SECRETS", "whsec_1, whsec_2")]).unwrap().unwrap();
            assert_eq!((read.mode(), read.secrets.len()), (mode, 2), "{key}");
        }
    }
}
