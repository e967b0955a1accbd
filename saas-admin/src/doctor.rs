use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use saas_core::{Clock, ConnectError, Db, DbError, Finding, Flag, Severity, init_logs};
use saas_tenancy::flags_unknown_in;
use serde_json::json;

use crate::{
    Error, Product,
    arguments::{Arguments, DoctorOptions},
    config::Config,
    development, erasures,
};

/// Reports everything at once. 0 if nothing is dangerous, 1 if something is.
pub(crate) async fn doctor(product: &Product, arguments: &Arguments, options: &DoctorOptions) -> Result<ExitCode, Error> {
    let config = Config::load(arguments)?;
    init_logs(config.log_format, "warn");
    let (database, _started) = development::database(product, &config).await?;
    let (findings, pending) = match Db::connect(&database, product.migrations, Clock::system()).await {
        Ok(db) => {
            let (mut findings, pending) = (db.findings().await?, db.pending_migrations().await?);
            // What a migration brings cannot be asked about before it.
            if pending == 0 {
                findings.extend(unread_flags(&db, product.flags).await?);
                findings.extend(erasures::findings(&config, &db).await?);
            }
            (findings, pending)
        }
        Err(ConnectError::Dangerous(findings)) => (findings, 0),
        Err(error) => return Err(error.into()),
    };
    report(&findings, pending, options.json).map_err(Error::io("standard output"))?;
    let is_dangerous = pending > 0 || findings.iter().any(|finding| finding.severity == Severity::Danger);
    Ok(if is_dangerous { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn unread_flags(db: &Db, known: &[Flag]) -> Result<Vec<Finding>, DbError> {
    let mut tx = db.system("the doctor looks for switches that nobody reads").begin().await?;
    let finding = |name| Finding {
        rule: "flag-unknown",
        severity: Severity::Warning,
        object: name,
        message: "this flag is set for an organization, and the product has none of this name and owner; nobody reads it",
    };
    Ok(flags_unknown_in(&mut tx, known).await?.into_iter().map(finding).collect())
}

fn report(findings: &[Finding], pending: usize, as_json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if as_json {
        return writeln!(out, "{:#}", json!({ "findings": findings, "pending_migrations": pending }));
    }
    for finding in findings {
        let severity = match finding.severity {
            Severity::Danger => "danger ",
            Severity::Warning => "warning",
        };
        writeln!(out, "{severity}  {finding}")?;
    }
    if pending > 0 {
        writeln!(out, "danger   {pending} migrations are pending: run `migrate`")?;
    }
    if findings.is_empty() && pending == 0 {
        writeln!(out, "nothing to mend")?;
    }
    Ok(())
}
