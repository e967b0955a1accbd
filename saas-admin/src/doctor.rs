use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use saas_core::{Clock, ConnectError, Db, Finding, Severity, init_logs};
use serde_json::json;

use crate::{
    Error, Product,
    arguments::{Arguments, DoctorOptions},
    config::Config,
    development,
};

/// Reports everything at once. 0 if nothing is dangerous, 1 if something is.
pub(crate) async fn doctor(product: &Product, arguments: &Arguments, options: &DoctorOptions) -> Result<ExitCode, Error> {
    let config = Config::load(arguments)?;
    init_logs(config.log_format, "warn");
    let (database, _started) = development::database(product, &config).await?;
    let (findings, pending) = match Db::connect(&database, product.migrations, Clock::system()).await {
        Ok(db) => (db.findings().await?, db.pending_migrations().await?),
        Err(ConnectError::Dangerous(findings)) => (findings, 0),
        Err(error) => return Err(error.into()),
    };
    report(&findings, pending, options.json).map_err(Error::io("standard output"))?;
    let is_dangerous = pending > 0 || findings.iter().any(|finding| finding.severity == Severity::Danger);
    Ok(if is_dangerous { ExitCode::FAILURE } else { ExitCode::SUCCESS })
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
