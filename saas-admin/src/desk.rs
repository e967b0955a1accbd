use saas_core::{Clock, Db, dev::DevDatabase, init_logs, mail::Outbox, pages::Pages};

use crate::{Error, Product, arguments::Arguments, config::Config, development, serve};

/// What commands about people work with: the accounts, and what their owners are told with.
pub(crate) struct Desk {
    pub(crate) db: Db,
    pub(crate) outbox: Outbox,
    pub(crate) pages: Pages,
    _started: Option<DevDatabase>,
}

impl Desk {
    /// Fails where the product has no accounts.
    pub(crate) async fn open(product: &Product, arguments: &Arguments) -> Result<Self, Error> {
        let config = Config::load(arguments)?;
        init_logs(config.log_format, "warn");
        if !product.migrations.iter().any(|set| set.name == saas_auth::MIGRATIONS.name) {
            return Err(Error::Absent("people who sign in"));
        }
        let (database, started) = development::database(product, &config).await?;
        let db = Db::connect(&database, product.migrations, Clock::system()).await?;
        let (pages, master_key) = (serve::pages(product, config.is_development())?, development::master_key(&config).await?);
        let public_url = config.public_url.clone().map_or_else(|| serve::local_url(config.listen), Ok)?;
        Ok(Self { db, outbox: Outbox::new(pages.clone(), master_key, public_url), pages, _started: started })
    }
}
