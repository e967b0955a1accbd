use std::process::ExitCode;

use saas_auth::{OperatorGrant, Operators};
use serde_json::json;

use crate::{
    Error, Product,
    arguments::{Arguments, OperatorsCommand},
    desk::Desk,
    output::{list, say},
};

/// Who runs the product. 1 if nobody has the address, if it is not confirmed, if its account has no app as a second factor, or if there is nothing
/// to take.
pub(crate) async fn operators(product: &Product, arguments: &Arguments, command: &OperatorsCommand) -> Result<ExitCode, Error> {
    let desk = Desk::open(product, arguments).await?;
    let operators = Operators::new(&desk.db, desk.outbox.clone(), desk.pages.clone());
    let said = match command {
        OperatorsCommand::List(options) => list("operators", &operators.list().await?, options.json, "nobody runs the product", in_words),
        OperatorsCommand::Grant { address, role, change } => {
            let changed = operators.grant(address, (*role).into(), &change.by, &change.reason).await?;
            say(&match (change.options.json, changed) {
                (true, changed) => json!({ "changed": changed }).to_string(),
                (false, true) => "it holds from the next request on, in sessions that have shown a second factor".to_owned(),
                (false, false) => "it is so already".to_owned(),
            })
        }
        OperatorsCommand::Revoke { address, change } => {
            operators.revoke(address, &change.by, &change.reason).await?;
            say(&if change.options.json { json!({ "changed": true }).to_string() } else { "it holds from the next request on".to_owned() })
        }
    };
    desk.db.close().await;
    said.map(|()| ExitCode::SUCCESS).map_err(Error::io("standard output"))
}

fn in_words(grant: &OperatorGrant) -> String {
    let OperatorGrant { email, role, granted_at, granted_by, reason, second_factor, .. } = grant;
    let factor = if *second_factor { "second factor" } else { "no second factor" };
    format!("{email}  {}  {factor}  since {} by {granted_by}: {reason}", role.as_str(), granted_at.format("%Y-%m-%d %H:%M UTC"))
}
