use std::io::{self, Write as _};

use saas_core::{Db, Secret, Token, init_logs, provision};

use crate::{
    Error, Product,
    arguments::{Arguments, MigrateOptions},
    config::Config,
    development,
};

pub(crate) async fn migrate(product: &Product, arguments: &Arguments, options: &MigrateOptions) -> Result<(), Error> {
    let config = Config::load_for_migration(arguments)?;
    init_logs(config.log_format, &config.log_filter);
    if options.provision {
        return provision_and_migrate(product, &config).await;
    }
    let (database, _started) = development::database(product, &config).await?;
    let owner = database.owner.as_ref().ok_or(saas_core::MigrateError::NoOwner)?;
    Db::migrate_as(owner, product.migrations).await?;
    say("the database is up to date")
}

/// Makes the logins with new passwords and prints their addresses: the one time that anybody sees them.
async fn provision_and_migrate(product: &Product, config: &Config) -> Result<(), Error> {
    let (owner, _started) = match &config.owner_url {
        Some(owner) => (owner.clone(), None),
        None => {
            let (database, started) = development::database(product, config).await?;
            (database.owner.ok_or(saas_core::MigrateError::NoOwner)?, started)
        }
    };
    Db::migrate_as(&owner, product.migrations).await?;
    let logins = provision(&owner, |_| Secret::new(Token::generate().text().expose())).await?;
    say(&format!(
        "the database is up to date; its logins have new passwords:\n\nDATABASE_APP_URL={}\nDATABASE_SYSTEM_URL={}",
        logins.app.expose(),
        logins.system.expose()
    ))
}

fn say(text: &str) -> Result<(), Error> {
    writeln!(io::stdout(), "{text}").map_err(Error::io("standard output"))
}
