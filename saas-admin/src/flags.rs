use std::process::ExitCode;

use saas_core::{Actor, Clock, Db, Flag, FlagOwner, Flags, SystemTx, TenantId, init_logs};
use saas_tenancy::{flag_set_system_in, flags_of_in};
use serde_json::{Value, json};

use crate::{
    Error, Product,
    arguments::{Arguments, FlagState, FlagsCommand},
    config::Config,
    development,
    output::say,
};

/// Switches of organizations, for operators.
pub(crate) async fn flags(product: &Product, arguments: &Arguments, command: &FlagsCommand) -> Result<ExitCode, Error> {
    let config = Config::load(arguments)?;
    init_logs(config.log_format, "warn");
    let (database, _started) = development::database(product, &config).await?;
    let db = Db::connect(&database, product.migrations, Clock::system()).await?;
    let mut tx = db.system("an operator looks after the switches of an organization").begin().await?;
    let text = match command {
        FlagsCommand::List { tenant, options } => {
            let set = match tenant {
                Some(tenant) => Some(tenant_in(&mut tx, tenant).await?.1),
                None => None,
            };
            let listed: Vec<_> = product.flags.iter().map(|flag| shown(*flag, set.as_ref())).collect();
            if options.json { json!({ "flags": listed }).to_string() } else { in_words(product.flags, set.as_ref()) }
        }
        FlagsCommand::Set { name, state, tenant, reason, options } => {
            let flag = product.flags.iter().copied().find(|flag| flag.name() == name).ok_or_else(|| Error::NoFlag(name.clone()))?;
            let id = tenant_in(&mut tx, tenant).await?.0;
            let on = match state {
                FlagState::On => Some(true),
                FlagState::Off => Some(false),
                FlagState::Default => None,
            };
            let changed = flag_set_system_in(&mut tx, (id, Actor::System), flag, on, reason).await?;
            match (options.json, changed) {
                (true, changed) => json!({ "changed": changed }).to_string(),
                (false, true) => format!("{name} is {} from the next request on", on.map_or("as the product has it", word)),
                (false, false) => format!("{name} is so already"),
            }
        }
    };
    tx.commit().await?;
    db.close().await;
    say(&text).map(|()| ExitCode::SUCCESS).map_err(Error::io("standard output"))
}

const fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

async fn tenant_in(tx: &mut SystemTx, named: &str) -> Result<(TenantId, Flags), Error> {
    flags_of_in(tx, named).await?.ok_or_else(|| Error::NoTenant(named.to_owned()))
}

fn shown(flag: Flag, set: Option<&Flags>) -> Value {
    json!({
        "name": flag.name(), "owner": flag.owner(), "default": flag.default(), "on": set.map(|set| set.is_on(flag)),
        "set": set.and_then(|set| set.set(flag)),
    })
}

fn in_words(flags: &[Flag], set: Option<&Flags>) -> String {
    let line = |flag: &Flag| {
        let owner = match flag.owner() {
            FlagOwner::Organization => "organization",
            FlagOwner::Platform => "platform",
        };
        let now = match set {
            Some(set) if set.set(*flag).is_some() => word(set.is_on(*flag)).to_owned(),
            _ => format!("{} (default)", word(flag.default())),
        };
        format!("{:30}  {owner:12}  {now}", flag.name())
    };
    if flags.is_empty() { "this product has no flags".to_owned() } else { flags.iter().map(line).collect::<Vec<_>>().join("\n") }
}
