//! The command line that every product shares: `serve`, `migrate`, `doctor`, `audit`, `billing`, `jobs`, `events`, `mail`, `flags`,
//! `keys`, `people`, `operators`, `erasures`, `retention`.
//!
//! ```no_run
//! use saas_admin::{Product, Program};
//! use saas_core::{Problem, Routes};
//!
//! fn compose(program: &Program) -> Result<Routes, saas_admin::ComposeError> {
//!     Ok(Routes::new().get("/", async || "hello"))
//! }
//!
//! #[tokio::main]
//! async fn main() -> std::process::ExitCode {
//!     let product = Product { name: "hello", title: "Hello", migrations: &[], events: &[], pages: &[], nav: &[], plans: None, flags: &[], compose };
//!     saas_admin::run(product).await
//! }
//! ```

mod arguments;
mod audit;
mod backlog;
mod billing;
mod config;
mod desk;
mod development;
mod doctor;
mod erasures;
mod error;
mod events;
mod flags;
mod jobs;
mod keys;
mod limits;
mod live;
mod mail;
mod migrate;
mod operators;
mod output;
mod payments;
mod people;
mod product;
mod providers;
mod reports;
mod retention;
mod serve;
mod sessions;
mod suppressions;
#[cfg(feature = "testing")]
pub mod testing;
mod traces;

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{CommandFactory as _, FromArgMatches as _};

pub use config::Mode;
pub use error::{ComposeError, Error};
pub use limits::RequestLimits;
pub use product::{Product, Program};

use arguments::{Arguments, Command, MailCommand};

/// Runs a product as its arguments say, and reports what went wrong in words.
///
/// Exit codes: 0 all well; 1 the doctor found something, an audit chain is broken, or the program failed; 69 the database is away or not
/// safe to run on; 75 a message that was handed in is to be brought again; 78 the settings are wrong.
pub async fn run(product: Product) -> ExitCode {
    let matches = Arguments::command().name(product.name).about(product.title).get_matches();
    let arguments = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    let result = match &arguments.command {
        None | Some(Command::Serve) => serve::serve(&product, &arguments).await.map(|()| ExitCode::SUCCESS),
        Some(Command::Migrate(options)) => migrate::migrate(&product, &arguments, options).await.map(|()| ExitCode::SUCCESS),
        Some(Command::Doctor(options)) => doctor::doctor(&product, &arguments, options).await,
        Some(Command::Audit(command)) => audit::audit(&product, &arguments, command).await,
        Some(Command::Billing(command)) => billing::billing(&product, &arguments, command).await,
        Some(Command::Jobs(command)) => jobs::jobs(&product, &arguments, command).await,
        Some(Command::Events(command)) => events::events(&product, &arguments, command).await,
        Some(Command::Mail(MailCommand::Report(options))) => reports::report(&product, &arguments, options).await,
        Some(Command::Mail(MailCommand::Suppressions(command))) => suppressions::mail(&product, &arguments, command).await,
        Some(Command::Flags(command)) => flags::flags(&product, &arguments, command).await,
        Some(Command::Keys(command)) => keys::keys(&product, &arguments, command).await,
        Some(Command::People(command)) => people::people(&product, &arguments, command).await,
        Some(Command::Retention(command)) => retention::retention(&product, &arguments, command).await,
        Some(Command::Erasures(command)) => erasures::erasures(&product, &arguments, command).await,
        Some(Command::Operators(command)) => operators::operators(&product, &arguments, command).await,
    };
    result.unwrap_or_else(|error| {
        // Nothing is left to do if even standard error is gone.
        drop(writeln!(io::stderr(), "{}: {}", product.name, error.in_full()));
        error.exit_code()
    })
}
