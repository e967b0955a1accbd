use std::{
    fmt,
    io::{self, Read as _},
    process::ExitCode,
};

use saas_core::{
    Clock, Db, init_logs,
    mail::{MailReport, REPORT_MAX, ReportError, Reported, SuppressionReason, Suppressions},
};
use serde_json::json;

use crate::{
    Error, Product,
    arguments::{Arguments, OutputOptions},
    config::Config,
    development,
    output::say,
};

/// Reads a message that a mail server hands in, and does what follows if it is a report that is to be believed. 0 in both cases: it is no use to bring
/// a message again, or back to whoever is written on it. Whatever fails here fails for now.
pub(crate) async fn report(product: &Product, arguments: &Arguments, options: &OutputOptions) -> Result<ExitCode, Error> {
    let taken = take(product, arguments, options.json).await;
    taken.map(|()| ExitCode::SUCCESS).map_err(|error| Error::Later(Box::new(error)))
}

async fn take(product: &Product, arguments: &Arguments, as_json: bool) -> Result<(), Error> {
    let config = Config::load(arguments)?;
    init_logs(config.log_format, "warn");
    let message = standard_input().map_err(Error::io("standard input"))?;
    let report = match MailReport::read(&message) {
        Ok(report) => report,
        Err(other) => return refuse(&other, as_json),
    };
    let (database, _started) = development::database(product, &config).await?;
    let db = Db::connect(&database, product.migrations, Clock::system()).await?;
    let suppressions = Suppressions::new(development::master_key(&config).await?);
    let mut tx = db.system("a report about a letter came back").begin().await?;
    let reported = match suppressions.report_in(&mut tx, &report).await {
        Ok(reported) => reported,
        Err(ReportError::Db(error)) => return Err(error.into()),
        Err(refused) => return refuse(&refused, as_json),
    };
    tx.commit().await?;
    db.close().await;
    let (name, words) = match reported {
        Reported::Suppressed(SuppressionReason::Bounce) => ("bounce", "there is no such mailbox: no mail goes there any more"),
        Reported::Suppressed(SuppressionReason::Complaint) => ("complaint", "its owner complained: no mail goes there any more"),
        Reported::Failed => ("failed", "the letter did not arrive; the next one may"),
        Reported::Nothing => ("nothing", "nothing follows"),
    };
    said(&if as_json { json!({ "report": name }).to_string() } else { words.to_owned() })
}

/// As much of the message as is read; the rest is taken from the mail server all the same.
fn standard_input() -> io::Result<Vec<u8>> {
    let mut from = io::stdin().lock();
    let mut message = Vec::new();
    from.by_ref().take(REPORT_MAX as u64 + 1).read_to_end(&mut message)?;
    io::copy(&mut from, &mut io::sink())?;
    Ok(message)
}

fn refuse(why: &dyn fmt::Display, as_json: bool) -> Result<(), Error> {
    tracing::warn!(reason = %why, "a message that came back was dropped");
    said(&if as_json { json!({ "report": "refused", "reason": why.to_string() }).to_string() } else { format!("dropped: {why}") })
}

fn said(text: &str) -> Result<(), Error> {
    say(text).map_err(Error::io("standard output"))
}
