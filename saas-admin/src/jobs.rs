use std::{io, process::ExitCode};

use saas_core::{Clock, Db, DeadLetter, DeadLetters, JobStats, init_logs};
use serde_json::json;

use crate::{
    Error, Product,
    arguments::{Arguments, JobsCommand},
    config::Config,
    development,
    output::{list, replayed, say},
};

/// Dead letters, for operators. 1 if one is asked for that does not exist.
pub(crate) async fn jobs(product: &Product, arguments: &Arguments, command: &JobsCommand) -> Result<ExitCode, Error> {
    let config = Config::load(arguments)?;
    init_logs(config.log_format, "warn");
    let (database, _started) = development::database(product, &config).await?;
    let db = Db::connect(&database, product.migrations, Clock::system()).await?;
    let dead = DeadLetters::new(&db);
    let code = match command {
        JobsCommand::Stats(options) => stats(JobStats::read(&db).await?, options.json),
        JobsCommand::Dead { limit, options } => list("dead", &dead.list(*limit).await?, options.json, "no job failed for good", in_words),
        JobsCommand::Show { id, options } => match dead.show(*id).await? {
            Some((letter, payload)) if options.json => say(&json!({ "job": letter, "payload": payload }).to_string()),
            Some((letter, payload)) => say(&format!("{}\n  carries   {payload}", in_words(&letter))),
            None => return Err(saas_core::ReplayError::Unknown.into()),
        },
        JobsCommand::Replay { id, options, .. } => {
            let number = match id {
                Some(id) => dead.replay(*id).await.map(|()| 1)?,
                None => dead.replay_all().await?,
            };
            replayed(number, options.json)
        }
    };
    db.close().await;
    code.map(|()| ExitCode::SUCCESS).map_err(Error::io("standard output"))
}

fn stats(stats: JobStats, as_json: bool) -> io::Result<()> {
    if as_json {
        return say(&json!(stats).to_string());
    }
    say(&format!(
        "waiting    {} (the oldest for {} s)\nscheduled  {}\nrunning    {}\ndead       {}",
        stats.waiting, stats.oldest_waiting_s, stats.scheduled, stats.running, stats.dead
    ))
}

fn in_words(letter: &DeadLetter) -> String {
    let tenant = letter.tenant.map_or_else(|| "none".to_owned(), |tenant| tenant.to_string());
    format!(
        "{}  {}\n  tenant    {tenant}\n  enqueued  {}\n  given up  {} after {} attempts\n  error     {}",
        letter.id, letter.name, letter.enqueued_at, letter.died_at, letter.attempts, letter.error
    )
}
