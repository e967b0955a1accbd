use std::{collections::BTreeMap, io, process::ExitCode};

use saas_core::{
    Db, Expired, init_logs,
    inventory::{Retention, Table},
    sweep, sweep_due,
};
use serde_json::json;

use crate::{
    Error, Product,
    arguments::{Arguments, RetentionCommand},
    config::Config,
    development,
    output::say,
};

/// How long rows are kept (CMP-03). Looking first is the dry run.
pub(crate) async fn retention(product: &Product, arguments: &Arguments, command: &RetentionCommand) -> Result<ExitCode, Error> {
    let config = Config::load(arguments)?;
    init_logs(config.log_format, "warn");
    let (database, _started) = development::database(product, &config).await?;
    let db = Db::connect(&database, product.migrations, development::clock(&config)).await?;
    let said = match command {
        RetentionCommand::List(options) => {
            let due = sweep_due(&db.system("see what was kept long enough")).await?;
            listed(&db.inventory(), &due, options.json)
        }
        RetentionCommand::Apply(options) => {
            let swept = sweep(&db.system("an operator deletes what was kept long enough")).await?;
            applied(&swept, options.json)
        }
    };
    db.close().await;
    said.map(|()| ExitCode::SUCCESS).map_err(Error::io("standard output"))
}

fn listed(inventory: &[Table], due: &[Expired], as_json: bool) -> io::Result<()> {
    let due: BTreeMap<_, _> = due.iter().map(|expired| (expired.table, expired.rows)).collect();
    if as_json {
        let tables: Vec<_> = inventory
            .iter()
            .map(|table| json!({ "table": table.name, "retention": table.retention, "due": due.get(table.name) }))
            .collect();
        return say(&json!({ "tables": tables }).to_string());
    }
    for table in inventory {
        let (name, rows) = (table.name, due.get(table.name).copied().unwrap_or_default());
        say(&match table.retention {
            Retention::Days { days, when } => format!("{name:<34} {rows:>9} due  {days} days, then where {when}"),
            Retention::Lasting => format!("{name:<34}                 as long as whom they belong to"),
            Retention::Rule { rule } => format!("{name:<34}                 {rule}"),
        })?;
    }
    Ok(())
}

fn applied(swept: &[Expired], as_json: bool) -> io::Result<()> {
    if as_json {
        return say(&json!({ "deleted": swept }).to_string());
    }
    for Expired { table, rows } in swept.iter().filter(|expired| expired.rows > 0) {
        say(&format!("{table:<34} {rows:>9} deleted"))?;
    }
    let rows: u64 = swept.iter().map(|expired| expired.rows).sum();
    say(&format!("{rows} rows of {} tables were deleted", swept.len()))
}
