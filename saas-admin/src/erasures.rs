use std::{io, process::ExitCode};

use saas_core::{
    Db, Dependencies, Erased, ErasedReport, Erasures, ErasuresError, Finding, Lifecycle, MasterKey, Metrics, Severity, init_logs,
};
use serde_json::json;

use crate::{
    Error, Product, Program,
    arguments::{Arguments, ErasuresCommand},
    config::Config,
    development,
    output::{list, say},
    serve,
};

/// What says so where somebody looks.
const RETURNED: &str = "people and organizations were erased after this state of the database: run `erasures apply`";

/// People and organizations that were erased and came back with an older state of the database. 1 if somebody could not be erased again.
///
/// All of the product is put together and nothing of it is started: what is kept outside of the database goes as it did the first time.
pub(crate) async fn erasures(product: &Product, arguments: &Arguments, command: &ErasuresCommand) -> Result<ExitCode, Error> {
    let config = Config::load(arguments)?;
    init_logs(config.log_format, "warn");
    let (database, _started) = development::database(product, &config).await?;
    let db = Db::connect(&database, product.migrations, development::clock(&config)).await?;
    let (said, code) = match command {
        ErasuresCommand::Apply(options) => {
            let public_url = config.public_url.clone().map_or_else(|| serve::local_url(config.listen), Ok)?;
            let (lifecycle, metrics) = (Lifecycle::new(), Metrics::new());
            let dependencies = Dependencies::new(db.clock().clone(), &metrics);
            let parts = serve::build(product, &config, &db, public_url, lifecycle.clone(), metrics, dependencies).await?;
            serve::assemble(product, &parts.program, parts.development, config.trusted_proxies.clone())?;
            let report = parts.program.erasures.erase_again(&db.system("erase again after a restore")).await?;
            lifecycle.drain();
            let code = if report.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
            (said(&report, options.json), code)
        }
        ErasuresCommand::List(options) => {
            let returned = looked_at(&config)?.returned(&db.system("look for the erased")).await?;
            let said = list("returned", &returned, options.json, "nobody who was erased is here", Erased::to_string);
            (said, ExitCode::SUCCESS)
        }
        ErasuresCommand::Keep(options) => {
            let kept = of(&config).await?.keep(&db.system("list the erased")).await?;
            (say(&if options.json { json!({ "kept": kept }).to_string() } else { format!("{kept} added to the list") }), ExitCode::SUCCESS)
        }
    };
    db.close().await;
    said.map(|()| code).map_err(Error::io("standard output"))
}

/// The list as the settings say where it is.
async fn of(config: &Config) -> Result<Erasures, Error> {
    Ok(Erasures::new(development::checkpoints(config)?, &development::master_key(config).await?))
}

/// The same to look at alone, which needs no key and makes none.
fn looked_at(config: &Config) -> Result<Erasures, Error> {
    Ok(Erasures::new(development::checkpoints(config)?, &MasterKey::generate()))
}

fn said(report: &ErasedReport, as_json: bool) -> io::Result<()> {
    if as_json {
        return say(&json!(report).to_string());
    }
    say(&format!("people {}, organizations {}: erased again", report.people, report.tenants))?;
    for owner in &report.owners {
        say(&format!(
            "owner    {owner}: nothing personal is left, but an organization has no other owner; give it one and run this again"
        ))?;
    }
    for foreign in &report.foreign {
        say(&format!("foreign  {foreign}: this entry of the list is signed with none of the keys in SAAS_MASTER_KEY; nothing was done"))?;
    }
    for (erased, error) in &report.failed {
        say(&format!("FAILED   {erased}: {error}"))?;
    }
    Ok(())
}

/// Says in the log if somebody is here who was erased. It erases nobody by itself: a dump may be put back because an erasure was a mistake.
pub(crate) fn look_for_returned(program: &Program) {
    let (erasures, db) = (program.erasures.clone(), program.db.clone());
    tokio::spawn(async move {
        match erasures.returned(&db.system("look for the erased")).await {
            Ok(returned) if returned.is_empty() => {}
            Ok(returned) => tracing::error!(returned = returned.len(), "{RETURNED}"),
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "whether somebody is here who was erased is not known"),
        }
    });
}

/// The same for the doctor. A store that is away is no danger of the database.
pub(crate) async fn findings(config: &Config, db: &Db) -> Result<Vec<Finding>, Error> {
    Ok(match looked_at(config)?.returned(&db.system("look for the erased")).await {
        Ok(returned) => returned
            .iter()
            .map(|erased| Finding { rule: "erased-returned", severity: Severity::Danger, object: erased.to_string(), message: RETURNED })
            .collect(),
        Err(ErasuresError::Database(error)) => return Err(error.into()),
        Err(error) => vec![Finding {
            rule: "erased-unknown",
            severity: Severity::Warning,
            object: error.to_string(),
            message: "whether somebody is here who was erased is not known",
        }],
    })
}
