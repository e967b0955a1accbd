use std::process::ExitCode;

use saas_auth::{EndedSessions, SessionEnder};
use serde_json::json;

use crate::{
    Error, Product,
    arguments::{Arguments, PeopleCommand},
    desk::Desk,
    output::say,
};

/// What people are signed in with, for operators. 1 if nobody has the address.
pub(crate) async fn people(product: &Product, arguments: &Arguments, command: &PeopleCommand) -> Result<ExitCode, Error> {
    let desk = Desk::open(product, arguments).await?;
    let ender = SessionEnder::new(&desk.db, desk.outbox.clone(), desk.pages.clone());
    let PeopleCommand::EndSessions { address, all: _, reason, options } = command;
    let ended = match address {
        Some(address) => ender.of_person(address, reason).await?.ok_or(Error::NoAccount)?,
        None => ender.of_all(reason).await?,
    };
    desk.db.close().await;
    let text = if options.json { json!(ended).to_string() } else { in_words(&ended) };
    say(&text).map(|()| ExitCode::SUCCESS).map_err(Error::io("standard output"))
}

fn in_words(ended: &EndedSessions) -> String {
    let EndedSessions { people, sessions, programs, .. } = ended;
    if *people == 0 {
        "there was nothing to end".to_owned()
    } else {
        format!("people {people}, sessions {sessions}, programs {programs}: ended")
    }
}
