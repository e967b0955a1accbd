//! A product for people: they sign up, sign in and out, and look at pages. No program gets keys or tokens.

use saas_admin::{ComposeError, Product, Program};
use saas_auth::Auth;
use saas_core::{CurrentUser, Routes};

/// The product, for the command line.
#[must_use]
pub fn product() -> Product {
    Product {
        name: "sessions-only",
        title: "Sessions only",
        migrations: &[saas_auth::MIGRATIONS],
        events: &[saas_auth::EVENTS],
        pages: &[saas_auth::PAGES],
        nav: &[],
        plans: None,
        flags: &[],
        compose,
    }
}

/// Of saas-auth the pages and the API of accounts; there is no organization, so there is no tenancy, and nothing that keys or tokens are for.
///
/// # Errors
///
/// Fails if a part cannot be set up.
pub fn compose(program: &Program) -> Result<Routes, ComposeError> {
    let (outbox, pages) = (program.outbox.clone(), program.pages.clone());
    let auth = Auth::builder(&program.db, &program.master_key, outbox, pages, program.public_url.clone())
        .home("/greeting")
        .insecure_lan(program.insecure_lan)
        .session_idle(program.session_idle)
        .build()?;
    Ok(Routes::new().get("/greeting", greet).merge(auth.routes()).layer(auth.layer()))
}

async fn greet(CurrentUser(me): CurrentUser) -> String {
    format!("Hello, {}", me.name)
}
