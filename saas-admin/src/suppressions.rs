use std::process::ExitCode;

use saas_core::{
    Clock, Db, init_logs,
    mail::{MailCounts, Suppression, SuppressionReason, Suppressions},
};
use serde_json::json;

use crate::{
    Error, Product,
    arguments::{Arguments, SuppressReason, SuppressionsCommand},
    config::Config,
    development,
    output::{list, say},
};

/// Letters, and addresses that nothing is sent to, for operators. 1 if nothing is in the way of an address that is asked about.
pub(crate) async fn mail(product: &Product, arguments: &Arguments, command: &SuppressionsCommand) -> Result<ExitCode, Error> {
    let config = Config::load(arguments)?;
    init_logs(config.log_format, "warn");
    let (database, _started) = development::database(product, &config).await?;
    let db = Db::connect(&database, product.migrations, Clock::system()).await?;
    let suppressions = Suppressions::new(development::master_key(&config).await?);
    let mut tx = db.system("an operator looks after addresses that bounced").begin().await?;
    let said = match command {
        SuppressionsCommand::Stats(options) => say(&stats(&MailCounts::read(&db).await?, options.json)),
        SuppressionsCommand::Suppressed { limit, options } => {
            let found = Suppressions::latest_in(&mut tx, *limit).await?;
            list("suppressed", &found, options.json, "mail goes to every address", in_words)
        }
        SuppressionsCommand::Show { address, options } => match suppressions.find_in(&mut tx, address).await? {
            Some(found) if options.json => say(&json!(found).to_string()),
            Some(found) => say(&in_words(&found)),
            None => return Err(Error::NotSuppressed),
        },
        SuppressionsCommand::Suppress { address, reason, options } => {
            let reason = match reason {
                SuppressReason::Bounce => SuppressionReason::Bounce,
                SuppressReason::Complaint => SuppressionReason::Complaint,
            };
            suppressions.add_in(&mut tx, address, reason, None).await?;
            say(if options.json { "{\"suppressed\":1}" } else { "no mail goes there any more" })
        }
        SuppressionsCommand::Lift { address, options } => {
            if !suppressions.lift_in(&mut tx, address).await? {
                return Err(Error::NotSuppressed);
            }
            say(if options.json { "{\"lifted\":1}" } else { "mail goes there again" })
        }
    };
    tx.commit().await?;
    db.close().await;
    said.map(|()| ExitCode::SUCCESS).map_err(Error::io("standard output"))
}

fn stats(counts: &MailCounts, as_json: bool) -> String {
    if as_json {
        return json!(counts).to_string();
    }
    let since = counts.oldest.map(|oldest| format!(" (the oldest since {oldest})")).unwrap_or_default();
    format!(
        "open        {}{since}\nfailed      {} within a day\nsuppressed  {} within a day, at {} addresses in all",
        counts.open, counts.failed, counts.suppressed, counts.suppressed_addresses
    )
}

fn in_words(suppression: &Suppression) -> String {
    let reason = match suppression.reason {
        SuppressionReason::Bounce => "there is no such mailbox",
        SuppressionReason::Complaint => "its owner complained",
    };
    format!("{}  {reason}\n  answer    {}", suppression.since, suppression.answer.as_deref().unwrap_or("none"))
}
