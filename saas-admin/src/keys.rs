use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use saas_auth::{Rotation, signing_key_rotate};
use saas_core::{Clock, Db, init_logs};
use serde_json::json;

use crate::{
    Error, Product,
    arguments::{Arguments, KeysCommand},
    config::Config,
    development,
};

/// Replaces keys, while the program runs or not: each node finds the new one in the database.
pub(crate) async fn keys(product: &Product, arguments: &Arguments, command: &KeysCommand) -> Result<ExitCode, Error> {
    let config = Config::load(arguments)?;
    init_logs(config.log_format, "warn");
    if !product.migrations.iter().any(|set| set.name == saas_auth::MIGRATIONS.name) {
        return Err(Error::Absent("tokens"));
    }
    let (database, _started) = development::database(product, &config).await?;
    let db = Db::connect(&database, product.migrations, Clock::system()).await?;
    let master_key = development::master_key(&config).await?;
    let KeysCommand::RotateSigning { compromised, json } = command;
    let rotation = if *compromised { Rotation::Compromised } else { Rotation::Planned };
    let new = signing_key_rotate(&db.system("an operator rotates the key that signs tokens"), &master_key, rotation).await?;
    db.close().await;
    let text = if *json { json!(new).to_string() } else { format!("{} signs from {} on", new.id, new.signs_from) };
    writeln!(io::stdout(), "{text}").map_err(Error::io("standard output"))?;
    Ok(ExitCode::SUCCESS)
}
