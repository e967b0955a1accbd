use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use saas_core::{
    Clock, Db, Ledger,
    audit::{AuditChain, Checkpoint, Verification},
    init_logs,
};
use saas_tenancy::OrganizationPurged;
use serde_json::json;

use crate::{
    Error, Product,
    arguments::{Arguments, AuditCommand, VerifyOptions},
    config::Config,
    development,
    output::say,
};

pub(crate) async fn audit(product: &Product, arguments: &Arguments, command: &AuditCommand) -> Result<ExitCode, Error> {
    let config = Config::load(arguments)?;
    init_logs(config.log_format, "warn");
    let (database, _started) = development::database(product, &config).await?;
    let db = Db::connect(&database, product.migrations, Clock::system()).await?;
    let chain = AuditChain::new(&db, &development::master_key(&config).await?);
    match command {
        AuditCommand::Verify(options) => {
            let kept = AuditChain::kept(&development::checkpoints(&config)?).await?;
            verify(&chain, options, kept).await
        }
        AuditCommand::Keep => {
            let at = chain.keep(&development::checkpoints(&config)?).await?;
            say(&format!("kept {at}")).map_err(Error::io("standard output"))?;
            Ok(ExitCode::SUCCESS)
        }
        AuditCommand::Checkpoint => {
            let checkpoints = chain.checkpoints().await?;
            writeln!(io::stdout(), "{:#}", json!(checkpoints)).map_err(Error::io("standard output"))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Reports each chain. 0 if all are whole, 1 if one is not.
async fn verify(chain: &AuditChain, options: &VerifyOptions, mut checkpoints: Vec<Checkpoint>) -> Result<ExitCode, Error> {
    checkpoints.extend(options.checkpoints.as_deref().map(read).transpose()?.unwrap_or_default());
    let there: BTreeSet<_> = chain.ledgers().await?.into_iter().collect();
    // A chain that is gone altogether is known from its checkpoint alone; and if it went with its tenant, the program's own chain says so.
    let known = checkpoints.iter().map(|checkpoint| Ledger::from(checkpoint.ledger));
    let wanted = match options.tenant {
        Some(tenant) => BTreeSet::from([Ledger::Tenant(tenant)]),
        None => there.iter().copied().chain(known).collect(),
    };
    let purged = chain.resources::<OrganizationPurged>(Ledger::Platform).await?;
    let went = |ledger: &Ledger| !there.contains(ledger) && purged.contains(&ledger.id().to_string());
    let (gone, ledgers): (Vec<_>, Vec<_>) = wanted.into_iter().partition(went);
    let mut found = Vec::with_capacity(ledgers.len());
    for ledger in ledgers {
        found.push(chain.verify(ledger, &checkpoints).await?);
    }
    report(&found, &gone, options.json).map_err(Error::io("standard output"))?;
    let is_whole = found.iter().all(|verification| verification.fault.is_none());
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(file: &Path) -> Result<Vec<Checkpoint>, Error> {
    let named = || file.display().to_string();
    let text = std::fs::read(file).map_err(Error::io(named()))?;
    serde_json::from_slice(&text).map_err(|error| Error::io(named())(error.into()))
}

fn report(found: &[Verification], gone: &[Ledger], as_json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if as_json {
        return writeln!(out, "{:#}", json!({ "ledgers": found, "purged": gone.iter().map(|ledger| ledger.id()).collect::<Vec<_>>() }));
    }
    for it in found {
        let name = if it.ledger.is_nil() { "the program itself".to_owned() } else { it.ledger.to_string() };
        match it.fault {
            None => writeln!(out, "whole   {name}: {} entries, {} pruned", it.sealed, it.pruned)?,
            Some(fault) => {
                let entry = fault.entry.map(|id| format!(" (id {id})")).unwrap_or_default();
                writeln!(out, "BROKEN  {name}: entry {}{entry}: {}", fault.number, fault.kind.describe())?;
            }
        }
        if it.forgotten > 0 {
            writeln!(out, "        in {} entries the address was emptied on demand", it.forgotten)?;
        }
        if it.unsealed > 0 {
            writeln!(out, "        {} entries are not sealed yet, the oldest for {:.0} s", it.unsealed, it.unsealed_seconds)?;
        }
    }
    for ledger in gone {
        writeln!(out, "purged  {}: gone with its tenant, as the program's own chain says", ledger.id())?;
    }
    if found.is_empty() {
        writeln!(out, "there are no audit entries")?;
    }
    Ok(())
}
