//! See `composition::own_identity_provider`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    saas_admin::run(composition::own_identity_provider::product()).await
}
