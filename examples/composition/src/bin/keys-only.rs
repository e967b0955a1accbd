//! See `composition::keys_only`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    saas_admin::run(composition::keys_only::product()).await
}
