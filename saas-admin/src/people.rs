use std::process::ExitCode;

use saas_auth::{EndedSessions, SessionEnder};
use saas_core::{Clock, Db, init_logs, mail::Outbox};
use serde_json::json;

use crate::{
    Error, Product,
    arguments::{Arguments, PeopleCommand},
    config::Config,
    development,
    output::say,
    serve,
};

/// What people are signed in with, for operators. 1 if nobody has the address.
pub(crate) async fn people(product: &Product, arguments: &Arguments, command: &PeopleCommand) -> Result<ExitCode, Error> {
    let config = Config::load(arguments)?;
    init_logs(config.log_format, "warn");
    if !product.migrations.iter().any(|set| set.name == saas_auth::MIGRATIONS.name) {
        return Err(Error::Absent("people who sign in"));
    }
    let (database, _started) = development::database(product, &config).await?;
    let db = Db::connect(&database, product.migrations, Clock::system()).await?;
    let (pages, master_key) = (serve::pages(product, config.is_development())?, development::master_key(&config).await?);
    let public_url = config.public_url.clone().map_or_else(|| serve::local_url(config.listen), Ok)?;
    let ender = SessionEnder::new(&db, Outbox::new(pages.clone(), master_key, public_url), pages);
    let PeopleCommand::EndSessions { address, all: _, reason, options } = command;
    let ended = match address {
        Some(address) => ender.of_person(address, reason).await?.ok_or(Error::NoAccount)?,
        None => ender.of_all(reason).await?,
    };
    db.close().await;
    let text = if options.json { json!(ended).to_string() } else { in_words(&ended) };
    say(&text).map(|()| ExitCode::SUCCESS).map_err(Error::io("standard output"))
}

fn in_words(ended: &EndedSessions) -> String {
    let EndedSessions { people, sessions, programs, .. } = ended;
    if *people == 0 {
        "there was nothing to end".to_owned()
    } else {
        format!("people {people}, sessions {sessions}, programs {programs}: ended")
    }
}
