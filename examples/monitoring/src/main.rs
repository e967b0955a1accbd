//! The monitoring server.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    saas_admin::run(monitoring::server::product()).await
}
