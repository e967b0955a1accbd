use std::process::ExitCode;

use saas_core::{Clock, Db, DeadEvent, Relay, RelayState, ReplayError, init_logs};
use serde_json::json;

use crate::{
    Error, Product,
    arguments::{Arguments, EventsCommand},
    config::Config,
    development,
    output::{list, replayed, say},
};

/// Events that the relay gave up, for operators. 1 if one is asked for that does not exist.
pub(crate) async fn events(product: &Product, arguments: &Arguments, command: &EventsCommand) -> Result<ExitCode, Error> {
    let config = Config::load(arguments)?;
    init_logs(config.log_format, "warn");
    let (database, _started) = development::database(product, &config).await?;
    let db = Db::connect(&database, product.migrations, Clock::system()).await?;
    let relay = Relay::new(&db);
    let said = match command {
        EventsCommand::Stats(options) => say(&stats(relay.state().await?, options.json)),
        EventsCommand::Dead { limit, options } => list("dead", &relay.dead(*limit).await?, options.json, "no event was given up", in_words),
        EventsCommand::Replay { id, options, .. } => match (id, relay.replay(*id).await?) {
            (Some(_), 0) => return Err(ReplayError::Unknown.into()),
            (_, number) => replayed(number, options.json),
        },
    };
    db.close().await;
    said.map(|()| ExitCode::SUCCESS).map_err(Error::io("standard output"))
}

fn stats(state: RelayState, as_json: bool) -> String {
    if as_json {
        return json!(state).to_string();
    }
    format!("waiting    {} (the oldest for {:.0} s)\ndead       {}", state.waiting, state.lag_seconds, state.dead)
}

fn in_words(event: &DeadEvent) -> String {
    let tenant = event.ledger.tenant().map_or_else(|| "none".to_owned(), |tenant| tenant.to_string());
    format!(
        "{}  {}\n  tenant    {tenant}\n  taken by  {}\n  given up  {} after {} attempts\n  error     {}",
        event.id,
        event.name,
        event.taken.join(", "),
        event.dead_at,
        event.attempts,
        event.error
    )
}
