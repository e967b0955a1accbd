use std::io::{self, Write as _};

use saas_core::{Db, MasterKey, Secret, Token, init_logs, provision};

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
    if options.unseal {
        Db::unseal(owner).await?;
        return say("the database is sealed no more");
    }
    up_to_date(product, owner, database.seal.as_ref()).await?;
    say("the database is up to date")
}

/// Migrates, and seals if that is configured. A database that is sealed stays so until somebody opens it.
pub(crate) async fn up_to_date(product: &Product, owner: &Secret, seal: Option<&MasterKey>) -> Result<(), Error> {
    Db::migrate_as(owner, product.migrations).await?;
    if let Some(keys) = seal {
        Db::seal(owner, keys).await?;
    }
    Ok(())
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
    let seal = if config.sealed { Some(development::master_key(config).await?) } else { None };
    up_to_date(product, &owner, seal.as_ref()).await?;
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
