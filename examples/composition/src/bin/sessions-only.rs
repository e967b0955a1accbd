//! See `composition::sessions_only`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    saas_admin::run(composition::sessions_only::product()).await
}
